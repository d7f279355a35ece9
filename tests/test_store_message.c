#include "mailboxd/prepare.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct temp_store t;

TestSuite(store_message, .timeout = 120);

#define PREFIX "Delivered-To: ann@example.test\r\n"
#define MAIL "From: a@b\r\nSubject: x\r\n\r\nBody.\r\n"

static enum status store_set(const char *uids, enum ipc_store_mode mode,
			     uint32_t flags, const char *keywords,
			     uint64_t unchanged_since, struct ranges *refused,
			     struct buf *rows, uint64_t *modseq)
{
	struct ranges set;
	struct store_flag_change c = { .mailbox = t.inbox, .uids = &set,
				       .mode = mode, .flags = flags,
				       .keywords = slice_str(keywords),
				       .unchanged_since = unchanged_since,
				       .refused = refused, .rows = rows };
	enum status st;

	temp_ranges(&set, uids);
	temp_begin(&t);
	st = temp_end(&t, store_flags(t.write, &c));
	ranges_free(&set);
	if (modseq)
		*modseq = c.modseq;
	return st;
}

/* "1:flags(names)" of all messages. */
static enum status add_names(void *arg, uint32_t set, struct slice names)
{
	char (*sets)[64] = arg;

	snprintf(sets[set], 64, "%.*s", SLICE_ARG(names));
	return ST_OK;
}

static const char *flags_text(void)
{
	static char text[4096];
	char sets[64][64] = { "" };
	struct buf rows = BUF_INIT(1 << 20);
	struct store_fetch f = { .mailbox = t.inbox, .items = FETCH_FLAGS };
	struct fetch_row r;
	struct slice rest;
	size_t len = 0;

	text[0] = '\0';
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_fetch(t.read, &f, 1 << 20, &rows), ST_OK);
	cr_assert_eq(store_keyword_sets(t.read, t.inbox, 0, add_names, sets),
		     ST_OK);
	store_commit(t.read);
	rest = buf_slice(&rows);
	while (fetch_row_decode(&rest, FETCH_FLAGS, &r) == ST_OK)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"%s%u:%u(%s)", len ? " " : "", r.uid,
			flags_system(r.flags), sets[flags_keyword_set(r.flags)]);
	buf_free(&rows);
	return text;
}

static const struct {
	const char *uids;
	enum ipc_store_mode mode;
	uint32_t flags;
	const char *keywords;
	enum status status;
	const char *after;
} flag_rows[] = {
	{ "1", IPC_STORE_ADD, FLAG_SEEN, "", ST_OK, "1:1() 2:0() 3:0() 4:0()" },
	{ "2:3", IPC_STORE_REPLACE, FLAG_DELETED, "$b A", ST_OK,
	  "1:1() 2:8($b A) 3:8($b A) 4:0()" },
	{ "1:*", IPC_STORE_ADD, 0, "c", ST_SYNTAX, "" },	/* not a set */
	{ "1:4", IPC_STORE_ADD, 0, "c", ST_OK,
	  "1:1(c) 2:8($b A c) 3:8($b A c) 4:0(c)" },
	{ "1:4", IPC_STORE_REMOVE, FLAG_DELETED | FLAG_SEEN, "a C", ST_OK,
	  "1:0() 2:0($b) 3:0($b) 4:0()" },
	{ "3,9", IPC_STORE_REPLACE, FLAGS_SYSTEM, "", ST_OK,
	  "1:0() 2:0($b) 3:31() 4:0()" },
	{ "1", IPC_STORE_ADD, 0, "bad(name", ST_SYNTAX, "1:0() 2:0($b) 3:31() 4:0()" },
};

Test(store_message, flags_and_keywords)
{
	temp_store_open(&t, NULL);
	for (int i = 0; i < 4; i++)
		temp_mail(&t, "x");
	for (size_t i = 0; i < sizeof flag_rows / sizeof *flag_rows; i++) {
		if (strchr(flag_rows[i].uids, '*'))
			continue;
		cr_expect_eq(store_set(flag_rows[i].uids, flag_rows[i].mode,
				       flag_rows[i].flags, flag_rows[i].keywords,
				       UINT64_MAX, NULL, NULL, NULL),
			     flag_rows[i].status, "row %zu", i);
		cr_expect_str_eq(flags_text(), flag_rows[i].after, "row %zu: %s",
				 i, flags_text());
		cr_expect_eq(temp_store_check(&t), 0, "row %zu", i);
	}
	temp_store_close(&t);
}

