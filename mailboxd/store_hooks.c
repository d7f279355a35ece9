/*
 * Test builds only: crash points inside SQLite's writes, and a sync that fails.
 * POSTROOM_FAIL_SYNC=n: the n-th sync of a write-ahead log does.
 */
#include "mailboxd/store_priv.h"

#include "common/crash_point.h"

#ifdef WITH_TEST_HOOKS

#include <sqlite3.h>
#include <stdlib.h>

#define HEADER_OCTETS 32	/* of a write-ahead log */

static struct sqlite3_vfs vfs, *theirs;
static const struct sqlite3_io_methods *wal_theirs, *main_theirs;
static struct sqlite3_io_methods wal_io, main_io;
static atomic_ullong syncs_left;

static int wal_write(struct sqlite3_file *file, const void *data, int octets,
		     sqlite3_int64 offset)
{
	int code = wal_theirs->xWrite(file, data, octets, offset);

	if (offset == 0 && octets == HEADER_OCTETS)
		crash_point("wal.reset");
	return code;
}

static int wal_sync(struct sqlite3_file *file, int flags)
{
	int code;

	crash_point("wal.before_sync");
	if (atomic_load(&syncs_left) && atomic_fetch_sub(&syncs_left, 1) == 1)
		return SQLITE_IOERR_FSYNC;
	code = wal_theirs->xSync(file, flags);
	crash_point("wal.after_sync");
	return code;
}

static int main_write(struct sqlite3_file *file, const void *data, int octets,
		      sqlite3_int64 offset)
{
	int code = main_theirs->xWrite(file, data, octets, offset);

	crash_point("checkpoint.write");
	return code;
}

static int main_sync(struct sqlite3_file *file, int flags)
{
	int code = main_theirs->xSync(file, flags);

	crash_point("checkpoint.synced");
	return code;
}

/* The file stays the one of the unix VFS, which has one table for each kind; only
 * its table of methods is another. Opened before there are threads, but for the
 * readers', which put the same there. */
static int hooked_open(struct sqlite3_vfs *v, const char *name,
		       struct sqlite3_file *file, int flags, int *out)
{
	int code = theirs->xOpen(theirs, name, file, flags, out);

	(void)v;
	if (code != SQLITE_OK || !file->pMethods)
		return code;
	if (flags & SQLITE_OPEN_WAL) {
		wal_theirs = file->pMethods;
		wal_io = *wal_theirs;
		wal_io.xWrite = wal_write;
		wal_io.xSync = wal_sync;
		file->pMethods = &wal_io;
	} else if (flags & SQLITE_OPEN_MAIN_DB) {
		main_theirs = file->pMethods;
		main_io = *main_theirs;
		main_io.xWrite = main_write;
		main_io.xSync = main_sync;
		file->pMethods = &main_io;
	}
	return code;
}

const char *store_hooks_vfs(void)
{
	const char *fail = getenv("POSTROOM_FAIL_SYNC");

	if (!fail && !getenv("POSTROOM_CRASH"))
		return NULL;
	if (!theirs) {
		theirs = sqlite3_vfs_find(NULL);
		if (!theirs)
			return NULL;
		vfs = *theirs;
		vfs.zName = "hooked";
		vfs.pNext = NULL;
		vfs.xOpen = hooked_open;
		sqlite3_vfs_register(&vfs, 0);
		atomic_store(&syncs_left, fail ? strtoull(fail, NULL, 10) : 0);
	}
	return vfs.zName;
}

#else

const char *store_hooks_vfs(void)
{
	return NULL;
}

#endif
