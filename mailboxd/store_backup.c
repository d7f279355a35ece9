/* Copies of the whole store, made by SQLite beside it and read as a file. */
#include "mailboxd/store_priv.h"

#include "common/clock.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define COPY_PREFIX "copy-"
#define COPY_SUFFIX ".part"

/* VACUUM has a transaction of its own: ours ends before it and begins anew. */
static enum status vacuum_into(struct tx *tx, const char *path)
{
	enum status st = sql_run(tx, "COMMIT", SQL_ARGS()), begun;

	if (!st)
		st = sql_exec(tx, "PRAGMA query_only = OFF");
	if (!st)
		st = sql_run(tx, "VACUUM INTO ?1",
			     SQL_ARGS(sql_t(slice_str(path))));
	sql_exec(tx, "PRAGMA query_only = ON");
	begun = sql_run(tx, "BEGIN", SQL_ARGS());
	return st ? st : begun;
}

enum status store_backup(struct tx *tx, const char *name)
{
	struct store *s = tx->store;
	char path[512];
	int n = snprintf(path, sizeof path, "%s/%s", s->dir, name);
	enum status st;

	assert(tx->mode == TX_READ && tx->state == TX_OPEN);
	if (n < 0 || (size_t)n >= sizeof path)
		return tx_error(tx, ST_LIMIT, "the name is too long");
	atomic_fetch_add(&s->backups, 1);
	st = vacuum_into(tx, path);
	atomic_fetch_sub(&s->backups, 1);
	return st;
}

/* ---- a copy to be streamed ---------------------------------------------------- */

/* Room for the copy above what is kept free; a full disk would stop mail. */
static enum status check_room(struct tx *tx)
{
	struct store *s = tx->store;
	uint64_t pages, unused, needs, free_octets, kept;
	enum status st = sql_number(tx, &pages, "PRAGMA page_count", SQL_ARGS());

	if (!st)
		st = sql_number(tx, &unused, "PRAGMA freelist_count", SQL_ARGS());
	if (st)
		return st;
	store_check_space(s);
	needs = (pages - unused) * STORE_PAGE_OCTETS;
	free_octets = atomic_load(&s->free_octets);
	kept = atomic_load(&s->kept_octets);
	if (free_octets >= kept + needs)
		return ST_OK;
	return tx_error(tx, ST_FULL, "a copy needs %llu MB in the store's directory; "
			"%llu MB are free there, %llu MB of them reserved",
			(unsigned long long)(needs >> 20) + 1,
			(unsigned long long)free_octets >> 20,
			(unsigned long long)kept >> 20);
}

enum status store_copy_beside(struct tx *tx, const char *name)
{
	enum status st = check_room(tx);

	return st ? st : store_backup(tx, name);
}

enum status store_backup_begin(struct tx *tx, struct store_backup *b)
{
	static atomic_uint number;
	char name[80], path[512];
	struct stat file;
	enum status st = check_room(tx);
	int n;

	b->fd = -1;
	if (st)
		return st;
	snprintf(name, sizeof name, COPY_PREFIX "%ld-%lld-%u" COPY_SUFFIX,
		 (long)getpid(), (long long)clock_wall_ms(),
		 atomic_fetch_add(&number, 1));
	n = snprintf(path, sizeof path, "%s/%s", tx->store->dir, name);
	if (n < 0 || (size_t)n >= sizeof path)
		return tx_error(tx, ST_LIMIT, "the name is too long");
	st = store_backup(tx, name);
	if (!st) {
		b->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
		if (b->fd < 0 || fstat(b->fd, &file) != 0)
			st = tx_error(tx, ST_IO, "the copy");
		else
			b->octets = (uint64_t)file.st_size;
	}
	/* it lives as long as it is open: nothing is left behind */
	unlink(path);
	if (st)
		store_backup_end(b);
	return st;
}

enum status store_backup_read(struct tx *tx, const struct store_backup *b,
			      uint64_t offset, size_t length, struct buf *out)
{
	enum status st;
	ssize_t n;
	char *at;

	if (offset >= b->octets)
		return ST_OK;
	if (length > b->octets - offset)
		length = (size_t)(b->octets - offset);
	st = buf_reserve(out, length, &at);
	while (!st && length > 0) {
		n = pread(b->fd, at, length, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return tx_error(tx, ST_IO, "the copy");
		out->len += (size_t)n;
		at += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return st;
}

void store_backup_end(struct store_backup *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

/* Copies that a killed process was making. */
void backup_remove_leftovers(const struct store *s)
{
	DIR *dir = opendir(s->dir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct slice name = slice_str(entry->d_name);

		if (slice_starts(name, SLICE(COPY_PREFIX)) &&
		    name.len > sizeof COPY_SUFFIX &&
		    slice_eq(slice_from(name, name.len - (sizeof COPY_SUFFIX - 1)),
			     SLICE(COPY_SUFFIX)))
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
