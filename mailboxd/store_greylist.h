/* Who has sent to whom before, from where: greylisting. Part of store.h. */
#ifndef MAILBOXD_STORE_GREYLIST_H
#define MAILBOXD_STORE_GREYLIST_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct tx;

/* Seconds, but for allow. */
struct greylist_rules {
	int64_t delay;		/* a new triplet waits so long */
	int64_t window;		/* it has to come again within this */
	int64_t lifetime;	/* what has passed is known, since it last came */
	unsigned allow;		/* triplets of a network that have passed, from which on
				 * all of it passes; 0: never */
	unsigned rows;		/* at most; those that would go first make room */
};

struct greylist_key {
	struct slice network;	/* "192.0.2.0/24" */
	struct slice sender;	/* address_key(), "" for the null sender */
	struct slice recipient;	/* address_key() */
};

/*
 * Whether mail of this triplet may come at `now` (Unix seconds): *left is 0, or the
 * seconds that it has to wait. ST_MORE: something has to be written first, and
 * may_write is false: ask again in a write (NORMAL). A clock that went back makes
 * nobody wait longer than the delay.
 */
enum status store_greylist_ask(struct tx *tx, const struct greylist_rules *rules,
			       const struct greylist_key *key, int64_t now,
			       bool may_write, uint64_t *left);
/* How many rows there are, about. */
uint64_t store_greylist_rows(const struct store *s);

#endif
