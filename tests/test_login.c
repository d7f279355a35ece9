/* Who is let in, and what it costs, as mailboxd's sessions answer it. */
#include "mailboxd/password.h"
#include "tests/support/login_world.h"

#include <criterion/criterion.h>
#include <stdio.h>

/* ---- SCRAM ---------------------------------------------------------------- */

static const struct scram_row {
	const char *name, *user, *password, *mechanism, *flag;
	const char *exporter, *end_point, *bound;
	bool is_good;
} scram_rows[] = {
	{ "right", "ann@example.test", "secret", "SCRAM-SHA-256", "n", "", "", "", true },
	{ "other case", "ANN@Example.Test", "secret", "SCRAM-SHA-256", "n", "", "", "",
	  true },
	{ "bare name", "ann", "secret", "SCRAM-SHA-256", "n", "", "", "", true },
	{ "wrong", "ann@example.test", "geheim", "SCRAM-SHA-256", "n", "", "", "", false },
	{ "unknown", "zoe@example.test", "secret", "SCRAM-SHA-256", "n", "", "", "",
	  false },
	{ "tls-exporter", "ann", "secret", "SCRAM-SHA-256-PLUS", "p=tls-exporter", "ex",
	  "end", "ex", true },
	{ "tls-server-end-point", "ann", "secret", "SCRAM-SHA-256-PLUS",
	  "p=tls-server-end-point", "", "end", "end", true },
	{ "somebody between", "ann", "secret", "SCRAM-SHA-256-PLUS", "p=tls-exporter",
	  "ex", "end", "other", false },
	{ "downgrade", "ann", "secret", "SCRAM-SHA-256", "y", "ex", "end", "", false },
	{ "no binding offered", "ann", "secret", "SCRAM-SHA-256", "y", "", "", "", true },
};

Test(login, scram)
{
	for (size_t i = 0; i < sizeof scram_rows / sizeof *scram_rows; i++) {
		const struct scram_row *row = &scram_rows[i];
		struct world w = login_begin_world();
		struct exchange x = scram(w.l, row->user, row->password);
		struct answer *a;

		x.mechanism = row->mechanism;
		x.client.flag = row->flag;
		x.client.binding = slice_str(row->bound);
		x.exporter = slice_str(row->exporter);
		x.end_point = slice_str(row->end_point);
		a = play(&x);
		cr_expect_eq(a->messages[a->count - 1].type, row->is_good
			     ? IPC_TYPE_AUTH_OK : IPC_TYPE_ERROR, "%s", row->name);
		cr_expect_eq(x.is_verified, row->is_good, "%s", row->name);
		cr_expect_eq(store_link_session(w.l)->state,
			     row->is_good ? SESSION_BOUND : SESSION_NEW);
		if (!row->is_good)
			cr_expect_eq(a->messages[a->count - 1].error.code,
				     (uint32_t)ST_DENIED, "%s", row->name);
		end_exchange(&x, a);
		login_end_world(w);
	}
}

/* The salt that a name is shown, as it is written and again. */
static void salt_of(struct store_link *l, const char *user, char out[200])
{
	struct exchange x = scram(l, user, "x");
	struct answer *a = begin_exchange(&x);
	struct slice text = last(a, IPC_TYPE_AUTH_CHALLENGE)->auth_challenge.challenge;
	size_t comma = slice_index(text, ',');
	struct ipc_message cancel = { .type = IPC_TYPE_CANCEL };

	snprintf(out, 200, "%.*s", SLICE_ARG(slice_from(text, comma)));
	end_exchange(&x, a);
	a = ask(l, x.id, &cancel);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_UNAVAILABLE);
	answer_clear(a);
}

