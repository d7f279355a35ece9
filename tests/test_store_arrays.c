/*
 * Mailboxes in memory against SQL: after random transactions, some undone, rolled
 * back or without room on the disk, with arrays that come and go, what a reading
 * transaction tells from arrays is what a writing one reads from rows.
 */
#include "tests/support/random_store.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MAILBOXES RANDOM_MAILBOXES
#define UIDS 8192

static struct temp_store t;
static struct random_store changes_of;

static unsigned pick(unsigned n)
{
	return random_pick(&changes_of.seed, n);
}

/* ---- one question, asked both ways --------------------------------------------------- */

static void fetch(struct tx *tx, uint64_t mailbox, uint32_t items,
		  const struct ranges *uids, uint64_t since, struct buf *out)
{
	struct store_fetch f = { .mailbox = mailbox, .items = items,
				 .uids = uids, .changed_since = since };
	struct buf frame = BUF_INIT(1 << 20);
	enum status st;

	out->len = 0;
	do {
		frame.len = 0;
		st = store_fetch(tx, &f, 300, &frame);
		cr_assert(st == ST_OK || st == ST_MORE, "%s",
			  store_error(tx)->text);
		buf_append(out, buf_slice(&frame));
	} while (st == ST_MORE);
	buf_free(&frame);
}

static void compare_fetch(uint64_t mailbox, uint32_t items,
			  const struct ranges *uids, uint64_t since)
{
	struct buf a = BUF_INIT(1 << 24), b = BUF_INIT(1 << 24);

	fetch(t.read, mailbox, items, uids, since, &a);
	fetch(t.write, mailbox, items, uids, since, &b);
	cr_expect(slice_eq(buf_slice(&a), buf_slice(&b)), "FETCH %x", items);
	buf_free(&a);
	buf_free(&b);
}

struct answer {
	struct store_changes c;
	struct ranges vanished;
	struct buf rows;
};

static void ask(struct tx *tx, uint64_t mailbox, uint64_t since,
		struct answer *a)
{
	struct buf frame = BUF_INIT(1 << 20);
	enum status st;

	*a = (struct answer){ .vanished = RANGES_INIT(RANGES_MAX),
			      .rows = BUF_INIT(1 << 24) };
	a->c = (struct store_changes){ .mailbox = mailbox, .since = since,
				       .vanished = &a->vanished };
	do {
		frame.len = 0;
		st = store_changes(tx, &a->c, 300, &frame);
		cr_assert(st == ST_OK || st == ST_MORE, "%s",
			  store_error(tx)->text);
		buf_append(&a->rows, buf_slice(&frame));
	} while (st == ST_MORE);
	buf_free(&frame);
}

