/*
 * The MIME parts of a message as mailboxd keeps them: made once at delivery by
 * mailboxd's prepare, read by imapd to find BODY[1.2.MIME] and the like. The
 * record is flat, versioned and checked when read; parts stand in the order of
 * the message, children behind their parent.
 *
 * Wire form: u8 version (1), u32 count, then each part: u32 parent (index, or
 * UINT32_MAX for the message itself), u8 kind, u8 encoding, u32 child count,
 * u64 header offset, u64 body offset, u64 end offset, u32 body lines, then
 * text (u16 length) type, subtype and charset in lower case.
 */
#ifndef COMMON_PART_RECORD_H
#define COMMON_PART_RECORD_H

#include "common/arena.h"
#include "common/buf.h"

#include <stdint.h>

#define PART_RECORD_VERSION 1
#define PART_COUNT_MAX 10000
#define PART_NONE UINT32_MAX

enum part_kind {
	PART_LEAF,
	PART_MULTIPART,
	PART_MESSAGE,	/* message/rfc822 or message/global: one child, its header
			 * begins where this part's body begins */
};

enum part_encoding {
	PART_7BIT, PART_8BIT, PART_BINARY, PART_QUOTED_PRINTABLE, PART_BASE64,
	PART_UNKNOWN,	/* some other word: octets are taken as they stand */
};

struct part {
	uint32_t parent;	/* PART_NONE: the message */
	enum part_kind kind;
	enum part_encoding encoding;
	uint32_t children;	/* direct ones */
	uint64_t header;	/* offset of the first octet of its MIME header */
	uint64_t body;		/* behind the empty line */
	uint64_t end;		/* behind the last octet, without the CRLF that
				 * belongs to the boundary */
	uint32_t lines;		/* of the body */
	struct slice type, subtype, charset;	/* "text" "plain" "utf-8" */
};

/* ST_LIMIT, ST_NO_MEMORY. */
enum status part_record_encode(struct buf *out, const struct part *parts,
			       size_t count);
/*
 * Checks all of it and gives an array in the arena. ST_SYNTAX: parents not
 * before children, offsets out of order or beyond octets (the stored size).
 */
enum status part_record_decode(struct slice in, uint64_t octets,
			       struct arena *arena, struct part **parts,
			       size_t *count);

#endif
