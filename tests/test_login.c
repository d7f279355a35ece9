/* Logging in, as mailboxd's sessions answer it. */
#include "common/clock.h"
#include "mailboxd/login_try.h"
#include "mailboxd/throttle.h"
#include "tests/support/asking.h"
#include "tests/support/scram_client.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct world {
	struct store_backend *b;
	struct store_link *l, *control;
};

static struct world begin(void)
{
	struct world w = { .b = store_backend_new(false) };

	store_backend_user(w.b, "ann@example.test", "secret");
	store_backend_user(w.b, "bob@example.test", "geheim");
	w.l = store_link_new(w.b, SESSION_STORE);
	w.control = store_link_new(w.b, SESSION_CONTROL);
	return w;
}

static void end(struct world w)
{
	store_link_free(w.l);
	store_link_free(w.control);
	store_backend_free(w.b);
}

/* ---- SCRAM -------------------------------------------------------------------------- */

struct exchange {
	struct store_link *l;
	struct scram_client client;
	const char *mechanism;
	struct slice exporter, end_point;
	uint32_t id;
	bool is_verified;
	struct buf server_first;
};

static struct exchange scram(struct store_link *l, const char *user,
			     const char *password)
{
	struct exchange x = {
		.l = l, .client = SCRAM_CLIENT(user, password),
		.mechanism = "SCRAM-SHA-256", .exporter = SLICE_EMPTY,
		.end_point = SLICE_EMPTY, .id = 5,
		.server_first = BUF_INIT(1024),
	};

	return x;
}

static struct answer *begin_exchange(struct exchange *x)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH };
	struct buf out = BUF_INIT(4096);
	struct answer *a;

	scram_client_first(&x->client, &out);
	m.auth = (struct ipc_auth){
		.mechanism = slice_str(x->mechanism), .service = SLICE("imap"),
		.sid = SLICE("s06h0p5uvn9s6p4dhfjgd"), .address = SLICE("192.0.2.1"),
		.secure = 1, .tls_exporter = x->exporter,
		.tls_end_point = x->end_point, .response = buf_slice(&out),
	};
	a = ask(x->l, x->id, &m);
	buf_free(&out);
	return a;
}

static struct answer *go_on(struct exchange *x, struct slice response)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH_CONTINUE };

	m.auth_continue.response = response;
	return ask(x->l, x->id, &m);
}

/* Plays the exchange to its end, or to the first ERROR. */
static struct answer *play(struct exchange *x)
{
	struct answer *a = begin_exchange(x);
	struct buf out = BUF_INIT(4096);

	if (a->messages[a->count - 1].type != IPC_TYPE_AUTH_CHALLENGE)
		return a;
	buf_append(&x->server_first, a->messages[a->count - 1].auth_challenge.challenge);
	answer_clear(a);
	cr_assert(scram_client_final(&x->client, buf_slice(&x->server_first), &out));
	a = go_on(x, buf_slice(&out));
	buf_free(&out);
	if (a->messages[a->count - 1].type != IPC_TYPE_AUTH_CHALLENGE)
		return a;
	x->is_verified = scram_client_verify(&x->client,
		a->messages[a->count - 1].auth_challenge.challenge);
	answer_clear(a);
	return go_on(x, SLICE_EMPTY);
}

static void end_exchange(struct exchange *x, struct answer *a)
{
	answer_clear(a);
	scram_client_clear(&x->client);
	buf_free(&x->server_first);
}

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
		struct world w = begin();
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
		end(w);
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
	struct world w = begin();
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
	end(w);
}

Test(login, scram_wants_its_steps)
{
	struct world w = begin();
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
	end(w);
}

/* A response that nobody asked for is no mistake of a daemon of ours. */
Test(login, plain_has_one_step)
{
	struct world w = begin();
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
	end(w);
}

/* ---- crypt(3) strings ------------------------------------------------------------------ */

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
		struct world w = begin();
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
		end(w);
	}
}

/* ---- at commit ---------------------------------------------------------------------------- */

static void do_control(struct world w, const char *verb, const char *words)
{
	struct answer *a = control(w.control, verb, words);

	last(a, IPC_TYPE_DONE);
	answer_clear(a);
}

