#include "mailboxd/store_priv.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

static enum status status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return ST_FULL;
	case SQLITE_NOMEM:
		return ST_NO_MEMORY;
	case SQLITE_TOOBIG:
		return ST_LIMIT;
	case SQLITE_CONSTRAINT:
		return ST_EXISTS;
	case SQLITE_IOERR:
		return ST_IO;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return ST_DENIED;
	default:	/* BUSY, LOCKED, CORRUPT, NOTADB, READONLY, CANTOPEN, PROTOCOL */
		return ST_UNAVAILABLE;
	}
}

enum status sql_failed(struct tx *tx, int code, const char *what)
{
	if ((code & 0xff) == SQLITE_FULL)
		tx->met_full_disk = true;
	/* SQLite's words name tables, never content */
	error_set(&tx->error, status_of(code), "%s: %s (%d)", what,
		  sqlite3_errmsg(tx->db), code);
	damage_note(tx, code);
	return tx->error.status;
}

struct sqlite3_stmt *sql_statement(struct tx *tx, const char *sql)
{
	size_t i = ((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15u >> 40;
	struct sql_slot *slot = &tx->slots[i & (SQL_SLOTS - 1)];
	int code;

	while (slot->sql && slot->sql != sql)	/* never full: SQL_SLOTS */
		slot = &tx->slots[++i & (SQL_SLOTS - 1)];
	if (slot->sql)
		return slot->stmt;
	code = sqlite3_prepare_v3(tx->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
				  &slot->stmt, NULL);
	if (code != SQLITE_OK) {
		sql_failed(tx, code, "prepare");
		slot->stmt = NULL;
		return NULL;
	}
	slot->sql = sql;
	return slot->stmt;
}

static int bind_one(struct sqlite3_stmt *stmt, int i,
		    const struct sql_value *v)
{
	switch (v->kind) {
	case SQL_INT:
		return sqlite3_bind_int64(stmt, i, v->number);
	case SQL_TEXT:
		return sqlite3_bind_text64(stmt, i, v->bytes.data ?
					   v->bytes.data : "", v->bytes.len,
					   SQLITE_STATIC, SQLITE_UTF8);
	case SQL_BLOB:
		return sqlite3_bind_blob64(stmt, i, v->bytes.data ?
					   v->bytes.data : "", v->bytes.len,
					   SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, i);
	}
}

enum status sql_bind(struct tx *tx, struct sqlite3_stmt *stmt,
		     const struct sql_value *values)
{
	int code, i;

	for (i = 0; values[i].kind != SQL_END; i++) {
		code = bind_one(stmt, i + 1, &values[i]);
		if (code != SQLITE_OK)
			return sql_failed(tx, code, "bind");
	}
	assert(i == sqlite3_bind_parameter_count(stmt));
	return ST_OK;
}

enum status sql_run(struct tx *tx, const char *sql,
		    const struct sql_value *values)
{
	struct sqlite3_stmt *stmt = sql_statement(tx, sql);
	enum status st;
	int code;

	if (!stmt)
		return tx->error.status;
	st = sql_bind(tx, stmt, values);
	if (st)
		return st;
	code = sqlite3_step(stmt);
	if (code != SQLITE_DONE)
		st = sql_failed(tx, code, "write");
	sqlite3_reset(stmt);
	return st;
}

enum status sql_query(struct tx *tx, struct sqlite3_stmt **stmt,
		      const char *sql, const struct sql_value *values)
{
	*stmt = sql_statement(tx, sql);
	if (!*stmt)
		return tx->error.status;
	tx->has_snapshot = true;
	return sql_bind(tx, *stmt, values);
}

enum status sql_next(struct tx *tx, struct sqlite3_stmt *stmt)
{
	int code = sqlite3_step(stmt);
	enum status st;

	if (code == SQLITE_ROW)
		return ST_OK;
	st = code == SQLITE_DONE ? ST_NOT_FOUND : sql_failed(tx, code, "read");
	sqlite3_reset(stmt);
	return st;
}

enum status sql_first(struct tx *tx, struct sqlite3_stmt **stmt,
		      const char *sql, const struct sql_value *values)
{
	enum status st = sql_query(tx, stmt, sql, values);

	return st ? st : sql_next(tx, *stmt);
}

enum status sql_number(struct tx *tx, uint64_t *value, const char *sql,
		       const struct sql_value *values)
{
	struct sqlite3_stmt *stmt;
	enum status st = sql_first(tx, &stmt, sql, values);

	*value = 0;
	if (st)
		return st;
	*value = sql_column(stmt, 0);
	sqlite3_reset(stmt);
	return ST_OK;
}

void sql_end(struct sqlite3_stmt *stmt)
{
	sqlite3_reset(stmt);
}

uint64_t sql_changes(struct tx *tx)
{
	return (uint64_t)sqlite3_changes64(tx->db);
}

enum status sql_exec(struct tx *tx, const char *sql)
{
	int code = sqlite3_exec(tx->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? ST_OK : sql_failed(tx, code, "exec");
}

void sql_finalize_all(struct tx *tx)
{
	for (size_t i = 0; i < SQL_SLOTS; i++) {
		sqlite3_finalize(tx->slots[i].stmt);
		tx->slots[i] = (struct sql_slot){ 0 };
	}
}

uint64_t sql_column(struct sqlite3_stmt *stmt, int i)
{
	return (uint64_t)sqlite3_column_int64(stmt, i);
}

int64_t sql_column_signed(struct sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_int64(stmt, i);
}

bool sql_column_is_null(struct sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_type(stmt, i) == SQLITE_NULL;
}

struct slice sql_column_bytes(struct sqlite3_stmt *stmt, int i)
{
	const char *data = sqlite3_column_blob(stmt, i);

	return data ? slice_of(data, (size_t)sqlite3_column_bytes(stmt, i)) :
		      SLICE_EMPTY;
}

enum status sql_column_copy(struct tx *tx, struct sqlite3_stmt *stmt, int i,
			    struct slice *out)
{
	struct slice s = sql_column_bytes(stmt, i);

	*out = SLICE_EMPTY;
	if (s.len == 0)
		return ST_OK;
	s = arena_copy(&tx->arena, s);
	if (!s.data)
		return tx_error(tx, ST_NO_MEMORY, "no memory for a text");
	*out = s;
	return ST_OK;
}