/* A stranger's salt is as steady as an account's, under every spelling. */
Test(login, unknown_names_have_a_salt)
{
	static const char *const names[] = {
		"zoe@example.test", "zoe", "ZOE", "Zoe@EXAMPLE.test",
	};
	struct world w = login_begin_world();
	char first[200], again[200], other[200], known[200];

	salt_of(w.l, names[0], first);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		salt_of(w.l, names[i], again);
		cr_expect_str_eq(first, again, "%s", names[i]);
	}
	salt_of(w.l, "yves", other);
	cr_expect_str_neq(first, other);
	/* it looks like that of an account */
	salt_of(w.l, "ann", known);
	cr_expect_eq(strlen(first), strlen(known));
	cr_expect_str_eq(strrchr(first, ','), strrchr(known, ','));
	login_end_world(w);
}

Test(login, scram_wants_its_steps)
{
	struct world w = login_begin_world();
	struct exchange x = scram(w.l, "ann", "secret");
	struct answer *a = begin_exchange(&x);
	struct ipc_message list = { .type = IPC_TYPE_LIST };

	last(a, IPC_TYPE_AUTH_CHALLENGE);
	answer_clear(a);
	/* no request before the end */
	expect_error(w.l, &list, ST_DENIED, "");
	a = go_on(&x, SLICE("c=biws,r=x,p=AAAA"));
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	/* behind the end nothing is expected, and nothing happens */
	a = go_on(&x, SLICE("more"));
	cr_expect_eq(a->count, 0u);
	answer_clear(a);
	cr_expect_eq(store_link_session(w.l)->state, SESSION_NEW);
	/* the acknowledgement is empty */
	scram_client_clear(&x.client);
	buf_free(&x.server_first);
	login_end_world(w);
}

/* A response that nobody asked for is no mistake of a daemon of ours. */
Test(login, plain_has_one_step)
{
	struct world w = login_begin_world();
	struct ipc_message m = { .type = IPC_TYPE_AUTH_CONTINUE };
	struct buf plain = BUF_INIT(256), frames = BUF_INIT(4096);
	struct ipc_message auth = asking_login(&plain, "ann", "x", "imap");
	struct answer *a;

	m.auth_continue.response = SLICE("x");
	ipc_encode(&frames, 3, 0, &auth);
	ipc_encode(&frames, 3, 0, &m);
	cr_expect_eq(feed(w.l, buf_slice(&frames), &a), ST_SYNTAX);
	answer_clear(a);
	buf_free(&plain);
	buf_free(&frames);
	login_end_world(w);
}

/* ---- crypt(3) strings ----------------------------------------------------- */

static const struct { const char *name, *text; } crypts[] = {
	{ "yescrypt", "$y$j75$abcdefghijklmnop$IEnf9aYM3asNLMekfKE0cqP4tiSY7D/UPtLH7JVCAM4" },
	{ "bcrypt", "$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2" },
	{ "SHA-512", "$6$saltstring$Wspbkvh9VR9k.5FhrEX5QuXIhny1ZR6t1JcW7cUaNNlvGeoc"
	  "ueB2IYFN40CbfZ4cl/WePSJC5pA/G1VTFwAkU." },
};

struct lookup {
	const char *user;
	char verifier[PASSWORD_VERIFIER_MAX + 1];
	int64_t last_used;
};

static enum status look_row(void *arg, const struct store_credential *c)
{
	struct lookup *l = arg;

	snprintf(l->verifier, sizeof l->verifier, "%.*s", SLICE_ARG(c->verifier));
	l->last_used = c->last_used;
	return ST_OK;
}

static enum status look(struct tx *tx, void *arg)
{
	struct lookup *l = arg;
	struct store_account account;
	enum status st = store_account_find(tx, slice_str(l->user), &account);

	return st ? st : store_credential_list(tx, account.id, look_row, l);
}

