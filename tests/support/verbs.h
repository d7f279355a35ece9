/*
 * Verbs of the store that change something, with arguments taken from a seed:
 * the same seed on the same store is the same change. For tests that run them in
 * any order, with faults and power cuts in between.
 */
#ifndef TESTS_SUPPORT_VERBS_H
#define TESTS_SUPPORT_VERBS_H

#include "mailboxd/job.h"
#include "tests/support/temp_store.h"

enum verb {
	VERB_DELIVER,		/* to one or more mailboxes */
	VERB_FLAGS,
	VERB_COPY,
	VERB_MOVE,
	VERB_EXPUNGE,
	VERB_PRUNE,
	VERB_DELIVER_LARGE,	/* in pieces, all in this transaction */
	VERB_APPEND,		/* one or two messages with keywords */
	VERB_CREATE,
	VERB_RENAME,
	VERB_DELETE,
	VERB_SUBSCRIBE,
	VERB_RECENT,		/* SELECT takes them */
	VERB_READ,		/* octets of bodies were sent */
	VERB_ACCOUNT_ADD,
	VERB_ACCOUNT_REMOVE,
	VERB_COUNT
};

#define VERBS_MAILBOXES 3

struct verbs {
	struct store *store;
	uint64_t account;
	uint64_t mailboxes[VERBS_MAILBOXES];	/* that are never removed */
	uint64_t seed;
	uint64_t message_id;	/* out: the last one that was taken */
};

/* Whatever verbs a store of temp_store.h bears: INBOX, Archive, Trash of ann. */
void verbs_init(struct verbs *v, struct temp_store *t, uint64_t seed);
unsigned verbs_pick(struct verbs *v, unsigned n);
const char *verb_name(enum verb verb);
/* Whether a commit of it alone is not synced. */
enum job_sync verb_sync(enum verb verb);
/* Inside a write. What its arguments do not suit (a name that is there already)
 * is the verb's own answer: verb_is_refusal(). */
enum status verb_run(struct verbs *v, enum verb verb, struct tx *tx);
bool verb_is_refusal(enum status st);

#endif
