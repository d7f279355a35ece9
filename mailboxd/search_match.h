/*
 * Whether texts stand in a message: the keys HEADER, BODY and TEXT of a SEARCH,
 * all in one pass over the stored octets. A match is a substring in the decoded
 * text (transfer encoding, charset, encoded words, folds), compared by
 * i;unicode-casemap (RFC 5051): both sides are mapped, octets compared.
 *
 * BODY looks at what follows the message's header: text parts, and the header
 * of each part and of each message within. TEXT looks at the header as well.
 */
#ifndef MAILBOXD_SEARCH_MATCH_H
#define MAILBOXD_SEARCH_MATCH_H

#include "common/part_record.h"
#include "common/search_program.h"

#include <stdbool.h>

struct search_key {
	enum search_op op;	/* SEARCH_OP_HEADER, _BODY or _TEXT */
	struct slice field;	/* of HEADER: the field's name */
	struct slice needle;	/* UTF-8; empty: the field is there, true for
				 * BODY and TEXT */
};

struct search_match;
/* Copies the keys; the caller ends it with search_match_free(). NULL when
 * memory is short. For one thread at a time. */
struct search_match *search_match_new(const struct search_key *keys,
				      size_t count);
void search_match_free(struct search_match *m);
/*
 * A message begins. prefix: header lines rendered in front of the stored octets
 * (Delivered-To), looked at as header. parts are borrowed until the next begin.
 * ST_NO_MEMORY.
 */
enum status search_match_begin(struct search_match *m, struct slice prefix,
			       const struct part *parts, size_t count);
/* The next stored octets, from the first on. ST_NO_MEMORY. */
enum status search_match_feed(struct search_match *m, struct slice octets);
/*
 * Offset of the first octet that can still matter (parts that are no text are
 * passed over), UINT64_MAX when all is known. The caller may go on feeding there
 * after search_match_seek() to an offset not beyond it.
 */
uint64_t search_match_needs(const struct search_match *m);
void search_match_seek(struct search_match *m, uint64_t offset);
/* No more octets will come. */
enum status search_match_end(struct search_match *m);
/* After end (or once needs is UINT64_MAX): whether key i holds. */
bool search_match_found(const struct search_match *m, size_t i);

#endif
