/* A backup in the place of the store, and one to be read beside it. */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/date.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCRATCH		"restore-"
#define HEADER_OCTETS	100
/* Numbers are raised by these where the old store does not tell which it gave. */
#define MESSAGES_LOST	(UINT64_C(1) << 32)
#define ROWS_LOST	(UINT64_C(1) << 20)

/* ---- the file --------------------------------------------------------------------- */

static uint32_t big_endian(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* What stands in its header (https://sqlite.org/fileformat2.html section 1.3). */
static enum status check_header(int from, uint64_t *octets, struct error *error)
{
	unsigned char h[HEADER_OCTETS];
	struct stat file;
	uint64_t page;

	if (fstat(from, &file) || !S_ISREG(file.st_mode) ||
	    pread(from, h, sizeof h, 0) != (ssize_t)sizeof h ||
	    memcmp(h, "SQLite format 3", 16) != 0 ||
	    big_endian(h + 68) != SCHEMA_APPLICATION_ID || big_endian(h + 60) == 0)
		return error_set(error, ST_DENIED, "that is no backup of a Postroom store");
	if (big_endian(h + 60) > schema_version())
		return error_set(error, ST_DENIED, "it was written by a newer version: its "
				 "schema is %u, this program knows %u", big_endian(h + 60),
				 schema_version());
	page = (uint64_t)h[16] << 8 | h[17];
	page = page == 1 ? 65536 : page;
	*octets = (uint64_t)file.st_size;
	if (big_endian(h + 28) * page > *octets)
		return error_set(error, ST_DENIED, "it is cut short: %llu octets of %llu",
				 (unsigned long long)*octets,
				 (unsigned long long)(big_endian(h + 28) * page));
	return ST_OK;
}

static enum status copy_octets(int from, int to, struct error *error)
{
	static char block[1 << 20];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, block, sizeof block, at)) > 0) {
		at += n;
		for (ssize_t done = 0; done < n;) {
			ssize_t w = write(to, block + done, (size_t)(n - done));

			if (w < 0 && errno != EINTR)
				return error_set(error, errno == ENOSPC ? ST_FULL : ST_IO,
						 "the store's directory: %s",
						 strerror(errno));
			done += w > 0 ? w : 0;
		}
	}
	return n < 0 || fsync(to) ? error_set(error, ST_IO, "the copy") : ST_OK;
}

static void remove_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static enum status check_sound(void *arg, struct slice text)
{
	return error_set(arg, ST_DENIED, "it is damaged: %.*s",
			 (int)(text.len < 100 ? text.len : 100), text.data);
}

static enum status open_copy(const struct store_options *options, const char *dir,
			     struct store **store, struct error *error)
{
	struct store_options o = *options;
	enum status st;

	o.dir = dir;
	o.as_is = false;
	o.ephemeral = false;
	st = store_open(&o, store, error);
	if (st)
		return st;
	st = store_begin((*store)->own, JOB_SYNC_FULL);
	if (!st) {
		st = store_check_file((*store)->own, true, check_sound, error);
		store_rollback((*store)->own);
	}
	if (st) {
		store_close(*store);
		*store = NULL;
	}
	return st;
}

enum status store_scratch_open(const struct store_options *options, int from,
			       char name[STORE_SCRATCH_OCTETS], struct store **store,
			       struct error *error)
{
	char dir[512], path[600];
	uint64_t octets;
	enum status st = check_header(from, &octets, error);
	int to;

	*store = NULL;
	snprintf(name, STORE_SCRATCH_OCTETS, SCRATCH "%ld-%lld", (long)getpid(),
		 (long long)clock_wall_ms());
	if ((size_t)snprintf(dir, sizeof dir, "%s/%s", options->dir, name) >= sizeof dir)
		st = error_set(error, ST_LIMIT, "the name is too long");
	if (!st && mkdir(dir, 0700))
		st = error_set(error, ST_IO, "%s", dir);
	if (st)
		return st;
	snprintf(path, sizeof path, "%s/store.db", dir);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	st = to < 0 ? error_set(error, ST_IO, "%s", path) : copy_octets(from, to, error);
	if (to >= 0)
		close(to);
	if (!st)
		st = open_copy(options, dir, store, error);
	if (st)
		remove_directory(dir);
	return st;
}

