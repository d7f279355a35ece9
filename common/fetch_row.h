/*
 * One message as mailboxd answers a FETCH: the columns that were asked for, in
 * the order of the bits below, packed without padding, little endian. uid
 * always comes first.
 *
 * A message's octets, as its user sees them, are a prefix rendered for this
 * recipient (Delivered-To), then the stored header and text. All offsets in the
 * part record count from the first stored octet: add prefix. size includes the
 * prefix.
 */
#ifndef COMMON_FETCH_ROW_H
#define COMMON_FETCH_ROW_H

#include "common/buf.h"

#include <stdint.h>

enum fetch_item {
	FETCH_FLAGS		= 1u << 0,	/* u64, see common/flags.h */
	FETCH_MODSEQ		= 1u << 1,	/* u64 */
	FETCH_SIZE		= 1u << 2,	/* u64 octets, prefix included */
	FETCH_INTERNALDATE	= 1u << 3,	/* i64 Unix seconds, i32 zone minutes */
	FETCH_SAVEDATE		= 1u << 4,	/* i64 Unix seconds */
	FETCH_EMAILID		= 1u << 5,	/* u64 message id */
	FETCH_THREADID		= 1u << 6,	/* u64 */
	FETCH_PREFIX		= 1u << 7,	/* u32 octets of the prefix */
	FETCH_UIDL		= 1u << 8,	/* bytes; empty: made from EMAILID */
	FETCH_ENVELOPE		= 1u << 9,	/* bytes: "(...)" ready to send */
	FETCH_BODYSTRUCTURE	= 1u << 10,	/* bytes: extended form */
	FETCH_BODY		= 1u << 11,	/* bytes: BODY without extension data */
	FETCH_PARTS		= 1u << 12,	/* bytes: see common/part_record.h */
	FETCH_PREVIEW		= 1u << 13,	/* bytes: UTF-8 */
	FETCH_HEADER_OCTETS	= 1u << 14,	/* octets: prefix and header with its
						 * empty line */
	FETCH_TEXT_OCTETS	= 1u << 15,	/* octets: what follows the header */
	FETCH_ALL_OCTETS	= 1u << 16,	/* octets: the whole message */
};
/* At most one of the three last. They are u64 total, u32 n and n octets; the
 * row is the last of its frame when n < total, and BODY frames bring the rest. */
#define FETCH_OCTETS (FETCH_HEADER_OCTETS | FETCH_TEXT_OCTETS | FETCH_ALL_OCTETS)

struct fetch_row {
	uint32_t uid;
	uint64_t flags, modseq, size;
	int64_t internaldate;
	int32_t zone;
	int64_t savedate;
	uint64_t emailid, threadid;
	uint32_t prefix;
	struct slice uidl, envelope, bodystructure, body, parts, preview;
	uint64_t octets_total;
	struct slice octets;	/* the first of them */
};

/* Appends the row's columns in items. ST_LIMIT, ST_NO_MEMORY: out unchanged. */
enum status fetch_row_encode(struct buf *out, uint32_t items,
			     const struct fetch_row *row);
/* Takes one row off *rows; slices borrow. ST_MORE: *rows is empty or ends within
 * a row, and is left as it is; ST_SYNTAX. */
enum status fetch_row_decode(struct slice *rows, uint32_t items,
			     struct fetch_row *row);

#endif
