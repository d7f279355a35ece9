/* Connections, transactions, savepoints, checkpoints. */
#include "mailboxd/store_priv.h"

#include "common/log.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define BUSY_TIMEOUT_MS 5000	/* trust.md: only an outsider can cause it */
#define GATE_WAIT_MS 500

/* Both kinds of connection; WRITE ones also these. busy_timeout comes first. */
static const char both_pragmas[] =
	"PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;"
	"PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = OFF;";
static const char reader_pragmas[] =
	"PRAGMA query_only = ON; PRAGMA cache_size = -8192;";
static const char writer_pragmas[] =
	"PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL;"
	"PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF;"
	"PRAGMA journal_size_limit = 33554432; PRAGMA foreign_keys = OFF;";

enum status tx_no_memory(struct tx *tx)
{
	return tx_error(tx, ST_NO_MEMORY, "no memory");
}

void *tx_alloc(struct tx *tx, size_t octets)
{
	void *p = arena_alloc(&tx->arena, octets);

	if (!p)
		tx_no_memory(tx);
	return p;
}

enum status tx_copy(struct tx *tx, struct slice in, struct slice *out)
{
	*out = SLICE_EMPTY;
	if (in.len == 0)
		return ST_OK;
	*out = arena_copy(&tx->arena, in);
	return out->data ? ST_OK : tx_no_memory(tx);
}

const struct error *store_error(const struct tx *tx)
{
	return &tx->error;
}

/* ---- connections ------------------------------------------------------------- */

/* Replaces SQLite's own automatic checkpoint: ours runs after the answers. */
static int count_wal(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct store *store = arg;

	atomic_store(&store->wal_pages, (uint64_t)pages);
	store->wrote = true;
	return SQLITE_OK;
}

static enum status set_sync(struct tx *tx, enum job_sync sync)
{
	static const char *const pragma[] = {
		[JOB_SYNC_FULL] = "PRAGMA synchronous = FULL",
		[JOB_SYNC_NORMAL] = "PRAGMA synchronous = NORMAL",
	};
	enum status st;

	if (tx->store->options.ephemeral)
		return ST_OK;
	st = sql_exec(tx, pragma[sync]);
	if (!st)
		tx->sync = sync;
	return st;
}

static enum status configure(struct tx *tx)
{
	const struct store *s = tx->store;
	char sql[160];
	enum status st;

	sqlite3_busy_timeout(tx->db, BUSY_TIMEOUT_MS);
	st = sql_exec(tx, both_pragmas);
	if (tx->mode == TX_READ)
		return st ? st : sql_exec(tx, reader_pragmas);
	if (!st)
		st = sql_exec(tx, writer_pragmas);
	if (!st)
		st = sql_exec(tx, s->options.ephemeral ?
			      "PRAGMA synchronous = OFF" :
			      "PRAGMA synchronous = FULL");
	if (st)
		return st;
	snprintf(sql, sizeof sql, "PRAGMA cache_size = -%zu",
		 (s->options.cache_octets ? s->options.cache_octets :
		  (size_t)64 << 20) / 1024);
	st = sql_exec(tx, sql);
	if (!st && s->options.max_pages) {
		snprintf(sql, sizeof sql, "PRAGMA max_page_count = %u",
			 s->options.max_pages);
		st = sql_exec(tx, sql);
	}
	sqlite3_wal_hook(tx->db, count_wal, tx->store);
	return st;
}

enum status tx_connect(struct store *store, enum tx_mode mode,
		       const struct tx_database *database, struct tx **out,
		       struct error *error)
{
	struct tx *tx = calloc(1, sizeof *tx);
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE |
		    (mode == TX_WRITE ? SQLITE_OPEN_CREATE : 0);
	enum status st = ST_OK;
	int code;

