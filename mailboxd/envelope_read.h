/*
 * What lists for people show of an ENVELOPE, read back from the form in which
 * mailboxd/envelope.h renders it. Of anything else: nothing.
 */
#ifndef MAILBOXD_ENVELOPE_READ_H
#define MAILBOXD_ENVELOPE_READ_H

#include "common/buf.h"

/* Appends the date as it was written; nothing for NIL. ST_LIMIT, ST_NO_MEMORY. */
enum status envelope_read_date(struct slice envelope, struct buf *out);
/* The subject, still with its encoded words. */
enum status envelope_read_subject(struct slice envelope, struct buf *out);
/* The first address of From, as ann@example.org. */
enum status envelope_read_from(struct slice envelope, struct buf *out);

#endif