Test(store_message, unchanged_since_refuses)
{
	struct ranges refused = RANGES_INIT(100);
	struct buf rows = BUF_INIT(1000);
	uint64_t first, second;

	temp_store_open(&t, NULL);
	for (int i = 0; i < 3; i++)
		temp_mail(&t, "x");
	first = temp_status(&t, t.inbox).highestmodseq;
	store_set("2", IPC_STORE_ADD, FLAG_SEEN, "", UINT64_MAX, NULL, &rows,
		  &second);
	cr_expect_eq(second, first + 1);
	cr_expect_eq(rows.len, 20);
	cr_expect_eq(store_set("1:3", IPC_STORE_ADD, FLAG_FLAGGED, "", first,
			       &refused, &rows, &second), ST_OK);
	cr_expect_str_eq(temp_ranges_text(&refused), "2");
	cr_expect_eq(rows.len, 40);
	cr_expect_str_eq(flags_text(), "1:4() 2:1() 3:4()");
	/* no change, no modseq */
	store_set("1", IPC_STORE_ADD, FLAG_FLAGGED, "", UINT64_MAX, NULL, NULL,
		  &first);
	cr_expect_eq(first, second);
	ranges_free(&refused);
	buf_free(&rows);
	temp_store_close(&t);
}

Test(store_message, too_many_keywords)
{
	char names[8192];
	size_t len = 0;

	temp_store_open(&t, NULL);
	temp_mail(&t, "x");
	for (int i = 0; i < 65; i++)
		len += (size_t)snprintf(names + len, sizeof names - len, "%sk%d",
					i ? " " : "", i);
	cr_expect_eq(store_set("1", IPC_STORE_ADD, 0, names, UINT64_MAX, NULL,
			       NULL, NULL), ST_LIMIT);
	for (int i = 0; i < 512; i++) {
		snprintf(names, sizeof names, "n%d", i);
		cr_assert_eq(store_set("1", IPC_STORE_REPLACE, 0, names,
				       UINT64_MAX, NULL, NULL, NULL), ST_OK,
			     "%d", i);
	}
	cr_expect_eq(store_set("1", IPC_STORE_REPLACE, 0, "more", UINT64_MAX,
			       NULL, NULL, NULL), ST_LIMIT);
	cr_expect_eq(store_set("1", IPC_STORE_REPLACE, 0, "N7 n8", UINT64_MAX,
			       NULL, NULL, NULL), ST_OK);
	temp_store_close(&t);
}

Test(store_message, one_body_for_all_recipients)
{
	struct buf record = BUF_INIT(1 << 20), out = BUF_INIT(1000);
	struct store_message m;
	struct store_mailbox bobs;
	struct store_delivery d[3] = {
		{ .recipient = SLICE("ann@example.test") },
		{ .recipient = SLICE("b@example.test") },
		{ .recipient = SLICE("again@example.test") },
	};

	temp_store_open(&t, NULL);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	store_mailbox_find(t.read, t.bob, SLICE("INBOX"), &bobs);
	store_commit(t.read);
	d[0].mailbox = d[2].mailbox = t.inbox;
	d[1].mailbox = bobs.id;
	temp_message(&t, &m, SLICE(MAIL), &record);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_deliver(t.write, &m, d, 3)), ST_OK);
	cr_expect_eq(d[0].uid, 1);
	cr_expect_eq(d[1].uid, 1);
	cr_expect_eq(d[1].account, t.bob);
	cr_expect_eq(d[2].uid, 0, "once in each mailbox");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_read(t.read, bobs.id, 1, 0, 1000, &out), ST_OK);
	cr_expect(slice_eq(buf_slice(&out),
			   SLICE("Delivered-To: b@example.test\r\n" MAIL)));
	store_commit(t.read);
	cr_expect_eq(temp_status(&t, t.inbox).octets,
		     sizeof PREFIX MAIL - 1);
	buf_free(&record);
	buf_free(&out);
	temp_store_close(&t);
}

