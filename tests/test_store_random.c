/*
 * Random sequences of verbs, some of them undone or ended by a kill; after each
 * the store's own invariants hold, UIDs and modseqs only ascend, and a client
 * that follows changes() knows what is there.
 */
#include "tests/support/random_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MAILBOXES RANDOM_MAILBOXES
#define UIDS 4096

static struct temp_store t;
static struct random_store verbs;

static unsigned pick(unsigned n)
{
	return random_pick(&verbs.seed, n);
}

/* What a client that asks for changes believes. */
struct view {
	uint64_t mailbox, modseq;
	uint32_t uidnext;
	uint64_t flags[UIDS];
	bool has[UIDS];
};

static struct view views[MAILBOXES];

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
	temp_store_open(&t, NULL);
	random_store_init(&verbs, &t);
	for (size_t i = 0; i < MAILBOXES; i++) {
		views[i].mailbox = verbs.mailboxes[i];
		views[i].uidnext = 1;
	}
	for (unsigned round = 0; round < 300; round++) {
		random_transaction(&verbs);
		for (size_t i = 0; i < MAILBOXES; i++) {
			if (pick(2))
				follow(&views[i]);
			verbs.uidnext[i] = views[i].uidnext;
		}
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
