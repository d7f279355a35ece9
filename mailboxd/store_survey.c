/*
 * After an unclean end: SQLite's quick check of store.db, a table at a time, beside all
 * else. SQLite 3.40 cannot be interrupted while it walks a tree, so what the check reads
 * from the file comes past us: there it rests, and ends when it is asked to.
 */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <sqlite3.h>
#include <stddef.h>
#include <stdlib.h>

#define TABLES 64
#define NAME_OCTETS 64
#define OPS_EACH 1000		/* of SQLite's machine between two looks */
/* What is read stays in the log meanwhile; with more pages there the check gives up. */
#define LOG_PAGES (4 * STORE_WAL_PAGES_GATE)

/* A file of the connection: its own structure, with a table in which reads lead here. */
struct survey_file {
	struct sqlite3_io_methods methods;	/* first */
	const struct sqlite3_io_methods *theirs;
	struct store_survey *survey;
};

struct store_survey {
	struct store *store;
	struct tx *tx;
	store_pace_fn *pace;	/* NULL: nothing is running */
	void *arg;
	struct survey_file file, log;
	char tables[TABLES][NAME_OCTETS];
	size_t table_count;
	enum status ends;	/* why it does before its time, or ST_OK */

	uint64_t found, found_here;	/* in all, in this table */
	struct error here;	/* the first of them */
	char where[STORE_DAMAGE_OCTETS];	/* "body: words" of the first, then names */
};

bool store_wants_survey(const struct store *store)
{
	return atomic_load(&store->wants_survey);
}

void store_findings(struct store *store, char text[static STORE_DAMAGE_OCTETS])
{
	struct store_damage *d = &store->damage;

	pthread_mutex_lock(&d->lock);
	memcpy(text, d->found, STORE_DAMAGE_OCTETS);
	pthread_mutex_unlock(&d->lock);
}

/* ---- giving way ---------------------------------------------------------------------- */

/* False: the check ends here. */
static bool goes_on(struct store_survey *v)
{
	struct store *s = v->store;

	if (!v->pace || v->ends)
		return !v->ends;
	if (store_is_tight(s) || atomic_load(&s->wal_pages) > LOG_PAGES)
		v->ends = ST_FULL;
	else if (!v->pace(v->arg))
		v->ends = ST_MORE;
	return !v->ends;
}

static int on_progress(void *arg)
{
	return !goes_on(arg);
}

static int paced_read(struct sqlite3_file *file, void *data, int octets,
		      sqlite3_int64 offset)
{
	const struct survey_file *f = (const struct survey_file *)file->pMethods;
	int code;

	if (!goes_on(f->survey))
		return SQLITE_INTERRUPT;
	code = f->theirs->xRead(file, data, octets, offset);
	/* the check would call it a damaged page; short ones are filled up */
	if (code != SQLITE_OK && code != SQLITE_IOERR_SHORT_READ)
		f->survey->ends = ST_IO;
	return code;
}

static void pace_file(struct store_survey *v, struct survey_file *f, int which)
{
	struct sqlite3_file *file = NULL;

	sqlite3_file_control(v->tx->db, "main", which, &file);
	if (f->theirs || !file || !file->pMethods)
		return;
	f->theirs = file->pMethods;
	f->methods = *f->theirs;
	f->methods.xRead = paced_read;
	f->survey = v;
	file->pMethods = &f->methods;
}

/* ---- looking ---------------------------------------------------------------------------- */

/* What everything hangs on first, what is large last. */
static enum status list_tables(struct store_survey *v)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(v->tx, &row, "SELECT name FROM"
		" (SELECT 'sqlite_schema' AS name UNION ALL SELECT name FROM sqlite_schema"
		" WHERE type = 'table' AND rootpage > 0) ORDER BY name = 'body',"
		" name NOT IN ('sqlite_schema', 'mailbox', 'entry'), name", SQL_ARGS());

	v->table_count = 0;
	if (st)
		return st;
	while (v->table_count < TABLES && !(st = sql_next(v->tx, row)))
		snprintf(v->tables[v->table_count++], NAME_OCTETS, "%.*s",
			 SLICE_ARG(sql_column_bytes(row, 0)));
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Those of a tree come as lines of one text, behind a head. */
static void note_findings(struct store_survey *v, struct slice text)
{
	struct slice line;

	while (text.len && slice_split(&text, '\n', &line))
		if (line.len && line.data[0] != '*' && !slice_eq(line, SLICE("ok")) &&
		    v->found_here++ == 0)
			error_set(&v->here, ST_UNAVAILABLE, "%.*s", SLICE_ARG(line));
}