	*out = NULL;
	if (!tx)
		return error_set(error, ST_NO_MEMORY, "no memory");
	tx->store = store;
	tx->mode = mode;
	tx->is_beside = database->is_beside;
	tx->arena = (struct arena)ARENA_INIT(STORE_ARENA_MAX);
	tx->scratch = (struct buf)BUF_INIT(STORE_ARENA_MAX);
	tx->seen = (struct ranges)RANGES_INIT(RANGES_MAX);
	code = sqlite3_open_v2(database->path, &tx->db, flags, database->vfs);
	if (code != SQLITE_OK)
		st = tx->db ? sql_failed(tx, code, database->failure) :
			      tx_no_memory(tx);
	if (!st)
		st = database->configure(tx);
	if (st) {
		if (error)
			*error = tx->error;
		store_disconnect(tx);
		return st;
	}
	*out = tx;
	return ST_OK;
}

enum status store_connect(struct store *store, enum tx_mode mode,
			  struct tx **out, struct error *error)
{
	const struct tx_database database = {
		.path = store->path, .vfs = store->options.vfs,
		.failure = "cannot open the store", .configure = configure,
	};

	return tx_connect(store, mode, &database, out, error);
}

void store_disconnect(struct tx *tx)
{
	if (!tx)
		return;
	if (tx->state != TX_IDLE)
		store_rollback(tx);
	hot_clear(tx);
	array_log_free(&tx->log);
	signature_disconnect(tx);
	if (tx->store->last_writer == tx)
		tx->store->last_writer = NULL;
	sql_finalize_all(tx);
	sqlite3_close(tx->db);
	arena_clear(&tx->arena);
	buf_free(&tx->scratch);
	ranges_free(&tx->seen);
	free(tx->touched);
	free(tx);
}

/* ---- the gate ------------------------------------------------------------------ */

static void gate_enter(struct store_gate *g)
{
	pthread_mutex_lock(&g->lock);
	while (g->is_closed)
		pthread_cond_wait(&g->moved, &g->lock);
	g->reading++;
	pthread_mutex_unlock(&g->lock);
}

static void gate_leave(struct store_gate *g)
{
	pthread_mutex_lock(&g->lock);
	if (--g->reading == 0 && g->is_closed)
		pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
}

/* False: somebody reads on for too long (a backup); the gate stays open. */
static bool gate_close(struct store_gate *g)
{
	struct timespec until;
	bool is_empty;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += GATE_WAIT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_mutex_lock(&g->lock);
	g->is_closed = true;
	while (g->reading > 0 &&
	       pthread_cond_timedwait(&g->moved, &g->lock, &until) == 0)
		;
	is_empty = g->reading == 0;
	if (!is_empty) {
		g->is_closed = false;
		pthread_cond_broadcast(&g->moved);
	}
	pthread_mutex_unlock(&g->lock);
	return is_empty;
}

static void gate_open(struct store_gate *g)
{
	pthread_mutex_lock(&g->lock);
	g->is_closed = false;
	pthread_cond_broadcast(&g->moved);
	pthread_mutex_unlock(&g->lock);
}

/* ---- room ---------------------------------------------------------------------------- */

/* With so much free space, looking once a second (the writer does) is enough. */
static bool is_far_from_full(const struct store *s)
{
	return atomic_load(&s->free_octets) >= 64 * STORE_PLENTY &&
	       store_has_space(s);
}

/* How much this transaction may add. */
static enum status measure_room(struct tx *tx)
{
	struct store *s = tx->store;
	struct stat file;
	uint64_t pages, free_octets, taken;
	enum status st;

	tx->room = UINT64_MAX;
	if (is_far_from_full(s))
		return ST_OK;
	store_check_space(s);
	free_octets = atomic_load(&s->free_octets);
	if (free_octets >= STORE_PLENTY)
		return ST_OK;
	st = sql_number(tx, &pages, "PRAGMA page_count", SQL_ARGS());
	if (st)
		return st;
	pages *= STORE_PAGE_OCTETS;
	atomic_store(&s->pending_octets, stat(s->path, &file) == 0 &&
		     pages > (uint64_t)file.st_size ?
		     pages - (uint64_t)file.st_size : 0);
	taken = atomic_load(&s->kept_octets) + atomic_load(&s->pending_octets);
	tx->room = free_octets > taken ? free_octets - taken : 0;
	return ST_OK;
}

