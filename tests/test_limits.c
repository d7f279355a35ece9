#include "common/limits.h"
#include "common/netset.h"
#include "common/siphash.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct limits *make(struct limits_settings s)
{
	struct limits *l = limits_new(&s);

	cr_assert(l);
	return l;
}

Test(limits, table)
{
	static const struct {
		const char *address;
		bool is_trusted;
		enum limits_verdict verdict;
	} rows[] = {
		{ "192.0.2.1", false, LIMITS_OK },
		{ "192.0.2.1", false, LIMITS_OK },
		{ "192.0.2.1", false, LIMITS_ADDRESS },
		{ "192.0.2.1", true, LIMITS_OK },
		{ "192.0.2.2", false, LIMITS_OK },
		{ "192.0.2.3", false, LIMITS_NETWORK },
		{ "192.0.3.3", false, LIMITS_OK },
		{ "2001:db8::1", false, LIMITS_OK },
		{ "2001:db8::2", false, LIMITS_OK },
		{ "2001:db8::3", false, LIMITS_ADDRESS },
		{ "2001:db8:0:1::3", false, LIMITS_OK },
		{ "2001:db8:0:2::3", false, LIMITS_NETWORK },
		{ "2001:db8:1::3", false, LIMITS_OK },
		{ "", true, LIMITS_OK },
		{ "192.0.4.1", false, LIMITS_ALL },
		{ "192.0.4.1", true, LIMITS_ALL },
	};
	struct limits *l = make((struct limits_settings){
		.connections = 10, .per_address = 2, .per_network = 3 });
	struct limits_entry entries[16] = { 0 };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(limits_enter(l, rows[i].address, rows[i].is_trusted,
					  0, &entries[i]), rows[i].verdict,
			     "row %zu", i);
	cr_expect_eq(limits_count(l), 10);
	for (size_t i = 0; i < 16; i++)
		limits_leave(l, &entries[i]);
	cr_expect_eq(limits_count(l), 0);
	cr_expect_eq(limits_enter(l, "192.0.2.1", false, 0, &entries[0]), LIMITS_OK);
	limits_leave(l, &entries[0]);
	limits_leave(l, &entries[0]);
	cr_expect_eq(limits_count(l), 0);
	limits_free(l);
}

Test(limits, rate)
{
	struct limits *l = make((struct limits_settings){ .new_per_minute = 3 });

	for (int64_t now = 0; now < 240000; now += 60000)
		for (int i = 0; i < 5; i++) {
			struct limits_entry e = { 0 };

			cr_expect_eq(limits_enter(l, "::1", false, now + i, &e),
				     i < 3 ? LIMITS_OK : LIMITS_RATE);
			limits_leave(l, &e);
		}
	limits_free(l);
}

Test(limits, messages_a_minute)
{
	struct limits *l = make((struct limits_settings){
		.per_minute = { [LIMITS_MESSAGES] = 3 } });
	char address[32];
	unsigned taken = 0;

	for (int64_t now = 1000; now < 240000; now += 60000)
		for (int i = 0; i < 5; i++)
			cr_expect_eq(limits_spend(l, "2001:db8::1", LIMITS_MESSAGES,
						  now + i), i < 3);
	cr_expect(limits_spend(l, "2001:db8::1", LIMITS_RECIPIENTS, 240000));
	cr_expect(limits_spend(l, "", LIMITS_MESSAGES, 240000));
	/* a network has ten times that, whoever of it comes */
	for (int i = 0; i < 20; i++)
		for (int n = 0; n < 3; n++) {
			snprintf(address, sizeof address, "192.0.2.%d", i);
			taken += limits_spend(l, address, LIMITS_MESSAGES, 5000);
		}
	cr_expect_eq(taken, 30u);
	cr_expect(limits_spend(l, "192.0.3.1", LIMITS_MESSAGES, 5000));
	cr_expect(limits_spend(l, "192.0.2.19", LIMITS_MESSAGES, 65000));
	limits_free(l);
}

