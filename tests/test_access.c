/*
 * Rights in handles: each verb of store.sock with each right taken from it, by an account
 * that is not the owner's (RFC 4314 section 4). test_seen.c has whose \Seen is whose.
 */
#include "tests/support/sharing.h"

#include "common/fetch_row.h"
#include "mailboxd/requests.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE "From: a@example.org\nSubject: hello\n\nbody\n"

TestSuite(access, .timeout = 120);

/* ---- verbs ------------------------------------------------------------------------------- */

typedef enum status verb_fn(struct sharing *w, char detail[32]);

static enum status verb_list(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_LIST };
	struct answer *a;
	bool found = false;

	detail[0] = '\0';
	m.list.owner = SLICE(ANN);
	a = ask(w->bob, 8, &m);
	last(a, IPC_TYPE_DONE);
	for (size_t i = 0; i + 1 < a->count; i++)
		found = found || (slice_eq(a->messages[i].mailbox.name, SLICE("Box")) &&
				  a->messages[i].mailbox.id != 0);
	answer_clear(a);
	return found ? ST_OK : ST_NOT_FOUND;
}

static enum status verb_status(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_STATUS };

	m.status.name = SLICE("Box");
	m.status.owner = SLICE(ANN);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_open(struct sharing *w, char detail[32])
{
	struct ipc_message m = sharing_open_message(ANN, "Box");

	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_fetch(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_FETCH };

	m.fetch.handle = w->handle;
	m.fetch.uids = sharing_uid(1);
	m.fetch.items = FETCH_FLAGS | FETCH_ALL_OCTETS;
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_read(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_READ };

	m.read = (struct ipc_read){ w->handle, 1, 0, 100 };
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_changes(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_CHANGES };

	m.changes.handle = w->handle;
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_earlier(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_EARLIER };

	m.earlier.handle = w->handle;
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_watch(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_WATCH };

	m.watch.handle = w->handle;
	m.watch.on = 1;
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_search(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_SEARCH };

	m.search.handle = w->handle;
	m.search.program = SLICE("\x01");
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_sort(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_SORT };

	m.sort.handle = w->handle;
	m.sort.program = SLICE("\x01");
	m.sort.keys = slice_of("\0", 1);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_thread(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_THREAD };

	m.thread.handle = w->handle;
	m.thread.program = SLICE("\x01");
	return sharing_outcome(w->bob, &m, detail);
}

static enum status store_one(struct sharing *w, uint32_t flag, const char *keyword,
			     char detail[32])
{
	struct ipc_message m = sharing_flags_message(w->handle, IPC_STORE_ADD, flag, keyword);

	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_seen(struct sharing *w, char detail[32])
{
	return store_one(w, FLAG_SEEN, "", detail);
}

static enum status verb_flag(struct sharing *w, char detail[32])
{
	return store_one(w, FLAG_FLAGGED, "", detail);
}

static enum status verb_keyword(struct sharing *w, char detail[32])
{
	return store_one(w, 0, "$Work", detail);
}

static enum status verb_deleted(struct sharing *w, char detail[32])
{
	return store_one(w, FLAG_DELETED, "", detail);
}

static enum status verb_expunge(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_EXPUNGE };

	m.expunge.handle = w->handle;
	m.expunge.uids = sharing_uid(2);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_copy(struct sharing *w, char detail[32])
{
	return sharing_copy(w, w->handle, "", "INBOX", false, detail);
}

static enum status verb_move(struct sharing *w, char detail[32])
{
	return sharing_copy(w, w->handle, "", "INBOX", true, detail);
}

static enum status verb_copy_into(struct sharing *w, char detail[32])
{
	struct ipc_message m = sharing_open_message("", "INBOX");
	struct answer *a = ask(w->bob, 6, &m);
	uint32_t own = last(a, IPC_TYPE_OPENED)->opened.handle;

	answer_clear(a);
	return sharing_copy(w, own, ANN, "Box", false, detail);
}

static enum status verb_append(struct sharing *w, char detail[32])
{
	return sharing_append(w->bob, ANN, "Box", FLAG_FLAGGED, "", detail);
}

static enum status verb_create(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_CREATE };

	m.create.name = SLICE("Box/New");
	m.create.special_use = SLICE_EMPTY;
	m.create.owner = SLICE(ANN);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_delete(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_DELETE };

	m.delete.name = SLICE("Box");
	m.delete.owner = SLICE(ANN);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_rename(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_RENAME };

	m.rename.from = SLICE("Box");
	m.rename.to = SLICE("Archive/Box");
	m.rename.owner = SLICE(ANN);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status verb_rename_to(struct sharing *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_RENAME };

	m.rename.from = SLICE("Archive");
	m.rename.to = SLICE("Box/Archive");
	m.rename.owner = SLICE(ANN);
	return sharing_outcome(w->bob, &m, detail);
}

