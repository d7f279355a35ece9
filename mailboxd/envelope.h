/*
 * ENVELOPE (RFC 9051 section 7.5.2), rendered once, ready to send to readers of
 * both revisions of IMAP.
 */
#ifndef MAILBOXD_ENVELOPE_H
#define MAILBOXD_ENVELOPE_H

#include "common/address_list.h"
#include "mailboxd/message_fields.h"

/* Addresses of all envelopes of a message together; more are left out. */
#define ENVELOPE_ADDRESSES_MAX 10000

/* What rendering needs to go on, one for all envelopes of a message. */
struct envelope_state {
	struct address_list list;
	size_t addresses;	/* rendered so far */
};

void envelope_init(struct envelope_state *s);
void envelope_clear(struct envelope_state *s);
/* Appends the envelope of a message with these fields. ST_LIMIT, ST_NO_MEMORY:
 * give the record up. */
enum status envelope_put(struct envelope_state *s,
			 const struct message_fields *fields, struct buf *out);
/*
 * Appends the key by which SORT compares FROM, TO and CC (RFC 5256 section 3):
 * the mailbox of the first address, mapped by i;unicode-casemap and cut to 255
 * octets; nothing where there is no address. Same outcomes.
 */
enum status envelope_sort_key(struct envelope_state *s,
			      const struct message_fields *fields,
			      enum message_field field, struct buf *out);

#endif