/* Imported, it logs in by PLAIN, not by SCRAM; then it has keys, and does. */
Test(login, crypt_becomes_scram)
{
	for (size_t i = 0; i < sizeof crypts / sizeof *crypts; i++) {
		struct world w = login_begin_world();
		struct lookup at = { .user = "carl@example.test" };
		struct store_link *l = store_link_new(w.b, SESSION_STORE);
		struct exchange x = scram(w.l, "carl", "pencil");
		char words[400];
		struct answer *a;

		snprintf(words, sizeof words, "carl@example.test %s form=verifier",
			 crypts[i].text);
		a = control(w.control, "user add", words);
		last(a, IPC_TYPE_DONE);
		answer_clear(a);
		a = play(&x);
		cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
		end_exchange(&x, a);
		a = asking_log_in(w.l, "carl", "wrong");
		last(a, IPC_TYPE_ERROR);
		answer_clear(a);
		cr_assert_eq(store_backend_do(w.b, TX_READ, look, &at), ST_OK);
		cr_expect_str_eq(at.verifier, crypts[i].text);
		a = asking_log_in(w.l, "carl", "pencil");
		cr_expect_eq(a->messages[a->count - 1].type, IPC_TYPE_AUTH_OK, "%s",
			     crypts[i].name);
		answer_clear(a);
		store_backend_run(w.b);
		cr_assert_eq(store_backend_do(w.b, TX_READ, look, &at), ST_OK);
		cr_expect(slice_starts(slice_str(at.verifier),
				       SLICE("SCRAM-SHA-256$")), "%s", at.verifier);
		cr_expect_gt(at.last_used, 0);
		x = scram(l, "carl", "pencil");
		a = play(&x);
		cr_expect_eq(a->messages[a->count - 1].type, IPC_TYPE_AUTH_OK, "%s",
			     crypts[i].name);
		end_exchange(&x, a);
		store_link_free(l);
		login_end_world(w);
	}
}

/* ---- one cost ------------------------------------------------------------- */

/* Counted in rounds of PBKDF2, not in time: unknown, disabled, without any
 * password of that scope, with several, and wrong. */
Test(login, failures_cost_the_same)
{
	static const char *const names[] = {
		"ann", "bob", "carl", "dora", "zoe", "not@elsewhere.example",
	};
	struct world w = login_begin_world();
	uint64_t first = 0;
	char password[64];

	do_control(w, "user add", "carl@example.test secret");
	do_control(w, "user disable", "carl@example.test");
	do_control(w, "user add", "dora@example.test ");
	add_app(w, "bob@example.test a", password);
	add_app(w, "bob@example.test b scopes=smtp", password);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		uint64_t before = password_work();

		cr_expect_not(can_log_in(w, names[i], "wrong", "imap"));
		if (i == 0)
			first = password_work() - before;
		cr_expect_eq(password_work() - before, first, "%s", names[i]);
	}
	cr_expect_eq(first, (uint64_t)PASSWORD_ROUNDS_MIN);
	login_end_world(w);
}

/* ... and is told by one text, of PLAIN and of SCRAM. */
Test(login, failures_say_the_same)
{
	static const char *const names[] = { "ann", "carl", "zoe" };
	struct world w = login_begin_world();
	char first[200] = "", text[200];

	do_control(w, "user add", "carl@example.test secret");
	do_control(w, "user disable", "carl@example.test");
	for (size_t i = 0; i < 2 * sizeof names / sizeof *names; i++) {
		struct store_link *l = store_link_new(w.b, SESSION_STORE);
		struct exchange x = scram(l, names[i / 2], "wrong");
		struct answer *a = i % 2 ? play(&x)
					 : asking_log_in(l, names[i / 2], "wrong");
		const struct ipc_error *e = &last(a, IPC_TYPE_ERROR)->error;

		snprintf(text, sizeof text, "%u %.*s %.*s", e->code,
			 SLICE_ARG(e->detail), SLICE_ARG(e->text));
		if (i == 0)
			memcpy(first, text, sizeof first);
		cr_expect_str_eq(text, first, "%s", names[i / 2]);
		end_exchange(&x, a);
		store_link_free(l);
	}
	login_end_world(w);
}