static bool can_log_in(struct world w, const char *user, const char *password,
		       const char *service)
{
	bool is_smtp = strcmp(service, "smtp") == 0;
	struct store_link *l = store_link_new(w.b, is_smtp ? SESSION_AUTH
							   : SESSION_STORE);
	struct buf plain = BUF_INIT(1024);
	struct ipc_message m = asking_login(&plain, user, password, service);
	struct answer *a = ask(l, 1, &m);
	bool good = a->messages[a->count - 1].type == IPC_TYPE_AUTH_OK;

	answer_clear(a);
	buf_free(&plain);
	store_link_free(l);
	return good;
}

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
		struct world w = begin();
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
		end(w);
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
	struct world w = begin();
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
	end(w);
}

/* The same in the middle of SCRAM; a change elsewhere does no harm. */
Test(login, scram_loses_the_race)
{
	static const struct { const char *words; bool is_good; } rows[] = {
		{ "ann@example.test other", false },
		{ "bob@example.test other", true },
	};

	for (size_t i = 0; i < 2; i++) {
		struct world w = begin();
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
		end(w);
	}
}

/* The command is killed before it has its answer: the sessions end all the same. */
Test(login, nobody_waits_for_the_change)
{
	struct world w = begin();
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
	end(w);
}

/* ---- app passwords ------------------------------------------------------------------------- */

static void add_app(struct world w, const char *words, char password[64])
{
	struct answer *a = control(w.control, "password add", words);
	struct slice cells, cell = SLICE_EMPTY;

	last(a, IPC_TYPE_DONE);
	cr_assert_eq(a->messages[a->count - 2].type, IPC_TYPE_RECORD);
	cells = a->messages[a->count - 2].record.cells;
	for (int i = 0; i < 3; i++)
		cr_assert_eq(ipc_list_next(&cells, &cell), ST_OK);
	snprintf(password, 64, "%.*s", SLICE_ARG(cell));
	cr_expect_eq(strlen(password), 24u, "%s", password);
	answer_clear(a);
}

static bool can_scram(struct world w, const char *user, const char *password)
{
	struct store_link *l = store_link_new(w.b, SESSION_STORE);
	struct exchange x = scram(l, user, password);
	struct answer *a = play(&x);
	bool good = a->messages[a->count - 1].type == IPC_TYPE_AUTH_OK;

	end_exchange(&x, a);
	store_link_free(l);
	return good;
}

Test(login, app_passwords)
{
	struct world w = begin();
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
	end(w);
}

Test(login, app_passwords_expire)
{
	int64_t wall = INT64_C(1795000000000);
	struct world w;
	char password[64];

	clock_fake(1000000, wall);
	w = begin();
	add_app(w, "ann@example.test tablet expires=1h", password);
	cr_expect(can_log_in(w, "ann", password, "imap"));
	/* nor by what was remembered a moment before */
	clock_fake(4599000, wall + 3599000);
	cr_expect(can_log_in(w, "ann", password, "imap"));
	clock_fake(4600000, wall + 3600000);
	cr_expect_not(can_log_in(w, "ann", password, "imap"));
	cr_expect_not(can_scram(w, "ann", password));
	clock_real();
	end(w);
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
	struct world w = begin();

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
	end(w);
}

/* ---- one cost ------------------------------------------------------------------------------- */

/* Counted in rounds of PBKDF2, not in time: unknown, disabled, without any
 * password of that scope, with several, and wrong. */
Test(login, failures_cost_the_same)
{
	static const char *const names[] = {
		"ann", "bob", "carl", "dora", "zoe", "not@elsewhere.example",
	};
	struct world w = begin();
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
	end(w);
}

/* ... and is told by one text, of PLAIN and of SCRAM. */
Test(login, failures_say_the_same)
{
	static const char *const names[] = { "ann", "carl", "zoe" };
	struct world w = begin();
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
	end(w);
}

/* ---- the throttle ----------------------------------------------------------------------------- */

/* The careful first minute after a start is over. */
static struct world begin_throttled(void)
{
	struct world w;

	clock_fake(1000000, INT64_C(1795000000000));
	w = begin();
	store_backend_service(w.b)->settings->throttle = true;
	clock_fake_advance(61000);
	return w;
}

static void end_throttled(struct world w)
{
	clock_real();
	end(w);
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
