#include "tests/support/asking.h"

#include "common/fetch_row.h"
#include "common/ipc_codec.h"
#include "common/sasl.h"
#include "mailboxd/requests.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static uint32_t open_inbox(struct store_link *l)
{
	struct ipc_message m = { .type = IPC_TYPE_OPEN };
	struct answer *a;
	uint32_t handle;

	m.open.name = SLICE("INBOX");
	a = ask(l, 2, &m);
	handle = last(a, IPC_TYPE_OPENED)->opened.handle;
	answer_clear(a);
	return handle;
}

struct world {
	struct store_backend *b;
	struct store_link *l;
};

static struct world begin(void)
{
	struct world w = { .b = store_backend_new(false) };

	store_backend_user(w.b, "ann@example.test", "secret");
	store_backend_user(w.b, "bob@example.test", "geheim");
	w.l = store_link_new(w.b, SESSION_STORE);
	return w;
}

static struct world begin_bound(void)
{
	struct world w = begin();
	struct answer *a = asking_log_in(w.l, "ann@example.test", "secret");

	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	return w;
}

static void end(struct world w)
{
	store_link_free(w.l);
	store_backend_free(w.b);
}

/* ---- states --------------------------------------------------------------------- */

Test(requests, unbound_may_ask_nothing)
{
	struct world w = begin();

	for (unsigned type = 32; type < 210; type++) {
		const struct request_type *t = request_type_find(type);
		struct ipc_message m = { .type = (enum ipc_type)type };

		if (t && t->bound)
			expect_error(w.l, &m, ST_DENIED, "");
	}
	end(w);
}

Test(requests, unknown_type_is_an_error_answer)
{
	static const char frame[] = "\0\0\0\0\x39\x30\0\0\x09\0\0\0";
	struct world w = begin();
	struct answer *a;

	cr_expect_eq(feed(w.l, slice_of(frame, 12), &a), ST_OK);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	cr_expect_eq(a->ids[a->count - 1], 9u);
	answer_clear(a);
	end(w);
}

static const struct { const char *name, *octets; size_t len; } malformed[] = {
	{ "too long", "\xff\xff\xff\xff\x20\0\0\0\x01\0\0\0", 12 },
	{ "id 0", "\x04\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0", 16 },
	{ "short payload of AUTH", "\x02\0\0\0\x10\0\0\0\x01\0\0\0ab", 14 },
	{ "flags", "\x04\0\0\0\x20\0\x01\0\x01\0\0\0\0\0\0\0", 16 },
	{ "second HELLO", "\0\0\0\0\x01\0\0\0\0\0\0\0", 12 },
	{ "CREDIT with a long payload",
	  "\x05\0\0\0\x04\0\0\0\x01\0\0\0abcde", 17 },
};

Test(requests, malformed_frame_drops_the_peer)
{
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++) {
		struct world w = begin();
		struct answer *a;

		cr_expect_eq(feed(w.l, slice_of(malformed[i].octets,
						malformed[i].len), &a),
			     ST_SYNTAX, "%s", malformed[i].name);
		cr_expect_eq(store_link_session(w.l)->state, SESSION_DEAD, "%s",
			     malformed[i].name);
		answer_clear(a);
		end(w);
	}
}

/* Whatever imapd thinks of its client: mailboxd looks who is an administrator. */
Test(requests, quota_of_others)
{
	struct world w = begin();
	struct ipc_message get = { .type = IPC_TYPE_QUOTA };
	struct ipc_message set = { .type = IPC_TYPE_QUOTA_SET };
	struct answer *a;

	answer_clear(asking_log_in(w.l, "ann@example.test", "secret"));
	get.quota.root = set.quota_set.root = SLICE("ann@example.test");
	set.quota_set.octets = 4096;
	expect_error(w.l, &get, ST_DENIED, "NOPERM");
	expect_error(w.l, &set, ST_DENIED, "NOPERM");
	set.quota_set.root = SLICE_EMPTY;
	expect_error(w.l, &set, ST_DENIED, "NOPERM");
	store_backend_admin(w.b, SLICE("Ann@example.test"));
	a = ask(w.l, 3, &set);
	cr_expect_eq(last(a, IPC_TYPE_QUOTA_IS)->quota_is.limit_octets, 4096u);
	answer_clear(a);
	set.quota_set.octets = UINT64_MAX;
	expect_error(w.l, &set, ST_SYNTAX, "");
	end(w);
}

