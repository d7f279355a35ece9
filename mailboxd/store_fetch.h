/* Messages out (store_fetch.c, store_body.c). Part of store.h. */
#ifndef MAILBOXD_STORE_FETCH_H
#define MAILBOXD_STORE_FETCH_H

#include "common/buf.h"
#include "common/fetch_row.h"
#include "common/ranges.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct store_access;
struct tx;

/*
 * A FETCH and its cursor. The caller fills the first part and zeroes the second.
 * Each store_fetch() gives one frame's worth; between calls the transaction may
 * end. While `streaming` is set that message is pinned; a caller that stops
 * early ends with store_fetch_end().
 */
struct store_fetch {
	uint64_t mailbox;
	const struct store_access *as;	/* whose \Seen; NULL: the owner's */
	const struct ranges *uids;	/* NULL: all */
	uint32_t items;		/* enum fetch_item */
	uint64_t changed_since;	/* 0: all */

	uint32_t next_uid;	/* not answered yet */
	uint64_t streaming;	/* message id whose octets are being given, or 0 */
	uint64_t offset, end;	/* of them, as the user sees them */
	uint32_t streaming_uid;
	uint64_t streaming_recipient, streaming_size;
	uint32_t unreadable;	/* out: messages that were passed over */
	uint32_t read_errors;	/* out: those of them that are not damaged, but the
				 * disk could not read now */
	bool is_body;		/* out: what was appended are octets of
				 * streaming_uid's body, not rows */
};
/*
 * Appends rows (fetch_row.h) until about `octets` are there, or body octets that
 * go on from the row before (is_body). One row with a huge BODYSTRUCTURE is
 * appended whole: out has room for PREPARE_RECORD_MAX, the caller cuts it into
 * frames. ST_OK: that was the last (nothing may have been appended); ST_MORE:
 * call again. UIDs that do not exist are passed
 * over. A message that cannot be read is passed over, counted and logged.
 */
enum status store_fetch(struct tx *tx, struct store_fetch *f, size_t octets,
			struct buf *out);
void store_fetch_end(struct store *store, struct store_fetch *f);

/* Appends octets offset..offset+length of a message as its user sees it; fewer
 * at its end. ST_NOT_FOUND, ST_LIMIT (out). A message just expunged can still
 * be read while its reference is kept. */
enum status store_read(struct tx *tx, uint64_t mailbox, uint32_t uid,
		       uint64_t offset, size_t length, struct buf *out);

/* Sequence of one text: the journal learns, once a message and account, that
 * octets of these bodies went to the user. NORMAL. */
enum status store_sent(struct tx *tx, uint64_t mailbox,
		       const struct ranges *uids);

#endif
