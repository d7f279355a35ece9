/* Guessing is slow, whichever way it is tried. */
#include "common/clock.h"
#include "mailboxd/throttle.h"
#include "tests/support/login_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* The careful first minute after a start is over. */
static struct world begin_throttled(void)
{
	struct world w;

	clock_fake(1000000, INT64_C(1795000000000));
	w = login_begin_world();
	store_backend_service(w.b)->settings->throttle = true;
	clock_fake_advance(61000);
	return w;
}

static void end_throttled(struct world w)
{
	clock_real();
	login_end_world(w);
}

/* Asks for a login from an address: its status, or ST_MORE while it waits. */
static enum status try_from(struct store_link *l, const char *address,
			    const char *user, const char *password,
			    const char *service)
{
	struct buf plain = BUF_INIT(1024);
	struct ipc_message m = asking_login(&plain, user, password, service);
	struct answer *a;
	enum status st = ST_MORE;

	m.auth.address = slice_str(address);
	a = ask(l, 1, &m);
	for (size_t i = 0; i < a->count; i++)
		if (a->messages[i].type == IPC_TYPE_ERROR)
			st = (enum status)a->messages[i].error.code;
		else if (a->messages[i].type == IPC_TYPE_AUTH_OK)
			st = ST_OK;
	answer_clear(a);
	buf_free(&plain);
	return st;
}

Test(login, guesses_wait)
{
	struct world w = begin_throttled();
	struct store_link *l[8];
	struct answer *a;
	char guess[16];

	for (size_t i = 0; i < 8; i++)
		l[i] = store_link_new(w.b, SESSION_STORE);
	cr_expect_eq(try_from(l[0], "192.0.2.1", "ann", "a", "imap"), ST_DENIED);
	cr_expect_eq(try_from(l[0], "192.0.2.1", "ann", "b", "imap"), ST_DENIED);
	for (size_t i = 0; i < THROTTLE_WAITING_MAX; i++) {
		snprintf(guess, sizeof guess, "c%zu", i);
		cr_expect_eq(try_from(l[i], "192.0.2.1", "ann", guess, "imap"),
			     ST_MORE, "%zu", i);
	}
	/* more are not looked at, were they right; elsewhere they are */
	cr_expect_eq(try_from(l[4], "192.0.2.1", "ann", "secret", "imap"), ST_LIMIT);
	cr_expect_eq(try_from(l[5], "192.0.2.2", "ann", "secret", "imap"), ST_OK);
	/* nor when those who wait went away */
	store_link_free(l[1]);
	cr_expect_eq(try_from(l[4], "192.0.2.1", "ann", "secret", "imap"), ST_LIMIT);
	clock_fake_advance(1000);
	service_tick(store_backend_service(w.b));
	feed(l[0], SLICE_EMPTY, &a);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	cr_expect_eq(try_from(l[4], "192.0.2.1", "ann", "secret", "imap"), ST_OK);
	for (size_t i = 0; i < 8; i++)
		if (i != 1)
			store_link_free(l[i]);
	end_throttled(w);
}

/* A phone with an old password does its owner no harm. */
Test(login, one_wrong_password_over_and_over)
{
	struct world w = begin_throttled();

	for (int i = 0; i < 30; i++)
		cr_expect_eq(try_from(w.l, "192.0.2.1", "ann", "old", "imap"),
			     ST_DENIED);
	cr_expect_eq(try_from(w.l, "192.0.2.1", "ann", "secret", "imap"), ST_OK);
	end_throttled(w);
}

/* smtpd says that each guess comes from elsewhere: its socket has a ration. */
Test(login, a_socket_is_no_oracle)
{
	struct world w = begin_throttled();
	struct store_link *l = store_link_new(w.b, SESSION_AUTH);
	char address[32];
	unsigned tried = 0;

	cr_expect_eq(try_from(l, "198.51.100.1", "ann", "secret", "smtp"), ST_OK);
	for (; tried < 1000; tried++) {
		snprintf(address, sizeof address, "192.0.%u.%u", tried / 250,
			 tried % 250);
		if (try_from(l, address, "bob", "guess", "smtp") != ST_DENIED)
			break;
	}
	cr_expect_eq(tried, 300u);
	cr_expect_eq(try_from(l, "203.0.113.9", "bob", "geheim", "smtp"), ST_LIMIT);
	/* who is known, and the other socket, have theirs; and time helps */
	cr_expect_eq(try_from(l, "198.51.100.1", "ann", "secret", "smtp"), ST_OK);
	cr_expect_eq(try_from(w.l, "203.0.113.9", "bob", "geheim", "imap"), ST_OK);
	clock_fake_advance(100);
	cr_expect_eq(try_from(l, "203.0.113.9", "bob", "geheim", "smtp"), ST_OK);
	store_link_free(l);
	end_throttled(w);
}
