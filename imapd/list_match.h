/*
 * LIST's wildcards (RFC 9051 section 6.3.9): "*" is any octets, "%" any but the
 * hierarchy separator. All ways through the pattern are followed at once, one
 * bit each, so a name costs its length times the pattern's words, whatever the
 * stars do.
 */
#ifndef IMAPD_LIST_MATCH_H
#define IMAPD_LIST_MATCH_H

#include "common/arena.h"

#include <stdbool.h>

struct list_pattern;

/*
 * A pattern for names with this separator, in the arena. INBOX at its beginning
 * is taken in any case. NULL: longer than LIMIT_PATTERN_OCTETS, or memory is
 * short.
 */
struct list_pattern *list_pattern_new(struct arena *arena, struct slice text,
				      char separator);

enum list_match {
	LIST_MATCH_NONE,
	LIST_MATCH_WHOLE,
	LIST_MATCH_PARENT,	/* not the name, but one of its parents matches */
};

/* Whether name matches; else *parent gets the shortest parent that does, for
 * RECURSIVEMATCH and for "%" (RFC 5258 section 3). */
enum list_match list_pattern_match(const struct list_pattern *p, struct slice name,
				   struct slice *parent);

#endif