/* Many addresses: the table grows, forgets those that are gone, and counts on. */
Test(limits, many_addresses)
{
	struct limits *l = make((struct limits_settings){ .per_address = 1 });
	static struct limits_entry kept[1000];
	char address[32];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(address, sizeof address, "10.0.%u.%u", i / 250, i % 250);
		cr_expect_eq(limits_enter(l, address, false, 0, &kept[i]), LIMITS_OK);
	}
	for (unsigned i = 0; i < 200000; i++) {
		struct limits_entry e = { 0 };

		snprintf(address, sizeof address, "2001:db8:%x:%x::1", i >> 8, i & 255);
		cr_expect_eq(limits_enter(l, address, false, i, &e), LIMITS_OK);
		limits_leave(l, &e);
	}
	for (unsigned i = 0; i < 1000; i++) {
		struct limits_entry e = { 0 };

		snprintf(address, sizeof address, "10.0.%u.%u", i / 250, i % 250);
		cr_expect_eq(limits_enter(l, address, false, 200000, &e),
			     LIMITS_ADDRESS);
		limits_leave(l, &kept[i]);
	}
	cr_expect_eq(limits_count(l), 0);
	limits_free(l);
}

Test(netset, table)
{
	static const struct { const char *net, *address; bool has; } rows[] = {
		{ "127.0.0.0/8",	"127.1.2.3",		true },
		{ "127.0.0.0/8",	"128.0.0.1",		false },
		{ "127.0.0.0/8",	"::ffff:127.0.0.1",	true },
		{ "::1",		"::1",			true },
		{ "::1",		"::2",			false },
		{ "192.0.2.7",		"192.0.2.7",		true },
		{ "192.0.2.7",		"192.0.2.6",		false },
		{ "192.0.2.128/25",	"192.0.2.127",		false },
		{ "192.0.2.128/25",	"192.0.2.255",		true },
		{ "2001:db8::/33",	"2001:db8:7fff::1",	true },
		{ "2001:db8::/33",	"2001:db8:8000::1",	false },
		{ "0.0.0.0/0",		"203.0.113.9",		true },
		{ "0.0.0.0/0",		"2001:db8::1",		false },
		{ "::/0",		"203.0.113.9",		true },
		{ "::/0",		"",			false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct netset *set = netset_new();

		cr_expect_eq(netset_add(set, slice_str(rows[i].net)), ST_OK);
		cr_expect_eq(netset_has(set, rows[i].address), rows[i].has,
			     "%s in %s", rows[i].address, rows[i].net);
		netset_free(set);
	}
}

Test(netset, refused)
{
	static const char *const rows[] = { "", "/8", "127.0.0.1/33", "::1/129",
		"127.0.0.1/", "127.0.0.1/8/8", "127.1", "example.org", "1.2.3.4/-1",
		"127.0.0.1/ 8", "[::1]" };
	struct netset *set = netset_new();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(netset_add(set, slice_str(rows[i])), ST_SYNTAX, "%s",
			     rows[i]);
	cr_expect_not(netset_has(set, "127.0.0.1"));
	netset_free(set);
}

/* The vectors of the paper's appendix A. */
Test(siphash, vectors)
{
	struct siphash_key key = { UINT64_C(0x0706050403020100),
				   UINT64_C(0x0f0e0d0c0b0a0908) };
	char in[15];

	for (int i = 0; i < 15; i++)
		in[i] = (char)i;
	cr_expect_eq(siphash(&key, slice_of(in, 15)), UINT64_C(0xa129ca6149be45e5));
	cr_expect_eq(siphash(&key, slice_of(in, 0)), UINT64_C(0x726fdb47dd0e0e31));
	cr_expect_eq(siphash(&key, slice_of(in, 8)), UINT64_C(0x93f5f5799a932462));
}
