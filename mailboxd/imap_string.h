/*
 * Text as an IMAP string (RFC 9051 section 4.3): quoted, or a literal where a
 * quoted string must not hold it. 8-bit octets come in literals, which readers of
 * IMAP4rev1 take as well (RFC 3501 section 4.3).
 */
#ifndef MAILBOXD_IMAP_STRING_H
#define MAILBOXD_IMAP_STRING_H

#include "common/buf.h"

#include <stdbool.h>

/* Appends text as a string; NUL cannot stand in one and is left out. */
enum status imap_put_string(struct buf *out, struct slice text);
/* As imap_put_string; NIL where text.data is NULL. */
enum status imap_put_nstring(struct buf *out, struct slice text);
/* The body of a header field, unfolded and trimmed; NIL where data is NULL. */
enum status imap_put_field(struct buf *out, struct slice body);
/*
 * Whether s is one parenthesised list of strings, numbers, NIL and lists, in the
 * form that this module writes, no deeper than 1,000.
 */
bool imap_list_is_valid(struct slice s);

#endif
