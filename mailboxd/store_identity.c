/*
 * Whether store.db-wal is the log of this store. SQLite takes any whose checksums are
 * right, and would write another's pages into this file. A store has a key of its own, made
 * once; the file alone has it, and the file with its log must have the same.
 */
#include "mailboxd/store_priv.h"

#include <sqlite3.h>
#include <sys/stat.h>

#define WAL_HEADER_OCTETS 32
#define KEY_OCTETS 16

static const char key_sql[] = "SELECT value FROM meta WHERE key = 'thread_key'";

bool identity_has_log(const struct store *s)
{
	char path[4096];
	struct stat log;

	snprintf(path, sizeof path, "%s-wal", s->path);
	return stat(path, &log) == 0 && log.st_size > WAL_HEADER_OCTETS;
}

/* "file:" and the path with what has a meaning in a URI escaped; the log is not looked
 * at. */
static bool uri_of(const char *path, char *out, size_t size)
{
	struct buf b = { .data = out, .cap = size, .max = size };

	buf_append_str(&b, "file:");
	for (; *path; path++)
		if (strchr("%?# ", *path))
			buf_append_fmt(&b, "%%%02x", (unsigned char)*path);
		else
			buf_append_char(&b, *path);
	buf_append_str(&b, "?immutable=1");
	return buf_append(&b, slice_of("", 1)) == ST_OK;
}

/* False: it cannot be told. In the midst of a checkpoint the file alone may be anything. */
static bool key_of_file(const struct store *s, unsigned char key[KEY_OCTETS])
{
	char uri[8192];
	sqlite3 *db = NULL;
	sqlite3_stmt *row = NULL;
	bool is_known = uri_of(s->path, uri, sizeof uri) &&
		sqlite3_open_v2(uri, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
				SQLITE_OPEN_NOMUTEX, s->options.vfs) == SQLITE_OK &&
		sqlite3_prepare_v2(db, key_sql, -1, &row, NULL) == SQLITE_OK &&
		sqlite3_step(row) == SQLITE_ROW &&
		sqlite3_column_bytes(row, 0) == KEY_OCTETS;

	if (is_known)
		memcpy(key, sqlite3_column_blob(row, 0), KEY_OCTETS);
	sqlite3_finalize(row);
	sqlite3_close(db);
	return is_known;
}

void identity_keep_log(struct tx *tx, bool on)
{
	sqlite3_db_config(tx->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, on, NULL);
}

enum status identity_check(struct tx *tx)
{
	unsigned char key[KEY_OCTETS];
	struct sqlite3_stmt *row;
	bool is_same;
	enum status st;

	if (!key_of_file(tx->store, key))
		return ST_OK;
	st = sql_first(tx, &row, key_sql, SQL_ARGS());
	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	is_same = slice_eq(sql_column_bytes(row, 0),
			   slice_of((const char *)key, KEY_OCTETS));
	sql_end(row);
	return is_same ? ST_OK :
		tx_error(tx, ST_DENIED, "store.db-wal is the log of another store: "
			 "move it away, nothing of it was taken over");
}
