/* Passwords that come and go: what a change takes away is gone at its commit. */
#include "common/clock.h"
#include "mailboxd/password.h"
#include "tests/support/login_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* ---- at commit ------------------------------------------------------------ */

static const struct {
	const char *verb, *words;
	bool ends;
	const char *then;	/* a password that is good afterwards */
} changes[] = {
	{ "user passwd", "ann@example.test other", true, "other" },
	{ "user passwd", "ann@example.test other sessions=keep", false, "other" },
	{ "user disable", "ann@example.test", true, NULL },
	{ "user disable", "ann@example.test sessions=keep", false, NULL },
	{ "user rm", "ann@example.test", true, NULL },
	{ "user passwd", "bob@example.test other", false, "secret" },
};

/* Also what was remembered as a success is no longer one. */
Test(login, changes_take_effect_at_once)
{
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct world w = login_begin_world();
		struct answer *a = asking_log_in(w.l, "ann", "secret");
		bool is_other = changes[i].then && strcmp(changes[i].then, "secret") == 0;

		last(a, IPC_TYPE_AUTH_OK);
		answer_clear(a);
		do_control(w, changes[i].verb, changes[i].words);
		cr_expect_eq(store_link_session(w.l)->state, changes[i].ends
			     ? SESSION_DEAD : SESSION_BOUND, "%s %s",
			     changes[i].verb, changes[i].words);
		cr_expect_eq(can_log_in(w, "ann", "secret", "imap"), is_other, "%s %s",
			     changes[i].verb, changes[i].words);
		cr_expect_eq(can_log_in(w, "ann", "secret", "smtp"), is_other);
		cr_expect_eq(can_log_in(w, "ann", "secret", "pop3"), is_other);
		if (changes[i].then)
			cr_expect(can_log_in(w, "ann", changes[i].then, "imap"));
		login_end_world(w);
	}
}

static void give(struct store_link *l, uint32_t id, const struct ipc_message *m)
{
	struct buf frame = BUF_INIT(IPC_FRAME_MAX);

	cr_assert_eq(ipc_encode(&frame, id, 0, m), ST_OK);
	cr_assert_eq(store_link_give(l, buf_slice(&frame)), ST_OK);
	buf_free(&frame);
}

/* The password is changed between the look at it and the answer. */
Test(login, old_password_loses_the_race)
{
	struct world w = login_begin_world();
	struct ipc_message change = { .type = IPC_TYPE_CONTROL }, m;
	struct buf args = BUF_INIT(1024), plain = BUF_INIT(1024);
	struct answer *a;

	ipc_list_append(&args, SLICE("ann@example.test"));
	ipc_list_append(&args, SLICE("other"));
	change.control.verb = SLICE("user passwd");
	change.control.args = buf_slice(&args);
	m = asking_login(&plain, "ann", "secret", "imap");
	give(w.control, 9, &change);
	cr_assert(store_backend_step(w.b));	/* the salt; the keys are next */
	give(w.l, 1, &m);
	cr_assert(store_backend_step(w.b));	/* the keys; the writer is next */
	cr_assert(store_backend_step(w.b));	/* the login sees the old password */
	cr_assert(store_backend_step(w.b));	/* the writer commits */
	cr_expect_eq(feed(w.l, SLICE_EMPTY, &a), ST_OK);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	cr_expect_eq(store_link_session(w.l)->state, SESSION_NEW);
	cr_expect_not(can_log_in(w, "ann", "secret", "imap"));
	cr_expect(can_log_in(w, "ann", "other", "imap"));
	buf_free(&args);
	buf_free(&plain);
	login_end_world(w);
}

/* The same in the middle of SCRAM; a change elsewhere does no harm. */
Test(login, scram_loses_the_race)
{
	static const struct { const char *words; bool is_good; } rows[] = {
		{ "ann@example.test other", false },
		{ "bob@example.test other", true },
	};

	for (size_t i = 0; i < 2; i++) {
		struct world w = login_begin_world();
		struct exchange x = scram(w.l, "ann", "secret");
		struct answer *a = begin_exchange(&x);
		struct buf out = BUF_INIT(4096);

		buf_append(&x.server_first,
			   last(a, IPC_TYPE_AUTH_CHALLENGE)->auth_challenge.challenge);
		answer_clear(a);
		do_control(w, "user passwd", rows[i].words);
		cr_assert(scram_client_final(&x.client, buf_slice(&x.server_first),
					     &out));
		a = go_on(&x, buf_slice(&out));
		last(a, IPC_TYPE_AUTH_CHALLENGE);
		answer_clear(a);
		a = go_on(&x, SLICE_EMPTY);
		cr_expect_eq(a->messages[a->count - 1].type, rows[i].is_good
			     ? IPC_TYPE_AUTH_OK : IPC_TYPE_ERROR, "%s",
			     rows[i].words);
		end_exchange(&x, a);
		buf_free(&out);
		login_end_world(w);
	}
}

/* The command is killed before it has its answer: the sessions end all the same. */
Test(login, nobody_waits_for_the_change)
{
	struct world w = login_begin_world();
	struct store_link *l = store_link_new(w.b, SESSION_CONTROL);
	struct ipc_message change = { .type = IPC_TYPE_CONTROL };
	struct answer *a = asking_log_in(w.l, "ann", "secret");
	struct buf args = BUF_INIT(1024);

	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	ipc_list_append(&args, SLICE("ann@example.test"));
	change.control.verb = SLICE("user disable");
	change.control.args = buf_slice(&args);
	give(l, 9, &change);
	store_link_free(l);
	store_backend_run(w.b);
	cr_expect_eq(store_link_session(w.l)->state, SESSION_DEAD);
	cr_expect_not(can_log_in(w, "ann", "secret", "imap"));
	buf_free(&args);
	login_end_world(w);
}