enum status tx_take_room(struct tx *tx, uint64_t octets)
{
	uint64_t needs = 2 * octets + STORE_ROOM_EACH;

	if (!store_has_space(tx->store) || tx->room < needs)
		return tx_error(tx, ST_FULL, "the disk is full");
	if (tx->room != UINT64_MAX)
		tx->room -= needs;
	return ST_OK;
}

/* ---- begin, commit, rollback ----------------------------------------------------- */

static void forget_results(struct tx *tx)
{
	arena_clear(&tx->arena);
	tx->actor = (struct store_actor){ .sid = SLICE_EMPTY };
	tx->error.status = ST_OK;
	tx->error.text[0] = '\0';
	tx->code = 0;
	tx->met_full_disk = tx->met_read_error = false;
}

static void leave(struct tx *tx)
{
	body_forget(tx);
	tx->state = TX_IDLE;
	tx->actor = (struct store_actor){ .sid = SLICE_EMPTY };
	if (tx->mode == TX_READ)
		gate_leave(&tx->store->gate);
	else
		pthread_mutex_unlock(&tx->store->write_lock);
}

static void note_spilled(struct tx *tx)
{
	int high = 0;

	sqlite3_db_status(tx->db, SQLITE_DBSTATUS_CACHE_SPILL,
			  &tx->spilled_before, &high, 0);
}

enum status store_begin(struct tx *tx, enum job_sync sync)
{
	struct store *s = tx->store;
	enum status st = ST_OK;

	assert(tx->state == TX_IDLE);
	forget_results(tx);
	if (tx->mode == TX_READ) {
		tx->rights_began = store_rights_generation(s);
		gate_enter(&s->gate);
		st = sql_run(tx, "BEGIN", SQL_ARGS());
		tx->has_snapshot = false;
	} else {
		pthread_mutex_lock(&s->write_lock);
		if (s->last_writer != tx)
			hot_clear(tx);
		s->last_writer = tx;
		if (store_is_broken(s))
			st = tx_error(tx, ST_UNAVAILABLE,
				      "the store stopped writing");
		else if (store_is_damaged(s))
			st = tx_error(tx, ST_UNAVAILABLE,
				      "the store is damaged, and only read");
		if (!st && tx->sync != sync)
			st = set_sync(tx, sync);
		if (!st)
			st = sql_run(tx, "BEGIN IMMEDIATE", SQL_ARGS());
		if (!st)
			st = measure_room(tx);
		tx->undo_failed = tx->changed_rights = false;
		note_spilled(tx);
		tx->message_high = 0;
		tx->message_low = UINT64_MAX;
		tx->delivered = 0;
	}
	tx->state = TX_OPEN;
	if (st)
		store_rollback(tx);
	return st;
}

/* Ids above what meta keeps would come back after a restart. */
static enum status keep_message_ids(struct tx *tx, uint64_t *kept)
{
	*kept = tx->store->message_kept;
	if (tx->message_high < *kept)
		return ST_OK;
	*kept = tx->message_high + STORE_MESSAGE_IDS_KEPT;
	return store_meta_set(tx, "message_next", *kept);
}

/* The indexer looks at them, even those that come late. */
static void wants_signatures(struct store_signatures *s, uint64_t from)
{
	uint64_t low = atomic_load(&s->low);

	while (from < low && !atomic_compare_exchange_weak(&s->low, &low, from))
		;
}

static void committed(struct tx *tx, uint64_t kept)
{
	struct store *s = tx->store;

	s->message_kept = kept;
	atomic_fetch_add(&s->commits, 1);
	atomic_fetch_add(&s->deliveries, tx->delivered);
	wants_signatures(&s->signatures, tx->message_low);
	/* an empty FULL commit synced nothing (decisions.md) */
	if (!s->options.ephemeral && s->wrote)
		atomic_store(&s->needs_sync, tx->sync == JOB_SYNC_NORMAL);
	/* before anybody is told: who is asks the arrays */
	arrays_commit(s->arrays, &tx->log, tx->touched, tx->touched_count);
	if (tx->changed_rights)
		rights_changed(tx);
	hot_committed(tx);
}

