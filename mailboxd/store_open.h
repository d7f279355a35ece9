/* A store as a whole: opened, closed, looked at (store.c). Part of store.h. */
#ifndef MAILBOXD_STORE_OPEN_H
#define MAILBOXD_STORE_OPEN_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

#define STORE_SPECIAL_USES 5

struct store_options {
	const char *dir;	/* exists; made 0700 by whoever made it */
	bool ephemeral;		/* dir is a tmpfs that dies with us: no syncs */
	bool as_is;		/* to look at, and to repair: no migration, no new
				 * epoch, nothing of an unclean end is put right */
	bool first_use;		/* any recipient is local, its domain and account
				 * made by store_account_ensure() */
	/* Names given to \Drafts \Sent \Junk \Trash \Archive of a new account,
	 * NULL for these words; "" makes none. */
	const char *special_names[STORE_SPECIAL_USES];
	int64_t keep_expunged;	/* seconds; 0: gone at the next pruning */
	int64_t keep_journal;	/* seconds; 0: for ever */
	uint64_t keep_journal_octets;	/* about; 0: no limit */
	uint64_t quota_octets;	/* of accounts that have none of their own; 0: no
				 * limit */
	uint64_t quota_messages;
	uint64_t reserve_octets;	/* free space below which nothing but
					 * removals is written; 0: none */
	size_t cache_octets;	/* page cache of the writer; 0: 64 MB */
	size_t array_octets;	/* bound of mailboxes kept in memory; 0: 64 MB */

	/* for tests; 0 and NULL: as it is in a daemon */
	uint32_t max_pages;	/* the file grows no further */
	uint32_t wal_pages;	/* in the WAL, at which a checkpoint is tried */
	const char *vfs;	/* of SQLite, registered before; a literal */
};

/*
 * Opens dir/store.db, makes or migrates it, recovers after an unclean end, and
 * keeps others out. ST_EXISTS: another process has it; ST_DENIED: written by a
 * newer version, or the wrong kind of file system; ST_FULL, ST_IO,
 * ST_UNAVAILABLE (damaged), ST_NO_MEMORY. *store is then NULL.
 */
enum status store_open(const struct store_options *options,
		       struct store **store, struct error *error);
/* Marks the end as clean and syncs. No transaction is open. NULL is fine. */
void store_close(struct store *store);

/* Random octets that stay with the store, to derive what must look the same after
 * a restart and be known to nobody. Any thread; borrowed. */
#define STORE_SECRET_OCTETS 32
const unsigned char *store_secret(const struct store *store);

/* Called after each COMMIT that changed mailboxes, on the committing thread and
 * before any answer: be quick. One call a mailbox. */
typedef void store_watch_fn(void *arg, uint64_t mailbox, uint64_t highestmodseq);
void store_watch(struct store *store, store_watch_fn *fn, void *arg);

/* A message's id is taken when its body begins, on any thread. */
uint64_t store_message_id(struct store *store);

/* Bodies being streamed are pinned, so that the pruner leaves them. Any thread.
 * ST_NO_MEMORY. */
enum status store_pin(struct store *store, uint64_t message);
void store_unpin(struct store *store, uint64_t message);

/* Whether there is room for mail; as of the last commit or store_check_space().
 * False is 452 4.3.1 at MAIL. Any thread, no system call. */
bool store_has_space(const struct store *store);
/* Whether the disk is nearly full: what is not needed goes at once, and free pages
 * go back to it. Any thread, no system call. */
bool store_is_tight(const struct store *store);
/* Looks at the file system; called each second and by the writer. */
void store_check_space(struct store *store);

struct store_stats {
	uint64_t epoch;
	uint64_t schema;
	uint64_t pages, free_pages;	/* as of the last store_prune() */
	uint64_t page_octets;
	uint64_t wal_octets;
	uint64_t deliveries, commits;	/* since open */
	uint64_t array_octets;	/* of mailboxes kept in memory */
	/* search.db: messages with a signature, those without, its size, as of
	 * the last store_index_step() */
	uint64_t signatures, unsigned_messages, signature_octets;
};
/* Another bound for mailboxes kept in memory. Any thread. */
void store_keep_arrays(struct store *store, size_t octets);
/* Any thread; looks at memory only. */
void store_stats(struct store *store, struct store_stats *stats);

#endif