static enum status set_acl(struct tx *tx, void *arg)
{
	const struct sharing *w = arg;
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, w->ids[0], SLICE("Box"), &m);

	/* what it may, it may keep or lose */
	return st ? st : store_acl_set(tx, w->ids[1], m.id, w->ids[1],
				       IPC_STORE_REMOVE, STORE_RIGHT_POST);
}

static enum status verb_setacl(struct sharing *w, char detail[32])
{
	detail[0] = '\0';
	return store_backend_do(w->b, TX_WRITE, set_acl, w);
}

static enum status nothing(void *arg, uint64_t account, struct slice name,
			   uint32_t rights)
{
	(void)arg, (void)account, (void)name, (void)rights;
	return ST_OK;
}

static enum status get_acl(struct tx *tx, void *arg)
{
	const struct sharing *w = arg;
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, w->ids[0], SLICE("Box"), &m);

	return st ? st : store_acl_list(tx, w->ids[1], m.id, nothing, NULL);
}

static enum status verb_getacl(struct sharing *w, char detail[32])
{
	detail[0] = '\0';
	return store_backend_do(w->b, TX_READ, get_acl, w);
}

/* What each asks for, no more and no less. elsewhere: given on Archive, which is another
 * end of it. */
static const struct verb {
	const char *name, *needs, *elsewhere;
	verb_fn *run;
} verbs[] = {
	{ "LIST", "l", "", verb_list },
	{ "STATUS", "r", "", verb_status },
	{ "OPEN", "r", "", verb_open },
	{ "FETCH", "r", "", verb_fetch },
	{ "READ", "r", "", verb_read },
	{ "CHANGES", "r", "", verb_changes },
	{ "EARLIER", "r", "", verb_earlier },
	{ "WATCH", "r", "", verb_watch },
	{ "SEARCH", "r", "", verb_search },
	{ "SORT", "r", "", verb_sort },
	{ "THREAD", "r", "", verb_thread },
	{ "STORE \\Seen", "rs", "", verb_seen },
	{ "STORE \\Flagged", "rw", "", verb_flag },
	{ "STORE $Work", "rw", "", verb_keyword },
	{ "STORE \\Deleted", "rt", "", verb_deleted },
	{ "EXPUNGE", "e", "", verb_expunge },
	{ "COPY out", "r", "", verb_copy },
	{ "MOVE out", "rte", "", verb_move },
	{ "COPY in", "i", "", verb_copy_into },
	{ "APPEND", "i", "", verb_append },
	{ "CREATE", "k", "", verb_create },
	{ "DELETE", "x", "", verb_delete },
	{ "RENAME from", "x", "k", verb_rename },
	{ "RENAME to", "k", "x", verb_rename_to },
	{ "SETACL", "a", "", verb_setacl },
	{ "GETACL", "a", "", verb_getacl },
};

/* One verb by an account with these rights. The handle was opened with all of them. */
static enum status try(const struct verb *v, const char *letters, char detail[32])
{
	struct sharing w = sharing_begin();
	enum status st;

	store_backend_deliver(w.b, BOB, MESSAGE);
	store_backend_deliver(w.b, BOB, MESSAGE);
	sharing_grant(&w, "Box", "lrswipkxtea");
	sharing_grant(&w, "Archive", v->elsewhere);
	w.handle = sharing_open(w.bob, ANN).handle;
	sharing_grant(&w, "Box", letters);
	st = v->run(&w, detail);
	sharing_end(&w);
	return st;
}

