/*
 * A sequence set (RFC 9051 section 9): "2,4:7,9,12:*", or "$" for what a SEARCH
 * saved. Numbers are message
 * numbers or UIDs; the set does not know which.
 */
#ifndef IMAPD_NUMSET_H
#define IMAPD_NUMSET_H

#include "common/ranges.h"

#include <stdbool.h>

/* Ranges as the client wrote them, before they are merged; and after, so that
 * they fit in one frame to mailboxd. */
#define NUMSET_WRITTEN_MAX	((size_t)10000)
#define NUMSET_MAX		((size_t)8000)

struct numset {
	struct ranges ranges;	/* those without "*", merged */
	bool has_star;
	uint32_t star_low;	/* of n in "n:*": the least and the greatest */
	uint32_t star_high;
	bool is_saved;		/* it is "$" (RFC 5182), and nothing else */
};

#define NUMSET_INIT { .ranges = RANGES_INIT(NUMSET_MAX), .star_low = UINT32_MAX }

void numset_clear(struct numset *set);
/*
 * The whole of text, which is not "$". ST_SYNTAX: no set, 0, or a number above 2^32-1; ST_LIMIT:
 * too many ranges; ST_NO_MEMORY. set is one from NUMSET_INIT.
 */
enum status numset_parse(struct slice text, struct numset *set);
/* Adds what the set means when "*" is last (0: nothing is there; then "*" names
 * nothing) to out. */
enum status numset_resolve(const struct numset *set, uint32_t last,
			   struct ranges *out);
/* "1:3,7"; for COPYUID and the like. */
enum status numset_render(const struct ranges *ranges, struct buf *out);

#endif
