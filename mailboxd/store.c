#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define LOCK_PAUSE_MS 50
#define LOCK_TRIES 60		/* 3 seconds */

static pthread_once_t sqlite_once = PTHREAD_ONCE_INIT;

static void sqlite_configure(void)
{
	/* a connection stays with its thread; counting memory takes a lock */
	sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_initialize();
}

int64_t store_now(void)
{
	return clock_wall_seconds();
}

enum status store_meta_get(struct tx *tx, const char *key, uint64_t *value)
{
	return sql_number(tx, value, "SELECT value FROM meta WHERE key = ?1",
			  SQL_ARGS(sql_t(slice_str(key))));
}

enum status store_meta_set(struct tx *tx, const char *key, uint64_t value)
{
	return sql_run(tx, "INSERT INTO meta (key, value) VALUES (?1, ?2)"
		       " ON CONFLICT (key) DO UPDATE SET value = ?2",
		       SQL_ARGS(sql_t(slice_str(key)), sql_i(value)));
}

/* ---- opening ------------------------------------------------------------------ */

/* File systems on which locks and syncs are not to be trusted. */
static const struct {
	unsigned long magic;
	const char *name;
} refused_filesystems[] = {
	{ 0x6969, "NFS" },
	{ 0x517b, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB2" },
	{ 0x73757245, "Coda" },
	{ 0x5346414f, "AFS" },
};

static enum status check_filesystem(const char *dir, struct error *error)
{
	struct statfs fs;

	if (statfs(dir, &fs) != 0)
		return error_set(error, ST_IO, "store directory %s", dir);
	for (size_t i = 0; i < sizeof refused_filesystems /
			   sizeof *refused_filesystems; i++)
		if ((unsigned long)fs.f_type == refused_filesystems[i].magic)
			return error_set(error, ST_DENIED,
					 "%s is on %s: a store needs a local disk",
					 dir, refused_filesystems[i].name);
	return ST_OK;
}

/* dir/name, for the caller to free; NULL when memory is short. */
static char *path_join(const char *dir, const char *name)
{
	size_t size = strlen(dir) + strlen(name) + 2;
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s", dir, name);
	return path;
}

/* One that was killed in the midst of a sync has the lock until that returns. */
static bool lock_soon(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_MS * 1000000L };

	for (unsigned i = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK || i == LOCK_TRIES)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

enum status store_lock(const char *dir, int *fd, struct error *error)
{
	char *path = path_join(dir, "store.lock");
	enum status st = ST_OK;

	if (!path)
		return error_set(error, ST_NO_MEMORY, "no memory");
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		st = error_set(error, ST_IO, "cannot open %s", path);
	else if (!lock_soon(*fd))
		st = errno == EWOULDBLOCK ?
			error_set(error, ST_EXISTS,
				  "another mailboxd has the store %s", dir) :
			error_set(error, ST_IO, "cannot lock %s", path);
	free(path);
	return st;
}

static enum status sync_directory(struct store *s, struct error *error)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum status st = ST_OK;

	if (fd < 0 || fsync(fd) != 0)
		st = error_set(error, ST_IO, "cannot sync %s", s->dir);
	if (fd >= 0)
		close(fd);
	return st;
}

/* A random key that stays with the store; made when it is asked for first. */
static enum status load_key(struct tx *tx, const char *name, unsigned char *key,
			    size_t octets)
{
	struct sqlite3_stmt *stmt;
	struct slice made = slice_of((const char *)key, octets);
	enum status st = sql_first(tx, &stmt, "SELECT value FROM meta"
				   " WHERE key = ?1",
				   SQL_ARGS(sql_t(slice_str(name))));

	if (st == ST_OK) {
		struct slice kept = sql_column_bytes(stmt, 0);

		if (kept.len == octets)
			memcpy(key, kept.data, octets);
		sql_end(stmt);
		return ST_OK;
	}
	if (st != ST_NOT_FOUND)
		return st;
	if (getrandom(key, octets, 0) != (ssize_t)octets)
		return tx_error(tx, ST_IO, "getrandom");
	return sql_run(tx, "INSERT INTO meta (key, value) VALUES (?1, ?2)",
		       SQL_ARGS(sql_t(slice_str(name)), sql_b(made)));
}

const unsigned char *store_secret(const struct store *store)
{
	return store->secret;
}

