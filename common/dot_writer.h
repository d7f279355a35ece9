/*
 * Stuffs dots and ends the data: RFC 5321 section 4.5.2, RFC 1939 section 3.
 * For octets whose lines end with CRLF, as the store holds them.
 */
#ifndef COMMON_DOT_WRITER_H
#define COMMON_DOT_WRITER_H

#include "common/buf.h"

struct dot_writer {
	char last[2];	/* the last two octets written; {0} at the beginning */
};

/*
 * Appends in, stuffed; the split into calls makes no difference. At most twice
 * in.len octets. ST_LIMIT, ST_NO_MEMORY: give up.
 */
enum status dot_writer_feed(struct dot_writer *w, struct slice in,
			    struct buf *out);
/* Ends the last line if it has no end, appends ".\r\n", and makes w as new. */
enum status dot_writer_end(struct dot_writer *w, struct buf *out);

#endif
