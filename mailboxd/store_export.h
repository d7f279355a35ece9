/* Mail out, with all that belongs to it. Part of store.h. */
#ifndef MAILBOXD_STORE_EXPORT_H
#define MAILBOXD_STORE_EXPORT_H

#include "common/buf.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct tx;

/* The messages of a mailbox one after the other, with their octets. */
struct store_export {
	uint64_t mailbox;
	bool is_stored;		/* octets as stored, without Delivered-To */

	uint32_t uid;		/* cursor; 0 at first */
	uint64_t message;	/* whose octets are being given, pinned; or 0 */
	uint64_t offset, end;
};
struct store_exported {
	uint32_t uid, flags;
	struct slice keywords, mid, recipient, uidl;
	int64_t internaldate, saved;
	int32_t zone;
	uint64_t octets, message;
};
/* The next message; its octets follow. ST_NOT_FOUND: there is none. */
enum status store_export_next(struct tx *tx, struct store_export *e,
			      struct store_exported *m);
/* Appends up to so many of its octets; offset == end: that was all of it. */
enum status store_export_read(struct tx *tx, struct store_export *e,
			      size_t octets, struct buf *out);
/* Whoever stops early; harmless otherwise. */
void store_export_end(struct store *store, struct store_export *e);

#endif