Test(requests, login)
{
	struct world w = begin();
	struct answer *a = asking_log_in(w.l, "ann@example.test", "wrong");
	struct ipc_message list = { .type = IPC_TYPE_LIST };

	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	a = asking_log_in(w.l, "nobody@example.test", "secret");
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	expect_error(w.l, &list, ST_DENIED, "");
	a = asking_log_in(w.l, "ANN@Example.Test", "secret");
	cr_expect(slice_eq(last(a, IPC_TYPE_AUTH_OK)->auth_ok.login,
			   SLICE("ann@example.test")));
	answer_clear(a);
	/* no second bind */
	a = asking_log_in(w.l, "bob@example.test", "geheim");
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	end(w);
}

Test(requests, auth_socket_knows_auth_alone)
{
	struct world w = begin();
	struct store_link *l = store_link_new(w.b, SESSION_AUTH);
	struct ipc_message list = { .type = IPC_TYPE_LIST };
	struct buf plain = BUF_INIT(1024);
	struct ipc_message m;
	struct answer *a;

	m = asking_login(&plain, "ann@example.test", "secret", "imap");
	expect_error(l, &m, ST_DENIED, "");
	plain.len = 0;
	m = asking_login(&plain, "ann@example.test", "secret", "smtp");
	a = ask(l, 1, &m);
	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	expect_error(l, &list, ST_DENIED, "");
	buf_free(&plain);
	store_link_free(l);
	end(w);
}

/* ---- mailboxes and messages ------------------------------------------------------ */

Test(requests, list_has_the_usual_mailboxes)
{
	struct world w = begin_bound();
	struct ipc_message m = { .type = IPC_TYPE_LIST };
	struct answer *a = ask(w.l, 3, &m);

	last(a, IPC_TYPE_DONE);
	cr_expect_eq(a->count, 7u);
	cr_expect(slice_eq(a->messages[0].mailbox.name, SLICE("INBOX")));
	answer_clear(a);
	end(w);
}

Test(requests, create_and_what_is_wrong_with_it)
{
	struct world w = begin_bound();
	struct ipc_message m = { .type = IPC_TYPE_CREATE };
	struct answer *a;

	m.create.name = SLICE("Work/2026");
	m.create.special_use = SLICE_EMPTY;
	a = ask(w.l, 3, &m);
	last(a, IPC_TYPE_DONE);
	answer_clear(a);
	expect_error(w.l, &m, ST_EXISTS, "ALREADYEXISTS");
	m.type = IPC_TYPE_DELETE;
	m.delete.name = SLICE("Nowhere");
	expect_error(w.l, &m, ST_NOT_FOUND, "NONEXISTENT");
	m.delete.name = SLICE("INBOX");
	expect_error(w.l, &m, ST_DENIED, "CANNOT");
	end(w);
}

#define MESSAGE "From: a@example.org\nSubject: hello\n\nbody\n"

Test(requests, fetch_and_read)
{
	struct world w = begin_bound();
	struct ipc_message m = { .type = IPC_TYPE_FETCH };
	struct ranges all = RANGES_INIT(1);
	struct buf set = BUF_INIT(64);
	struct fetch_row row;
	struct slice rows;
	struct answer *a;
	uint32_t handle;

	store_backend_deliver(w.b, "ann@example.test", MESSAGE);
	store_backend_deliver(w.b, "ann@example.test", MESSAGE);
	handle = open_inbox(w.l);
	ranges_add(&all, 1, UINT32_MAX);
	ranges_encode(&all, &set);
	m.fetch.handle = handle;
	m.fetch.uids = buf_slice(&set);
	m.fetch.items = FETCH_FLAGS | FETCH_SIZE | FETCH_ALL_OCTETS;
	a = ask(w.l, 3, &m);
	last(a, IPC_TYPE_DONE);
	cr_assert_eq(a->messages[0].type, IPC_TYPE_ROWS);
	rows = a->messages[0].rows.rows;
	for (uint32_t uid = 1; uid <= 2; uid++) {
		/* each row with octets may come in a frame of its own */
		if (rows.len == 0)
			rows = a->messages[1].rows.rows;
		cr_assert_eq(fetch_row_decode(&rows, m.fetch.items, &row), ST_OK);
		cr_expect_eq(row.uid, uid);
		cr_expect_eq(row.size, row.octets.len);
		cr_expect(slice_starts(row.octets, SLICE("Delivered-To: ann@exam"
						       "ple.test\r\nReturn-Path: <")));
	}
	answer_clear(a);
	m.type = IPC_TYPE_READ;
	m.read = (struct ipc_read){ handle, 1, row.size - 6, 100 };
	a = ask(w.l, 4, &m);
	last(a, IPC_TYPE_DONE);
	cr_expect(slice_eq(a->messages[0].body.octets, SLICE("body\r\n")));
	answer_clear(a);
	m.read.uid = 3;
	expect_error(w.l, &m, ST_NOT_FOUND, "NONEXISTENT");
	m.read.handle = 999;
	expect_error(w.l, &m, ST_NOT_FOUND, "");
	ranges_free(&all);
	buf_free(&set);
	end(w);
}