/* A new name for what search.db must be of (struct store_signatures). */
static enum status begin_signatures(struct tx *tx, struct store_signatures *s)
{
	enum status st = store_meta_get(tx, "search", &s->before);

	if (st && st != ST_NOT_FOUND)
		return st;
	if (getrandom(&s->now, sizeof s->now, 0) != (ssize_t)sizeof s->now)
		return tx_error(tx, ST_IO, "getrandom");
	s->now >>= 1;	/* as SQLite has it */
	atomic_store(&s->low, UINT64_MAX);
	return store_meta_set(tx, "search", s->now);
}

static enum status load_counters(struct tx *tx, struct store *s)
{
	uint64_t next;
	enum status st = store_meta_get(tx, "message_next", &next);

	if (st == ST_NOT_FOUND)
		st = ST_OK, next = 1;
	if (st)
		return st;
	s->message_kept = next;
	s->signatures.first_id = next;
	atomic_store(&s->message_next, next);
	st = store_journal_last(tx, &next);
	s->journal_next = next + 1;
	if (!st)
		st = sql_number(tx, &s->refusals, "SELECT count(*) FROM refusal",
				SQL_ARGS());
	if (!st)
		st = sql_number(tx, &next, "SELECT count(*) FROM greylist",
				SQL_ARGS());
	atomic_store(&s->greylist, next);
	return st;
}

/* How the last end was. A store that is new had none, and *clean is 0. */
static enum status load_end(struct tx *tx, struct store *s, uint64_t *clean)
{
	enum status st = store_meta_get(tx, "clean", clean);

	if (!st && *clean != CLEAN_AND_SURVEYED && !s->options.ephemeral)
		atomic_store(&s->wants_survey, true);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Counters, the epoch, and what an unclean end left; one transaction. */
static enum status begin_epoch(struct tx *tx, struct store *s)
{
	uint64_t clean;
	enum status st = load_end(tx, s, &clean);

	if (st)
		return st;
	st = store_meta_get(tx, "epoch", &s->epoch);
	if (st && st != ST_NOT_FOUND)
		return st;
	if (st == ST_NOT_FOUND || !clean)
		s->epoch++;
	st = store_meta_set(tx, "epoch", s->epoch);
	if (!st)
		st = store_meta_set(tx, "clean", 0);
	if (!st)
		st = load_key(tx, "thread_key", s->thread_key,
			      sizeof s->thread_key);
	if (!st)
		st = load_key(tx, "secret", s->secret, sizeof s->secret);
	if (!st)
		st = body_delete_orphans(tx);
	if (!st)
		st = load_counters(tx, s);
	return st ? st : begin_signatures(tx, &s->signatures);
}

/* As it was left, by whatever end. */
static enum status open_as_is(struct store *s, struct error *error)
{
	uint64_t version;
	struct tx *tx;
	enum status st;

	if (access(s->path, F_OK) != 0)
		return error_set(error, ST_NOT_FOUND, "there is no store.db in %s", s->dir);
	st = store_connect(s, TX_WRITE, &s->own, error);
	if (st)
		return st;
	tx = s->own;
	st = sql_number(tx, &version, "PRAGMA user_version", SQL_ARGS());
	if (!st && version != schema_version())
		st = tx_error(tx, ST_DENIED, "the store has schema %llu, this program "
			      "works on %u", (unsigned long long)version,
			      schema_version());
	if (!st)
		st = store_meta_get(tx, "epoch", &s->epoch);
	if (!st)
		st = load_counters(tx, s);
	if (st && error)
		*error = tx->error;
	return st;
}

/* What there is to know of a store that can only be read: mail is worth more than a new
 * epoch in the file. Ids that are given are of use to nobody. */
static enum status open_damaged(struct tx *tx, struct store *s)
{
	uint64_t clean = 0;
	enum status st = store_meta_get(tx, "epoch", &s->epoch);

	if (!st)
		st = load_end(tx, s, &clean);
	if (!st && !clean)
		s->epoch++;
	if (!st)
		st = load_key(tx, "thread_key", s->thread_key, sizeof s->thread_key);
	if (!st)
		st = load_key(tx, "secret", s->secret, sizeof s->secret);
	if (!st)
		st = store_meta_get(tx, "message_next", &s->message_kept);
	atomic_store(&s->message_next, s->message_kept);
	s->signatures.first_id = s->message_kept;
	atomic_store(&s->signatures.low, UINT64_MAX);
	return st;
}

/* Before SQLite looks: it would make do with reading, and leave a log behind that
 * nobody may write. Nobody is connected, so closing it takes no lock away. */
static enum status check_writable(const struct store *s, bool is_new,
				  struct error *error)
{
	int fd = is_new ? -1 : open(s->path, O_RDWR | O_CLOEXEC);

