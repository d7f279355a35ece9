/*
 * Undoes a Content-Transfer-Encoding (RFC 2045 section 6) as the octets come.
 * Lenient, because mail is: octets outside the base64 alphabet are passed over,
 * and "=" that begins nothing in quoted-printable stands for itself. Nothing is
 * an error, and the split of the input into calls makes no difference.
 */
#ifndef COMMON_TRANSFER_H
#define COMMON_TRANSFER_H

#include "common/buf.h"
#include "common/part_record.h"

#include <stdbool.h>

struct transfer {
	enum part_encoding encoding;
	uint32_t bits;		/* base64: of an unfinished group */
	uint8_t count;		/* base64: characters in bits; else a state */
	uint8_t held;		/* octets in hold */
	char hold[80];		/* quoted-printable: may be dropped at a line end */
};

void transfer_init(struct transfer *t, enum part_encoding encoding);
/* Whether decoded and encoded octets are the same (7bit, 8bit, binary, and
 * words that are not known). */
bool transfer_is_identity(enum part_encoding encoding);
/* Appends what in decodes to, at most in.len + 80 octets. ST_LIMIT,
 * ST_NO_MEMORY: out is unchanged, give it up. */
enum status transfer_feed(struct transfer *t, struct slice in, struct buf *out);
/* The part is over: appends what was still held, at most 80 octets. */
enum status transfer_end(struct transfer *t, struct buf *out);
/* The word of a Content-Transfer-Encoding field; PART_UNKNOWN for others. */
enum part_encoding transfer_encoding(struct slice word);

#endif
