/*
 * What SORT and THREAD (RFC 5256) share: a search whose answer comes in an order that
 * mailboxd made, and is told in pieces as the client reads.
 */
#ifndef IMAPD_SORT_H
#define IMAPD_SORT_H

#include "imapd/search.h"
#include "imapd/session_priv.h"

/* Octets of the order: 4 for a message, up to 12 for one of a thread. */
#define SORT_ORDER_MAX ((size_t)64 << 20)

struct sorting {
	struct search_request request;
	struct buf order;	/* u32, little endian: UIDs, later what is told */
	uint64_t modseq;	/* the highest of what was found */
	bool is_complete;	/* mailboxd has answered */
	size_t at;		/* octets of order that were told */
	/* Writes the line once all is there; may be called again and again. */
	void (*tell)(struct imap_command *c);
};

/* Makes it c->data; NULL: the command is finished. */
struct sorting *sort_new(struct imap_command *c, void (*tell)(struct imap_command *c));
/* Whether the line may go on now. */
bool sort_may_tell(const struct imap_command *c);
/* The arguments were refused: ends the command. */
void sort_refuse(struct imap_command *c, enum status st);
/* Asks mailboxd; tell follows. */
void sort_ask(struct imap_command *c, const struct ipc_message *m);
/* The number that the client knows a UID by; 0: none. */
uint32_t sort_number(const struct imap_command *c, uint32_t uid);

#endif