/* A stream stops when its credit is used up, and goes on with more. */
Test(requests, credit)
{
	struct world w = begin_bound();
	struct buf big = BUF_INIT(1024 * 1024);
	struct ipc_message m = { .type = IPC_TYPE_READ }, credit = {
		.type = IPC_TYPE_CREDIT,
	};
	uint64_t got = 0;
	struct answer *a;
	unsigned rounds = 0;
	bool ended = false;

	buf_append(&big, SLICE("Subject: big\n\n"));
	for (int i = 0; i < 30000; i++)
		buf_append(&big, SLICE("0123456789 0123456789 0123456789 0123456789\n"));
	buf_append(&big, slice_of("", 1));
	store_backend_deliver(w.b, "ann@example.test", big.data);
	m.read = (struct ipc_read){ open_inbox(w.l), 1, 0, UINT64_MAX };
	a = ask(w.l, 4, &m);
	for (;;) {
		uint32_t came = 0;

		for (size_t i = 0; i < a->count; i++) {
			if (a->messages[i].type == IPC_TYPE_BODY)
				got += a->messages[i].body.octets.len;
			ended = ended || (a->flags[i] & IPC_LAST);
		}
		came = (uint32_t)a->frames.len;
		cr_expect_leq(came, 2 * IPC_CREDIT_ANSWER);
		answer_clear(a);
		if (ended || ++rounds > 100)
			break;
		credit.credit.octets = came;
		a = ask(w.l, 4, &credit);
	}
	cr_expect(ended);
	cr_expect_gt(rounds, 2u);
	cr_expect_gt(got, 6000u * 45);
	buf_free(&big);
	end(w);
}

Test(requests, store_changes_and_news)
{
	struct world w = begin_bound();
	struct store_link *other = store_link_new(w.b, SESSION_STORE);
	struct answer *a = asking_log_in(other, "ann@example.test", "secret");
	struct ipc_message m = { .type = IPC_TYPE_WATCH };
	struct ranges one = RANGES_INIT(1);
	struct buf set = BUF_INIT(64), news = BUF_INIT(65536);
	struct ipc_frame frame;
	uint32_t handle;
	size_t used;

	answer_clear(a);
	store_backend_deliver(w.b, "ann@example.test", MESSAGE);
	handle = open_inbox(w.l);
	m.watch = (struct ipc_watch){ open_inbox(other), 1 };
	answer_clear(ask(other, 3, &m));
	ranges_add(&one, 1, 1);
	ranges_encode(&one, &set);
	m.type = IPC_TYPE_STORE;
	m.store = (struct ipc_store){
		handle, buf_slice(&set), IPC_STORE_ADD, FLAG_FLAGGED,
		SLICE("$Label1"), UINT64_MAX,
	};
	a = ask(w.l, 3, &m);
	last(a, IPC_TYPE_STORED);
	cr_expect_eq(a->messages[0].type, IPC_TYPE_KEYWORDS);
	cr_expect(slice_eq(a->messages[0].keywords.names, SLICE("$Label1")));
	answer_clear(a);
	/* the other session hears of it, asks once, and is told */
	cr_assert_eq(store_link_feed(other, SLICE_EMPTY, &news), ST_OK);
	cr_assert_eq(ipc_frame_next(buf_slice(&news), &frame, &used), ST_OK);
	cr_expect_eq(frame.type, IPC_TYPE_CHANGED);
	cr_expect_eq(frame.flags, IPC_EVENT);
	m.type = IPC_TYPE_CHANGES;
	m.changes = (struct ipc_changes){ 1, 0 };
	a = ask(other, 4, &m);
	cr_expect_eq(last(a, IPC_TYPE_CHANGED)->changed.messages, 1u);
	cr_expect_eq(a->messages[0].type, IPC_TYPE_KEYWORDS);
	answer_clear(a);
	store_link_free(other);
	ranges_free(&one);
	buf_free(&set);
	buf_free(&news);
	end(w);
}