static bool same_ranges(const struct ranges *a, const struct ranges *b)
{
	return a->count == b->count &&
	       (a->count == 0 ||
		memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

static void compare_changes(uint64_t mailbox, uint64_t since)
{
	struct answer a, b;

	ask(t.read, mailbox, since, &a);
	ask(t.write, mailbox, since, &b);
	cr_expect_eq(a.c.highestmodseq, b.c.highestmodseq);
	cr_expect_eq(a.c.uidnext, b.c.uidnext);
	cr_expect_eq(a.c.messages, b.c.messages);
	cr_expect(same_ranges(&a.vanished, &b.vanished), "vanished %s, not %s",
		  temp_ranges_text(&a.vanished), temp_ranges_text(&b.vanished));
	cr_expect(slice_eq(buf_slice(&a.rows), buf_slice(&b.rows)), "changes");
	ranges_free(&a.vanished);
	ranges_free(&b.vanished);
	buf_free(&a.rows);
	buf_free(&b.rows);
}

static void compare_open(const char *name)
{
	struct ranges x = RANGES_INIT(RANGES_MAX), y = RANGES_INIT(RANGES_MAX);
	struct store_opened a, b;

	cr_assert_eq(store_mailbox_open(t.read, t.ann, slice_str(name), false,
					&x, &a), ST_OK);
	cr_assert_eq(store_mailbox_open(t.write, t.ann, slice_str(name), false,
					&y, &b), ST_OK);
	cr_expect(same_ranges(&x, &y), "UIDs %s, not %s", temp_ranges_text(&x),
		  temp_ranges_text(&y));
	cr_expect_eq(a.mailbox.id, b.mailbox.id);
	cr_expect_eq(a.mailbox.uidvalidity, b.mailbox.uidvalidity);
	cr_expect_eq(a.mailbox.uidnext, b.mailbox.uidnext);
	cr_expect_eq(a.mailbox.messages, b.mailbox.messages);
	cr_expect_eq(a.mailbox.unseen, b.mailbox.unseen);
	cr_expect_eq(a.mailbox.highestmodseq, b.mailbox.highestmodseq);
	cr_expect_eq(a.first_unseen, b.first_unseen);
	cr_expect_eq(a.recent_lo, b.recent_lo);
	cr_expect_eq(a.recent_hi, b.recent_hi);
	cr_expect_eq(a.more_keywords, b.more_keywords);
	ranges_free(&x);
	ranges_free(&y);
}

static enum status add_set(void *arg, uint32_t set, struct slice names)
{
	return buf_append_fmt(arg, "%u %.*s,", set, SLICE_ARG(names));
}

static void compare_sets(uint64_t mailbox, uint32_t after)
{
	struct buf a = BUF_INIT(65536), b = BUF_INIT(65536);

	cr_assert_eq(store_keyword_sets(t.read, mailbox, after, add_set, &a),
		     ST_OK);
	cr_assert_eq(store_keyword_sets(t.write, mailbox, after, add_set, &b),
		     ST_OK);
	cr_expect(slice_eq(buf_slice(&a), buf_slice(&b)), "%.*s, not %.*s",
		  SLICE_ARG(buf_slice(&a)), SLICE_ARG(buf_slice(&b)));
	buf_free(&a);
	buf_free(&b);
}

/* ---- random ---------------------------------------------------------------------------- */

static void compare_mailbox(size_t i, const char *name, uint64_t first)
{
	uint64_t mailbox = changes_of.mailboxes[i], now;
	struct ranges some = RANGES_INIT(RANGES_MAX);

	for (unsigned n = pick(100), uid = 1; n; n--, uid += 1 + pick(4))
		ranges_add(&some, uid, uid + pick(3));
	cr_assert_eq(store_mailbox_modseq(t.write, mailbox, &now), ST_OK);
	if (pick(2))
		compare_open(name);
	if (pick(2))
		compare_sets(mailbox, pick(4));
	compare_changes(mailbox, pick(3) ? first : now - pick(30));
	compare_fetch(mailbox, FETCH_FLAGS | FETCH_MODSEQ, NULL, 0);
	compare_fetch(mailbox, FETCH_FLAGS, &some, 0);
	compare_fetch(mailbox, FETCH_FLAGS | FETCH_MODSEQ | FETCH_ENVELOPE,
		      pick(2) ? &some : NULL, pick(2) ? now - pick(30) : 0);
	compare_fetch(mailbox, FETCH_MODSEQ | FETCH_SIZE, &some,
		      pick(2) ? now - pick(9) : 0);
	ranges_free(&some);
}

/* In transactions that see the same, with the arrays as they happen to be. */
static void compare_all(uint64_t since)
{
	static const char *const names[MAILBOXES] = { "INBOX", "Archive",
						      "Trash" };
	struct store_mailbox m;

	cr_assert_eq(store_begin(t.write, JOB_SYNC_NORMAL), ST_OK);
	for (size_t i = 0; i < MAILBOXES; i++) {
		if (pick(3) == 0)
			continue;
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		if (pick(2))	/* a snapshot before anything else */
			store_mailbox_get(t.read, changes_of.mailboxes[i], &m);
		compare_mailbox(i, names[i], since);
		cr_assert_eq(store_commit(t.read), ST_OK);
		cr_assert_eq(store_mailbox_get(t.write, changes_of.mailboxes[i],
					       &m), ST_OK);
		changes_of.uidnext[i] = m.uidnext;
	}
	store_rollback(t.write);
}

static void play(size_t array_octets, uint32_t max_pages, unsigned rounds)
{
	struct store_options options = { .array_octets = array_octets,
					 .max_pages = max_pages };
	struct store_stats stats;
	uint64_t since = 0;

	temp_store_open(&t, &options);
	random_store_init(&changes_of, &t);
	changes_of.may_fill = max_pages != 0;
	for (unsigned round = 0; round < rounds; round++) {
		random_transaction(&changes_of);
		compare_all(since);
		if (pick(20) == 0)
			since = temp_status(&t, changes_of.mailboxes[0])
				.highestmodseq - pick(5);
		if (pick(60) == 0)
			temp_store_reopen(&t, pick(2));
		store_stats(t.store, &stats);
		cr_expect_leq(stats.array_octets,
			      array_octets ? array_octets : (size_t)64 << 20);
	}
	temp_store_close(&t);
}

Test(store_arrays, equal_the_rows, .timeout = 300)
{
	play(0, 0, 250);
}

Test(store_arrays, that_come_and_go, .timeout = 300)
{
	/* one or two of the three fit, and in the end none */
	play(8000, 0, 250);
}

Test(store_arrays, on_a_full_disk, .timeout = 300)
{
	play(0, 150, 150);
}

/* ---- what a mailbox that goes leaves behind ------------------------------------------------ */

Test(store_arrays, a_mailbox_that_went)
{
	struct store_stats stats;
	uint64_t box, modseq;

	temp_store_open(&t, NULL);
	temp_begin(&t);
	temp_end(&t, store_mailbox_create(t.write, t.ann, SLICE("Box"),
					  SLICE_EMPTY, &box));
	temp_deliver(&t, box, SLICE("A: b\r\n\r\n"));
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_mailbox_modseq(t.read, box, &modseq), ST_OK);
	store_commit(t.read);
	store_stats(t.store, &stats);
	cr_expect_gt(stats.array_octets, 0);
	temp_begin(&t);
	temp_end(&t, store_mailbox_delete(t.write, t.ann, SLICE("Box")));
	store_stats(t.store, &stats);
	cr_expect_eq(stats.array_octets, 0);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_mailbox_modseq(t.read, box, &modseq), ST_NOT_FOUND);
	store_commit(t.read);
	temp_store_close(&t);
}

