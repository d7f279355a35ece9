/*
 * The preview of a message (RFC 8970): the beginning of its text as one line of
 * UTF-8, without quoted lines if there are others, without markup.
 */
#ifndef MAILBOXD_PREVIEW_H
#define MAILBOXD_PREVIEW_H

#include "common/buf.h"
#include "common/part_record.h"

/* Octets of a part that are looked at. */
#define PREVIEW_LOOKED_AT ((size_t)16384)

/*
 * Puts at most so many characters into out, which is empty, of the part whose
 * body begins with text
 * (stored octets) and whose type is text/plain or text/html. ST_LIMIT,
 * ST_NO_MEMORY.
 */
enum status preview_put(const struct part *part, struct slice text,
			size_t characters, struct buf *out);

#endif
