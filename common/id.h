/*
 * Ids of sessions and messages (decisions.md, doc/logging.md): a letter and 20
 * characters of base32, 48 bits of wall clock milliseconds and 52 random ones.
 * Those one process makes ascend, within one millisecond and when the clock
 * jumps back too. Any thread may make them.
 */
#ifndef COMMON_ID_H
#define COMMON_ID_H

#include "common/slice.h"

#include <stdint.h>

#define ID_OCTETS 21
#define ID_MESSAGE 'm'
#define ID_SESSION 's'

struct id {
	char text[ID_OCTETS + 1];	/* with its NUL */
};

struct id id_make(char letter);
/* Whether text could have been made by id_make(letter). */
bool id_is_valid(struct slice text, char letter);

static inline struct slice id_slice(const struct id *id)
{
	return slice_of(id->text, ID_OCTETS);
}

/* A row id as IMAP (behind a letter) and POP3 show it: 13 characters of base32
 * that order as the numbers do. */
#define ID_NUMBER_OCTETS 13
void id_number_render(uint64_t number, char at[ID_NUMBER_OCTETS]);
/* False when text is no such rendering; *number is then untouched. */
bool id_number_parse(struct slice text, uint64_t *number);

#endif
