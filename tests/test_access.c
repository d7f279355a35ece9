/*
 * Rights in handles: each verb of store.sock with each right taken from it, by an account
 * that is not the owner's, and whose \Seen is whose (RFC 4314 section 4).
 */
#include "tests/support/asking.h"

#include "common/fetch_row.h"
#include "mailboxd/requests.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define ANN "ann@example.test"
#define BOB "bob@example.test"
#define MESSAGE "From: a@example.org\nSubject: hello\n\nbody\n"

TestSuite(access, .timeout = 120);

struct world {
	struct store_backend *b;
	struct store_link *ann, *bob;
	uint64_t ids[2];	/* accounts */
	uint32_t handle;	/* bob's, of ann's Box */
};

/* ---- rights -------------------------------------------------------------------------- */

struct grant {
	uint64_t by, account;
	const char *mailbox, *letters;
};

static enum status give(struct tx *tx, void *arg)
{
	const struct grant *g = arg;
	struct store_mailbox m;
	uint32_t rights;
	enum status st = store_rights_parse(slice_str(g->letters), &rights);

	if (!st)
		st = store_mailbox_find(tx, g->by, slice_str(g->mailbox), &m);
	return st ? st : store_acl_set(tx, g->by, m.id, g->account,
				       IPC_STORE_REPLACE, rights);
}

static void grant(struct world *w, const char *mailbox, const char *letters)
{
	struct grant g = { w->ids[0], w->ids[1], mailbox, letters };

	cr_assert_eq(store_backend_do(w->b, TX_WRITE, give, &g), ST_OK, "%s", letters);
}

static enum status find_accounts(struct tx *tx, void *arg)
{
	struct world *w = arg;
	struct store_account a;
	enum status st = store_account_find(tx, SLICE(ANN), &a);

	w->ids[0] = a.id;
	if (!st)
		st = store_account_find(tx, SLICE(BOB), &a);
	w->ids[1] = a.id;
	return st;
}

/* ---- asking ---------------------------------------------------------------------------- */

static struct slice one_uid(uint32_t uid)
{
	static char octets[8];

	for (int i = 0; i < 4; i++)
		octets[i] = octets[i + 4] = (char)(uid >> 8 * i);
	return slice_of(octets, 8);
}

/* The status of the answer; detail gets the code of a refusal. */
static enum status outcome(struct store_link *l, const struct ipc_message *m,
			   char detail[32])
{
	struct answer *a = ask(l, 7, m);
	const struct ipc_message *end = &a->messages[a->count - 1];
	enum status st = ST_OK;

	cr_assert_gt(a->count, 0u);
	detail[0] = '\0';
	if (end->type == IPC_TYPE_ERROR) {
		st = (enum status)end->error.code;
		snprintf(detail, 32, "%.*s", SLICE_ARG(end->error.detail));
	}
	answer_clear(a);
	return st;
}

static enum status simply(struct store_link *l, const struct ipc_message *m)
{
	char detail[32];

	return outcome(l, m, detail);
}

static struct ipc_message open_message(const char *owner, const char *name)
{
	struct ipc_message m = { .type = IPC_TYPE_OPEN };

	m.open.owner = slice_str(owner);
	m.open.name = slice_str(name);
	return m;
}

static struct ipc_opened open_box(struct store_link *l, const char *owner)
{
	struct ipc_message m = open_message(owner, "Box");
	struct answer *a = ask(l, 6, &m);
	struct ipc_opened opened = last(a, IPC_TYPE_OPENED)->opened;

	answer_clear(a);
	return opened;
}

static struct ipc_message flags_message(uint32_t handle, unsigned mode, uint32_t flags,
					const char *keywords)
{
	struct ipc_message m = { .type = IPC_TYPE_STORE };

	m.store = (struct ipc_store){
		handle, one_uid(1), mode, flags, slice_str(keywords), UINT64_MAX,
	};
	return m;
}

