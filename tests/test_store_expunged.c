#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

TestSuite(store_expunged, .timeout = 120);

static void open_store(int64_t keep)
{
	const struct store_options o = { .keep_expunged = keep };

	temp_store_open(&t, &o);
}

static void flag(uint64_t mailbox, uint32_t uid, uint32_t flags, const char *keywords)
{
	struct range one = { uid, uid };
	struct ranges set = { .items = &one, .count = 1, .cap = 1, .max = 1 };
	struct store_flag_change c = { .mailbox = mailbox, .uids = &set,
				       .mode = IPC_STORE_REPLACE, .flags = flags,
				       .keywords = slice_str(keywords),
				       .unchanged_since = UINT64_MAX };

	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_flags(t.write, &c)), ST_OK);
}

static void expunge(uint64_t mailbox, const char *uids)
{
	struct ranges set, gone = RANGES_INIT(RANGES_MAX);
	uint64_t modseq;

	temp_ranges(&set, uids);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_expunge(t.write, mailbox, &set, true, &gone,
						&modseq)), ST_OK);
	ranges_free(&set);
	ranges_free(&gone);
}

static uint64_t make(const char *name)
{
	uint64_t id;

	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_create(t.write, t.ann, slice_str(name),
						       SLICE_EMPTY, &id)), ST_OK);
	return id;
}

static void delete(const char *name)
{
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_delete(t.write, t.ann,
						       slice_str(name))), ST_OK);
}

/* ---- what is kept, in words ------------------------------------------------------ */

static enum status add_row(void *arg, const struct store_expunged *e)
{
	struct buf *b = arg;

	return buf_append_fmt(b, "%s%.*s%s:%u:%u(%.*s)", b->len ? " " : "",
			      SLICE_ARG(e->name), e->is_mailbox_gone ? "!" : "", e->uid,
			      e->flags, SLICE_ARG(e->keywords));
}

static const char *kept(const char *mailbox, size_t limit)
{
	static char text[4096];
	struct buf b = BUF_INIT(4000);
	struct store_expunged_query q = { .account = t.ann, .limit = limit,
					  .mailbox = slice_str(mailbox) };
	enum status st;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	do
		st = store_expunged_list(t.read, &q, add_row, &b);
	while (st == ST_MORE);
	cr_assert_eq(st, ST_OK, "%s", store_error(t.read)->text);
	store_commit(t.read);
	snprintf(text, sizeof text, "%.*s", SLICE_ARG(buf_slice(&b)));
	buf_free(&b);
	return text;
}

static enum status add_target(void *arg, struct slice mailbox, const struct ranges *uids)
{
	return buf_append_fmt(arg, "%.*s=%s ", SLICE_ARG(mailbox),
			      temp_ranges_text(uids));
}

static enum status undelete(const char *mailbox, const char *uids, int64_t since,
			    const char *into, const char *expected)
{
	struct buf b = BUF_INIT(4000);
	struct ranges set;
	struct store_undelete u = {
		.query = { .account = t.ann, .mailbox = slice_str(mailbox),
			   .since = since },
		.into = slice_str(into),
	};
	enum status st;

	temp_ranges(&set, uids ? uids : "1");
	u.query.uids = uids ? &set : NULL;
	temp_begin(&t);
	st = temp_end(&t, store_undelete(t.write, &u, add_target, &b));
	if (st == ST_OK)
		cr_expect(slice_eq(buf_slice(&b), slice_str(expected)), "%.*s",
			  SLICE_ARG(buf_slice(&b)));
	ranges_free(&set);
	buf_free(&b);
	cr_expect_eq(temp_store_check(&t), 0);
	return st;
}

