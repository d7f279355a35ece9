/* What stands around a migration: a copy of the store as it was, room for both,
 * and news of how far it is. */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PREFIX "store.db.before-"
#define PART ".part"
#define KEPT_SECONDS ((int64_t)30 * 24 * 3600)
#define NEWS_EVERY_MS 2000
#define STEPS_BETWEEN 20000	/* of SQLite's machine, a few milliseconds */
#define ROOM_EACH ((uint64_t)8 << 20)

/* ---- news ------------------------------------------------------------------------ */

struct news {
	const char *step;
	const char *path;	/* a file that grows, or NULL */
	uint64_t octets;	/* to this size, about */
	int64_t begun_ms, told_ms;
};

static uint64_t percent_of(const struct news *n)
{
	struct stat file;

	if (!n->path || stat(n->path, &file) != 0 || n->octets == 0)
		return 0;
	return (uint64_t)file.st_size >= n->octets ? 99 :
		(uint64_t)file.st_size * 100 / n->octets;
}

static int tell(void *arg)
{
	struct news *n = arg;
	int64_t now = clock_ms();

	if (now - n->told_ms < NEWS_EVERY_MS)
		return 0;
	n->told_ms = now;
	log_event("store.migrating", log_str("step", n->step),
		  log_u64("seconds", (uint64_t)(now - n->begun_ms) / 1000),
		  log_u64("percent", percent_of(n)));
	return 0;
}

static void news_begin(struct tx *tx, struct news *n, const char *step)
{
	*n = (struct news){ .step = step, .begun_ms = clock_ms() };
	n->told_ms = n->begun_ms;
	sqlite3_progress_handler(tx->db, STEPS_BETWEEN, tell, n);
}

static void news_end(struct tx *tx)
{
	sqlite3_progress_handler(tx->db, 0, NULL, NULL);
}

/* ---- the copy ---------------------------------------------------------------------- */

/* The copy, and what the migration writes beside the store before it is carried
 * over: at most about as much again. */
static enum status check_room(struct tx *tx, uint64_t octets)
{
	struct statvfs fs;
	uint64_t needs = 2 * octets + ROOM_EACH, has;

	if (statvfs(tx->store->dir, &fs) != 0)
		return tx_error(tx, ST_IO, "statvfs of the store's directory");
	has = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (has >= needs)
		return ST_OK;
	return tx_error(tx, ST_FULL, "the store must be brought to a new schema, and is "
			"copied before: that needs %llu MB in %.60s, %llu MB are free",
			(unsigned long long)(needs >> 20), tx->store->dir,
			(unsigned long long)(has >> 20));
}

static bool sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	bool is_synced = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	return is_synced;
}

/* Under its name only when it is whole and on the disk. */
static enum status put_in_place(struct tx *tx, const char *part,
				const char *path)
{
	if (sync_path(part, 0) && rename(part, path) == 0 &&
	    sync_path(tx->store->dir, O_DIRECTORY))
		return ST_OK;
	return tx_error(tx, ST_IO, "cannot keep %.80s: %s", path,
			strerror(errno));
}

static void remove_part(const char *part)
{
	char journal[640];

	snprintf(journal, sizeof journal, "%s-journal", part);
	unlink(journal);
	unlink(part);
}

static enum status make_copy(struct tx *tx, int64_t version, uint64_t octets)
{
	char path[512], part[sizeof path + sizeof PART];
	struct news news;
	int n = snprintf(path, sizeof path, "%s/" PREFIX "%lld",
			 tx->store->dir, (long long)version);
	enum status st;

	if (n < 0 || (size_t)n >= sizeof path)
		return tx_error(tx, ST_LIMIT, "the name is too long");
	snprintf(part, sizeof part, "%s" PART, path);
	remove_part(part);	/* of a start that was killed */
	news_begin(tx, &news, "copy");
	news.path = part;
	news.octets = octets;
	st = sql_run(tx, "VACUUM INTO ?1", SQL_ARGS(sql_t(slice_str(part))));
	news_end(tx);
	crash_point("store.migrate.copied");
	if (!st)
		st = put_in_place(tx, part, path);
	if (st)
		remove_part(part);
	return st;
}

enum status upgrade_begin(struct tx *tx, int64_t version)
{
	uint64_t pages, octets;
	enum status st = sql_number(tx, &pages, "PRAGMA page_count", SQL_ARGS());

	if (st || tx->store->options.ephemeral)
		return st;
	octets = pages * STORE_PAGE_OCTETS;
	log_event("store.migrate", log_u64("schema", (uint64_t)version),
		  log_u64("next", schema_version()), log_u64("octets", octets));
	st = check_room(tx, octets);
	return st ? st : make_copy(tx, version, octets);
}

void upgrade_remove_old(struct store *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *entry;
	struct stat file;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (slice_starts(slice_str(entry->d_name), SLICE(PREFIX)) &&
		    fstatat(dirfd(dir), entry->d_name, &file, 0) == 0 &&
		    file.st_mtime < store_now() - KEPT_SECONDS)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

/* ---- the statements ------------------------------------------------------------------ */

enum status upgrade_run(struct tx *tx, const char *sql)
{
	struct sqlite3_stmt *stmt = NULL;
	struct news news;
	int code = SQLITE_OK;

	news_begin(tx, &news, "tables");
	while (code == SQLITE_OK && *sql) {
		code = sqlite3_prepare_v2(tx->db, sql, -1, &stmt, &sql);
		if (code != SQLITE_OK || !stmt)	/* NULL: only space was left */
			break;
		while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
			;
		if (code == SQLITE_DONE)
			code = SQLITE_OK;
		sqlite3_finalize(stmt);
		crash_point("store.migrate.statement");
	}
	news_end(tx);
	return code == SQLITE_OK ? ST_OK : sql_failed(tx, code, "migration");
}