	if (!is_new && fd < 0)
		return error_set(error, ST_IO, "cannot write %s", s->path);
	if (fd >= 0)
		close(fd);
	return access(s->dir, W_OK | X_OK) == 0 ? ST_OK :
		error_set(error, ST_IO, "cannot write in %s", s->dir);
}

static enum status open_own(struct store *s, struct error *error)
{
	bool is_new = access(s->path, F_OK) != 0, has_log = identity_has_log(s);
	struct tx *tx;
	enum status st = check_writable(s, is_new, error);

	if (!st)
		st = store_connect(s, TX_WRITE, &s->own, error);
	if (st)
		return st;
	tx = s->own;
	if (has_log) {
		identity_keep_log(tx, true);
		st = identity_check(tx);
	}
	if (!st)
		st = schema_migrate(tx);
	if (!st && is_new && !s->options.ephemeral)
		st = sync_directory(s, &tx->error);
	if (!st)
		st = store_begin(tx, JOB_SYNC_FULL);
	if (!st) {
		st = begin_epoch(tx, s);
		if (st)
			store_rollback(tx);
		else
			st = store_commit(tx);
		if (st && store_is_damaged(s))
			st = open_damaged(tx, s);
	}
	if (!st && has_log)
		identity_keep_log(tx, false);
	if (st && error)
		*error = tx->error;
	return st;
}

static bool copy_options(struct store *s, const struct store_options *o)
{
	s->options = *o;
	if (!s->options.vfs)
		s->options.vfs = store_hooks_vfs();
	s->dir = strdup(o->dir);
	s->path = path_join(o->dir, "store.db");
	if (!s->dir || !s->path)
		return false;
	s->options.dir = s->dir;
	for (size_t i = 0; i < STORE_SPECIAL_USES; i++) {
		if (!o->special_names[i])
			continue;
		s->special_names[i] = strdup(o->special_names[i]);
		if (!s->special_names[i])
			return false;
		s->options.special_names[i] = s->special_names[i];
	}
	return true;
}

static void store_free(struct store *s)
{
	store_disconnect(s->own);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	journal_barred_free(s);
	arrays_free(s->arrays);
	pthread_mutex_destroy(&s->write_lock);
	pthread_mutex_destroy(&s->gate.lock);
	pthread_cond_destroy(&s->gate.moved);
	pthread_mutex_destroy(&s->pins.lock);
	pthread_mutex_destroy(&s->damage.lock);
	free(s->pins.messages);
	for (size_t i = 0; i < STORE_SPECIAL_USES; i++)
		free(s->special_names[i]);
	free(s->path);
	free(s->dir);
	free(s);
}

enum status store_open(const struct store_options *options,
		       struct store **store, struct error *error)
{
	struct store *s = calloc(1, sizeof *s);
	enum status st;

	*store = NULL;
	if (!s)
		return error_set(error, ST_NO_MEMORY, "no memory for a store");
	pthread_once(&sqlite_once, sqlite_configure);
	s->lock_fd = -1;
	pthread_mutex_init(&s->write_lock, NULL);
	pthread_mutex_init(&s->gate.lock, NULL);
	pthread_cond_init(&s->gate.moved, NULL);
	pthread_mutex_init(&s->pins.lock, NULL);
	pthread_mutex_init(&s->damage.lock, NULL);
	atomic_store(&s->has_space, true);
	s->arrays = arrays_new(options->array_octets ? options->array_octets :
						       ARRAYS_OCTETS);
	if (!copy_options(s, options) || journal_barred_new(s) || !s->arrays)
		st = error_set(error, ST_NO_MEMORY, "no memory for a store");
	else if (!(st = check_filesystem(s->dir, error)) &&
		 !(st = store_lock(s->dir, &s->lock_fd, error))) {
		backup_remove_leftovers(s);
		st = options->as_is ? open_as_is(s, error) : open_own(s, error);
	}
	if (st) {
		store_free(s);
		return st;
	}
	store_check_space(s);
	if (!options->as_is)
		upgrade_remove_old(s);
	*store = s;
	return ST_OK;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (!store_is_broken(s) && !store_is_damaged(s) && !s->options.as_is &&
	    store_begin(s->own, JOB_SYNC_FULL) == ST_OK) {
		if (store_meta_set(s->own, "clean", store_wants_survey(s) ?
				   CLEAN_NOT_SURVEYED : CLEAN_AND_SURVEYED) == ST_OK)
			store_commit(s->own);
		else
			store_rollback(s->own);
	}
	store_free(s);
}

void store_watch(struct store *store, store_watch_fn *fn, void *arg)
{
	store->watch = fn;
	store->watch_arg = arg;
}

uint64_t store_message_id(struct store *store)
{
	return atomic_fetch_add(&store->message_next, 1);
}

bool store_is_broken(const struct store *store)
{
	return atomic_load(&store->is_broken);
}

bool store_needs_sync(const struct store *store)
{
	return atomic_load(&store->needs_sync);
}

/* ---- pins ------------------------------------------------------------------------ */

enum status store_pin(struct store *store, uint64_t message)
{
	struct store_pins *p = &store->pins;
	enum status st = ST_OK;