/* "uid:flags saved internaldate" of a mailbox. */
static const char *rows(uint64_t mailbox)
{
	static char text[4096];
	struct buf out = BUF_INIT(1 << 20);
	struct store_fetch f = { .mailbox = mailbox, .items = FETCH_FLAGS |
				 FETCH_INTERNALDATE | FETCH_SAVEDATE };
	struct fetch_row r;
	struct slice rest;
	size_t len = 0;

	text[0] = '\0';
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_fetch(t.read, &f, 1 << 20, &out), ST_OK);
	store_commit(t.read);
	rest = buf_slice(&out);
	while (fetch_row_decode(&rest, f.items, &r) == ST_OK)
		len += (size_t)snprintf(text + len, sizeof text - len,
			"%s%u:%u set %u, %lld", len ? ", " : "", r.uid,
			flags_system(r.flags), flags_keyword_set(r.flags),
			(long long)r.internaldate);
	buf_free(&out);
	return text;
}

/* ---- the tests ----------------------------------------------------------------------- */

Test(store_expunged, comes_back_with_its_flags)
{
	open_store(14 * 86400);
	for (int i = 0; i < 4; i++)
		temp_mail(&t, "x");
	flag(t.inbox, 2, FLAG_SEEN | FLAG_DELETED, "Work urgent");
	flag(t.inbox, 3, FLAG_FLAGGED, "");
	expunge(t.inbox, "1:3");
	cr_expect_str_eq(kept("", 0), "INBOX:1:0() INBOX:2:9(urgent Work) INBOX:3:4()");
	cr_expect_str_eq(kept("inbox", 1), kept("", 0));
	cr_expect_eq(undelete("INBOX", "2:3", 0, "", "INBOX=5:6 "), ST_OK);
	cr_expect_str_eq(rows(t.inbox), "4:0 set 0, 1700000000, 5:1 set 1, 1700000000, "
					"6:4 set 0, 1700000000");
	cr_expect_str_eq(kept("", 0), "INBOX:1:0()");
	cr_expect_eq(undelete("INBOX", "2", 0, "", ""), ST_NOT_FOUND);
	cr_expect_eq(undelete("", NULL, 0, "", "INBOX=7 "), ST_OK);
	cr_expect_str_eq(kept("", 0), "");
	temp_store_close(&t);
}

Test(store_expunged, mailbox_that_is_gone_is_made_again)
{
	uint64_t work, again;

	open_store(14 * 86400);
	work = make("Work/Old");
	for (int i = 0; i < 3; i++)
		temp_deliver(&t, work, SLICE("Subject: y\r\n\r\ny\r\n"));
	flag(work, 2, FLAG_SEEN, "one");
	flag(work, 3, 0, "two");
	expunge(work, "1");
	delete("Work/Old");
	cr_expect_str_eq(kept("Work/Old", 0),
			 "Work/Old!:1:0() Work/Old!:2:1(one) Work/Old!:3:0(two)");
	/* another of that name has nothing to do with it */
	again = make("Work/Old");
	temp_deliver(&t, again, SLICE("Subject: z\r\n\r\nz\r\n"));
	expunge(again, "1");
	cr_expect_str_eq(kept("Work/Old", 2), "Work/Old!:1:0() Work/Old!:2:1(one) "
					      "Work/Old!:3:0(two) Work/Old:1:0()");
	delete("Work/Old");
	cr_expect_eq(undelete("Work/Old", "2:3", 0, "", "Work/Old=1:2 "), ST_OK);
	work = temp_mailbox(&t, "Work/Old");
	cr_expect_str_eq(rows(work), "1:1 set 1, 1700000000, 2:0 set 2, 1700000000");
	cr_expect_eq(undelete("", NULL, 0, "Back", "Back=1 Back=2 "), ST_OK);
	cr_expect_str_eq(kept("", 0), "");
	temp_store_close(&t);
}

Test(store_expunged, since)
{
	open_store(14 * 86400);
	temp_mail(&t, "x");
	expunge(t.inbox, "1");
	cr_expect_eq(undelete("", NULL, INT64_MAX / 2, "", ""), ST_NOT_FOUND);
	cr_expect_eq(undelete("", NULL, 1700000000, "", "INBOX=2 "), ST_OK);
	temp_store_close(&t);
}

