/*
 * Walks the fields of a message header (RFC 5322 section 2.2), in a slice that
 * may still grow. It copies nothing: names and bodies are ranges of the input.
 */
#ifndef COMMON_HEADER_H
#define COMMON_HEADER_H

#include "common/buf.h"

#include <stdbool.h>

struct header_field {
	struct slice name;	/* without the colon and white space before it;
				 * empty for a line that is no field */
	struct slice body;	/* behind the colon, folds and all, without the
				 * last CRLF */
	struct slice whole;	/* from the name to the last CRLF, inclusive */
	size_t offset;		/* of whole, in the input */
};

struct header_walk {
	struct slice in;
	size_t at;		/* octets already walked */
	bool is_whole;		/* in will not grow: its end ends the header too */
};

/*
 * ST_OK: the next field. ST_MORE: in ends before the field does; give the walk a
 * longer in (same beginning) and call again. ST_NOT_FOUND: the header is over,
 * at is the offset behind its empty line. Lines end with CRLF or LF. A line that
 * is no field comes with an empty name, so that nothing is lost.
 */
enum status header_next(struct header_walk *walk, struct header_field *field);
/* The first field of that name; ST_NOT_FOUND. header ends with its slice. */
enum status header_find(struct slice header, struct slice name,
			struct header_field *field);
/* Octets of the header with its empty line; all of message if there is none. */
size_t header_octets(struct slice message);
/* Appends body without the line ends of folds, trimmed at both ends.
 * ST_LIMIT, ST_NO_MEMORY. */
enum status header_unfold(struct slice body, struct buf *out);
/* Whether it could stand before a colon: printable ASCII without space (section
 * 3.6.8). */
bool header_name_is_valid(struct slice name);

#endif