	pthread_mutex_lock(&p->lock);
	if (p->count == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 64;
		uint64_t *grown = realloc(p->messages, cap * sizeof *grown);

		if (grown) {
			p->messages = grown;
			p->cap = cap;
		} else {
			st = ST_NO_MEMORY;
		}
	}
	if (!st)
		p->messages[p->count++] = message;
	pthread_mutex_unlock(&p->lock);
	return st;
}

void store_unpin(struct store *store, uint64_t message)
{
	struct store_pins *p = &store->pins;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count; i++)
		if (p->messages[i] == message) {
			p->messages[i] = p->messages[--p->count];
			break;
		}
	pthread_mutex_unlock(&p->lock);
}

bool store_is_pinned(struct store *store, uint64_t message)
{
	struct store_pins *p = &store->pins;
	bool found = false;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->count && !found; i++)
		found = p->messages[i] == message;
	pthread_mutex_unlock(&p->lock);
	return found;
}

/* ---- room ------------------------------------------------------------------------ */

bool store_has_space(const struct store *store)
{
	return atomic_load(&store->has_space);
}

void store_check_space(struct store *store)
{
	struct statvfs fs;
	uint64_t total, kept, free_octets, pending;
	bool had = atomic_load(&store->has_space), has;

	if (statvfs(store->dir, &fs) != 0)
		return;
	total = (uint64_t)fs.f_blocks * fs.f_frsize;
	free_octets = (uint64_t)fs.f_bavail * fs.f_frsize;
	kept = total / 16 < STORE_KEPT_OCTETS ? total / 16 : STORE_KEPT_OCTETS;
	if (kept < store->options.reserve_octets)
		kept = store->options.reserve_octets;
	pending = atomic_load(&store->pending_octets);
	has = free_octets >= kept + pending;
	atomic_store(&store->free_octets, free_octets);
	atomic_store(&store->kept_octets, kept);
	atomic_store(&store->has_space, has);
	if (had && !has)
		log_warning("store.full", log_u64("free", free_octets),
			    log_u64("reserve", kept));
	else if (!had && has)
		log_event("store.space", log_u64("free", free_octets));
}

bool store_is_tight(const struct store *store)
{
	return atomic_load(&store->free_octets) <
	       4 * atomic_load(&store->kept_octets);
}

void store_keep_arrays(struct store *store, size_t octets)
{
	arrays_bound(store->arrays, octets);
}

void store_stats(struct store *store, struct store_stats *stats)
{
	*stats = (struct store_stats){
		.epoch = store->epoch,
		.schema = schema_version(),
		.pages = atomic_load(&store->pages),
		.free_pages = atomic_load(&store->free_pages),
		.page_octets = STORE_PAGE_OCTETS,
		.wal_octets = atomic_load(&store->wal_pages) *
			      (STORE_PAGE_OCTETS + 24),
		.deliveries = atomic_load(&store->deliveries),
		.commits = atomic_load(&store->commits),
		.array_octets = arrays_octets(store->arrays),
		.signatures = atomic_load(&store->signatures.made),
		.unsigned_messages = atomic_load(&store->signatures.waiting),
		.signature_octets = atomic_load(&store->signatures.octets),
	};
}
