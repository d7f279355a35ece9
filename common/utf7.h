/*
 * Modified UTF-7, in which IMAP4rev1 writes mailbox names (RFC 3501 section
 * 5.1.3). Strict both ways: one name has one spelling.
 */
#ifndef COMMON_UTF7_H
#define COMMON_UTF7_H

#include "common/buf.h"

/* ST_SYNTAX: in is not UTF-8 or holds a control character; ST_LIMIT,
 * ST_NO_MEMORY. out is unchanged unless ST_OK. */
enum status utf7_from_utf8(struct slice in, struct buf *out);
/* ST_SYNTAX: 8-bit octets or controls, base64 for what ASCII can say, a shift
 * without need, an unpaired surrogate, bits left over. */
enum status utf7_to_utf8(struct slice in, struct buf *out);

#endif