static enum status append(struct store_link *l, const char *owner, const char *name,
			  uint32_t flags, const char *keywords, char detail[32])
{
	struct buf frames = BUF_INIT(65536);
	struct ipc_message m = { .type = IPC_TYPE_APPEND };
	const struct ipc_message *end;
	struct answer *a;
	enum status st = ST_OK;

	m.append.name = slice_str(name);
	m.append.owner = slice_str(owner);
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_MESSAGE;
	m.append_message = (struct ipc_append_message){
		flags, slice_str(keywords), INT64_MIN, 0, 7, 0,
	};
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_DATA;
	m.append_data.octets = SLICE("A: b\n\nx");
	ipc_encode(&frames, 5, 0, &m);
	m.type = IPC_TYPE_APPEND_COMMIT;
	m.append_commit.messages = 1;
	ipc_encode(&frames, 5, 0, &m);
	cr_assert_eq(feed(l, buf_slice(&frames), &a), ST_OK);
	end = &a->messages[a->count - 1];
	detail[0] = '\0';
	if (end->type == IPC_TYPE_ERROR) {
		st = (enum status)end->error.code;
		snprintf(detail, 32, "%.*s", SLICE_ARG(end->error.detail));
	}
	answer_clear(a);
	buf_free(&frames);
	return st;
}

static struct world begin(void)
{
	struct world w = { .b = store_backend_new(false) };
	struct ipc_message m = { .type = IPC_TYPE_CREATE };
	char detail[32];

	store_backend_user(w.b, ANN, "secret");
	store_backend_user(w.b, BOB, "geheim");
	cr_assert_eq(store_backend_do(w.b, TX_READ, find_accounts, &w), ST_OK);
	w.ann = store_link_new(w.b, SESSION_STORE);
	w.bob = store_link_new(w.b, SESSION_STORE);
	answer_clear(asking_log_in(w.ann, ANN, "secret"));
	answer_clear(asking_log_in(w.bob, BOB, "geheim"));
	m.create.name = SLICE("Box/Below");
	m.create.special_use = m.create.owner = SLICE_EMPTY;
	cr_assert_eq(simply(w.ann, &m), ST_OK);
	cr_assert_eq(append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(append(w.ann, "", "Box", 0, "", detail), ST_OK);
	return w;
}

static void end(struct world *w)
{
	store_link_free(w->ann);
	store_link_free(w->bob);
	store_backend_free(w->b);
}

/* ---- verbs ------------------------------------------------------------------------------- */

typedef enum status verb_fn(struct world *w, char detail[32]);

static enum status verb_list(struct world *w, char detail[32])
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

static enum status verb_status(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_STATUS };

	m.status.name = SLICE("Box");
	m.status.owner = SLICE(ANN);
	return outcome(w->bob, &m, detail);
}

static enum status verb_open(struct world *w, char detail[32])
{
	struct ipc_message m = open_message(ANN, "Box");

	return outcome(w->bob, &m, detail);
}

static enum status verb_fetch(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_FETCH };

	m.fetch.handle = w->handle;
	m.fetch.uids = one_uid(1);
	m.fetch.items = FETCH_FLAGS | FETCH_ALL_OCTETS;
	return outcome(w->bob, &m, detail);
}

static enum status verb_read(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_READ };

	m.read = (struct ipc_read){ w->handle, 1, 0, 100 };
	return outcome(w->bob, &m, detail);
}

static enum status verb_changes(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_CHANGES };

	m.changes.handle = w->handle;
	return outcome(w->bob, &m, detail);
}

static enum status verb_earlier(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_EARLIER };

	m.earlier.handle = w->handle;
	return outcome(w->bob, &m, detail);
}

static enum status verb_watch(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_WATCH };

	m.watch.handle = w->handle;
	m.watch.on = 1;
	return outcome(w->bob, &m, detail);
}

static enum status verb_search(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_SEARCH };

	m.search.handle = w->handle;
	m.search.program = SLICE("\x01");
	return outcome(w->bob, &m, detail);
}

static enum status verb_sort(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_SORT };

	m.sort.handle = w->handle;
	m.sort.program = SLICE("\x01");
	m.sort.keys = slice_of("\0", 1);
	return outcome(w->bob, &m, detail);
}

static enum status verb_thread(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_THREAD };

	m.thread.handle = w->handle;
	m.thread.program = SLICE("\x01");
	return outcome(w->bob, &m, detail);
}