Test(store_arrays, nothing_before_the_commit)
{
	uint64_t before, after;
	struct buf rows = BUF_INIT(1 << 16);

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	before = temp_status(&t, t.inbox).highestmodseq;
	for (int turn = 0; turn < 2; turn++) {
		struct range one = { 1, 1 };
		struct ranges uids = { &one, 1, 1, 1 };
		struct store_flag_change c = {
			.mailbox = t.inbox, .uids = &uids,
			.mode = IPC_STORE_ADD, .flags = FLAG_SEEN,
			.unchanged_since = UINT64_MAX, .keywords = SLICE("kw"),
		};
		struct fetch_row r;
		struct slice rest;

		temp_begin(&t);
		cr_assert_eq(store_flags(t.write, &c), ST_OK);
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		cr_assert_eq(store_mailbox_modseq(t.read, t.inbox, &after),
			     ST_OK);
		cr_expect_eq(after, before);
		fetch(t.read, t.inbox, FETCH_FLAGS, NULL, 0, &rows);
		rest = buf_slice(&rows);
		cr_assert_eq(fetch_row_decode(&rest, FETCH_FLAGS, &r), ST_OK);
		cr_expect_eq(r.flags, 0);
		store_commit(t.read);
		temp_end(&t, turn ? ST_OK : ST_LIMIT);
	}
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_modseq(t.read, t.inbox, &after), ST_OK);
	cr_expect_gt(after, before);
	store_commit(t.read);
	buf_free(&rows);
	temp_store_close(&t);
}

/* ---- threads --------------------------------------------------------------------------------- */

