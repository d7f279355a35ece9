/*
 * Recipients of a message in one buffer: for each its address, NOTIFY in decimal
 * and ORCPT, with a NUL behind each of the three.
 */
#ifndef SMTPD_MILTER_RCPTS_H
#define SMTPD_MILTER_RCPTS_H

#include "common/buf.h"

#include <stdbool.h>

struct milter_rcpt {
	struct slice address, orcpt;
	unsigned notify;
	size_t octets;		/* of it all in the buffer */
};

/* ST_LIMIT, ST_NO_MEMORY: nothing was added. */
enum status milter_rcpts_add(struct buf *rcpts, const struct milter_rcpt *r);
/* The one at the beginning of rest. False: there is none. */
bool milter_rcpts_first(struct slice rest, struct milter_rcpt *r);
/* ASCII letters compare without case. */
bool milter_rcpts_has(const struct buf *rcpts, struct slice address);
void milter_rcpts_delete(struct buf *rcpts, struct slice address);
unsigned milter_rcpts_count(const struct buf *rcpts);

#endif