Test(requests, append_several_or_none)
{
	struct world w = begin_bound();
	struct buf frames = BUF_INIT(65536);
	struct ipc_message m = { .type = IPC_TYPE_APPEND };
	struct answer *a;

	m.append.name = SLICE("Drafts");
	ipc_encode(&frames, 5, 0, &m);
	for (int i = 0; i < 2; i++) {
		m.type = IPC_TYPE_APPEND_MESSAGE;
		m.append_message = (struct ipc_append_message){
			FLAG_DRAFT, SLICE_EMPTY, INT64_MIN, 0, 7, 0,
		};
		ipc_encode(&frames, 5, 0, &m);
		m.type = IPC_TYPE_APPEND_DATA;
		m.append_data.octets = SLICE("A: b\n\nx");
		ipc_encode(&frames, 5, 0, &m);
	}
	m.type = IPC_TYPE_APPEND_COMMIT;
	m.append_commit.messages = 2;
	ipc_encode(&frames, 5, 0, &m);
	cr_expect_eq(feed(w.l, buf_slice(&frames), &a), ST_OK);
	cr_expect_eq(last(a, IPC_TYPE_APPENDED)->appended.uids.len, 8u);
	answer_clear(a);
	frames.len = 0;
	m.type = IPC_TYPE_APPEND;
	m.append.name = SLICE("Nowhere");
	m.append.owner = SLICE_EMPTY;
	expect_error(w.l, &m, ST_NOT_FOUND, "TRYCREATE");
	/* more octets than announced: the peer is wrong */
	m.append.name = SLICE("Drafts");
	m.append.owner = SLICE_EMPTY;
	ipc_encode(&frames, 6, 0, &m);
	m.type = IPC_TYPE_APPEND_MESSAGE;
	m.append_message = (struct ipc_append_message){
		0, SLICE_EMPTY, INT64_MIN, 0, 3, 0,
	};
	ipc_encode(&frames, 6, 0, &m);
	m.type = IPC_TYPE_APPEND_DATA;
	m.append_data.octets = SLICE("four");
	ipc_encode(&frames, 6, 0, &m);
	cr_expect_eq(feed(w.l, buf_slice(&frames), &a), ST_SYNTAX);
	answer_clear(a);
	buf_free(&frames);
	end(w);
}

Test(requests, exclusive_is_for_one)
{
	struct world w = begin_bound();
	struct store_link *other = store_link_new(w.b, SESSION_STORE);
	struct ipc_message m = { .type = IPC_TYPE_OPEN };
	struct answer *a = asking_log_in(other, "ann@example.test", "secret");

	answer_clear(a);
	m.open.name = SLICE("INBOX");
	m.open.exclusive = 1;
	a = ask(w.l, 3, &m);
	last(a, IPC_TYPE_OPENED);
	answer_clear(a);
	expect_error(other, &m, ST_DENIED, "IN-USE");
	m.open.exclusive = 0;
	a = ask(other, 4, &m);
	last(a, IPC_TYPE_OPENED);
	answer_clear(a);
	store_link_free(other);
	end(w);
}

/* ---- control.sock -------------------------------------------------------------------- */