Test(store_expunged, quota_is_asked_first)
{
	open_store(14 * 86400);
	temp_mail(&t, "x");
	temp_mail(&t, "y");
	expunge(t.inbox, "1:2");
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_account_set_quota(t.write, t.ann, 0, 1)), ST_OK);
	cr_expect_eq(undelete("", NULL, 0, "New", ""), ST_QUOTA);
	cr_expect_str_eq(kept("", 0), "INBOX:1:0() INBOX:2:0()");
	cr_expect_eq(undelete("INBOX", "1", 0, "", "INBOX=3 "), ST_OK);
	temp_store_close(&t);
}

Test(store_expunged, name_and_keywords_go_with_the_last_message)
{
	uint64_t work;
	bool more;

	open_store(0);
	work = make("Work");
	make("Empty");
	temp_deliver(&t, work, SLICE("Subject: y\r\n\r\ny\r\n"));
	flag(work, 1, FLAG_SEEN, "one");
	delete("Work");
	delete("Empty");
	cr_expect_eq(temp_store_check(&t), 0);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_prune(t.write, 4000000000, &more)), ST_OK);
	cr_expect_str_eq(kept("", 0), "");
	cr_expect_eq(undelete("Work", NULL, 0, "", ""), ST_NOT_FOUND);
	temp_store_close(&t);
}

/* ---- tombstones -------------------------------------------------------------------- */

static void double_mailbox(uint64_t mailbox)
{
	struct ranges source = RANGES_INIT(RANGES_MAX), target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = mailbox, .to = mailbox, .source = &source,
				.target = &target };

	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_copy(t.write, &c)), ST_OK);
	ranges_free(&source);
	ranges_free(&target);
}

/* Whether UID 1, which went before `since`, is told as gone since then. */
static bool tells_first(uint64_t mailbox, uint64_t since)
{
	struct ranges vanished = RANGES_INIT(RANGES_MAX);
	struct store_changes c = { .mailbox = mailbox, .since = since,
				   .vanished = &vanished };
	struct buf rows = BUF_INIT(1 << 20);
	bool tells;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_changes(t.read, &c, 1 << 20, &rows), ST_OK);
	store_commit(t.read);
	tells = ranges_has(&vanished, 1);
	ranges_free(&vanished);
	buf_free(&rows);
	return tells;
}

/* The even UIDs up to last go. */
static void expunge_even(uint64_t mailbox, uint32_t last)
{
	struct ranges set = RANGES_INIT(RANGES_MAX), gone = RANGES_INIT(RANGES_MAX);
	uint64_t modseq;

	for (uint32_t uid = 2; uid <= last; uid += 2)
		cr_assert_eq(ranges_add(&set, uid, uid), ST_OK);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_expunge(t.write, mailbox, &set, true, &gone,
						&modseq)), ST_OK);
	ranges_free(&set);
	ranges_free(&gone);
}

Test(store_expunged, a_mailbox_keeps_so_many_tombstones)
{
	uint64_t many, few, before_many, before_few;
	bool more = true;

	open_store(0);
	few = make("Few");
	temp_deliver(&t, few, SLICE("Subject: y\r\n\r\ny\r\n"));
	double_mailbox(few);
	expunge(few, "1");
	many = make("Many");
	temp_deliver(&t, many, SLICE("Subject: x\r\n\r\nx\r\n"));
	for (int i = 0; i < 16; i++)
		double_mailbox(many);
	expunge(many, "1");
	before_few = temp_status(&t, few).highestmodseq;
	before_many = temp_status(&t, many).highestmodseq;
	expunge(few, "2");
	expunge_even(many, 20000 * 2 + 2);
	while (more) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_prune(t.write, 0, &more)), ST_OK);
	}
	for (int i = 0; i < 3; i++) {	/* it looks at some in each call */
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_prune(t.write, 0, &more)), ST_OK);
	}
	cr_expect(!tells_first(few, before_few));
	cr_expect(tells_first(many, before_many), "below the floor all that is absent");
	temp_store_close(&t);
}