static enum status commit_write(struct tx *tx)
{
	struct store *s = tx->store;
	uint64_t kept;
	enum status st;

	if (tx->undo_failed)
		return tx_error(tx, ST_UNAVAILABLE, "half of a job was left");
	if (store_is_damaged(s))
		return tx_error(tx, ST_UNAVAILABLE, "the store is damaged");
	st = hot_flush(tx);
	if (!st)
		st = keep_message_ids(tx, &kept);
	if (st)
		return st;
	s->wrote = false;
	st = sql_run(tx, "COMMIT", SQL_ARGS());
	if (st == ST_IO || st == ST_UNAVAILABLE) {
		/* the kernel may have dropped the page: no second try */
		atomic_store(&s->is_broken, true);
		return tx_error(tx, ST_UNAVAILABLE, "commit failed: %.100s",
				sqlite3_errmsg(tx->db));
	}
	if (!st)
		committed(tx, kept);
	return st;
}

enum status store_commit(struct tx *tx)
{
	enum status st;

	assert(tx->state == TX_OPEN);
	if (tx->mode == TX_READ)
		st = sql_run(tx, "COMMIT", SQL_ARGS());
	else
		st = commit_write(tx);
	if (st) {
		store_rollback(tx);
		return st;
	}
	leave(tx);
	return ST_OK;
}

void store_rollback(struct tx *tx)
{
	if (tx->state == TX_IDLE)
		return;
	/* after some errors SQLite has rolled back already */
	if (!sqlite3_get_autocommit(tx->db))
		sqlite3_exec(tx->db, "ROLLBACK", NULL, NULL, NULL);
	hot_clear(tx);
	array_log_cut(&tx->log, 0);
	tx->log.savepoint = 0;
	tx->log.is_lost = false;
	leave(tx);
}

enum status tx_refresh(struct tx *tx)
{
	enum status st = ST_OK;

	assert(tx->mode == TX_READ && tx->state == TX_OPEN);
	if (tx->has_snapshot) {
		st = sql_run(tx, "COMMIT", SQL_ARGS());
		if (!st)
			st = sql_run(tx, "BEGIN", SQL_ARGS());
		tx->has_snapshot = false;
	}
	return st;
}

enum status store_savepoint(struct tx *tx)
{
	enum status st;

	assert(tx->state == TX_OPEN && tx->mode == TX_WRITE);
	forget_results(tx);
	st = sql_run(tx, "SAVEPOINT job", SQL_ARGS());
	if (!st) {
		tx->state = TX_SAVEPOINT;
		tx->savepoint++;
		tx->log.savepoint = tx->log.count;
	}
	return st;
}

enum status store_release(struct tx *tx)
{
	enum status st;

	assert(tx->state == TX_SAVEPOINT);
	st = sql_run(tx, "RELEASE job", SQL_ARGS());
	if (!st) {
		tx->state = TX_OPEN;
		hot_release(tx);
	}
	return st;
}

/*
 * Whether pages of this transaction are in the log already, because they did not
 * fit into memory. Where such a page is written again and the savepoint undone,
 * SQLite 3.40 leaves out the checksums of what comes next: the next COMMIT would
 * be gone after a kill. A transaction of its own, rolled back whole, is sound.
 */
static bool has_spilled(struct tx *tx)
{
	int spilled = 0, high = 0;

	sqlite3_db_status(tx->db, SQLITE_DBSTATUS_CACHE_SPILL, &spilled, &high, 0);
	return spilled != tx->spilled_before;
}

void store_undo(struct tx *tx)
{
	struct error kept = tx->error;

	assert(tx->state == TX_SAVEPOINT);
	tx->state = TX_OPEN;
	/* what could not be undone must not be committed with the others */
	if (!sqlite3_get_autocommit(tx->db) &&
	    (has_spilled(tx) || sql_run(tx, "ROLLBACK TO job", SQL_ARGS()) ||
	     sql_run(tx, "RELEASE job", SQL_ARGS())))
		tx->undo_failed = true;
	tx->recipient_id = 0;
	memset(tx->sids, 0, sizeof tx->sids);
	hot_undo(tx);
	array_log_cut(&tx->log, tx->log.savepoint);
	tx->error = kept;
}