static enum status store_one(struct world *w, uint32_t flag, const char *keyword,
			     char detail[32])
{
	struct ipc_message m = flags_message(w->handle, IPC_STORE_ADD, flag, keyword);

	return outcome(w->bob, &m, detail);
}

static enum status verb_seen(struct world *w, char detail[32])
{
	return store_one(w, FLAG_SEEN, "", detail);
}

static enum status verb_flag(struct world *w, char detail[32])
{
	return store_one(w, FLAG_FLAGGED, "", detail);
}

static enum status verb_keyword(struct world *w, char detail[32])
{
	return store_one(w, 0, "$Work", detail);
}

static enum status verb_deleted(struct world *w, char detail[32])
{
	return store_one(w, FLAG_DELETED, "", detail);
}

static enum status verb_expunge(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_EXPUNGE };

	m.expunge.handle = w->handle;
	m.expunge.uids = one_uid(2);
	return outcome(w->bob, &m, detail);
}

static enum status copy(struct world *w, uint32_t handle, const char *owner,
			const char *name, bool move, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_COPY };

	m.copy.handle = handle;
	m.copy.uids = one_uid(2);
	m.copy.owner = slice_str(owner);
	m.copy.name = slice_str(name);
	m.copy.move = move;
	return outcome(w->bob, &m, detail);
}

static enum status verb_copy(struct world *w, char detail[32])
{
	return copy(w, w->handle, "", "INBOX", false, detail);
}

static enum status verb_move(struct world *w, char detail[32])
{
	return copy(w, w->handle, "", "INBOX", true, detail);
}

static enum status verb_copy_into(struct world *w, char detail[32])
{
	struct ipc_message m = open_message("", "INBOX");
	struct answer *a = ask(w->bob, 6, &m);
	uint32_t own = last(a, IPC_TYPE_OPENED)->opened.handle;

	answer_clear(a);
	return copy(w, own, ANN, "Box", false, detail);
}

static enum status verb_append(struct world *w, char detail[32])
{
	return append(w->bob, ANN, "Box", FLAG_FLAGGED, "", detail);
}

static enum status verb_create(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_CREATE };

	m.create.name = SLICE("Box/New");
	m.create.special_use = SLICE_EMPTY;
	m.create.owner = SLICE(ANN);
	return outcome(w->bob, &m, detail);
}

static enum status verb_delete(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_DELETE };

	m.delete.name = SLICE("Box");
	m.delete.owner = SLICE(ANN);
	return outcome(w->bob, &m, detail);
}

static enum status verb_rename(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_RENAME };

	m.rename.from = SLICE("Box");
	m.rename.to = SLICE("Archive/Box");
	m.rename.owner = SLICE(ANN);
	return outcome(w->bob, &m, detail);
}

static enum status verb_rename_to(struct world *w, char detail[32])
{
	struct ipc_message m = { .type = IPC_TYPE_RENAME };

	m.rename.from = SLICE("Archive");
	m.rename.to = SLICE("Box/Archive");
	m.rename.owner = SLICE(ANN);
	return outcome(w->bob, &m, detail);
}

static enum status set_acl(struct tx *tx, void *arg)
{
	const struct world *w = arg;
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, w->ids[0], SLICE("Box"), &m);

	/* what it may, it may keep or lose */
	return st ? st : store_acl_set(tx, w->ids[1], m.id, w->ids[1],
				       IPC_STORE_REMOVE, STORE_RIGHT_POST);
}

static enum status verb_setacl(struct world *w, char detail[32])
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
	const struct world *w = arg;
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, w->ids[0], SLICE("Box"), &m);

	return st ? st : store_acl_list(tx, w->ids[1], m.id, nothing, NULL);
}

