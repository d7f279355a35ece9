/*
 * What DISPLAYFROM and DISPLAYTO compare (RFC 5957 section 3), out of the ENVELOPE as
 * it is stored.
 */
#ifndef MAILBOXD_DISPLAY_KEY_H
#define MAILBOXD_DISPLAY_KEY_H

#include "mailboxd/envelope_read.h"

#define DISPLAY_KEY_MAX ((size_t)1024)

/* Appends the key of the first address at that place (ENVELOPE_FROM, ENVELOPE_TO),
 * mapped by i;unicode-casemap and cut to DISPLAY_KEY_MAX octets; nothing where there
 * is none, or where the envelope is malformed. ST_LIMIT, ST_NO_MEMORY. */
enum status display_key(struct slice envelope, unsigned place, struct buf *out);

#endif
