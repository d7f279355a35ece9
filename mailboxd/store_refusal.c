/* Mail that was refused: what smtpd tells, kept apart from what happened to mail. */
#include "mailboxd/store_priv.h"

/* The key under which an address is found again; no address: as it is. */
static struct slice key_of(struct slice address, struct arena *arena,
			   struct buf *key)
{
	struct address parsed;

	key->len = 0;
	if (address_parse(address, ADDRESS_UTF8, arena, &parsed) == ST_OK &&
	    address_key(&parsed, key) == ST_OK)
		return buf_slice(key);
	return address;
}

static enum status insert(struct tx *tx, const struct store_refusal *r,
			  struct slice sender, struct slice recipient)
{
	return sql_run(tx, "INSERT INTO refusal (id, at, count, sid, client,"
		" helo, login, sender, recipient, code, reason, sender_key,"
		" recipient_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
		" ?10, ?11, ?12, ?13)",
		SQL_ARGS(sql_i(tx->store->journal_next++),
			 sql_i((uint64_t)r->at_ms), sql_i(r->count),
			 sql_t_or_null(r->sid), sql_t_or_null(r->client),
			 sql_t_or_null(r->helo), sql_t_or_null(r->login),
			 sql_t_or_null(r->sender), sql_t_or_null(r->recipient),
			 sql_i(r->code), sql_t_or_null(r->reason),
			 sql_t_or_null(sender), sql_t_or_null(recipient)));
}

enum status store_refusal_add(struct tx *tx, const struct store_refusal *r)
{
	char from[ADDRESS_OCTETS_MAX], to[ADDRESS_OCTETS_MAX];
	struct buf from_key = { from, 0, sizeof from, sizeof from };
	struct buf to_key = { to, 0, sizeof to, sizeof to };
	struct arena arena = ARENA_INIT(8192);
	enum status st = insert(tx, r, key_of(r->sender, &arena, &from_key),
				key_of(r->recipient, &arena, &to_key));

	arena_clear(&arena);
	if (!st && ++tx->store->refusals > STORE_REFUSALS_MAX) {
		st = sql_run(tx, "DELETE FROM refusal WHERE id ="
			" (SELECT min(id) FROM refusal)", SQL_ARGS());
		tx->store->refusals--;
	}
	return st;
}

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_refusal *r)
{
	struct slice *const texts[] = {
		&r->sid, &r->client, &r->helo, &r->login, &r->sender,
		&r->recipient, &r->reason,
	};
	enum status st = ST_OK;

	r->id = sql_column(row, 0);
	r->at_ms = sql_column_signed(row, 1);
	r->count = sql_column(row, 2);
	r->code = (unsigned)sql_column(row, 3);
	for (size_t i = 0; i < sizeof texts / sizeof *texts && !st; i++)
		st = sql_column_copy(tx, row, 4 + (int)i, texts[i]);
	return st;
}

enum status store_refusal_list(struct tx *tx, struct slice address,
			       uint64_t after, uint64_t until,
			       store_refusal_fn *fn, void *arg)
{
	char text[ADDRESS_OCTETS_MAX];
	struct buf key = { text, 0, sizeof text, sizeof text };
	struct arena arena = ARENA_INIT(8192);
	struct slice wanted = key_of(address, &arena, &key);
	struct store_refusal r;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT id, at, count, code, sid,"
		" client, helo, login, sender, recipient, reason FROM refusal"
		" WHERE id > ?2 AND id <= ?3"
		" AND (sender_key = ?1 OR recipient_key = ?1) ORDER BY id",
		SQL_ARGS(sql_t(wanted), sql_i(after), sql_i(until)));

	arena_clear(&arena);
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_row(tx, row, &r);
		if (!st)
			st = fn(arg, &r);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
