/* The life of one message, out of the journal. Part of store.h. */
#ifndef MAILBOXD_STORE_LIFE_H
#define MAILBOXD_STORE_LIFE_H

#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/store_journal.h"

#include <stddef.h>
#include <stdint.h>

struct store_place;
struct tx;

/*
 * The life of one message (store_life.c): rows that name its mid, and rows about
 * the places where it was, followed through copies, moves and undeletions. The
 * caller fills the first part and zeroes the second; store_life_clear() at the
 * end in any case.
 */
#define STORE_LIFE_PLACES 1000u	/* more copies than these are not followed */
struct store_life {
	struct slice mid;	/* outlives the calls */

	uint64_t next;		/* row to go on with */
	struct store_place *places;
	size_t count, cap;
};
/*
 * Gives rows ascending by id. uids is the message's own there; a list that was
 * cut when it was written may name it or not: then uids is "UID?". ST_OK: that
 * was all so far; ST_MORE: call again, in another transaction if one likes.
 */
enum status store_life(struct tx *tx, struct store_life *life,
		       store_journal_fn *row, void *arg);
void store_life_clear(struct store_life *life);

#endif
