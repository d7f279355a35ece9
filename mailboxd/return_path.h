/*
 * Takes the Return-Path fields out of a message's header (RFC 5321 section
 * 4.4: final delivery writes it, and there is only one). Octets in, octets out,
 * whatever the pieces; it keeps no more than the beginning of a field's name.
 */
#ifndef MAILBOXD_RETURN_PATH_H
#define MAILBOXD_RETURN_PATH_H

#include "common/slice.h"
#include "common/status.h"

#define RETURN_PATH_HELD 16

struct return_path {
	enum {
		RETURN_PATH_START,	/* of a line of the header */
		RETURN_PATH_KEEP,	/* inside a line that stays */
		RETURN_PATH_DROP,	/* inside one that goes */
		RETURN_PATH_BODY,
	} state;
	bool was_dropped;	/* the line before: so goes its continuation */
	char held[RETURN_PATH_HELD];	/* of a name that may be it */
	size_t held_octets;
};

/* Gets what stays; anything but ST_OK ends the feeding with it. */
typedef enum status return_path_out(void *arg, struct slice octets);

void return_path_init(struct return_path *r);
enum status return_path_feed(struct return_path *r, struct slice in,
			     return_path_out *out, void *arg);
/* The message is over: what was held comes out. */
enum status return_path_end(struct return_path *r, return_path_out *out,
			    void *arg);

#endif