static enum status verb_getacl(struct world *w, char detail[32])
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
	struct world w = begin();
	enum status st;

	store_backend_deliver(w.b, BOB, MESSAGE);
	store_backend_deliver(w.b, BOB, MESSAGE);
	grant(&w, "Box", "lrswipkxtea");
	grant(&w, "Archive", v->elsewhere);
	w.handle = open_box(w.bob, ANN).handle;
	grant(&w, "Box", letters);
	st = v->run(&w, detail);
	end(&w);
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
	struct world w = begin();
	char detail[32];

	for (size_t i = 0; i < 2; i++) {
		struct ipc_message m = open_message(owners[i], i ? "Box" : "Nowhere");

		cr_expect_eq(outcome(w.bob, &m, detail), ST_NOT_FOUND);
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
	grant(&w, "Archive", "lrswipkxtea");
	cr_expect_eq(verb_open(&w, detail), ST_NOT_FOUND);
	end(&w);
}

/* ---- what is the owner's ------------------------------------------------------------------ */

Test(access, some_things_are_never_given)
{
	struct world w = begin();
	struct ipc_message m = { .type = IPC_TYPE_DELETE };
	char detail[32];

	grant(&w, "INBOX", "lrswipkxtea");
	grant(&w, "Box", "lrswipkxtea");
	m.delete.name = SLICE("INBOX");
	m.delete.owner = SLICE(ANN);
	cr_expect_eq(outcome(w.bob, &m, detail), ST_DENIED);
	m.type = IPC_TYPE_CREATE;
	m.create.name = SLICE("Box/Spam");
	m.create.special_use = SLICE("\\Junk");
	m.create.owner = SLICE(ANN);
	cr_expect_eq(outcome(w.bob, &m, detail), ST_DENIED);
	/* the top of her tree is hers */
	m.create.name = SLICE("Top");
	m.create.special_use = SLICE_EMPTY;
	cr_expect_eq(outcome(w.bob, &m, detail), ST_NOT_FOUND);
	end(&w);
}

Test(access, what_is_made_has_the_rights_of_the_one_above)
{
	struct world w = begin();
	struct ipc_message m = open_message(ANN, "Box/New/Deep");
	char detail[32];

	grant(&w, "Box", "lrk");
	cr_expect_eq(verb_create(&w, detail), ST_OK);
	m.type = IPC_TYPE_CREATE;
	m.create.name = SLICE("Box/New/Deep");
	m.create.special_use = SLICE_EMPTY;
	m.create.owner = SLICE(ANN);
	cr_expect_eq(simply(w.bob, &m), ST_OK);
	m = open_message(ANN, "Box/New/Deep");
	cr_expect_eq(simply(w.bob, &m), ST_OK);
	end(&w);
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
		struct world w = begin();
		uint32_t rights;
		struct ipc_opened o;

		grant(&w, "Box", opened[i].letters);
		o = open_box(w.bob, ANN);
		store_rights_parse(slice_str(opened[i].letters), &rights);
		cr_expect_eq(o.rights, rights, "%s", opened[i].letters);
		cr_expect_eq(o.read_only, (uint32_t)opened[i].read_only, "%s",
			     opened[i].letters);
		o = open_box(w.ann, "");
		cr_expect_eq(o.rights, STORE_RIGHTS_ALL);
		cr_expect_eq(o.read_only, 0u);
		/* her own by her address is her own */
		o = open_box(w.ann, ANN);
		cr_expect_eq(o.rights, STORE_RIGHTS_ALL);
		end(&w);
	}
}

/* ---- \Seen ------------------------------------------------------------------------------------- */

/* Flags of UID 1 or another as this link sees them, by FETCH and by CHANGES. */
static uint32_t flags_of(struct store_link *l, uint32_t handle, uint32_t uid)
{
	static const uint32_t items[] = {
		FETCH_FLAGS | FETCH_MODSEQ, FETCH_FLAGS | FETCH_ENVELOPE,
	};
	struct ipc_message m = { .type = IPC_TYPE_FETCH };
	uint32_t flags[3] = { 0 };
	struct fetch_row row;
	struct slice rows;
	struct answer *a;

	for (size_t i = 0; i < 2; i++) {
		m.fetch.handle = handle;
		m.fetch.uids = one_uid(uid);
		m.fetch.items = items[i];
		a = ask(l, 7, &m);
		for (size_t k = 0; k < a->count; k++)
			if (a->messages[k].type == IPC_TYPE_ROWS) {
				rows = a->messages[k].rows.rows;
				cr_assert_eq(fetch_row_decode(&rows, items[i], &row),
					     ST_OK);
				flags[i] = flags_system(row.flags);
			}
		answer_clear(a);
	}
	m.type = IPC_TYPE_CHANGES;
	m.changes = (struct ipc_changes){ handle, 0 };
	a = ask(l, 8, &m);
	for (size_t k = 0; k < a->count; k++) {
		if (a->messages[k].type != IPC_TYPE_ROWS)
			continue;
		rows = a->messages[k].rows.rows;
		while (fetch_row_decode(&rows, FETCH_FLAGS | FETCH_MODSEQ, &row) == ST_OK)
			if (row.uid == uid)
				flags[2] = flags_system(row.flags);
	}
	answer_clear(a);
	cr_expect_eq(flags[0], flags[1], "%x and %x", flags[0], flags[1]);
	cr_expect_eq(flags[0], flags[2], "%x and %x", flags[0], flags[2]);
	return flags[0];
}

