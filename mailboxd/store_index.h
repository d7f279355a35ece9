/* Signatures that make SEARCH quick (also store_signature.c). Part of store.h. */
#ifndef MAILBOXD_STORE_INDEX_H
#define MAILBOXD_STORE_INDEX_H

#include "common/status.h"

#include <stdbool.h>

struct store;

/*
 * Makes signatures (signature.h), so that store_search() reads few bodies. They are
 * kept in dir/search.db, which is made anew where it is missing, damaged, of another
 * version or of another store; no verb fails because of it, searches only take
 * longer. One a store, on a thread of its own (indexer.h); tests step by hand.
 */
struct store_index;
/* ST_NO_MEMORY, and what store_connect() says. No transaction is open. */
enum status store_index_open(struct store *store, struct store_index **index,
			     struct error *error);
void store_index_close(struct store_index *index);
/*
 * Looks for messages without one for about slice_ms, each read in transactions as
 * short, and removes those of messages that went. ST_OK: all is done; ST_MORE: call
 * again; ST_FULL: the disk has no room for it; others: try again later.
 */
enum status store_index_step(struct store_index *index, unsigned slice_ms);
/* Whether a search met a message without one since the last step. */
bool store_index_is_missed(const struct store_index *index);
const struct error *store_index_error(const struct store_index *index);

#endif