bool store_is_lost(const struct tx *tx)
{
	return tx->state != TX_IDLE &&
	       (tx->met_full_disk || tx->undo_failed || sqlite3_get_autocommit(tx->db) ||
		store_is_damaged(tx->store));
}

void store_act_as(struct tx *tx, const struct store_actor *actor)
{
	tx->actor = *actor;
}

/* ---- checkpoints and syncs --------------------------------------------------------- */

/* A small disk must not be filled by the WAL. */
static uint64_t wal_limit(struct store *s, uint64_t pages)
{
	uint64_t fits = atomic_load(&s->free_octets) / STORE_PAGE_OCTETS / 4;

	if (s->options.wal_pages && s->options.wal_pages < pages)
		return s->options.wal_pages;

	if (fits < 64)
		fits = 64;
	return fits < pages ? fits : pages;
}

static int checkpoint(struct tx *tx, int mode)
{
	int pages = 0, done = 0, code;

	sqlite3_busy_timeout(tx->db, 0);
	code = sqlite3_wal_checkpoint_v2(tx->db, NULL, mode, &pages, &done);
	sqlite3_busy_timeout(tx->db, BUSY_TIMEOUT_MS);
	if (code == SQLITE_OK && done == pages) {
		atomic_store(&tx->store->wal_pages, 0);
		atomic_store(&tx->store->pending_octets, 0);
	}
	return code;
}

/* A sync of the file that failed is final too: the next could seem to succeed
 * with pages dropped, and the WAL that still has them would be reset. BUSY and
 * FULL only mean that the rest comes later. */
static enum status checkpointed(struct tx *tx, int code)
{
	if ((code & 0xff) == SQLITE_CORRUPT) {
		/* the log has it all: it is read from there */
		enum status st = sql_failed(tx, code, "checkpoint");

		damage_found(tx, "the file");
		return st;
	}
	if ((code & 0xff) != SQLITE_IOERR)
		return ST_OK;
	atomic_store(&tx->store->is_broken, true);
	return sql_failed(tx, code, "checkpoint");
}

enum status store_checkpoint(struct tx *tx)
{
	struct store *s = tx->store;
	uint64_t pages = atomic_load(&s->wal_pages);
	bool is_small;
	int code;

	assert(tx->state == TX_IDLE && tx->mode == TX_WRITE);
	if (pages < wal_limit(s, STORE_WAL_PAGES))
		return ST_OK;
	code = checkpoint(tx, SQLITE_CHECKPOINT_PASSIVE);
	is_small = atomic_load(&s->free_octets) < STORE_PLENTY;
	if ((is_small || atomic_load(&s->wal_pages) >= STORE_WAL_PAGES_GATE) &&
	    !atomic_load(&s->backups) && gate_close(&s->gate)) {
		code = checkpoint(tx, is_small ? SQLITE_CHECKPOINT_TRUNCATE :
						 SQLITE_CHECKPOINT_RESTART);
		gate_open(&s->gate);
	}
	if (is_small)
		store_check_space(s);
	return checkpointed(tx, code);
}

enum status store_make_room(struct tx *tx)
{
	struct store *s = tx->store;
	int code = SQLITE_BUSY;

	if (gate_close(&s->gate)) {
		code = checkpoint(tx, SQLITE_CHECKPOINT_TRUNCATE);
		gate_open(&s->gate);
	}
	store_check_space(s);
	return checkpointed(tx, code);
}

enum status store_sync(struct tx *tx)
{
	enum status st;

	if (!store_needs_sync(tx->store))
		return ST_OK;
	st = store_begin(tx, JOB_SYNC_FULL);
	if (st)
		return st;
	/* an empty FULL commit syncs nothing, nor one of the same value */
	st = sql_run(tx, "INSERT INTO meta (key, value) VALUES ('synced', 1)"
		     " ON CONFLICT (key) DO UPDATE SET value = value + 1",
		     SQL_ARGS());
	if (st) {
		store_rollback(tx);
		return st;
	}
	return store_commit(tx);
}