static uint32_t unseen(struct store_link *l, const char *owner)
{
	struct ipc_message m = { .type = IPC_TYPE_STATUS };
	struct answer *a;
	uint32_t count;

	m.status.name = SLICE("Box");
	m.status.owner = slice_str(owner);
	a = ask(l, 7, &m);
	count = last(a, IPC_TYPE_MAILBOX)->mailbox.unseen;
	answer_clear(a);
	return count;
}

/* How many a SEARCH SEEN finds. */
static uint64_t found_seen(struct store_link *l, uint32_t handle)
{
	struct ipc_message m = { .type = IPC_TYPE_SEARCH };
	struct ranges found = RANGES_INIT(100);
	struct answer *a;
	uint64_t count;

	m.search.handle = handle;
	m.search.program = slice_of("\x06\x01\0\0\0", 5);
	a = ask(l, 7, &m);
	last(a, IPC_TYPE_DONE);
	for (size_t i = 0; i + 1 < a->count; i++)
		cr_assert_eq(ranges_add_encoded(a->messages[i].uids.set, &found), ST_OK);
	count = ranges_size(&found);
	ranges_free(&found);
	answer_clear(a);
	return count;
}

Test(access, seen_is_each_accounts_own)
{
	struct world w = begin();
	struct ipc_opened ann, bob;
	struct ipc_message m;

	grant(&w, "Box", "lrs");
	ann = open_box(w.ann, "");
	bob = open_box(w.bob, ANN);
	cr_expect_eq(bob.unseen, 2u);
	m = flags_message(ann.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(simply(w.ann, &m), ST_OK);
	cr_expect_eq(flags_of(w.ann, ann.handle, 1), FLAG_SEEN);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), 0u);
	cr_expect_eq(unseen(w.ann, ""), 1u);
	cr_expect_eq(unseen(w.bob, ANN), 2u);
	/* one of his own, and hers goes */
	m = flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(simply(w.bob, &m), ST_OK);
	m = flags_message(ann.handle, IPC_STORE_REMOVE, FLAG_SEEN, "");
	cr_expect_eq(simply(w.ann, &m), ST_OK);
	cr_expect_eq(flags_of(w.ann, ann.handle, 1), 0u);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), FLAG_SEEN);
	cr_expect_eq(found_seen(w.ann, ann.handle), 0u);
	cr_expect_eq(found_seen(w.bob, bob.handle), 1u);
	cr_expect_eq(unseen(w.ann, ""), 2u);
	cr_expect_eq(unseen(w.bob, ANN), 1u);
	bob = open_box(w.bob, ANN);
	cr_expect_eq(bob.unseen, 1u);
	cr_expect_eq(bob.first_unseen, 2u);
	cr_expect_eq(bob.recent_lo, 0u);
	/* FLAGS () takes it away again, and nothing else of what he may not */
	m = flags_message(ann.handle, IPC_STORE_ADD, FLAG_FLAGGED, "$Work");
	cr_expect_eq(simply(w.ann, &m), ST_OK);
	m = flags_message(bob.handle, IPC_STORE_REPLACE, 0, "");
	cr_expect_eq(simply(w.bob, &m), ST_OK);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), FLAG_FLAGGED);
	end(&w);
}

