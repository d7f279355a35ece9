/*
 * The text of a stored message as SEARCH compares it, out of the octets as they
 * are read from the store: header fields unfolded, encoded words decoded; text
 * parts without their transfer encoding, as UTF-8; all of it mapped by
 * i;unicode-casemap (casemap.h). Who listens (search_match.h, and later the
 * collector of trigrams) is a sink. Memory is bounded: a field of at most 1 MiB,
 * text in pieces.
 */
#ifndef MAILBOXD_SEARCH_TEXT_H
#define MAILBOXD_SEARCH_TEXT_H

#include "common/part_record.h"

#include <stdbool.h>

enum search_text_where {
	SEARCH_TEXT_HEADER,		/* a field of the message's header */
	SEARCH_TEXT_PART_HEADER,	/* of a part, or of a message within */
	SEARCH_TEXT_BODY,		/* a text part, in pieces */
};

struct search_text_sink {
	void *context;
	/*
	 * A text begins; name is the field's, as written, or empty. False: not
	 * wanted, neither text nor end is called for it.
	 */
	bool (*begin)(void *context, enum search_text_where where,
		      struct slice name);
	/* A piece of it, in whole characters; a field comes as one piece. A
	 * status other than ST_OK ends the feeding and is given back. */
	enum status (*text)(void *context, struct slice mapped);
	void (*end)(void *context);
};

struct search_text;
/* Owned by the caller, ended with search_text_free(); NULL: no memory. sink is
 * copied. */
struct search_text *search_text_new(const struct search_text_sink *sink);
void search_text_free(struct search_text *t);
/* A message begins. parts, of a checked record, are borrowed until it ends.
 * prefix: header lines that stand in front of the stored octets. ST_NO_MEMORY,
 * or what the sink says. */
enum status search_text_begin(struct search_text *t, struct slice prefix,
			      const struct part *parts, size_t count);
/* The octets at the present offset, 0 at first. Same outcomes. */
enum status search_text_feed(struct search_text *t, struct slice octets);
/* The offset from which octets matter; UINT64_MAX: none any more. */
uint64_t search_text_next(const struct search_text *t);
/* Goes on at that offset, which is not beyond search_text_next(). */
void search_text_seek(struct search_text *t, uint64_t offset);
/* Whether all of the message's own header has been given to the sink. */
bool search_text_in_body(const struct search_text *t);
/* No more octets will come: gives the sink what was held. */
enum status search_text_end(struct search_text *t);

#endif
