#include "mailboxd/throttle.h"

#include "mailboxd/password.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define START	INT64_C(1000000)
#define LATER	(START + 61000)	/* the careful first minute is over */
#define MINUTE	INT64_C(60000)

static int64_t fails(struct throttle *t, int64_t now, const char *address,
		     const char *account, const char *password)
{
	unsigned char tag[PASSWORD_KEY_OCTETS];
	int64_t delay;

	password_tag(slice_str(account), slice_str(password), tag);
	delay = throttle_failed(t, now, slice_str(address), slice_str(account),
				tag);
	return delay;
}

Test(throttle, ladder)
{
	static const int64_t delays[] = { 0, 0, 1000, 2000, 4000, 8000, 15000,
					  15000 };
	struct throttle *t = throttle_new(START);

	for (int i = 0; i < 8; i++) {
		char password[16];

		snprintf(password, sizeof password, "guess %d", i);
		cr_expect_eq(fails(t, LATER + i * 15000, "192.0.2.1", "ann",
				   password), delays[i], "failure %d", i);
	}
	/* a quarter of an hour later all is forgotten */
	cr_expect_eq(fails(t, LATER + 18 * MINUTE, "192.0.2.1", "ann", "x"), 0);
	throttle_free(t);
}

Test(throttle, same_wrong_password_counts_once)
{
	struct throttle *t = throttle_new(START);

	for (int i = 0; i < 50; i++)
		cr_expect_eq(fails(t, LATER + i, "192.0.2.1", "ann", "old one"), 0);
	throttle_free(t);
}

Test(throttle, addresses_and_accounts)
{
	struct throttle *t = throttle_new(START);
	char text[32];

	/* one address guesses at many accounts: the address is slowed */
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "user%d", i);
		fails(t, LATER, "192.0.2.1", text, "123456");
	}
	cr_expect_eq(throttle_delay(t, LATER, SLICE("192.0.2.1"), SLICE("new")),
		     15000);
	cr_expect_eq(throttle_delay(t, LATER, SLICE("192.0.2.2"), SLICE("user1")),
		     0);
	/* one /64 is one address */
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "2001:db8:0:1::%d", i + 1);
		fails(t, LATER, text, "ann", text);
	}
	cr_expect_eq(throttle_delay(t, LATER, SLICE("2001:db8:0:1:ffff::"),
				    SLICE("ann")), 15000);
	cr_expect_eq(throttle_delay(t, LATER, SLICE("2001:db8:0:2::1"),
				    SLICE("ann")), 0);
	throttle_free(t);
}

Test(throttle, owner_is_not_slowed_by_strangers)
{
	struct throttle *t = throttle_new(START);
	char text[32];

	throttle_good(t, LATER, SLICE("198.51.100.9"), SLICE("ann"));
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "stranger %d", i);
		fails(t, LATER + 1, "198.51.100.9", "somebody", text);
	}
	cr_expect_eq(throttle_delay(t, LATER + 2, SLICE("198.51.100.9"),
				    SLICE("ann")), 0);
	cr_expect_eq(throttle_delay(t, LATER + 2, SLICE("198.51.100.9"),
				    SLICE("somebody")), 15000);
	throttle_free(t);
}

Test(throttle, success_begins_anew)
{
	struct throttle *t = throttle_new(START);
	char text[32];

	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "guess %d", i);
		fails(t, LATER, "192.0.2.1", "ann", text);
	}
	throttle_good(t, LATER, SLICE("192.0.2.1"), SLICE("ann"));
	cr_expect_eq(fails(t, LATER + 1, "192.0.2.1", "ann", "typo"), 0);
	throttle_free(t);
}

Test(throttle, first_minute_after_a_start)
{
	struct throttle *t = throttle_new(START);

	cr_expect_eq(fails(t, START + 59000, "192.0.2.1", "ann", "a"), 1000);
	cr_expect_eq(fails(t, START + 61000, "192.0.2.1", "ann", "b"), 0);
	throttle_free(t);
}

Test(throttle, few_wait_at_once)
{
	struct throttle *t = throttle_new(START);
	unsigned char tag[PASSWORD_KEY_OCTETS];

	for (unsigned i = 0; i < THROTTLE_WAITING_MAX + 3; i++) {
		char text[16];
		int64_t delay;

		snprintf(text, sizeof text, "p%u", i);
		password_tag(SLICE("ann"), slice_str(text), tag);
		delay = throttle_failed(t, START + 1, SLICE("192.0.2.1"),
					SLICE("ann"), tag);
		if (i < THROTTLE_WAITING_MAX)
			cr_expect_gt(delay, 0, "%u", i);
		else
			cr_expect_eq(delay, -1, "%u", i);
	}
	/* a second later they have their answers, or have gone */
	password_tag(SLICE("ann"), SLICE("last"), tag);
	cr_expect_gt(throttle_failed(t, START + 15002, SLICE("192.0.2.1"),
				     SLICE("ann"), tag), 0);
	throttle_free(t);
}

static bool begins(struct throttle *t, int64_t now, struct slice address,
		   struct slice account)
{
	bool is_counted;

	return throttle_begin(t, now, address, account, &is_counted);
}

/* Guesses in parallel are no way around the delay. */
Test(throttle, few_are_looked_at_once)
{
	struct throttle *t = throttle_new(START);
	const struct slice at = SLICE("192.0.2.1"), ann = SLICE("ann");
	unsigned i;

	/* an office that begins its day is let in, all of it */
	for (i = 0; i < 50; i++)
		cr_expect(begins(t, LATER, at, ann), "%u", i);
	fails(t, LATER, "192.0.2.1", "ann", "a");
	fails(t, LATER, "192.0.2.1", "ann", "b");
	for (i = 0; i < THROTTLE_WAITING_MAX; i++)
		cr_expect(begins(t, LATER, at, ann), "%u", i);
	cr_expect_not(begins(t, LATER, at, ann));
	cr_expect_not(begins(t, LATER, at, SLICE("bob")));
	cr_expect(begins(t, LATER, SLICE("192.0.2.2"), ann));
	/* one is wrong: it waits, and keeps its place */
	throttle_end(t, at);
	cr_expect_eq(fails(t, LATER, "192.0.2.1", "ann", "c"), 1000);
	cr_expect_not(begins(t, LATER + 999, at, ann));
	cr_expect(begins(t, LATER + 1000, at, ann));
	cr_expect_not(begins(t, LATER + 1000, at, ann));
	/* who is known for the account passes */
	throttle_good(t, LATER, at, SLICE("carl"));
	cr_expect(throttle_is_known(t, LATER, at, SLICE("carl")));
	cr_expect_not(throttle_is_known(t, LATER, at, ann));
	cr_expect(begins(t, LATER + 1000, at, SLICE("carl")));
	throttle_free(t);
}

Test(throttle, table_is_bounded)
{
	struct throttle *t = throttle_new(START);
	char text[32];

	for (unsigned i = 0; i < 100000; i++) {
		snprintf(text, sizeof text, "%u.%u.%u.1", i >> 16, i >> 8 & 255,
			 i & 255);
		fails(t, LATER, text, "ann", "x");
	}
	throttle_free(t);
}
