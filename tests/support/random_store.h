/*
 * Random transactions on a temp_store: deliveries, flags, copies, moves,
 * expunges, pruning; jobs in savepoints of which some are undone, and some
 * transactions rolled back.
 */
#ifndef TESTS_RANDOM_STORE_H
#define TESTS_RANDOM_STORE_H

#include "tests/support/temp_store.h"

#define RANDOM_MAILBOXES 3

struct random_store {
	struct temp_store *t;
	uint64_t seed;
	uint64_t mailboxes[RANDOM_MAILBOXES];
	uint32_t uidnext[RANDOM_MAILBOXES];	/* about: for choosing UIDs */
	bool may_fill;		/* the disk may be full */
};

/* Seed from POSTROOM_SEED, which repeats a run, or another each time. */
void random_store_init(struct random_store *r, struct temp_store *t);
unsigned random_pick(uint64_t *seed, unsigned n);
void random_transaction(struct random_store *r);

#endif
