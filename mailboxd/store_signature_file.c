/*
 * search.db as a file: deleted and made anew where it is missing, damaged, or of another
 * store, version or life of this store.
 */
#include "mailboxd/store_priv.h"

#include <sqlite3.h>
#include <unistd.h>

#define APPLICATION_ID 0x506f5369	/* "PoSi" */

static const char schema_sql[] =
	"PRAGMA application_id = 1349473129; PRAGMA user_version = 1;"
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE head (id INTEGER PRIMARY KEY, bits BLOB NOT NULL);"
	"CREATE TABLE body (id INTEGER PRIMARY KEY, bits BLOB NOT NULL);";

static enum status get_number(struct tx *db, const char *sql, uint64_t *value)
{
	enum status st = sql_number(db, value, sql, SQL_ARGS());

	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status put_meta(struct tx *db, const char *key,
			    struct sql_value value)
{
	return sql_run(db, "INSERT INTO meta (key, value) VALUES (?1, ?2)"
			   " ON CONFLICT (key) DO UPDATE SET value = ?2",
		       SQL_ARGS(sql_t(slice_str(key)), value));
}

/* Whether what is in the file can be used: what it holds is of this store's
 * messages, and made as we would. */
static bool is_ours(struct tx *db, struct slice kind, uint64_t *nonce)
{
	const struct store_signatures *s = &db->store->signatures;
	struct sqlite3_stmt *row;
	uint64_t application, version;
	bool same;

	if (get_number(db, "PRAGMA application_id", &application) ||
	    get_number(db, "PRAGMA user_version", &version) ||
	    application != APPLICATION_ID || version != 1 ||
	    get_number(db, "SELECT value FROM meta WHERE key = 'store'", nonce) ||
	    sql_first(db, &row, "SELECT value FROM meta WHERE key = 'kind'",
		      SQL_ARGS()))
		return false;
	same = slice_eq(sql_column_bytes(row, 0), kind);
	sql_end(row);
	return same && *nonce && (*nonce == s->before || *nonce == s->now);
}

/* Messages from first_id on are not those that an earlier life gave this number:
 * the store may be an older copy. */
static enum status take_over(struct tx *db, bool is_new_life, struct slice kind)
{
	const struct store_signatures *s = &db->store->signatures;
	uint64_t count;
	enum status st = sql_exec(db, "BEGIN IMMEDIATE");

	if (!st && is_new_life)
		st = sql_run(db, "DELETE FROM head WHERE id >= ?1",
			     SQL_ARGS(sql_i(s->first_id)));
	if (!st && is_new_life)
		st = sql_run(db, "DELETE FROM body WHERE id >= ?1",
			     SQL_ARGS(sql_i(s->first_id)));
	if (!st)
		st = put_meta(db, "store", sql_i(s->now));
	if (!st)
		st = put_meta(db, "kind", sql_t(kind));
	if (!st)
		st = get_number(db, "SELECT count(*) FROM head", &count);
	if (!st)
		st = sql_exec(db, "COMMIT");
	if (st)
		sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
	else
		atomic_store(&db->store->signatures.made, count);
	return st;
}

static void delete_file(const struct store *store)
{
	static const char *const names[] = { "search.db", "search.db-wal",
					     "search.db-shm",
					     "search.db-journal" };
	char path[4096];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", store->dir, names[i]);
		unlink(path);
	}
}

static enum status make_file(struct store *store, struct tx **db, struct error *error)
{
	enum status st;

	store_disconnect(*db);
	*db = NULL;
	delete_file(store);
	st = signature_connect(store, TX_WRITE, db, error);
	if (st)
		return st;
	st = sql_exec(*db, schema_sql);
	return st ? error_set(error, st, "%s", (*db)->error.text) : ST_OK;
}

enum status signature_file_open(struct store *store, struct tx **db,
				struct error *error)
{
	struct store_signatures *s = &store->signatures;
	char text[128];
	struct buf kind = { .data = text, .cap = sizeof text, .max = sizeof text };
	uint64_t nonce = 0;
	enum status st = signature_kind(&kind);

	if (st)
		return st;
	store_disconnect(*db);
	*db = NULL;
	if (atomic_load(&s->is_damaged) ||
	    signature_connect(store, TX_WRITE, db, error) ||
	    !is_ours(*db, buf_slice(&kind), &nonce)) {
		nonce = s->now;
		st = make_file(store, db, error);
	}
	if (!st && (st = take_over(*db, nonce != s->now, buf_slice(&kind))))
		*error = (*db)->error;
	if (st) {
		store_disconnect(*db);
		*db = NULL;
		return st;
	}
	atomic_store(&s->is_damaged, false);
	atomic_fetch_add(&s->generation, 1);
	return ST_OK;
}
