/*
 * The thread that makes signatures for SEARCH (store.h: store_index_step()). It is
 * the last in line: of the lowest priority, and at work only while the writer rests.
 * Where it never does it works for a moment each second, and a fifth of the time
 * while searches meet messages without one.
 */
#ifndef MAILBOXD_INDEXER_H
#define MAILBOXD_INDEXER_H

#include "mailboxd/store.h"

struct writer;
struct indexer;

/* Starts the thread. writer is borrowed; NULL: it always rests. Before system calls
 * are filtered, for it lowers its priority. ST_IO, ST_NO_MEMORY, and what
 * store_index_open() says. */
enum status indexer_start(struct store *store, struct writer *writer,
			  struct indexer **indexer, struct error *error);
/* Ends the thread within a slice and frees; before the writer's. NULL is fine. */
void indexer_stop(struct indexer *indexer);

#endif
