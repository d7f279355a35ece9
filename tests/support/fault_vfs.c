#include "tests/support/fault_vfs.h"

#include "tests/support/fault_disk.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define OPEN_MAX_FILES 64	/* at once */
#define TABLES 8		/* different method tables of the unix VFS */

static struct sqlite3_vfs vfs, *unix_vfs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- errors ------------------------------------------------------------------- */

static atomic_int wanted;
static atomic_ullong calls_left, times_left;
static atomic_bool has_failed;

static const char *const names[FAULT_KINDS] = {
	"none", "full", "read", "short read", "write", "sync", "truncate",
	"busy", "open", "no memory",
};

const char *fault_name(enum fault_kind kind)
{
	return names[kind];
}

void fault_vfs_fail(enum fault_kind kind, uint64_t n, uint64_t times)
{
	atomic_store(&wanted, FAULT_NONE);
	atomic_store(&has_failed, false);
	atomic_store(&times_left, times);
	atomic_store(&calls_left, n);
	atomic_store(&wanted, kind);
}

bool fault_vfs_failed(void)
{
	return atomic_load(&has_failed);
}

static bool fails(enum fault_kind kind)
{
	if (atomic_load(&wanted) != (int)kind)
		return false;
	if (!atomic_load(&has_failed) && atomic_fetch_sub(&calls_left, 1) > 1)
		return false;
	atomic_store(&has_failed, true);
	if (atomic_load(&times_left) == 0)
		return false;
	atomic_fetch_sub(&times_left, 1);
	return true;
}

/* ---- files -------------------------------------------------------------------- */

/* An open file keeps the unix VFS's own structure; only its table of methods is
 * replaced by one in which some lead here. */
struct table {
	const struct sqlite3_io_methods *theirs;
	struct sqlite3_io_methods ours;
};

static struct table tables[TABLES];
static struct open_file {
	struct sqlite3_file *file;
	const struct sqlite3_io_methods *theirs;
	struct disk_file *disk;
	bool is_main;
} files[OPEN_MAX_FILES];

static struct open_file find(struct sqlite3_file *file)
{
	struct open_file found = { 0 };

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < OPEN_MAX_FILES; i++)
		if (files[i].file == file)
			found = files[i];
	pthread_mutex_unlock(&lock);
	if (!found.file)
		abort();
	return found;
}

static int file_close(struct sqlite3_file *file)
{
	struct open_file f = find(file);

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < OPEN_MAX_FILES; i++)
		if (files[i].file == file)
			files[i].file = NULL;
	pthread_mutex_unlock(&lock);
	return f.theirs->xClose(file);
}

static int file_read(struct sqlite3_file *file, void *data, int octets,
		     sqlite3_int64 offset)
{
	struct open_file f = find(file);
	int code;

	if (fails(FAULT_READ))
		return SQLITE_IOERR_READ;
	code = f.theirs->xRead(file, data, octets, offset);
	/* of a page of the database SQLite takes it for one behind the end */
	if (code != SQLITE_OK || f.is_main || !fails(FAULT_SHORT_READ))
		return code;
	memset((char *)data + octets / 2, 0, (size_t)(octets - octets / 2));
	return SQLITE_IOERR_SHORT_READ;
}

static int file_write(struct sqlite3_file *file, const void *data, int octets,
		      sqlite3_int64 offset)
{
	struct open_file f = find(file);
	int failure = fails(FAULT_FULL) ? SQLITE_FULL :
		      fails(FAULT_WRITE) ? SQLITE_IOERR_WRITE : SQLITE_OK;
	int code;

	if (failure)
		octets /= 2;
	disk_moment(false);
	code = f.theirs->xWrite(file, data, octets, offset);
	if (code == SQLITE_OK)
		disk_write(f.disk, data, (size_t)octets, (uint64_t)offset);
	return failure ? failure : code;
}

