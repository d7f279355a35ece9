/*
 * Signatures: which texts a message may hold, so that SEARCH reads few bodies. A
 * Bloom filter of the trigrams (octets, of the text as search_text.h gives it)
 * that never says no where search_match.h says yes. It says yes in vain now and
 * then: who asks verifies.
 *
 * A signature has four sections, each a filter of its own size: the subject, the
 * fields with addresses, the other fields of the message's header, and all that
 * follows it. They travel as two blobs, for BODY needs none of the header, and
 * HEADER none of the body. Of the prefix (Delivered-To), which differs for each
 * recipient, nothing is in it.
 *
 * Trigrams, not 4-grams: a needle of three octets can be asked for, and a text
 * has fewer different ones (bench/README.md has what was measured).
 */
#ifndef MAILBOXD_SIGNATURE_H
#define MAILBOXD_SIGNATURE_H

#include "common/part_record.h"
#include "mailboxd/search_match.h"

#include <stdbool.h>

/* Grows when what is written changes; older ones are made anew. */
#define SIGNATURE_VERSION 1
/* Appends what tells signatures apart that must not be mixed: this version and
 * those of what text goes through. ST_LIMIT, ST_NO_MEMORY. */
enum status signature_kind(struct buf *out);
/* Octets of one section at most; head and body together at most four. */
#define SIGNATURE_SECTION_MAX ((size_t)16384)
/* Needles with fewer octets, once mapped, say nothing about the filter. */
#define SIGNATURE_GRAM 3

/* ---- making one ------------------------------------------------------------------ */

struct signature_maker;
/* Ended with signature_maker_free(), which takes NULL; NULL: no memory. About
 * 3 MiB at most, whatever comes. */
struct signature_maker *signature_maker_new(void);
void signature_maker_free(struct signature_maker *m);
/* A message begins; the same calls in the same order as of search_match.h, with
 * the same outcomes. parts are borrowed until the end. */
enum status signature_begin(struct signature_maker *m, const struct part *parts,
			    size_t count);
enum status signature_feed(struct signature_maker *m, struct slice octets);
uint64_t signature_needs(const struct signature_maker *m);
void signature_seek(struct signature_maker *m, uint64_t offset);
/* The message is over: appends both blobs. ST_LIMIT, ST_NO_MEMORY. */
enum status signature_end(struct signature_maker *m, struct buf *head,
			  struct buf *body);
/* Appends those of a message that may hold anything, for it cannot be read. */
enum status signature_anything(struct buf *head, struct buf *body);

/* ---- asking ------------------------------------------------------------------------ */

enum signature_blob {
	SIGNATURE_HEAD = 1,
	SIGNATURE_BODY = 2,
};

struct signature_query;
/* Ended with signature_query_free(), which takes NULL. NULL: no memory. */
struct signature_query *signature_query_new(const struct search_key *keys,
					    size_t count);
void signature_query_free(struct signature_query *q);
/* Blobs (enum signature_blob) that say something about key i; 0: none does. */
unsigned signature_query_blobs(const struct signature_query *q, size_t i);
/* False: key i does not hold in the message, its prefix left aside. A blob that is
 * not at hand (data is NULL) or malformed may hold anything. */
bool signature_may_hold(const struct signature_query *q, size_t i,
			struct slice head, struct slice body);

#endif
