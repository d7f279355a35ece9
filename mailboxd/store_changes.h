/* What changed since a modseq. Part of store.h. */
#ifndef MAILBOXD_STORE_CHANGES_H
#define MAILBOXD_STORE_CHANGES_H

#include "common/buf.h"
#include "common/fetch_row.h"
#include "common/ranges.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

struct store_access;
struct tx;

struct store_changes {
	uint64_t mailbox, since;
	const struct store_access *as;	/* whose \Seen; NULL: the owner's */

	uint32_t next_uid;	/* cursor; 0 at first */
	struct ranges *vanished;	/* out, filled by the first call */
	uint64_t highestmodseq;	/* out, of the first call */
	uint32_t uidnext, messages;
};
/* The first call alone, without rows: vanished and the counters; since becomes 0
 * where that modseq may have been told and lost (doc/store.md). */
enum status store_vanished(struct tx *tx, struct store_changes *c);
/* For a question about rows that changed since: *since becomes 0 likewise. */
enum status store_since(struct tx *tx, uint64_t mailbox, uint64_t *since);
/* Appends rows (FETCH_FLAGS | FETCH_MODSEQ, 20 octets each) of what is new or
 * changed, at most `octets`. ST_OK: that was all; ST_MORE: call again. */
enum status store_changes(struct tx *tx, struct store_changes *c,
			  size_t octets, struct buf *rows);

#endif
