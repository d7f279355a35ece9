/*
 * Between SQLite and its "unix" VFS, for tests of the store: it answers the
 * n-th call of a kind with an error, and it keeps what a disk would have after a
 * power cut: what was synced, and what came after it and may or may not have
 * arrived. The store opens with it by store_options.vfs = FAULT_VFS.
 *
 * One set of state for the process. Errors may be met on any thread; moments
 * and images belong to a test that uses the store from one thread.
 */
#ifndef TESTS_SUPPORT_FAULT_VFS_H
#define TESTS_SUPPORT_FAULT_VFS_H

#include <stdbool.h>
#include <stdint.h>

#define FAULT_VFS "fault"

/* Registers it; before the first store of the process is opened, for it also
 * takes SQLite's allocator. */
void fault_vfs_install(void);

/* For tests that damage a closed store: the n-th leaf page of a table, 0 where it
 * has none; and statements of their own. */
unsigned fault_page_of(const char *path, const char *table, unsigned n);
/* All octets of that page become others. False: there is no such page. */
bool fault_damage(const char *path, const char *table, unsigned n);
bool fault_sql(const char *path, const char *sql);

/* ---- errors ----------------------------------------------------------------- */

enum fault_kind {
	FAULT_NONE,
	FAULT_FULL,		/* SQLITE_FULL of a write, half of it done */
	FAULT_READ,		/* SQLITE_IOERR_READ */
	FAULT_SHORT_READ,	/* SQLITE_IOERR_SHORT_READ, the rest zeros;
				 * not of pages of the database */
	FAULT_WRITE,		/* SQLITE_IOERR_WRITE, half of it done */
	FAULT_SYNC,		/* SQLITE_IOERR_FSYNC; what was not synced is lost */
	FAULT_TRUNCATE,		/* SQLITE_IOERR_TRUNCATE */
	FAULT_BUSY,		/* SQLITE_BUSY of a lock */
	FAULT_OPEN,		/* SQLITE_CANTOPEN */
	FAULT_NO_MEMORY,	/* SQLITE_NOMEM */
	FAULT_KINDS
};

const char *fault_name(enum fault_kind kind);
#define FAULT_FOR_GOOD UINT64_MAX
/* The n-th call of this kind from now on fails, and so many in all; FAULT_NONE:
 * none does. */
void fault_vfs_fail(enum fault_kind kind, uint64_t n, uint64_t times);
/* Whether it has come to that. */
bool fault_vfs_failed(void);

/* ---- power cuts ------------------------------------------------------------- */

/* Forgets all files: what is in those opened from now on is on the disk. */
void fault_disk_begin(void);
/* Called before a write, truncation or removal and before and after a sync
 * (is_sync): the moments at which the power may go. NULL: nobody is. */
typedef void fault_moment_fn(void *arg, bool is_sync);
void fault_disk_moments(fault_moment_fn *fn, void *arg);
/*
 * Writes the files of dir as a power cut now may leave them into another
 * directory, which exists and is empty: what was synced, and of later writes a
 * subset by sectors of 512 octets, some torn, files longer or of their old
 * length. seed: the choices, moved on.
 */
void fault_disk_image(const char *dir, const char *to, uint64_t *seed);
/* Whether the files are as the writes that were seen make them: none went past. */
bool fault_disk_is_true(void);
/* Whether all that was written to logs and journals has been synced. */
bool fault_disk_is_synced(void);
/* Such a sequence of numbers: 0 to n - 1. */
unsigned fault_pick(uint64_t *seed, unsigned n);

#endif
