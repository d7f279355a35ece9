/*
 * Random sequences of verbs, some of them undone or ended by a kill; after each
 * the store's own invariants hold, UIDs and modseqs only ascend, and a client
 * that follows changes() knows what is there.
 */
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAILBOXES 3
#define UIDS 4096

static struct temp_store t;
static uint64_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* What a client that asks for changes believes. */
struct view {
	uint64_t mailbox, modseq;
	uint32_t uidnext;
	uint64_t flags[UIDS];
	bool has[UIDS];
};

static struct view views[MAILBOXES];

static void random_ranges(struct ranges *r, uint32_t uidnext)
{
	uint32_t low = 1 + pick(uidnext), n = pick(8);

	*r = (struct ranges)RANGES_INIT(RANGES_MAX);
	ranges_add(r, low, low + n);
	if (pick(3) == 0)
		ranges_add(r, low + n + 3, low + n + 3 + pick(20));
}

static enum status random_flags(uint64_t mailbox, const struct ranges *uids)
{
	static const char *const words[] = { "", "a", "b c", "$x a" };
	struct store_flag_change c = { .mailbox = mailbox, .uids = uids,
				       .mode = pick(3), .flags = pick(32),
				       .unchanged_since = UINT64_MAX };

	c.keywords = slice_str(words[pick(4)]);
	return store_flags(t.write, &c);
}

static enum status random_copy(uint64_t from, uint64_t to,
			       const struct ranges *uids)
{
	struct ranges source = RANGES_INIT(RANGES_MAX);
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = from, .to = to, .uids = uids,
				.is_move = pick(2), .source = &source,
				.target = &target };
	enum status st = store_copy(t.write, &c);

	if (!st)
		cr_expect_eq(ranges_size(&source), ranges_size(&target));
	ranges_free(&source);
	ranges_free(&target);
	return st;
}

static enum status random_deliver(struct buf *record)
{
	struct store_delivery d[MAILBOXES];
	struct store_message m;
	size_t n = 1 + pick(MAILBOXES);

	for (size_t i = 0; i < n; i++)
		d[i] = (struct store_delivery){
			.mailbox = views[pick(MAILBOXES)].mailbox,
			.recipient = pick(2) ? SLICE("ann@example.test") :
					       SLICE("x@example.test") };
	temp_message(&t, &m, SLICE("A: b\r\n\r\nText.\r\n"), record);
	return store_deliver(t.write, &m, d, n);
}

static enum status random_verb(void)
{
	struct buf record = BUF_INIT(1 << 20);
	struct view *v = &views[pick(MAILBOXES)];
	struct ranges uids, gone = RANGES_INIT(RANGES_MAX);
	uint64_t modseq;
	enum status st;
	bool more;

	random_ranges(&uids, v->uidnext);
	switch (pick(9)) {
	case 0: case 1: case 2:
		st = random_deliver(&record);
		break;
	case 3: case 4:
		st = random_flags(v->mailbox, &uids);
		break;
	case 5: case 6:
		st = random_copy(v->mailbox, views[pick(MAILBOXES)].mailbox,
				 &uids);
		break;
	case 7:
		st = store_expunge(t.write, v->mailbox, &uids, pick(2), &gone,
				   &modseq);
		break;
	default:
		st = store_prune(t.write, INT64_C(1) << 40, &more);
	}
	buf_free(&record);
	ranges_free(&uids);
	ranges_free(&gone);
	return st;
}

static void random_transaction(void)
{
	unsigned jobs = 1 + pick(4);

	temp_begin(&t);
	for (unsigned i = 0; i < jobs; i++) {
		cr_assert_eq(store_savepoint(t.write), ST_OK);
		cr_expect_eq(random_verb(), ST_OK, "%s",
			     store_error(t.write)->text);
		if (pick(4) == 0)
			store_undo(t.write);
		else
			cr_assert_eq(store_release(t.write), ST_OK);
	}
	if (pick(6) == 0)
		store_rollback(t.write);
	else
		temp_end(&t, ST_OK);
}

static void follow(struct view *v)
{
	struct ranges vanished = RANGES_INIT(RANGES_MAX);
	struct store_changes c = { .mailbox = v->mailbox, .since = v->modseq,
				   .vanished = &vanished };
	struct buf rows = BUF_INIT(1 << 20);
	struct fetch_row r;
	struct slice rest;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_changes(t.read, &c, 1 << 20, &rows), ST_OK);
	store_commit(t.read);
	cr_expect_geq(c.highestmodseq, v->modseq);
	cr_expect_geq(c.uidnext, v->uidnext);
	cr_assert_lt(c.uidnext, UIDS);
	for (uint32_t uid = 1; uid < UIDS; uid++)
		if (ranges_has(&vanished, uid))
			v->has[uid] = false;
	rest = buf_slice(&rows);
	while (fetch_row_decode(&rest, FETCH_FLAGS | FETCH_MODSEQ, &r) == ST_OK) {
		cr_expect(v->has[r.uid] || r.uid >= v->uidnext,
			  "uid %u came back", r.uid);
		v->has[r.uid] = true;
		v->flags[r.uid] = r.flags;
	}
	v->modseq = c.highestmodseq;
	v->uidnext = c.uidnext;
	ranges_free(&vanished);
	buf_free(&rows);
}

/* The view against a scan. */
static void compare(struct view *v)
{
	struct store_fetch f = { .mailbox = v->mailbox, .items = FETCH_FLAGS };
	struct buf rows = BUF_INIT(1 << 20);
	struct fetch_row r;
	struct slice rest;
	unsigned there = 0, known = 0;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_fetch(t.read, &f, 1 << 20, &rows), ST_OK);
	store_commit(t.read);
	rest = buf_slice(&rows);
	while (fetch_row_decode(&rest, FETCH_FLAGS, &r) == ST_OK) {
		there++;
		cr_expect(v->has[r.uid], "uid %u is not known", r.uid);
		cr_expect_eq(v->flags[r.uid], r.flags, "uid %u", r.uid);
	}
	for (uint32_t uid = 1; uid < UIDS; uid++)
		known += v->has[uid];
	cr_expect_eq(known, there);
	buf_free(&rows);
}

Test(store_random, verbs, .timeout = 300)
{
	static const char *const names[MAILBOXES] = { "INBOX", "Archive",
						      "Trash" };

	/* POSTROOM_SEED repeats a run */
	seed = getenv("POSTROOM_SEED") ?
		strtoull(getenv("POSTROOM_SEED"), NULL, 10) :
		(uint64_t)getpid() * 2654435761u;
	cr_log_info("POSTROOM_SEED=%llu", (unsigned long long)seed);
	temp_store_open(&t, NULL);
	for (size_t i = 0; i < MAILBOXES; i++) {
		views[i].mailbox = temp_mailbox(&t, names[i]);
		views[i].uidnext = 1;
	}
	for (unsigned round = 0; round < 300; round++) {
		random_transaction();
		for (size_t i = 0; i < MAILBOXES; i++)
			if (pick(2))
				follow(&views[i]);
		if (pick(40) == 0)
			temp_store_reopen(&t, pick(2));
		if (round % 25)
			continue;
		cr_assert_eq(temp_store_check(&t), 0, "POSTROOM_SEED, round %u",
			     round);
	}
	for (size_t i = 0; i < MAILBOXES; i++) {
		follow(&views[i]);
		compare(&views[i]);
	}
	temp_store_close(&t);
}
