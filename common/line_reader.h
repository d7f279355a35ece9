/*
 * Takes lines that end with CRLF off a client's octets, for protocols that are
 * read a line at a time. A line that is too long is thrown away as it comes and
 * answered once, when its end is seen.
 *
 * Two steps, so that a session may put a line off: line_look() tells what comes
 * next and changes nothing, line_taken() goes past it. How the octets are split
 * into calls makes no difference.
 */
#ifndef COMMON_LINE_READER_H
#define COMMON_LINE_READER_H

#include "common/slice.h"

enum line_kind {
	LINE_MORE,	/* it has not come whole */
	LINE_WHOLE,
	LINE_UNCLEAN,	/* whole, with a bare CR, a bare LF or a NUL in it */
	LINE_BARE_LF,	/* it ends with LF alone; only where that is looked for */
	LINE_LONG,	/* octets of a line that is too long; its end is to come */
	LINE_LONG_END,	/* the last octets of such a line */
};

/* Zeros: at the beginning of a line. */
struct line_reader {
	size_t skip_limit;	/* within a line longer than this; 0: not so */
};

struct line {
	enum line_kind kind;
	struct slice text;	/* without its CRLF; borrowed from in */
	size_t octets;		/* to take, 0 for LINE_MORE */
	size_t limit;		/* that was exceeded, of LINE_LONG and LINE_LONG_END */
};

/*
 * What comes first in `in`. A line is as long as limit at most, with its CRLF.
 * finds_bare_lf: a line that ends with LF alone is told as such, for those who
 * type by hand.
 */
struct line line_look(const struct line_reader *r, struct slice in, size_t limit,
		      bool finds_bare_lf);
/* The octets of the line are gone from the input. */
void line_taken(struct line_reader *r, const struct line *line);

/* A browser that was made to speak to us sends its verb as the first line, and in
 * its body whatever a page likes (ALPACA, and older). */
bool line_is_http_verb(struct slice word);

#endif
