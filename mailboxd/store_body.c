/* Bodies: pieces of STORE_CHUNK octets, numbered message << 16 | piece. */
#include "mailboxd/store_priv.h"

#include <sqlite3.h>

#define PIECES_MAX 65535u
/* Reading less than this of a piece does not load all of it. */
#define WHOLE_PIECE ((size_t)64 * 1024)
/* Pieces of this size pass once: their pages are not kept beyond so many octets,
 * so that a large message takes no memory and leaves others' pages their place. */
#define LARGE_PIECE ((size_t)128 * 1024)
#define LARGE_KEPT ((size_t)128 * 1024)

static uint64_t body_id(uint64_t message, uint32_t seq)
{
	return message << 16 | seq;
}

static void count_large(struct tx *tx, size_t octets, size_t piece)
{
	if (piece >= LARGE_PIECE)
		tx->large_octets += octets;
}

void body_forget(struct tx *tx)
{
	if (tx->large_octets < LARGE_KEPT)
		return;
	sqlite3_db_release_memory(tx->db);
	tx->large_octets = 0;
}

enum status body_insert(struct tx *tx, uint64_t message, uint32_t seq,
			struct slice octets)
{
	if (seq > PIECES_MAX || octets.len > STORE_CHUNK)
		return tx_error(tx, ST_LIMIT, "a body of too many pieces");
	count_large(tx, octets.len, octets.len);
	return sql_run(tx, "INSERT OR REPLACE INTO body (id, octets)"
		       " VALUES (?1, ?2)",
		       SQL_ARGS(sql_i(body_id(message, seq)), sql_b(octets)));
}

enum status store_body_put(struct tx *tx, uint64_t message, uint32_t seq,
			   struct slice octets)
{
	enum status st = tx_take_room(tx, octets.len);

	if (!st && octets.len != STORE_CHUNK)
		st = tx_error(tx, ST_SYNTAX, "a piece of %zu octets",
			      octets.len);
	if (!st && seq == 0)
		st = sql_run(tx, "INSERT OR IGNORE INTO unfinished (message)"
			     " VALUES (?1)", SQL_ARGS(sql_i(message)));
	if (message > tx->message_high)
		tx->message_high = message;
	return st ? st : body_insert(tx, message, seq, octets);
}

enum status body_delete(struct tx *tx, uint64_t message)
{
	return sql_run(tx, "DELETE FROM body WHERE id BETWEEN ?1 AND ?2",
		       SQL_ARGS(sql_i(body_id(message, 0)),
				sql_i(body_id(message, PIECES_MAX))));
}

enum status body_rename(struct tx *tx, uint64_t from, uint64_t to)
{
	enum status st = sql_run(tx, "UPDATE body SET id = id - ?1 + ?3"
				 " WHERE id BETWEEN ?1 AND ?2",
				 SQL_ARGS(sql_i(body_id(from, 0)),
					  sql_i(body_id(from, PIECES_MAX)),
					  sql_i(body_id(to, 0))));

	return st ? st : sql_run(tx, "DELETE FROM unfinished WHERE message = ?1",
				 SQL_ARGS(sql_i(from)));
}

enum status store_body_abort(struct tx *tx, uint64_t message)
{
	uint64_t known;
	enum status st = sql_number(tx, &known, "SELECT 1 FROM unfinished"
				    " WHERE message = ?1",
				    SQL_ARGS(sql_i(message)));

	if (st)		/* no piece of it came, or it is whole */
		return st == ST_NOT_FOUND ? ST_OK : st;
	st = body_delete(tx, message);
	return st ? st : sql_run(tx, "DELETE FROM unfinished WHERE message = ?1",
				 SQL_ARGS(sql_i(message)));
}

enum status body_delete_orphans(struct tx *tx)
{
	uint64_t message;
	enum status st;

	do {
		st = sql_number(tx, &message, "SELECT message FROM unfinished"
				" LIMIT 1", SQL_ARGS());
		if (!st)
			st = store_body_abort(tx, message);
	} while (!st);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* A part of one piece, without loading the whole of it. */
static enum status read_part(struct tx *tx, uint64_t id, size_t offset,
			     size_t length, struct buf *out)
{
	sqlite3_blob *blob = NULL;
	enum status st;
	size_t size;
	char *at;
	int code = sqlite3_blob_open(tx->db, "main", "body", "octets",
				     (sqlite3_int64)id, 0, &blob);

	if (code == SQLITE_ERROR)	/* there is no such row */
		return tx_error(tx, ST_NOT_FOUND, "a piece of a body is missing");
	if (code != SQLITE_OK)
		return sql_failed(tx, code, "body");
	size = (size_t)sqlite3_blob_bytes(blob);
	if (offset > size)
		offset = size;
	if (length > size - offset)
		length = size - offset;
	st = buf_reserve(out, length, &at);
	if (!st) {
		code = sqlite3_blob_read(blob, at, (int)length, (int)offset);
		if (code == SQLITE_OK)
			out->len += length;
		else
			st = sql_failed(tx, code, "body");
	}
	sqlite3_blob_close(blob);
	return st;
}

static enum status read_whole(struct tx *tx, uint64_t id, size_t offset,
			      size_t length, struct buf *out)
{
	struct sqlite3_stmt *row;
	struct slice piece;
	enum status st = sql_first(tx, &row, "SELECT octets FROM body"
				   " WHERE id = ?1", SQL_ARGS(sql_i(id)));

	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "a piece of a body is missing");
	if (st)
		return st;
	piece = sql_column_bytes(row, 0);
	piece = slice_from(piece, offset < piece.len ? offset : piece.len);
	st = buf_append(out, slice_head(piece, length));
	sql_end(row);
	return st;
}

enum status body_read(struct tx *tx, uint64_t message, uint64_t offset,
		      size_t length, struct buf *out)
{
	enum status st = ST_OK;

	while (length > 0 && !st) {
		uint64_t id = body_id(message, (uint32_t)(offset / STORE_CHUNK));
		size_t at = offset % STORE_CHUNK, before = out->len;
		size_t n = STORE_CHUNK - at;

		if (n > length)
			n = length;
		/* small mail is small pieces: loading them whole is cheaper */
		st = n <= WHOLE_PIECE && (at > 0 || n == WHOLE_PIECE) ?
			read_part(tx, id, at, n, out) :
			read_whole(tx, id, at, n, out);
		if (!st && out->len - before < n)
			return tx_error(tx, ST_NOT_FOUND, "a body is short");
		count_large(tx, n, offset + n);
		offset += n;
		length -= n;
	}
	/* a stream reads many frames in one transaction */
	if (tx->mode == TX_READ)
		body_forget(tx);
	return st;
}