/* RFC 6154: ann has a mailbox for junk, bob has none. */
Test(store_message, junk)
{
	struct buf record = BUF_INIT(1 << 20);
	struct store_message m;
	struct store_mailbox bobs;
	struct store_mailbox junk;
	struct store_delivery d[3] = {
		{ .recipient = SLICE("ann@example.test") },
		{ .recipient = SLICE("bob@example.test") },
		{ .recipient = SLICE("again@example.test") },
	};
	uint64_t inbox;

	temp_store_open(&t, NULL);
	inbox = t.inbox;
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	store_mailbox_find(t.read, t.ann, SLICE("Junk"), &junk);
	store_mailbox_find(t.read, t.bob, SLICE("INBOX"), &bobs);
	store_commit(t.read);
	cr_assert(slice_eq(junk.special_use, SLICE("\\Junk")));
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_delete(t.write, t.bob, SLICE("Junk"))),
		     ST_OK);
	d[0].mailbox = d[2].mailbox = t.inbox;
	d[1].mailbox = bobs.id;
	temp_message(&t, &m, SLICE(MAIL), &record);
	m.is_junk = true;
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_deliver(t.write, &m, d, 3)), ST_OK);
	cr_expect_eq(d[0].mailbox, junk.id);
	cr_expect_eq(d[1].mailbox, bobs.id);
	cr_expect_eq(d[2].uid, 0, "once in each mailbox");
	cr_expect_eq(temp_status(&t, inbox).messages, 0);
	t.inbox = junk.id;
	cr_expect_str_eq(flags_text(), "1:0($Junk)");
	t.inbox = bobs.id;
	cr_expect_str_eq(flags_text(), "1:0($Junk)");
	buf_free(&record);
	temp_store_close(&t);
}

Test(store_message, read_at_every_offset)
{
	static const char whole[] = PREFIX MAIL;
	struct buf out = BUF_INIT(1000);

	temp_store_open(&t, NULL);
	temp_deliver(&t, t.inbox, SLICE(MAIL));
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	for (size_t at = 0; at <= sizeof whole; at++)
		for (size_t n = 0; n < sizeof whole + 2; n += 7) {
			struct slice want = slice_of(whole, sizeof whole - 1);

			want = slice_from(want, at < want.len ? at : want.len);
			out.len = 0;
			cr_assert_eq(store_read(t.read, t.inbox, 1, at, n, &out),
				     ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_head(want, n)),
				  "%zu, %zu octets", at, n);
		}
	cr_expect_eq(store_read(t.read, t.inbox, 2, 0, 1, &out), ST_NOT_FOUND);
	store_commit(t.read);
	buf_free(&out);
	temp_store_close(&t);
}

/* A body of several pieces; some of them come before the message's row. */
#define LARGE (2 * STORE_CHUNK + 1000)

static void deliver_large(char *text, bool finish)
{
	struct buf record = BUF_INIT(1 << 20);
	struct store_delivery d = { .mailbox = t.inbox,
				    .recipient = SLICE("ann@example.test") };
	struct store_message m;

	memcpy(text, "A: b\r\n\r\n", 8);
	for (size_t i = 8; i < LARGE; i++)
		text[i] = (char)('a' + i * 7919 % 26);
	temp_message(&t, &m, slice_of(text, LARGE), &record);
	m.pieces = 2;
	m.tail = slice_of(text + 2 * STORE_CHUNK, 1000);
	for (uint32_t seq = 0; seq < 2; seq++) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_body_put(t.write, m.id, seq,
			slice_of(text + seq * STORE_CHUNK, STORE_CHUNK))), ST_OK);
	}
	if (finish) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_deliver(t.write, &m, &d, 1)),
			     ST_OK);
	}
	buf_free(&record);
}

/* Pages of the file that hold something. A large body is 130 of them. */
static uint64_t used_pages(void)
{
	struct store_stats stats;
	bool more;

	do {
		temp_begin(&t);
		temp_end(&t, store_prune(t.write, 0, &more));
	} while (more);
	store_stats(t.store, &stats);
	return stats.pages - stats.free_pages;
}

#define BODY_PAGES 100