static enum status check_table(struct store_survey *v, const char *table)
{
	struct tx *tx = v->tx;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT quick_check FROM"
				   " pragma_quick_check(?1)",
				   SQL_ARGS(sql_t(slice_str(table))));

	v->found_here = 0;
	if (st)
		return st;
	while (!(st = sql_next(tx, row)))
		note_findings(v, sql_column_bytes(row, 0));
	sql_end(row);
	if (v->ends)	/* it found what it could not read */
		return v->ends;
	/* it goes through the rows as well, and gives up where they are damaged */
	if (st == ST_UNAVAILABLE && store_met_damage(tx)) {
		if (!v->found_here)
			note_findings(v, slice_str(tx->error.text));
		return ST_OK;
	}
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Of the lists: as if a session had met it. */
static bool is_list(const char *table)
{
	return strcmp(table, "mailbox") == 0 || strcmp(table, "entry") == 0;
}

static void take_note(struct store_survey *v, const char *table)
{
	struct store_damage *d = &v->store->damage;
	size_t len = strlen(v->where);

	if (len == 0)
		snprintf(v->where, sizeof v->where, "%s: %.100s", table, v->here.text);
	else
		snprintf(v->where + len, sizeof v->where - len, "; %s", table);
	v->found += v->found_here;
	pthread_mutex_lock(&d->lock);
	memcpy(d->found, v->where, sizeof d->found);
	pthread_mutex_unlock(&d->lock);
	if (is_list(table)) {
		v->tx->error = v->here;
		damage_found(v->tx, "the lists of mailboxes");
	}
}

/* Each in a transaction of its own: the log can be carried over in between. */
static enum status look_at(struct store_survey *v, const char *table)
{
	enum status st = store_begin(v->tx, JOB_SYNC_NORMAL);

	if (st)
		return st;
	st = table ? check_table(v, table) : list_tables(v);
	if (!st && !table)	/* it is open by now */
		pace_file(v, &v->log, SQLITE_FCNTL_JOURNAL_POINTER);
	if (!st && table && v->found_here)
		take_note(v, table);
	if (v->ends == ST_IO)
		tx_error(v->tx, ST_IO, "a page cannot be read");
	/* where it met damage there is nothing to commit any more */
	store_rollback(v->tx);
	return v->ends ? v->ends : st;
}

/* ---- the face ------------------------------------------------------------------------------ */

enum status store_survey_open(struct store *store, struct store_survey **survey,
			      struct error *error)
{
	struct store_survey *v = calloc(1, sizeof *v);
	enum status st;

	*survey = NULL;
	if (!v)
		return error_set(error, ST_NO_MEMORY, "no memory for a survey");
	v->store = store;
	st = store_connect(store, TX_READ, &v->tx, error);
	if (st) {
		free(v);
		return st;
	}
	pace_file(v, &v->file, SQLITE_FCNTL_FILE_POINTER);
	sqlite3_progress_handler(v->tx->db, OPS_EACH, on_progress, v);
	*survey = v;
	return ST_OK;
}

void store_survey_close(struct store_survey *v)
{
	if (!v)
		return;
	v->ends = ST_OK;
	store_disconnect(v->tx);
	free(v);
}

static void say(const struct store_survey *v, enum status st, int64_t ms)
{
	if (v->found || st == ST_FULL)
		log_warning("store.survey", log_status(st), log_u64("findings", v->found),
			    log_str("where", v->where), log_u64("ms", (uint64_t)ms));
	else if (st && st != ST_MORE)
		log_warning("store.survey", log_status(st), log_error(&v->tx->error),
			    log_u64("ms", (uint64_t)ms));
	else
		log_event("store.survey", log_status(st), log_u64("findings", 0),
			  log_u64("ms", (uint64_t)ms));
}

enum status store_survey_run(struct store_survey *v, store_pace_fn *pace, void *arg)
{
	struct store *s = v->store;
	int64_t began = clock_ms();
	enum status st;

	v->pace = pace;
	v->arg = arg;
	v->ends = ST_OK;
	v->found = 0;
	v->where[0] = '\0';
	/* it may read for long: checkpoints do not wait for it */
	atomic_fetch_add(&s->backups, 1);
	st = look_at(v, NULL);
	for (size_t i = 0; i < v->table_count && !st; i++)
		st = look_at(v, v->tables[i]);
	atomic_fetch_sub(&s->backups, 1);
	v->pace = NULL;
	v->ends = ST_OK;
	if (!st)
		atomic_store(&s->wants_survey, false);
	say(v, st, clock_ms() - began);
	return st;
}