static int file_truncate(struct sqlite3_file *file, sqlite3_int64 size)
{
	struct open_file f = find(file);
	int code;

	if (fails(FAULT_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	disk_moment(false);
	code = f.theirs->xTruncate(file, size);
	if (code == SQLITE_OK)
		disk_truncate(f.disk, (uint64_t)size);
	return code;
}

/* Nothing is really synced: a process that is killed loses nothing. */
static int file_sync(struct sqlite3_file *file, int flags)
{
	struct open_file f = find(file);

	(void)flags;
	disk_moment(true);
	if (fails(FAULT_SYNC)) {
		disk_lose(f.disk);
		return SQLITE_IOERR_FSYNC;
	}
	disk_sync(f.disk);
	disk_moment(true);
	return SQLITE_OK;
}

static int file_lock(struct sqlite3_file *file, int level)
{
	return fails(FAULT_BUSY) ? SQLITE_BUSY :
				   find(file).theirs->xLock(file, level);
}

static int file_shm_lock(struct sqlite3_file *file, int offset, int n, int flags)
{
	/* to give a lock back never fails */
	return flags & SQLITE_SHM_LOCK && fails(FAULT_BUSY) ? SQLITE_BUSY :
		find(file).theirs->xShmLock(file, offset, n, flags);
}

static const struct sqlite3_io_methods *
methods(const struct sqlite3_io_methods *theirs)
{
	struct table *t = tables;

	while (t->theirs && t->theirs != theirs)
		if (++t == tables + TABLES)
			abort();
	t->theirs = theirs;
	t->ours = *theirs;
	if (t->ours.iVersion > 2)
		t->ours.iVersion = 2;	/* no mapped pages */
	t->ours.xClose = file_close;
	t->ours.xRead = file_read;
	t->ours.xWrite = file_write;
	t->ours.xTruncate = file_truncate;
	t->ours.xSync = file_sync;
	t->ours.xLock = file_lock;
	if (t->ours.iVersion > 1)
		t->ours.xShmLock = file_shm_lock;
	return &t->ours;
}

static int vfs_open(struct sqlite3_vfs *v, const char *name,
		    struct sqlite3_file *file, int flags, int *out)
{
	struct open_file f = { .file = file };
	int code;

	(void)v;
	if (fails(FAULT_OPEN)) {
		file->pMethods = NULL;
		return SQLITE_CANTOPEN;
	}
	code = unix_vfs->xOpen(unix_vfs, name, file, flags, out);
	if (code != SQLITE_OK || !file->pMethods)
		return code;
	f.disk = disk_open(name, flags & (SQLITE_OPEN_WAL |
					  SQLITE_OPEN_MAIN_JOURNAL));
	f.is_main = flags & SQLITE_OPEN_MAIN_DB;
	pthread_mutex_lock(&lock);
	f.theirs = file->pMethods;
	file->pMethods = methods(f.theirs);
	for (size_t i = 0; i < OPEN_MAX_FILES; i++)
		if (!files[i].file) {
			files[i] = f;
			f.file = NULL;
			break;
		}
	pthread_mutex_unlock(&lock);
	if (f.file)
		abort();
	return SQLITE_OK;
}

static int vfs_delete(struct sqlite3_vfs *v, const char *name, int sync_dir)
{
	int code;

	(void)v;
	disk_moment(false);
	code = unix_vfs->xDelete(unix_vfs, name, 0);
	if (code == SQLITE_OK)
		disk_delete(name, sync_dir);
	return code;
}

/* Waiting for a lock costs no time. */
static int vfs_sleep(struct sqlite3_vfs *v, int microseconds)
{
	(void)v;
	return microseconds;
}

/* ---- memory --------------------------------------------------------------------- */

static struct sqlite3_mem_methods memory;

static void *mem_alloc(int octets)
{
	return fails(FAULT_NO_MEMORY) ? NULL : memory.xMalloc(octets);
}

static void *mem_realloc(void *old, int octets)
{
	return fails(FAULT_NO_MEMORY) ? NULL : memory.xRealloc(old, octets);
}

void fault_vfs_install(void)
{
	struct sqlite3_mem_methods ours;

	if (unix_vfs)
		return;
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &memory);
	ours = memory;
	ours.xMalloc = mem_alloc;
	ours.xRealloc = mem_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &ours);
	/* so that each allocation comes to mem_alloc() */
	sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
	unix_vfs = sqlite3_vfs_find("unix");
	if (!unix_vfs)
		abort();
	vfs = *unix_vfs;
	vfs.zName = FAULT_VFS;
	vfs.pNext = NULL;
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xSleep = vfs_sleep;
	sqlite3_vfs_register(&vfs, 0);
}

/* ---- closed stores ------------------------------------------------------------------- */

unsigned fault_page_of(const char *path, const char *table, unsigned n)
{
	static const char sql[] = "SELECT pageno FROM dbstat WHERE name = ?1"
		" AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET ?2";
	struct sqlite3_stmt *stmt = NULL;
	struct sqlite3 *db = NULL;
	unsigned page = 0;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK) {
		sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
		sqlite3_bind_int64(stmt, 2, n);
		if (sqlite3_step(stmt) == SQLITE_ROW)
			page = (unsigned)sqlite3_column_int64(stmt, 0);
	}
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return page;
}

bool fault_damage(const char *path, const char *table, unsigned n)
{
	unsigned char page[PAGE];
	unsigned number = fault_page_of(path, table, n);
	off_t at = (off_t)(number - 1) * PAGE;
	int fd = number > 1 ? open(path, O_RDWR) : -1;
	bool done;

	if (fd < 0)
		return false;
	done = pread(fd, page, PAGE, at) == PAGE;
	for (size_t i = 0; done && i < PAGE; i++)
		page[i] ^= 0x5a;
	done = done && pwrite(fd, page, PAGE, at) == PAGE;
	close(fd);
	return done;
}

bool fault_sql(const char *path, const char *sql)
{
	struct sqlite3 *db = NULL;
	bool done = sqlite3_open(path, &db) == SQLITE_OK &&
		    sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;

	sqlite3_close(db);
	return done;
}