Test(store_message, large_body_streams_at_every_frame_size)
{
	static const size_t sizes[] = { 100, 4096, 32768, 65536, 300000,
					4 << 20 };
	char *text = malloc(LARGE);

	temp_store_open(&t, NULL);
	deliver_large(text, true);
	temp_mail(&t, "behind it");
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct store_fetch f = { .mailbox = t.inbox,
					 .items = FETCH_ALL_OCTETS };
		struct buf frame = BUF_INIT(8 << 20), whole = BUF_INIT(8 << 20);
		struct fetch_row r;
		enum status st = ST_MORE;
		unsigned rows = 0;

		while (st == ST_MORE) {
			struct slice rest;

			frame.len = 0;
			cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
			st = store_fetch(t.read, &f, sizes[i], &frame);
			store_commit(t.read);
			rest = buf_slice(&frame);
			if (f.is_body)
				buf_append(&whole, rest);
			else
				while (fetch_row_decode(&rest, f.items, &r) ==
				       ST_OK)
					if (rows++ == 0)
						buf_append(&whole, r.octets);
		}
		cr_expect_eq(st, ST_OK);
		cr_expect_eq(rows, 2);
		cr_expect_geq(whole.len, sizeof PREFIX - 1 + LARGE);
		cr_expect(slice_starts(buf_slice(&whole), SLICE(PREFIX)));
		cr_expect(memcmp(whole.data + sizeof PREFIX - 1, text, LARGE) ==
			  0, "frames of %zu", sizes[i]);
		buf_free(&frame);
		buf_free(&whole);
	}
	free(text);
	temp_store_close(&t);
}

Test(store_message, pieces_without_a_message_go)
{
	char *text = malloc(LARGE);
	uint64_t before;

	temp_store_open(&t, NULL);
	before = used_pages();
	deliver_large(text, false);
	cr_expect_gt(used_pages(), before + BODY_PAGES);
	temp_store_reopen(&t, false);
	cr_expect_lt(used_pages(), before + BODY_PAGES);
	deliver_large(text, false);
	temp_begin(&t);
	temp_end(&t, store_body_abort(t.write, store_message_id(t.store) - 1));
	cr_expect_lt(used_pages(), before + BODY_PAGES);
	free(text);
	temp_store_close(&t);
}

Test(store_message, pinned_body_outlives_its_message)
{
	struct ranges gone = RANGES_INIT(100);
	struct store_fetch f = { .mailbox = t.inbox, .items = FETCH_ALL_OCTETS };
	struct buf out = BUF_INIT(8 << 20);
	char *text = malloc(LARGE);
	uint64_t modseq, before;
	bool more;

	temp_store_open(&t, NULL);
	before = used_pages();
	f.mailbox = t.inbox;
	deliver_large(text, true);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_fetch(t.read, &f, 1000, &out), ST_MORE);
	store_commit(t.read);
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, t.inbox, NULL, true, &gone,
				   &modseq));
	for (int i = 0; i < 3; i++) {
		temp_begin(&t);
		temp_end(&t, store_prune(t.write, INT32_MAX, &more));
	}
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	out.len = 0;
	cr_expect_eq(store_fetch(t.read, &f, 2000, &out), ST_MORE);
	cr_expect(f.is_body);
	cr_expect_eq(out.len, 2000);
	store_commit(t.read);
	store_fetch_end(t.store, &f);
	temp_begin(&t);
	temp_end(&t, store_prune(t.write, INT32_MAX, &more));
	cr_expect_lt(used_pages(), before + BODY_PAGES);
	ranges_free(&gone);
	buf_free(&out);
	free(text);
	temp_store_close(&t);
}

Test(store_message, fetch_gives_what_was_asked)
{
	static const uint32_t items = FETCH_FLAGS | FETCH_SIZE |
		FETCH_INTERNALDATE | FETCH_PREFIX | FETCH_EMAILID |
		FETCH_ENVELOPE | FETCH_PARTS | FETCH_HEADER_OCTETS;
	struct buf out = BUF_INIT(PREPARE_RECORD_MAX);
	struct store_fetch f = { .items = items };
	struct fetch_row r;
	struct slice rest;

	temp_store_open(&t, NULL);
	temp_deliver(&t, t.inbox, SLICE(MAIL));
	f.mailbox = t.inbox;
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_fetch(t.read, &f, 65536, &out), ST_OK);
	rest = buf_slice(&out);
	cr_assert_eq(fetch_row_decode(&rest, items, &r), ST_OK);
	cr_expect_eq(rest.len, 0);
	cr_expect_eq(r.uid, 1);
	cr_expect_eq(r.size, sizeof PREFIX MAIL - 1);
	cr_expect_eq(r.prefix, sizeof PREFIX - 1);
	cr_expect_eq(r.internaldate, 1700000000);
	cr_expect_eq(r.zone, 60);
	cr_expect(r.envelope.len > 0 && r.envelope.data[0] == '(');
	cr_expect(slice_eq(r.octets,
			   SLICE(PREFIX "From: a@b\r\nSubject: x\r\n\r\n")));
	f = (struct store_fetch){ .mailbox = t.inbox,
				  .items = FETCH_TEXT_OCTETS };
	out.len = 0;
	cr_assert_eq(store_fetch(t.read, &f, 65536, &out), ST_OK);
	rest = buf_slice(&out);
	cr_assert_eq(fetch_row_decode(&rest, f.items, &r), ST_OK);
	cr_expect(slice_eq(r.octets, SLICE("Body.\r\n")));
	store_commit(t.read);
	buf_free(&out);
	temp_store_close(&t);
}