Test(access, verbs_by_rights)
{
	static const char all[] = "lrswipkxtea";
	char letters[16], detail[32];

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		const struct verb *v = &verbs[i];
		enum status st = try(v, v->needs, detail);

		cr_expect_eq(st, ST_OK, "%s with %s: %s %s", v->name, v->needs,
			     status_name(st), detail);
		for (const char *c = all; *c; c++) {
			size_t n = 0;

			for (const char *d = all; *d; d++)
				if (d != c)
					letters[n++] = *d;
			letters[n] = '\0';
			st = try(v, letters, detail);
			cr_expect_eq(st == ST_OK, !strchr(v->needs, *c),
				     "%s without %c: %s", v->name, *c,
				     status_name(st));
			if (st == ST_OK || *c == 'l')
				continue;
			cr_expect_eq(st, ST_DENIED, "%s without %c", v->name, *c);
			cr_expect(*c == 'a' || strcmp(detail, "NOPERM") == 0,
				  "%s without %c: %s", v->name, *c, detail);
		}
	}
}

/* Without l a mailbox is not told from one that is not there. */
Test(access, what_may_not_be_known)
{
	static const char *const owners[] = { ANN, "nobody@example.test" };
	struct sharing w = sharing_begin();
	char detail[32];

	for (size_t i = 0; i < 2; i++) {
		struct ipc_message m = sharing_open_message(owners[i], i ? "Box" : "Nowhere");

		cr_expect_eq(sharing_outcome(w.bob, &m, detail), ST_NOT_FOUND);
		cr_expect_str_eq(detail, "NONEXISTENT");
	}
	cr_expect_eq(verb_open(&w, detail), ST_NOT_FOUND);
	cr_expect_str_eq(detail, "NONEXISTENT");
	cr_expect_eq(verb_status(&w, detail), ST_NOT_FOUND);
	cr_expect_eq(verb_append(&w, detail), ST_NOT_FOUND);
	cr_expect_eq(verb_create(&w, detail), ST_NOT_FOUND);
	cr_expect_eq(verb_delete(&w, detail), ST_NOT_FOUND);
	cr_expect_eq(verb_list(&w, detail), ST_NOT_FOUND);
	/* and rights on one are none on another */
	sharing_grant(&w, "Archive", "lrswipkxtea");
	cr_expect_eq(verb_open(&w, detail), ST_NOT_FOUND);
	sharing_end(&w);
}

/* ---- what is the owner's ------------------------------------------------------------------ */

Test(access, some_things_are_never_given)
{
	struct sharing w = sharing_begin();
	struct ipc_message m = { .type = IPC_TYPE_DELETE };
	char detail[32];

	sharing_grant(&w, "INBOX", "lrswipkxtea");
	sharing_grant(&w, "Box", "lrswipkxtea");
	m.delete.name = SLICE("INBOX");
	m.delete.owner = SLICE(ANN);
	cr_expect_eq(sharing_outcome(w.bob, &m, detail), ST_DENIED);
	m.type = IPC_TYPE_CREATE;
	m.create.name = SLICE("Box/Spam");
	m.create.special_use = SLICE("\\Junk");
	m.create.owner = SLICE(ANN);
	cr_expect_eq(sharing_outcome(w.bob, &m, detail), ST_DENIED);
	/* the top of her tree is hers */
	m.create.name = SLICE("Top");
	m.create.special_use = SLICE_EMPTY;
	cr_expect_eq(sharing_outcome(w.bob, &m, detail), ST_NOT_FOUND);
	sharing_end(&w);
}

Test(access, what_is_made_has_the_rights_of_the_one_above)
{
	struct sharing w = sharing_begin();
	struct ipc_message m = sharing_open_message(ANN, "Box/New/Deep");
	char detail[32];

	sharing_grant(&w, "Box", "lrk");
	cr_expect_eq(verb_create(&w, detail), ST_OK);
	m.type = IPC_TYPE_CREATE;
	m.create.name = SLICE("Box/New/Deep");
	m.create.special_use = SLICE_EMPTY;
	m.create.owner = SLICE(ANN);
	cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
	m = sharing_open_message(ANN, "Box/New/Deep");
	cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
	sharing_end(&w);
}

/* ---- OPENED ---------------------------------------------------------------------------------- */

static const struct { const char *letters; bool read_only; } opened[] = {
	/* the examples of section 5.2, where \Seen is not shared */
	{ "lrs", true }, { "rit", false }, { "rset", false }, { "lr", true },
	{ "rw", false }, { "re", false }, { "rkxa", true },
};

