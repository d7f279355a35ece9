/*
 * Loops that go through one of our mailboxes (RFC 5321 section 6.3): a message whose
 * header says already, by a Delivered-To field, that it was delivered to a recipient
 * that it is for now. Addresses are kept as hashes; who makes two the same refuses
 * mail of his own.
 */
#ifndef SMTPD_LOOP_H
#define SMTPD_LOOP_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Recipients of a transaction: the first without memory of its own. */
struct loop_recipients {
	uint64_t first;		/* 0: none */
	struct buf others;	/* uint64_t each */
};

/* Of an address, whatever its case; never 0. */
uint64_t loop_hash(struct slice address);
/* Where memory is short the recipient is not looked for. */
void loop_add(struct loop_recipients *l, struct slice recipient);
bool loop_has(const struct loop_recipients *l, uint64_t hash);
void loop_clear(struct loop_recipients *l);

#endif