Test(store_message, append_is_all_or_none_and_minds_the_quota)
{
	struct buf records[2] = { BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
	struct store_append a[2] = { { .flags = FLAG_SEEN,
				       .keywords = SLICE("k") },
				     { .keywords = SLICE_EMPTY } };
	uint32_t uidvalidity;

	temp_store_open(&t, NULL);
	for (int i = 0; i < 2; i++)
		temp_message(&t, &a[i].message, SLICE(MAIL), &records[i]);
	temp_begin(&t);
	temp_end(&t, store_account_set_quota(t.write, t.ann,
					     sizeof MAIL + 4, UINT64_MAX));
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_append(t.write, t.inbox, NULL, a, 2,
					       &uidvalidity)), ST_QUOTA);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 0);
	temp_begin(&t);
	temp_end(&t, store_account_set_quota(t.write, t.ann, 0, 0));
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_append(t.write, t.inbox, NULL, a, 2,
					       &uidvalidity)), ST_OK);
	cr_expect_eq(a[0].uid, 1);
	cr_expect_eq(a[1].uid, 2);
	cr_expect_str_eq(flags_text(), "1:1(k) 2:0()");
	cr_expect_eq(uidvalidity, temp_status(&t, t.inbox).uidvalidity);
	buf_free(&records[0]);
	buf_free(&records[1]);
	temp_store_close(&t);
}

Test(store_message, copy_and_move)
{
	struct ranges uids, source = RANGES_INIT(100), target = RANGES_INIT(100);
	struct store_copy c = { .uids = &uids, .source = &source,
				.target = &target };

	temp_store_open(&t, NULL);
	for (int i = 0; i < 5; i++)
		temp_mail(&t, "x");
	store_set("2:4", IPC_STORE_ADD, FLAG_SEEN, "key", UINT64_MAX, NULL, NULL,
		  NULL);
	c.from = t.inbox;
	c.to = temp_mailbox(&t, "Archive");
	temp_ranges(&uids, "1,3:9");
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_copy(t.write, &c)), ST_OK);
	cr_expect_str_eq(temp_ranges_text(&source), "1,3:5");
	cr_expect_str_eq(temp_ranges_text(&target), "1:4");
	cr_expect_eq(temp_status(&t, c.to).unseen, 2);
	/* into itself */
	c.to = c.from;
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_copy(t.write, &c)), ST_OK);
	cr_expect_str_eq(temp_ranges_text(&target), "6:9");
	cr_expect_str_eq(flags_text(), "1:0() 2:1(key) 3:1(key) 4:1(key) 5:0() "
			 "6:0() 7:1(key) 8:1(key) 9:0()");
	ranges_free(&uids);
	temp_ranges(&uids, "2:4,6");
	c.to = temp_mailbox(&t, "Trash");
	c.is_move = true;
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_copy(t.write, &c)), ST_OK);
	cr_expect_str_eq(flags_text(), "1:0() 5:0() 7:1(key) 8:1(key) 9:0()");
	cr_expect_eq(temp_status(&t, c.to).messages, 4);
	ranges_free(&uids);
	ranges_free(&source);
	ranges_free(&target);
	temp_store_close(&t);
}

/* "rows 1,2 vanished 3:4 of modseq+n" since a modseq. */
static const char *changes(uint64_t since)
{
	static char text[512];
	struct ranges vanished = RANGES_INIT(1000), rows = RANGES_INIT(1000);
	struct store_changes c = { .mailbox = t.inbox, .since = since,
				   .vanished = &vanished };
	struct buf out = BUF_INIT(1 << 20);
	struct fetch_row r;
	struct slice rest;
	enum status st;

	do {	/* two rows a call, to see the cursor work */
		out.len = 0;
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		st = store_changes(t.read, &c, 40, &out);
		store_commit(t.read);
		rest = buf_slice(&out);
		while (fetch_row_decode(&rest, FETCH_FLAGS | FETCH_MODSEQ, &r) ==
		       ST_OK)
			ranges_add(&rows, r.uid, r.uid);
	} while (st == ST_MORE);
	cr_assert_eq(st, ST_OK);
	snprintf(text, sizeof text, "%s / %s", temp_ranges_text(&rows),
		 temp_ranges_text(&vanished));
	ranges_free(&rows);
	ranges_free(&vanished);
	buf_free(&out);
	return text;
}

