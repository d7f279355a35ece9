/*
 * Refused mail on its way to the journal. smtpd tells of each; here is where all
 * its workers meet, so here they are bounded: at most 100 rows a minute of one
 * client address, at most 100 rows a second in all. What is beyond is counted, and
 * the count becomes a row of its own when the minute, or the second, is over. They
 * are written once a second, and nothing waits for them.
 */
#ifndef MAILBOXD_REFUSALS_H
#define MAILBOXD_REFUSALS_H

#include "common/ipc_messages.h"
#include "mailboxd/store.h"

#define REFUSALS_MINUTE	100u	/* rows of an address */
#define REFUSALS_SECOND	100u	/* rows between two takings */

struct refusals;

struct refused {
	struct refused *next;
	struct store_refusal row;
	char text[];
};

/* All of a list. NULL is fine. */
void refused_free(struct refused *first);

struct refusals *refusals_new(void);
/* NULL is fine. */
void refusals_free(struct refusals *r);
/* now: monotonic ms; wall: of the row. Without memory it is only counted. */
void refusals_add(struct refusals *r, int64_t now, int64_t wall,
		  const struct ipc_refused *m);
/* What there is to write, in order, and the caller's from then on; NULL: nothing. */
struct refused *refusals_take(struct refusals *r, int64_t now, int64_t wall);

#endif
