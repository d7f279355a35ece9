/*
 * What lists for people show of an ENVELOPE, and what SORT compares of it, read back from the form in which
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

/* Places of lists of addresses in an ENVELOPE (RFC 9051 section 7.5.2). */
#define ENVELOPE_FROM 2
#define ENVELOPE_TO 5

/* data is NULL for NIL. */
struct envelope_address {
	struct slice name, route, mailbox, host;
};
/* The first address there, or what begins a group; its texts lie in texts, which is
 * emptied. ST_NOT_FOUND: there is none. */
enum status envelope_read_first(struct slice envelope, unsigned place,
				struct buf *texts, struct envelope_address *a);

#endif
