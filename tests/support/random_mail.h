/*
 * Random messages whose texts come in every charset and encoding that a search has
 * to see through, and words to look for in them. One seed, printed by the test, makes
 * all of it again.
 */
#ifndef TESTS_RANDOM_MAIL_H
#define TESTS_RANDOM_MAIL_H

#include "common/buf.h"

#include <stdint.h>

struct random_mail {
	uint64_t seed;
	uint64_t seed_told;	/* what it began with */
};

/* From POSTROOM_SEED, or a new one. */
void random_mail_begin(struct random_mail *m);
/* 0..n-1. */
unsigned random_mail_pick(struct random_mail *m, unsigned n);
/* So many words of one script, with spaces between them, in UTF-8. */
void random_words(struct random_mail *m, struct buf *out, unsigned count);
/* Appends a message: plain, with parts, or with messages within. */
void random_message(struct random_mail *m, struct buf *out);

#endif