/* A client that follows a mailbox while it changes. */
struct follower {
	pthread_t thread;
	struct tx *tx;
	uint64_t mailbox, modseq, seed;
	uint32_t uidnext;
	uint64_t flags[UIDS];
	bool has[UIDS];
};

static atomic_bool is_over;

static void follow(struct follower *f)
{
	struct answer a;
	struct fetch_row r;
	struct slice rest;

	cr_assert_eq(store_begin(f->tx, JOB_SYNC_NORMAL), ST_OK);
	ask(f->tx, f->mailbox, f->modseq, &a);
	cr_assert_eq(store_commit(f->tx), ST_OK);
	cr_expect_geq(a.c.highestmodseq, f->modseq);
	cr_assert_lt(a.c.uidnext, UIDS);
	for (size_t i = 0; i < a.vanished.count; i++)
		for (uint32_t uid = a.vanished.items[i].low;
		     uid <= a.vanished.items[i].high; uid++)
			f->has[uid] = false;
	rest = buf_slice(&a.rows);
	while (fetch_row_decode(&rest, FETCH_FLAGS | FETCH_MODSEQ, &r) == ST_OK) {
		f->has[r.uid] = true;
		f->flags[r.uid] = r.flags;
	}
	f->modseq = a.c.highestmodseq;
	f->uidnext = a.c.uidnext;
	ranges_free(&a.vanished);
	buf_free(&a.rows);
}

static void *follow_on(void *arg)
{
	struct follower *f = arg;
	struct buf rows = BUF_INIT(1 << 24);

	while (!atomic_load(&is_over)) {
		follow(f);
		cr_assert_eq(store_begin(f->tx, JOB_SYNC_NORMAL), ST_OK);
		fetch(f->tx, f->mailbox, FETCH_FLAGS |
		      (random_pick(&f->seed, 2) ? FETCH_SIZE : 0), NULL, 0,
		      &rows);
		cr_assert_eq(store_commit(f->tx), ST_OK);
	}
	buf_free(&rows);
	return NULL;
}

static void compare_follower(struct follower *f)
{
	struct buf rows = BUF_INIT(1 << 24);
	struct fetch_row r;
	struct slice rest;
	unsigned known = 0, there = 0;

	follow(f);
	cr_assert_eq(store_begin(t.write, JOB_SYNC_NORMAL), ST_OK);
	fetch(t.write, f->mailbox, FETCH_FLAGS, NULL, 0, &rows);
	store_rollback(t.write);
	rest = buf_slice(&rows);
	while (fetch_row_decode(&rest, FETCH_FLAGS, &r) == ST_OK) {
		there++;
		cr_expect(f->has[r.uid], "uid %u is not known", r.uid);
		cr_expect_eq(f->flags[r.uid], r.flags, "uid %u", r.uid);
	}
	for (uint32_t uid = 1; uid < UIDS; uid++)
		known += f->has[uid];
	cr_expect_eq(known, there);
	buf_free(&rows);
}

Test(store_arrays, followed_by_threads, .timeout = 300)
{
	static struct follower followers[MAILBOXES];
	struct store_options options = { .array_octets = 12000 };
	struct error err;

	temp_store_open(&t, &options);
	random_store_init(&changes_of, &t);
	for (size_t i = 0; i < MAILBOXES; i++) {
		followers[i].mailbox = changes_of.mailboxes[i];
		followers[i].seed = i;
		cr_assert_eq(store_connect(t.store, TX_READ, &followers[i].tx,
					   &err), ST_OK);
		cr_assert_eq(pthread_create(&followers[i].thread, NULL,
					    follow_on, &followers[i]), 0);
	}
	for (unsigned round = 0; round < 300; round++) {
		random_transaction(&changes_of);
		for (size_t i = 0; i < MAILBOXES; i++)
			changes_of.uidnext[i] = 1 + round / 2;
	}
	atomic_store(&is_over, true);
	for (size_t i = 0; i < MAILBOXES; i++) {
		pthread_join(followers[i].thread, NULL);
		compare_follower(&followers[i]);
		store_disconnect(followers[i].tx);
	}
	temp_store_close(&t);
}