/* What STORE answers, and that a change of one's own is news to one's other session. */
Test(access, seen_of_ones_own_is_answered_and_told)
{
	struct world w = begin();
	struct ipc_opened bob;
	struct ipc_message m;
	struct fetch_row row;
	struct slice rows;
	struct answer *a;

	grant(&w, "Box", "lrs");
	bob = open_box(w.bob, ANN);
	m = flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN | FLAG_FLAGGED, "");
	a = ask(w.bob, 7, &m);
	cr_expect_gt(last(a, IPC_TYPE_STORED)->stored.modseq, bob.highestmodseq);
	rows = a->messages[0].rows.rows;
	cr_assert_eq(fetch_row_decode(&rows, FETCH_FLAGS | FETCH_MODSEQ, &row), ST_OK);
	/* of the two only the one he may */
	cr_expect_eq(flags_system(row.flags), FLAG_SEEN);
	cr_expect_gt(row.modseq, bob.highestmodseq);
	answer_clear(a);
	m.type = IPC_TYPE_CHANGES;
	m.changes = (struct ipc_changes){ bob.handle, bob.highestmodseq };
	a = ask(w.bob, 8, &m);
	rows = a->messages[0].rows.rows;
	cr_assert_eq(fetch_row_decode(&rows, FETCH_FLAGS | FETCH_MODSEQ, &row), ST_OK);
	cr_expect_eq(row.uid, 1u);
	cr_expect_eq(flags_system(row.flags), FLAG_SEEN);
	answer_clear(a);
	/* the same again is no change */
	m = flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	a = ask(w.bob, 7, &m);
	cr_expect_eq(last(a, IPC_TYPE_STORED)->stored.modseq, 0u);
	answer_clear(a);
	end(&w);
}

static const struct {
	const char *letters;
	uint32_t flags;		/* that her message then has, as she and as he sees it */
	uint32_t his;
	bool keyword;
} flags_kept[] = {
	/* the examples of section 4: rwis, and rsti */
	{ "lrwis", FLAG_ANSWERED | FLAG_DRAFT, FLAG_ANSWERED | FLAG_DRAFT | FLAG_SEEN, true },
	{ "lrsti", FLAG_DELETED, FLAG_DELETED | FLAG_SEEN, false },
	{ "lri", 0, 0, false },
	{ "lritw", FLAG_ANSWERED | FLAG_DRAFT | FLAG_DELETED,
	  FLAG_ANSWERED | FLAG_DRAFT | FLAG_DELETED, true },
};

Test(access, flags_of_what_is_put_in)
{
	const uint32_t all = FLAG_SEEN | FLAG_ANSWERED | FLAG_DRAFT | FLAG_DELETED;

	for (size_t i = 0; i < sizeof flags_kept / sizeof *flags_kept; i++) {
		struct world w = begin();
		struct ipc_opened ann, bob, own;
		struct ipc_message m = open_message("", "INBOX");
		struct answer *a;
		char detail[32];

		grant(&w, "Box", flags_kept[i].letters);
		ann = open_box(w.ann, "");
		bob = open_box(w.bob, ANN);
		cr_expect_eq(append(w.bob, ANN, "Box", all, "$Forwarded", detail),
			     ST_OK);
		cr_expect_eq(append(w.bob, "", "INBOX", all, "$Forwarded", detail),
			     ST_OK);
		a = ask(w.bob, 6, &m);
		own = last(a, IPC_TYPE_OPENED)->opened;
		answer_clear(a);
		m.type = IPC_TYPE_COPY;
		m.copy = (struct ipc_copy){ own.handle, one_uid(1), SLICE("Box"), 0,
					    SLICE(ANN) };
		cr_expect_eq(simply(w.bob, &m), ST_OK);
		for (uint32_t uid = 3; uid <= 4; uid++) {
			cr_expect_eq(flags_of(w.ann, ann.handle, uid),
				     flags_kept[i].flags, "%s: %u",
				     flags_kept[i].letters, uid);
			cr_expect_eq(flags_of(w.bob, bob.handle, uid),
				     flags_kept[i].his, "%s: %u",
				     flags_kept[i].letters, uid);
		}
		own = open_box(w.ann, "");
		cr_expect_eq(own.unseen, 4u);
		end(&w);
	}
}