Test(access, opened_tells_rights)
{
	for (size_t i = 0; i < sizeof opened / sizeof *opened; i++) {
		struct sharing w = sharing_begin();
		uint32_t rights;
		struct ipc_opened o;

		sharing_grant(&w, "Box", opened[i].letters);
		o = sharing_open(w.bob, ANN);
		store_rights_parse(slice_str(opened[i].letters), &rights);
		cr_expect_eq(o.rights, rights, "%s", opened[i].letters);
		cr_expect_eq(o.read_only, (uint32_t)opened[i].read_only, "%s",
			     opened[i].letters);
		o = sharing_open(w.ann, "");
		cr_expect_eq(o.rights, STORE_RIGHTS_ALL);
		cr_expect_eq(o.read_only, 0u);
		/* her own by her address is her own */
		o = sharing_open(w.ann, ANN);
		cr_expect_eq(o.rights, STORE_RIGHTS_ALL);
		sharing_end(&w);
	}
}

/* ---- taken away ----------------------------------------------------------------------------------- */

/* A right that goes acts on what runs behind the commit that took it, on handles that
 * are open, and on news; a right that comes does too. */
Test(access, rights_act_at_commit)
{
	struct sharing w = sharing_begin();
	struct ipc_opened bob;
	struct buf news = BUF_INIT(65536);
	struct ipc_frame frame;
	char detail[32];
	size_t used;

	sharing_grant(&w, "Box", "lr");
	bob = sharing_open(w.bob, ANN);
	w.handle = bob.handle;
	cr_expect_eq(verb_watch(&w, detail), ST_OK);
	cr_expect_eq(verb_flag(&w, detail), ST_DENIED);
	sharing_grant(&w, "Box", "lrw");
	cr_expect_eq(verb_flag(&w, detail), ST_OK);
	store_link_feed(w.bob, SLICE_EMPTY, &news);
	news.len = 0;
	sharing_grant(&w, "Box", "l");
	/* one event that says to ask, without a number; then silence */
	for (int i = 0; i < 3; i++)
		cr_assert_eq(sharing_append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(store_link_feed(w.bob, SLICE_EMPTY, &news), ST_OK);
	cr_assert_eq(ipc_frame_next(buf_slice(&news), &frame, &used), ST_OK);
	cr_expect_eq(frame.type, IPC_TYPE_CHANGED);
	cr_expect_eq(used, news.len);
	cr_expect_eq(verb_changes(&w, detail), ST_DENIED);
	cr_expect_str_eq(detail, "NOPERM");
	cr_expect_eq(verb_flag(&w, detail), ST_DENIED);
	sharing_grant(&w, "Box", "lr");
	cr_expect_eq(verb_changes(&w, detail), ST_OK);
	/* and news come again */
	news.len = 0;
	cr_assert_eq(sharing_append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(store_link_feed(w.bob, SLICE_EMPTY, &news), ST_OK);
	cr_expect_gt(news.len, 0u);
	buf_free(&news);
	sharing_end(&w);
}

/* A stream that is on its way ends at its next piece. */
Test(access, a_stream_ends_where_the_right_went)
{
	struct sharing w = sharing_begin();
	struct buf big = BUF_INIT(2 << 20), out = BUF_INIT(4 << 20);
	struct ipc_message m = { .type = IPC_TYPE_READ }, credit = {
		.type = IPC_TYPE_CREDIT, .credit = { 1 << 20 },
	};
	struct answer *a;
	uint32_t handle;

	buf_append(&big, SLICE("Subject: big\n\n"));
	for (int i = 0; i < 30000; i++)
		buf_append(&big, SLICE("0123456789 0123456789 0123456789 0123456789\n"));
	buf_append(&big, slice_of("", 1));
	store_backend_deliver(w.b, ANN, big.data);
	sharing_grant(&w, "INBOX", "lr");
	m = sharing_open_message(ANN, "INBOX");
	a = ask(w.bob, 3, &m);
	handle = last(a, IPC_TYPE_OPENED)->opened.handle;
	answer_clear(a);
	m.type = IPC_TYPE_READ;
	m.read = (struct ipc_read){ handle, 1, 0, UINT64_MAX };
	a = ask(w.bob, 4, &m);
	cr_expect_neq(a->messages[a->count - 1].type, IPC_TYPE_DONE);
	answer_clear(a);
	sharing_grant(&w, "INBOX", "l");
	a = ask(w.bob, 4, &credit);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	buf_free(&big);
	buf_free(&out);
	sharing_end(&w);
}
