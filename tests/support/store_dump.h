/*
 * All that a user of the store could see, as text: accounts, mailboxes, messages
 * with flags and digests of their octets, subscriptions, aliases, the journal.
 * What two stores have in common is the same text, whatever their schema. Left
 * out: modseqs as they are told, for an unclean end raises them.
 */
#ifndef TESTS_SUPPORT_STORE_DUMP_H
#define TESTS_SUPPORT_STORE_DUMP_H

#include "mailboxd/store.h"

enum store_dump_what {
	DUMP_VANISHED = 1,	/* UIDs gone since the beginning; after a clean end */
	DUMP_IDS = 4,		/* of messages, and modseqs */
	DUMP_JOURNAL = 2,	/* and what is untold: all that has a mid */
};

/* Appends to out, inside a transaction. What the store's verbs answer, and their
 * words in store_error(). */
enum status store_dump(struct tx *tx, unsigned what, struct buf *out);

#endif
