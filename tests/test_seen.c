/* Whose \Seen is whose where accounts share a mailbox (RFC 4314 section 4). */
#include "tests/support/sharing.h"

#include "common/fetch_row.h"
#include "mailboxd/requests.h"

#include <criterion/criterion.h>

TestSuite(seen, .timeout = 120);

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
		m.fetch.uids = sharing_uid(uid);
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

Test(seen, seen_is_each_accounts_own)
{
	struct sharing w = sharing_begin();
	struct ipc_opened ann, bob;
	struct ipc_message m;

	sharing_grant(&w, "Box", "lrs");
	ann = sharing_open(w.ann, "");
	bob = sharing_open(w.bob, ANN);
	cr_expect_eq(bob.unseen, 2u);
	m = sharing_flags_message(ann.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(sharing_ask(w.ann, &m), ST_OK);
	cr_expect_eq(flags_of(w.ann, ann.handle, 1), FLAG_SEEN);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), 0u);
	cr_expect_eq(unseen(w.ann, ""), 1u);
	cr_expect_eq(unseen(w.bob, ANN), 2u);
	/* one of his own, and hers goes */
	m = sharing_flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
	m = sharing_flags_message(ann.handle, IPC_STORE_REMOVE, FLAG_SEEN, "");
	cr_expect_eq(sharing_ask(w.ann, &m), ST_OK);
	cr_expect_eq(flags_of(w.ann, ann.handle, 1), 0u);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), FLAG_SEEN);
	cr_expect_eq(found_seen(w.ann, ann.handle), 0u);
	cr_expect_eq(found_seen(w.bob, bob.handle), 1u);
	cr_expect_eq(unseen(w.ann, ""), 2u);
	cr_expect_eq(unseen(w.bob, ANN), 1u);
	bob = sharing_open(w.bob, ANN);
	cr_expect_eq(bob.unseen, 1u);
	cr_expect_eq(bob.first_unseen, 2u);
	cr_expect_eq(bob.recent_lo, 0u);
	/* FLAGS () takes it away again, and nothing else of what he may not */
	m = sharing_flags_message(ann.handle, IPC_STORE_ADD, FLAG_FLAGGED, "$Work");
	cr_expect_eq(sharing_ask(w.ann, &m), ST_OK);
	m = sharing_flags_message(bob.handle, IPC_STORE_REPLACE, 0, "");
	cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
	cr_expect_eq(flags_of(w.bob, bob.handle, 1), FLAG_FLAGGED);
	sharing_end(&w);
}

/* What STORE answers, and that a change of one's own is news to one's other session. */
Test(seen, seen_of_ones_own_is_answered_and_told)
{
	struct sharing w = sharing_begin();
	struct ipc_opened bob;
	struct ipc_message m;
	struct fetch_row row;
	struct slice rows;
	struct answer *a;

	sharing_grant(&w, "Box", "lrs");
	bob = sharing_open(w.bob, ANN);
	m = sharing_flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN | FLAG_FLAGGED, "");
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
	m = sharing_flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	a = ask(w.bob, 7, &m);
	cr_expect_eq(last(a, IPC_TYPE_STORED)->stored.modseq, 0u);
	answer_clear(a);
	sharing_end(&w);
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

Test(seen, flags_of_what_is_put_in)
{
	const uint32_t all = FLAG_SEEN | FLAG_ANSWERED | FLAG_DRAFT | FLAG_DELETED;

	for (size_t i = 0; i < sizeof flags_kept / sizeof *flags_kept; i++) {
		struct sharing w = sharing_begin();
		struct ipc_opened ann, bob, own;
		struct ipc_message m = sharing_open_message("", "INBOX");
		struct answer *a;
		char detail[32];

		sharing_grant(&w, "Box", flags_kept[i].letters);
		ann = sharing_open(w.ann, "");
		bob = sharing_open(w.bob, ANN);
		cr_expect_eq(sharing_append(w.bob, ANN, "Box", all, "$Forwarded", detail),
			     ST_OK);
		cr_expect_eq(sharing_append(w.bob, "", "INBOX", all, "$Forwarded", detail),
			     ST_OK);
		a = ask(w.bob, 6, &m);
		own = last(a, IPC_TYPE_OPENED)->opened;
		answer_clear(a);
		m.type = IPC_TYPE_COPY;
		m.copy = (struct ipc_copy){ own.handle, sharing_uid(1), SLICE("Box"), 0,
					    SLICE(ANN) };
		cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
		for (uint32_t uid = 3; uid <= 4; uid++) {
			cr_expect_eq(flags_of(w.ann, ann.handle, uid),
				     flags_kept[i].flags, "%s: %u",
				     flags_kept[i].letters, uid);
			cr_expect_eq(flags_of(w.bob, bob.handle, uid),
				     flags_kept[i].his, "%s: %u",
				     flags_kept[i].letters, uid);
		}
		own = sharing_open(w.ann, "");
		cr_expect_eq(own.unseen, 4u);
		sharing_end(&w);
	}
}

/* What is copied out of another's mailbox is as read as he has read it. */
Test(seen, seen_goes_along_into_ones_own)
{
	struct sharing w = sharing_begin();
	struct ipc_message m;
	struct ipc_opened ann, bob;
	struct answer *a;
	char detail[32];
	uint32_t own;

	sharing_grant(&w, "Box", "lrs");
	ann = sharing_open(w.ann, "");
	bob = sharing_open(w.bob, ANN);
	w.handle = bob.handle;
	m = sharing_flags_message(ann.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	cr_expect_eq(sharing_ask(w.ann, &m), ST_OK);
	m = sharing_flags_message(bob.handle, IPC_STORE_ADD, FLAG_SEEN, "");
	m.store.uids = sharing_uid(2);
	cr_expect_eq(sharing_ask(w.bob, &m), ST_OK);
	cr_expect_eq(sharing_copy(&w, bob.handle, "", "INBOX", false, detail), ST_OK);
	m = sharing_open_message("", "INBOX");
	a = ask(w.bob, 6, &m);
	own = last(a, IPC_TYPE_OPENED)->opened.handle;
	answer_clear(a);
	cr_expect_eq(flags_of(w.bob, own, 1), FLAG_SEEN);
	sharing_end(&w);
}