void store_scratch_close(const char *dir, const char *name, struct store *store)
{
	char path[600];

	store_close(store);
	snprintf(path, sizeof path, "%s/%s", dir, name);
	remove_directory(path);
}

/* ---- what the old store gave out ------------------------------------------------------ */

static const char *const sequences[] = { "domain", "account", "credential", "mailbox",
					 "recipient" };
#define SEQUENCES (sizeof sequences / sizeof *sequences)

struct numbers {
	uint64_t epoch, uidvalidity, message_next, sequences[SEQUENCES];
};

static bool old_number(sqlite3 *db, const char *sql, const char *name, uint64_t *value)
{
	sqlite3_stmt *stmt = NULL;
	bool ok = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		  sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC) == SQLITE_OK;
	int code = ok ? sqlite3_step(stmt) : SQLITE_ERROR;

	if (code == SQLITE_ROW)
		*value = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* Reads them, and carries the WAL over, so that the old store is one file. False:
 * it cannot be read. */
static bool read_old(const char *path, struct numbers *n)
{
	static const char meta[] = "SELECT value FROM meta WHERE key = ?1";
	static const char sequence[] = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
	sqlite3 *db = NULL;
	bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
		  old_number(db, meta, "epoch", &n->epoch) &&
		  old_number(db, meta, "uidvalidity", &n->uidvalidity) &&
		  old_number(db, meta, "message_next", &n->message_next);

	for (size_t i = 0; i < SEQUENCES && ok; i++)
		ok = old_number(db, sequence, sequences[i], &n->sequences[i]);
	if (ok)
		sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
	sqlite3_close(db);
	return ok;
}

/* ---- new numbers ------------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static enum status raise_meta(struct tx *tx, const char *key, uint64_t least)
{
	uint64_t value;
	enum status st = store_meta_get(tx, key, &value);

	if (st && st != ST_NOT_FOUND)
		return st;
	return store_meta_set(tx, key, larger(value, least));
}

static enum status raise_sequence(struct tx *tx, const char *name, uint64_t least)
{
	return sql_run(tx, "UPDATE sqlite_sequence SET seq = max(seq, ?2)"
		       " WHERE name = ?1",
		       SQL_ARGS(sql_t(slice_str(name)), sql_i(least)));
}

/* One for each mailbox, above all that were ever given. */
static enum status new_uidvalidities(struct tx *tx, uint64_t old)
{
	uint64_t last, count;
	enum status st = store_meta_get(tx, "uidvalidity", &last);

	if (!st)
		st = sql_number(tx, &count, "SELECT count(*) FROM mailbox", SQL_ARGS());
	if (st)
		return st;
	last = larger(larger(last, old), (uint64_t)store_now());
	if (last + count > UINT32_MAX)
		return tx_error(tx, ST_LIMIT, "no UIDVALIDITY is left");
	st = sql_run(tx, "UPDATE mailbox SET uidvalidity = ?1 + n FROM (SELECT id AS i,"
		     " row_number() OVER (ORDER BY id) AS n FROM mailbox)"
		     " WHERE i = mailbox.id", SQL_ARGS(sql_i(last)));
	return st ? st : store_meta_set(tx, "uidvalidity", last + count);
}

static enum status renumber(struct tx *tx, const struct numbers *old, bool is_known)
{
	struct numbers own = { 0 };
	enum status st = store_meta_get(tx, "epoch", &own.epoch);

	if (!st)
		st = store_meta_get(tx, "message_next", &own.message_next);
	if (st == ST_NOT_FOUND)
		st = ST_OK;
	if (!st)
		st = store_meta_set(tx, "epoch", larger(own.epoch, old->epoch) + 1 +
				    (is_known ? 0 : 1000));
	if (!st)
		st = raise_meta(tx, "message_next", is_known ? old->message_next :
				own.message_next + MESSAGES_LOST);
	if (!st)
		st = new_uidvalidities(tx, old->uidvalidity);
	for (size_t i = 0; i < SEQUENCES && !st; i++) {
		st = sql_number(tx, &own.sequences[i], "SELECT seq FROM sqlite_sequence"
				" WHERE name = ?1",
				SQL_ARGS(sql_t(slice_str(sequences[i]))));
		if (st == ST_NOT_FOUND)
			st = ST_OK;
		if (!st)
			st = raise_sequence(tx, sequences[i], is_known ?
					    old->sequences[i] :
					    own.sequences[i] + ROWS_LOST);
	}
	/* of senders that were told long ago */
	return st ? st : sql_exec(tx, "DELETE FROM untold");
}

