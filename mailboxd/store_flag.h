/* Flags, copies, removals (store_flag.c, store_copy.c). Part of store.h. */
#ifndef MAILBOXD_STORE_FLAG_H
#define MAILBOXD_STORE_FLAG_H

#include "common/buf.h"
#include "common/flags.h"
#include "common/ipc_messages.h"
#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct store_access;
struct tx;

struct store_flag_change {
	uint64_t mailbox;
	const struct store_access *as;	/* who; NULL: the owner */
	const struct ranges *uids;
	enum ipc_store_mode mode;
	uint32_t flags;		/* FLAG_* */
	struct slice keywords;	/* names separated by spaces */
	uint64_t unchanged_since;	/* UINT64_MAX: not asked for */

	uint64_t modseq;	/* out: highest of the mailbox */
	bool has_changed;	/* out: and it is of this change */
	uint32_t set_high;	/* out: no row names a higher keyword set */
	struct ranges *refused;	/* out: changed since; may be NULL */
	struct buf *rows;	/* out: FETCH_FLAGS | FETCH_MODSEQ rows of those
				 * named, 20 octets each; may be NULL */
};
/* NORMAL. What `as` may not change of what was asked for stays as it is; ST_DENIED: all
 * of it (RFC 4314 section 4). ST_LIMIT: keywords; ST_SYNTAX: no keyword; ST_NOT_FOUND. */
enum status store_flags(struct tx *tx, struct store_flag_change *change);

struct store_copy {
	uint64_t from, to;
	/* Who, with r (and for a move t and e) of the one, i of the other; NULL: the
	 * owner. Flags that it may not set in the target are left out. */
	const struct store_access *from_as, *to_as;
	const struct ranges *uids;	/* NULL: all */
	bool is_move;

	uint32_t uidvalidity;	/* out, of the target */
	struct ranges *source, *target;	/* out: they pair up, ascending */
	uint64_t modseq;	/* out: highest of `from` */
};
/* ST_QUOTA, ST_NOT_FOUND, ST_LIMIT. */
enum status store_copy(struct tx *tx, struct store_copy *copy);

/* uids NULL: all. any_flags: whatever their flags; else only \Deleted ones.
 * expunged: out. */
enum status store_expunge(struct tx *tx, uint64_t mailbox,
			  const struct ranges *uids, bool any_flags,
			  struct ranges *expunged, uint64_t *modseq);

#endif