/* ---- app passwords -------------------------------------------------------- */

Test(login, app_passwords)
{
	struct world w = login_begin_world();
	struct store_link *phone = store_link_new(w.b, SESSION_STORE);
	struct answer *a;
	char imap[64], smtp[64];

	add_app(w, "ann@example.test phone scopes=imap,pop3", imap);
	add_app(w, "ann@example.test printer scopes=smtp", smtp);
	cr_expect_str_neq(imap, smtp);
	cr_expect(can_log_in(w, "ann", imap, "imap"));
	cr_expect(can_log_in(w, "ann", imap, "pop3"));
	cr_expect_not(can_log_in(w, "ann", imap, "smtp"));
	cr_expect(can_log_in(w, "ann", smtp, "smtp"));
	cr_expect_not(can_log_in(w, "ann", smtp, "imap"));
	cr_expect(can_log_in(w, "ann", "secret", "imap"));
	/* one salt: SCRAM works with each, also after the own one changed */
	cr_expect(can_scram(w, "ann", imap));
	cr_expect(can_scram(w, "ann", "secret"));
	cr_expect_not(can_scram(w, "ann", smtp), "not its scope");
	do_control(w, "user passwd", "ann@example.test other");
	cr_expect(can_scram(w, "ann", imap));
	cr_expect(can_scram(w, "ann", "other"));
	cr_expect_not(can_scram(w, "ann", "secret"));
	/* it is removed: its sessions end, the others stay */
	a = asking_log_in(w.l, "ann", "other");
	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	a = asking_log_in(phone, "ann", imap);
	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	do_control(w, "password rm", "ann@example.test phone");
	cr_expect_eq(store_link_session(phone)->state, SESSION_DEAD);
	cr_expect_eq(store_link_session(w.l)->state, SESSION_BOUND);
	cr_expect_not(can_log_in(w, "ann", imap, "imap"));
	cr_expect_not(can_scram(w, "ann", imap));
	cr_expect(can_log_in(w, "ann", smtp, "smtp"));
	store_link_free(phone);
	login_end_world(w);
}

Test(login, app_passwords_expire)
{
	int64_t wall = INT64_C(1795000000000);
	struct world w;
	char password[64];

	clock_fake(1000000, wall);
	w = login_begin_world();
	add_app(w, "ann@example.test tablet expires=1h", password);
	cr_expect(can_log_in(w, "ann", password, "imap"));
	/* nor by what was remembered a moment before */
	clock_fake(4599000, wall + 3599000);
	cr_expect(can_log_in(w, "ann", password, "imap"));
	clock_fake(4600000, wall + 3600000);
	cr_expect_not(can_log_in(w, "ann", password, "imap"));
	cr_expect_not(can_scram(w, "ann", password));
	clock_real();
	login_end_world(w);
}

static const struct { const char *verb, *words; enum status status; } app_verbs[] = {
	{ "password add", "ann@example.test phone", ST_OK },
	{ "password add", "ann@example.test phone", ST_EXISTS },
	{ "password add", "zoe@example.test phone", ST_NOT_FOUND },
	{ "password add", "ann@example.test x scopes=ftp", ST_SYNTAX },
	{ "password add", "ann@example.test x scopes=", ST_SYNTAX },
	{ "password add", "ann@example.test x expires=soon", ST_SYNTAX },
	{ "password add", "ann@example.test x expires=0", ST_SYNTAX },
	{ "password list", "ann@example.test", ST_OK },
	{ "password list", "zoe@example.test", ST_NOT_FOUND },
	{ "password rm", "ann@example.test tablet", ST_NOT_FOUND },
	{ "password rm", "ann@example.test phone", ST_OK },
};

Test(login, app_password_verbs)
{
	struct world w = login_begin_world();

	for (size_t i = 0; i < sizeof app_verbs / sizeof *app_verbs; i++) {
		struct answer *a = control(w.control, app_verbs[i].verb,
					   app_verbs[i].words);
		const struct ipc_message *m = &a->messages[a->count - 1];

		cr_expect_eq(m->type == IPC_TYPE_ERROR ? (enum status)m->error.code
						       : ST_OK,
			     app_verbs[i].status, "%s %s", app_verbs[i].verb,
			     app_verbs[i].words);
		answer_clear(a);
	}
	login_end_world(w);
}

/* As many as there may be all work, and one more is refused. */
Test(login, app_passwords_are_few)
{
	struct world w = login_begin_world();
	char words[64], password[PASSWORDS_MAX - 1][64];
	struct answer *a;

	for (size_t i = 0; i < PASSWORDS_MAX - 1; i++) {
		snprintf(words, sizeof words, "ann@example.test app%zu", i);
		add_app(w, words, password[i]);
	}
	a = control(w.control, "password add", "ann@example.test another");
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_LIMIT);
	answer_clear(a);
	for (size_t i = 0; i < PASSWORDS_MAX - 1; i += 10) {
		cr_expect(can_log_in(w, "ann", password[i], "imap"), "%zu", i);
		cr_expect(can_scram(w, "ann", password[i]), "%zu", i);
	}
	cr_expect(can_log_in(w, "ann", "secret", "imap"));
	login_end_world(w);
}
