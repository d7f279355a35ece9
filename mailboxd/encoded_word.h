/*
 * Encoded words in header fields (RFC 2047, with the language of RFC 2231
 * section 5), as readers of mail want them: wherever they stand, also inside
 * quoted strings, and with spaces in them.
 */
#ifndef MAILBOXD_ENCODED_WORD_H
#define MAILBOXD_ENCODED_WORD_H

#include "common/buf.h"

/*
 * Appends body, a field's body with its folds, as UTF-8: unfolded, trimmed at
 * both ends, encoded words decoded, other 8-bit octets as UTF-8 or else
 * windows-1252. White space between two encoded words is dropped, and a
 * character may be cut by it (RFC 2047 section 5 forbids that, mail does it).
 * Linear time. ST_LIMIT, ST_NO_MEMORY: give the text up.
 */
enum status encoded_word_decode(struct slice body, struct buf *out);

#endif