static const struct { const char *verb, *words; enum status status; } verbs[] = {
	{ "domain list", "", ST_OK },
	{ "domain add", "example.org separator=- catchall=ann@example.test", ST_OK },
	{ "domain add", "example.org", ST_EXISTS },
	{ "domain add", "no..domain", ST_SYNTAX },
	{ "user add", "carl@example.org pass=word", ST_OK },
	{ "user add", "carl@example.org x", ST_EXISTS },
	{ "user add", "carl@elsewhere.example x", ST_NOT_FOUND },
	{ "user add", "carl x", ST_SYNTAX },
	{ "user add", "dora@example.org plain form=verifier", ST_SYNTAX },
	{ "user passwd", "carl@example.org other", ST_OK },
	{ "user passwd", "nobody@example.org other", ST_NOT_FOUND },
	{ "user disable", "carl@example.org", ST_OK },
	{ "user enable", "carl@example.org", ST_OK },
	{ "user list", "", ST_OK },
	{ "user list", "example.org", ST_OK },
	{ "user quota", "carl@example.org 1000000 none", ST_OK },
	{ "user quota", "carl@example.org many", ST_SYNTAX },
	{ "user quota", "carl@example.org", ST_OK },
	{ "alias add", "info@example.org carl@example.org ann@example.test", ST_OK },
	{ "alias add", "x@example.org y@gmail.example", ST_NOT_FOUND },
	{ "alias list", "", ST_OK },
	{ "alias resolve", "info@example.org", ST_OK },
	{ "alias resolve", "nobody@nowhere.example", ST_OK },
	{ "alias rm", "info@example.org carl@example.org", ST_OK },
	{ "alias rm", "nothing@example.org", ST_NOT_FOUND },
	{ "mailbox list", "carl@example.org", ST_OK },
	{ "mailbox create", "carl@example.org Work", ST_OK },
	{ "mailbox create", "carl@example.org Work", ST_EXISTS },
	{ "mailbox rename", "carl@example.org Work Play", ST_OK },
	{ "mailbox rm", "carl@example.org Play", ST_OK },
	{ "mailbox rm", "carl@example.org INBOX", ST_DENIED },
	{ "msg list", "ann@example.test", ST_OK },
	{ "msg list", "ann@example.test INBOX after=1", ST_OK },
	{ "msg show", "ann@example.test INBOX 1", ST_OK },
	{ "msg show", "ann@example.test INBOX 9", ST_NOT_FOUND },
	{ "msg raw", "ann@example.test INBOX 1", ST_OK },
	{ "trace", "ann@example.test", ST_OK },
	{ "trace", "<nothing@example.org>", ST_OK },
	{ "trace", "m06h0p5uvn9s6p8cvrlap", ST_OK },
	{ "msg rm", "ann@example.test INBOX 1", ST_OK },
	{ "msg rm", "ann@example.test INBOX 1", ST_NOT_FOUND },
	{ "status", "", ST_OK },
	{ "who", "", ST_OK },
	{ "kick", "carl@example.org", ST_OK },
	{ "check", "", ST_OK },
	{ "domain rm", "example.org", ST_DENIED },
	{ "user rm", "carl@example.org", ST_OK },
	{ "domain rm", "example.org", ST_OK },
	{ "domain rm", "", ST_SYNTAX },
	{ "make coffee", "", ST_NOT_FOUND },
};

Test(requests, control_verbs)
{
	struct world w = begin();
	struct store_link *l = store_link_new(w.b, SESSION_CONTROL);

	store_backend_deliver(w.b, "ann@example.test", MESSAGE);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct answer *a = control(l, verbs[i].verb, verbs[i].words);
		const struct ipc_message *m = &a->messages[a->count - 1];
		enum status st = m->type == IPC_TYPE_ERROR
			? (enum status)m->error.code : ST_OK;

		cr_expect_eq(st, verbs[i].status, "%s %s: %s %.*s", verbs[i].verb,
			     verbs[i].words, status_name(st),
			     st != ST_OK ? (int)m->error.text.len : 0,
			     st != ST_OK ? m->error.text.data : "");
		cr_expect(st != ST_OK || m->type == IPC_TYPE_DONE, "%s",
			  verbs[i].verb);
		answer_clear(a);
	}
	store_link_free(l);
	end(w);
}

Test(requests, removal_ends_sessions)
{
	struct world w = begin_bound();
	struct store_link *l = store_link_new(w.b, SESSION_CONTROL);
	struct answer *a = control(l, "user disable", "ann@example.test");

	last(a, IPC_TYPE_DONE);
	answer_clear(a);
	cr_expect_eq(store_link_session(w.l)->state, SESSION_DEAD);
	store_link_free(l);
	end(w);
}

Test(requests, any_password)
{
	struct store_backend *b = store_backend_new(true);
	struct store_link *l = store_link_new(b, SESSION_STORE);
	struct answer *a = asking_log_in(l, "new@anything.example", "whatever");

	last(a, IPC_TYPE_AUTH_OK);
	answer_clear(a);
	cr_expect_gt(open_inbox(l), 0u);
	store_link_free(l);
	store_backend_free(b);
}
