/* Client certificates: rows of `credential` that have a key and no verifier. */
#include "mailboxd/store_priv.h"

#include "common/digest.h"

#define COLUMNS "SELECT id, account, key, subject, scopes, created, last_used," \
	" expires FROM credential "

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_certificate *c)
{
	enum status st;

	c->id = sql_column(row, 0);
	c->account = sql_column(row, 1);
	st = sql_column_copy(tx, row, 2, &c->key);
	if (!st)
		st = sql_column_copy(tx, row, 3, &c->subject);
	c->scopes = (uint32_t)sql_column(row, 4);
	c->created = sql_column_signed(row, 5);
	c->last_used = sql_column_signed(row, 6);
	c->expires = sql_column_signed(row, 7);
	return st;
}

/* A label that no password has: they are at most 64 octets long. */
static enum status label_of(struct tx *tx, struct slice key, struct slice *label)
{
	char text[12 + 2 * DIGEST_OCTETS + 1] = "spki-sha256:";

	digest_hex((const unsigned char *)key.data, text + 12);
	return tx_copy(tx, slice_str(text), label);
}

static enum status check_room(struct tx *tx, const struct store_certificate *c)
{
	uint64_t count;
	enum status st = sql_number(tx, &count, "SELECT count(*) FROM credential"
				    " WHERE key = ?1", SQL_ARGS(sql_b(c->key)));

	if (!st && count)
		return tx_error(tx, ST_EXISTS, "that key is bound already");
	if (!st)
		st = sql_number(tx, &count, "SELECT count(*) FROM credential"
				" WHERE account = ?1 AND key IS NOT NULL",
				SQL_ARGS(sql_i(c->account)));
	if (!st && count >= STORE_CERTIFICATES)
		return tx_error(tx, ST_LIMIT, "an account has at most %u"
				" certificates", STORE_CERTIFICATES);
	return st;
}

enum status store_certificate_add(struct tx *tx, const struct store_certificate *c)
{
	struct store_account a;
	struct slice label;
	enum status st = store_account_get(tx, c->account, &a);

	if (!st && c->key.len != STORE_CERTIFICATE_KEY)
		st = tx_error(tx, ST_SYNTAX, "that is no fingerprint");
	if (!st)
		st = check_room(tx, c);
	if (!st)
		st = label_of(tx, c->key, &label);
	if (!st)
		st = sql_run(tx, "INSERT INTO credential (account, label, scopes,"
			" verifier, created, last_used, expires, key, subject)"
			" VALUES (?1, ?2, ?3, x'', ?4, 0, ?5, ?6, ?7)",
			SQL_ARGS(sql_i(c->account), sql_t(label),
				 sql_i(c->scopes), sql_i((uint64_t)store_now()),
				 sql_i((uint64_t)c->expires), sql_b(c->key),
				 sql_t(c->subject)));
	return st ? st : journal_add(tx, "certificate.add", 0, SLICE_EMPTY, NULL,
				     a.name);
}

enum status store_certificate_find(struct tx *tx, struct slice key,
				   struct store_certificate *c)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, COLUMNS "WHERE key = ?1",
				   SQL_ARGS(sql_b(key)));

	if (st == ST_NOT_FOUND)
		return tx_error(tx, st, "that key is bound to nobody");
	if (st)
		return st;
	st = read_row(tx, row, c);
	sql_end(row);
	return st;
}

enum status store_certificate_remove(struct tx *tx, uint64_t account,
				     struct slice key, uint64_t *id)
{
	struct store_certificate c;
	struct store_account a;
	enum status st = store_certificate_find(tx, key, &c);

	if (!st && c.account != account)
		return tx_error(tx, ST_NOT_FOUND, "that key is another account's");
	if (!st)
		st = store_account_get(tx, account, &a);
	if (!st)
		st = sql_run(tx, "DELETE FROM credential WHERE id = ?1",
			     SQL_ARGS(sql_i(c.id)));
	if (st)
		return st;
	*id = c.id;
	return journal_add(tx, "certificate.remove", 0, SLICE_EMPTY, NULL, a.name);
}

enum status store_certificate_list(struct tx *tx, uint64_t account,
				   store_certificate_fn *fn, void *arg)
{
	struct store_certificate c;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, COLUMNS "WHERE account = ?1"
				   " AND key IS NOT NULL ORDER BY id",
				   SQL_ARGS(sql_i(account)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = read_row(tx, row, &c);
		if (!st)
			st = fn(arg, &c);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