static enum status prepare_copy(struct store *copy, const struct numbers *old,
				bool is_known, struct store_restored *r,
				struct error *error)
{
	struct tx *tx = copy->own;
	enum status st = store_begin(tx, JOB_SYNC_FULL);

	if (!st)
		st = renumber(tx, old, is_known);
	if (!st)
		st = sql_number(tx, &r->accounts, "SELECT count(*) FROM account",
				SQL_ARGS());
	if (!st)
		st = sql_number(tx, &r->mailboxes, "SELECT count(*) FROM mailbox",
				SQL_ARGS());
	if (!st)
		st = sql_number(tx, &r->messages, "SELECT count(*) FROM entry",
				SQL_ARGS());
	if (!st)
		st = journal_add(tx, "store.restore", 0, SLICE_EMPTY, NULL, SLICE_EMPTY);
	if (!st)
		return store_commit(tx);
	if (error)
		*error = tx->error;
	store_rollback(tx);
	return st;
}

/* ---- the exchange ---------------------------------------------------------------------- */

static void path_of(char path[600], const char *dir, const char *name)
{
	snprintf(path, 600, "%s/%s", dir, name);
}

/*
 * The old store gets its other name first, then the new one takes the place: at no
 * moment is there none. A WAL that could not be carried over goes along before, for
 * SQLite would put it into whatever stands there.
 */
static enum status exchange(const char *dir, const char *scratch,
			    struct store_restored *r, struct error *error)
{
	static const char *const others[] = { "-wal", "-shm" };
	char from[600], to[600], name[120];
	int fd;

	path_of(from, dir, "store.db");
	path_of(to, dir, r->kept);
	if (*r->kept && link(from, to))
		return error_set(error, ST_IO, "%s", to);
	for (size_t i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "store.db%s", others[i]);
		path_of(from, dir, name);
		snprintf(name, sizeof name, "%s%s", r->kept, others[i]);
		path_of(to, dir, name);
		if (rename(from, to) && errno != ENOENT)
			return error_set(error, ST_IO, "%s", from);
	}
	snprintf(name, sizeof name, "%s/store.db", scratch);
	path_of(from, dir, name);
	path_of(to, dir, "store.db");
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) || rename(from, to) || fsync(fd)) {
		error_set(error, ST_IO, "%s", to);
		if (fd >= 0)
			close(fd);
		return ST_IO;
	}
	close(fd);
	return ST_OK;
}

static void name_kept(const char *dir, struct store_restored *r)
{
	char path[600];
	struct date_civil t;

	path_of(path, dir, "store.db");
	if (access(path, F_OK) != 0)
		return;
	date_civil_of(clock_wall_seconds(), 0, &t);
	snprintf(r->kept, sizeof r->kept,
		 "store.db.before-restore-%04d%02d%02dT%02d%02d%02dZ", (int)t.year, t.month,
		 t.day, t.hour, t.minute, t.second);
}

/* Signatures are of the old messages; they are made anew. */
static void remove_search(const char *dir)
{
	static const char *const names[] = { "search.db", "search.db-wal", "search.db-shm" };
	char path[600];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		path_of(path, dir, names[i]);
		unlink(path);
	}
}

enum status store_restore(const struct store_options *options, int from,
			  struct store_restored *r, struct error *error)
{
	struct numbers old = { 0 };
	char scratch[STORE_SCRATCH_OCTETS], path[600];
	struct store *copy = NULL;
	bool is_known = true;
	int lock = -1;
	enum status st = store_lock(options->dir, &lock, error);

	*r = (struct store_restored){ .kept = "" };
	if (!st)
		st = store_scratch_open(options, from, scratch, &copy, error);
	if (!st) {
		name_kept(options->dir, r);
		path_of(path, options->dir, "store.db");
		if (*r->kept)
			is_known = read_old(path, &old);
		st = prepare_copy(copy, &old, is_known, r, error);
		/* whole in its one file */
		store_close(copy);
		if (!st)
			st = exchange(options->dir, scratch, r, error);
		if (!st)
			remove_search(options->dir);
		store_scratch_close(options->dir, scratch, NULL);
	}
	if (lock >= 0)
		close(lock);
	return st;
}