Test(store_message, changes_since)
{
	struct ranges uids, gone = RANGES_INIT(100);
	uint64_t at[6], modseq;

	temp_store_open(&t, NULL);
	at[0] = temp_status(&t, t.inbox).highestmodseq;
	for (int i = 0; i < 5; i++)
		temp_mail(&t, "x");
	at[1] = temp_status(&t, t.inbox).highestmodseq;
	store_set("2,4", IPC_STORE_ADD, FLAG_DELETED, "", UINT64_MAX, NULL, NULL,
		  &at[2]);
	temp_ranges(&uids, "1:3");
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, t.inbox, &uids, false, &gone,
				   &modseq));
	at[3] = modseq;
	cr_expect_str_eq(temp_ranges_text(&gone), "2");
	cr_expect_str_eq(changes(at[0]), "1,3:5 / 2");
	cr_expect_str_eq(changes(at[1]), "4 / 2");
	cr_expect_str_eq(changes(at[2]), " / 2");
	cr_expect_str_eq(changes(at[3]), " / ");
	cr_expect_str_eq(changes(UINT64_MAX), " / ");
	temp_store_reopen(&t, true);
	cr_expect_str_eq(changes(at[2]), " / 2");
	cr_expect_eq(temp_status(&t, t.inbox).highestmodseq, at[3]);
	ranges_free(&uids);
	ranges_free(&gone);
	temp_store_close(&t);
}

/* From where a FETCH of what changed since has to look. */
static uint64_t since(uint64_t modseq)
{
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_since(t.read, t.inbox, &modseq), ST_OK);
	store_commit(t.read);
	return modseq;
}

Test(store_message, power_loss_leaves_a_gap_in_modseqs)
{
	uint64_t last, next, told;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	temp_mail(&t, "two");
	last = temp_status(&t, t.inbox).highestmodseq;
	temp_store_reopen(&t, false);
	/* last + 1 may have been told and lost */
	told = temp_status(&t, t.inbox).highestmodseq;
	cr_expect_gt(told, last);
	cr_expect_str_eq(changes(last), " / ");
	cr_expect_str_eq(changes(last + 1), "1:2 / ");
	cr_expect_str_eq(changes(told), " / ");
	cr_expect_eq(since(last), last);
	cr_expect_eq(since(last + 1), 0);
	cr_expect_eq(since(told), told);
	temp_mail(&t, "three");
	next = temp_status(&t, t.inbox).highestmodseq;
	cr_expect_eq(next, told + 1);
	cr_expect_str_eq(changes(last), "3 / ");
	cr_expect_str_eq(changes(last + 1), "1:3 / ");
	cr_expect_str_eq(changes(told), "3 / ");
	cr_expect_str_eq(changes(next), " / ");
	cr_expect_eq(since(last + 1), 0);
	cr_expect_eq(since(next), next);
	cr_expect_lt(next, UINT64_C(1) << 53);
	temp_store_close(&t);
}

Test(store_message, expunged_mail_is_kept_for_a_while)
{
	struct store_options options = { .keep_expunged = 3600 };
	struct ranges gone = RANGES_INIT(100);
	struct buf out = BUF_INIT(1000);
	uint64_t modseq;
	bool more;

	temp_store_open(&t, &options);
	temp_deliver(&t, t.inbox, SLICE(MAIL));
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, t.inbox, NULL, true, &gone,
				   &modseq));
	temp_begin(&t);
	temp_end(&t, store_prune(t.write, 0, &more));
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_read(t.read, t.inbox, 1, 0, 1000, &out), ST_OK);
	cr_expect(slice_eq(buf_slice(&out), SLICE(PREFIX MAIL)));
	store_commit(t.read);
	more = true;
	while (more) {
		temp_begin(&t);
		temp_end(&t, store_prune(t.write, INT64_C(1) << 40, &more));
	}
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_read(t.read, t.inbox, 1, 0, 1000, &out),
		     ST_NOT_FOUND);
	store_commit(t.read);
	ranges_free(&gone);
	buf_free(&out);
	temp_store_close(&t);
}