/* What is copied out of another's mailbox is as read as he has read it. */
Test(access, seen_goes_along_into_ones_own)
{
	struct world w = begin();
	struct ipc_message m;
	struct ipc_opened ann, bob;
	struct answer *a;
	char detail[32];
	uint32_t own;

	grant(&w, "Box", "lrs");
	ann = open_box(w.ann, "");
	bob = open_box(w.bob, ANN);
	w.handle = bob.handle;
	m = flags_message(ann.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(simply(w.ann, &m), ST_OK);
	m = flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	m.store.uids = one_uid(2);
	cr_expect_eq(simply(w.bob, &m), ST_OK);
	cr_expect_eq(copy(&w, bob.handle, "", "INBOX", false, detail), ST_OK);
	m = open_message("", "INBOX");
	a = ask(w.bob, 6, &m);
	own = last(a, IPC_TYPE_OPENED)->opened.handle;
	answer_clear(a);
	cr_expect_eq(flags_of(w.bob, own, 1), FLAG_SEEN);
	end(&w);
}

/* ---- taken away ----------------------------------------------------------------------------------- */

/* A right that goes acts on what runs behind the commit that took it, on handles that
 * are open, and on news; a right that comes does too. */
Test(access, rights_act_at_commit)
{
	struct world w = begin();
	struct ipc_opened bob;
	struct buf news = BUF_INIT(65536);
	struct ipc_frame frame;
	char detail[32];
	size_t used;

	grant(&w, "Box", "lr");
	bob = open_box(w.bob, ANN);
	w.handle = bob.handle;
	cr_expect_eq(verb_watch(&w, detail), ST_OK);
	cr_expect_eq(verb_flag(&w, detail), ST_DENIED);
	grant(&w, "Box", "lrw");
	cr_expect_eq(verb_flag(&w, detail), ST_OK);
	store_link_feed(w.bob, SLICE_EMPTY, &news);
	news.len = 0;
	grant(&w, "Box", "l");
	/* one event that says to ask, without a number; then silence */
	for (int i = 0; i < 3; i++)
		cr_assert_eq(append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(store_link_feed(w.bob, SLICE_EMPTY, &news), ST_OK);
	cr_assert_eq(ipc_frame_next(buf_slice(&news), &frame, &used), ST_OK);
	cr_expect_eq(frame.type, IPC_TYPE_CHANGED);
	cr_expect_eq(used, news.len);
	cr_expect_eq(verb_changes(&w, detail), ST_DENIED);
	cr_expect_str_eq(detail, "NOPERM");
	cr_expect_eq(verb_flag(&w, detail), ST_DENIED);
	grant(&w, "Box", "lr");
	cr_expect_eq(verb_changes(&w, detail), ST_OK);
	/* and news come again */
	news.len = 0;
	cr_assert_eq(append(w.ann, "", "Box", 0, "", detail), ST_OK);
	cr_assert_eq(store_link_feed(w.bob, SLICE_EMPTY, &news), ST_OK);
	cr_expect_gt(news.len, 0u);
	buf_free(&news);
	end(&w);
}

/* A stream that is on its way ends at its next piece. */
Test(access, a_stream_ends_where_the_right_went)
{
	struct world w = begin();
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
	grant(&w, "INBOX", "lr");
	m = open_message(ANN, "INBOX");
	a = ask(w.bob, 3, &m);
	handle = last(a, IPC_TYPE_OPENED)->opened.handle;
	answer_clear(a);
	m.type = IPC_TYPE_READ;
	m.read = (struct ipc_read){ handle, 1, 0, UINT64_MAX };
	a = ask(w.bob, 4, &m);
	cr_expect_neq(a->messages[a->count - 1].type, IPC_TYPE_DONE);
	answer_clear(a);
	grant(&w, "INBOX", "l");
	a = ask(w.bob, 4, &credit);
	cr_expect_eq(last(a, IPC_TYPE_ERROR)->error.code, (uint32_t)ST_DENIED);
	answer_clear(a);
	buf_free(&big);
	buf_free(&out);
	end(&w);
}
