#include "mailboxd/store_priv.h"

#include <sqlite3.h>

enum status store_untold_add(struct tx *tx, struct slice mid, struct slice key,
			     int64_t at)
{
	return sql_run(tx, "INSERT OR REPLACE INTO untold (mid, key, at)"
		" VALUES (?1, ?2, ?3)",
		SQL_ARGS(sql_t(mid), sql_b(key), sql_i((uint64_t)at)));
}

enum status store_untold_remove(struct tx *tx, struct slice mid)
{
	return sql_run(tx, "DELETE FROM untold WHERE mid = ?1",
		       SQL_ARGS(sql_t(mid)));
}

enum status store_untold_expire(struct tx *tx, int64_t before)
{
	return sql_run(tx, "DELETE FROM untold WHERE at < ?1",
		       SQL_ARGS(sql_i((uint64_t)before)));
}

enum status store_untold_list(struct tx *tx, store_untold_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT mid, key, at FROM untold"
		" ORDER BY mid", SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = fn(arg, sql_column_bytes(row, 0), sql_column_bytes(row, 1),
			sql_column_signed(row, 2));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
