/*
 * Takes out of the header of an incoming message what only we may write: an
 * Authentication-Results field that bears our name (RFC 8601 section 5) and the
 * fields by which our milters say junk, and counts Received
 * and notes Delivered-To fields, so that a loop is seen (RFC 5321 section 6.3).
 * Everything else goes on octet for octet, as it comes; only a line that has not
 * ended is held back, and a field that is not decided yet.
 */
#ifndef SMTPD_HEADER_FILTER_H
#define SMTPD_HEADER_FILTER_H

#include "common/buf.h"

#include <stdbool.h>

/* A field whose owner is not told within so many octets goes. */
#define HEADER_FILTER_OPEN_MAX ((size_t)4096)
/* Of a line that has not ended. */
#define HEADER_FILTER_HELD_MAX ((size_t)1 << 20)
/* Delivered-To fields that are looked at. */
#define HEADER_FILTER_DELIVERED_MAX 16

struct header_filter {
	struct slice hostname;	/* ours; borrowed */
	struct slice junk;	/* "X-Spam: Yes", a line each: their names; borrowed */
	bool takes_out;		/* else it only counts */
	unsigned received;	/* Received fields so far */
	uint64_t delivered[HEADER_FILTER_DELIVERED_MAX];	/* smtpd/loop.h */
	unsigned delivered_count;	/* Delivered-To fields so far, as many fit */

	bool is_body;		/* the header is over: all goes on */
	enum { FIELD_PASSES, FIELD_GOES, FIELD_OPEN } field;
	struct buf held;	/* lines of an open field, then one not ended */
	bool in_line;		/* there is one, */
	size_t line_at;		/* and here it begins */
};

typedef void header_filter_pass(void *arg, struct slice octets);

void header_filter_init(struct header_filter *f, struct slice hostname,
			struct slice junk, bool takes_out);
void header_filter_clear(struct header_filter *f);
/*
 * Takes all of in, lines that end with CRLF, and calls pass for what goes on.
 * ST_LIMIT: a line of the header is longer than HEADER_FILTER_HELD_MAX;
 * ST_NO_MEMORY.
 */
enum status header_filter_feed(struct header_filter *f, struct slice in,
			       header_filter_pass *pass, void *arg);
/* The message is over; what was held goes on. */
void header_filter_end(struct header_filter *f, header_filter_pass *pass,
		       void *arg);

#endif
