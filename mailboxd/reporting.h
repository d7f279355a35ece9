/*
 * What one delivery has to tell its sender: who asked for it (NOTIFY=SUCCESS, RFC
 * 3461 section 5.2.3), the header to send back, and the report, which is delivered
 * in the transaction of the message itself to senders who are local. Nothing can
 * carry it to others. Belongs to the loop, but for reporting_deliver().
 */
#ifndef MAILBOXD_REPORTING_H
#define MAILBOXD_REPORTING_H

#include "common/arena.h"
#include "common/id.h"
#include "mailboxd/report.h"
#include "mailboxd/service.h"

#define REPORTING_RECIPIENTS_MAX 1000u

struct reporting {
	struct service *service;
	struct arena *arena;	/* of the delivery */
	struct slice envid;
	struct report_recipient *recipients;
	size_t count;
	struct buf header;
	struct buf text, record;
	struct store_message message;
	struct id mid;
};

void reporting_init(struct reporting *r, struct service *service,
		    struct arena *arena);
void reporting_clear(struct reporting *r);
/*
 * A recipient was accepted and wants to be told of. Addresses beyond ASCII are
 * passed over: there is no way to write them (RFC 6533 is not spoken), and so are
 * those beyond REPORTING_RECIPIENTS_MAX. ST_NO_MEMORY.
 */
enum status reporting_recipient(struct reporting *r, struct slice address,
				struct slice orcpt, bool is_expanded);
/* Octets of the message as they come; keeps its beginning where it is needed. */
void reporting_octets(struct reporting *r, struct slice octets);
/* The message is whole: makes the report where there is one to make.
 * ST_NO_MEMORY, ST_LIMIT. */
enum status reporting_end(struct reporting *r, struct slice sender,
			  struct slice mid, struct slice sid);
/* Writer's thread, behind the delivery: puts the report into the sender's
 * mailboxes. A sender who is not ours is ST_OK. */
enum status reporting_deliver(struct reporting *r, struct tx *tx,
			      struct slice sender);

#endif
