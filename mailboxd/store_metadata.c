/* Annotations of mailboxes and of the server (RFC 5464). */
#include "mailboxd/store_priv.h"

#define NAME_OCTETS	((size_t)250)
#define COMPONENTS_MAX	20u

/* What is /shared is everybody's: kept under account 0. */
struct place {
	uint64_t mailbox, account;
	struct slice entry;	/* in lower case */
};

static bool is_below(struct slice entry, const char *top)
{
	return slice_starts(entry, slice_str(top));
}

/* Section 3.2: two components at least, four below /vendor/. */
static bool is_name(struct slice entry)
{
	struct slice rest = slice_from(entry, 1), part;
	unsigned parts = 0, least = 2;

	if (entry.len == 0 || entry.data[0] != '/' || entry.len > NAME_OCTETS)
		return false;
	for (size_t i = 0; i < entry.len; i++)
		if ((unsigned char)entry.data[i] < ' ' || entry.data[i] == '*' ||
		    entry.data[i] == '%' || (unsigned char)entry.data[i] >= 127)
			return false;
	while (slice_split(&rest, '/', &part)) {
		if (part.len == 0)
			return false;
		if (parts++ == 1 && slice_eq(part, SLICE("vendor")))
			least = 4;
	}
	return parts >= least && parts <= COMPONENTS_MAX &&
	       (is_below(entry, "/shared/") || is_below(entry, "/private/"));
}

static enum status find_place(struct tx *tx, uint64_t account, uint64_t mailbox,
			      struct slice entry, struct place *p)
{
	char *lower = tx_alloc(tx, entry.len + 1);

	if (!lower)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < entry.len; i++)
		lower[i] = ascii_lower(entry.data[i]);
	*p = (struct place){ mailbox, account, slice_of(lower, entry.len) };
	if (!is_name(p->entry))
		return tx_error(tx, ST_SYNTAX, "no name for an entry");
	if (is_below(p->entry, "/shared/"))
		p->account = 0;
	return ST_OK;
}

/* ---- setting --------------------------------------------------------------------- */

static enum status has_room(struct tx *tx, const struct place *p)
{
	uint64_t count;
	enum status st = sql_number(tx, &count, "SELECT count(*) FROM metadata"
		" WHERE mailbox = ?1 AND account = ?2 AND entry <> ?3",
		SQL_ARGS(sql_i(p->mailbox), sql_i(p->account), sql_t(p->entry)));

	if (!st && count >= STORE_METADATA_MAX)
		st = tx_error(tx, ST_LIMIT, "more than %u entries",
			      STORE_METADATA_MAX);
	return st;
}

enum status store_metadata_set(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       struct slice value)
{
	struct place p;
	enum status st = find_place(tx, account, mailbox, entry, &p);

	if (st)
		return st;
	if (mailbox == 0 && p.account == 0)
		return tx_error(tx, ST_DENIED, "the server's entries are not for users");
	if (value.len > STORE_METADATA_OCTETS)
		return tx_error(tx, ST_LIMIT, "longer than %u octets",
				STORE_METADATA_OCTETS);
	if (!value.data)
		return sql_run(tx, "DELETE FROM metadata WHERE mailbox = ?1"
			" AND account = ?2 AND entry = ?3",
			SQL_ARGS(sql_i(p.mailbox), sql_i(p.account),
				 sql_t(p.entry)));
	st = has_room(tx, &p);
	if (!st)
		st = tx_take_room(tx, p.entry.len + value.len + 64);
	return st ? st : sql_run(tx, "INSERT OR REPLACE INTO metadata (mailbox,"
		" account, entry, value) VALUES (?1, ?2, ?3, ?4)",
		SQL_ARGS(sql_i(p.mailbox), sql_i(p.account), sql_t(p.entry),
			 sql_b(value)));
}

/* ---- getting --------------------------------------------------------------------- */

/* How many components deeper. */
static unsigned depth_below(struct slice entry, size_t top)
{
	unsigned depth = 0;

	for (size_t i = top; i < entry.len; i++)
		depth += entry.data[i] == '/';
	return depth;
}

enum status store_metadata_get(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       unsigned depth, store_metadata_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	struct place p;
	enum status st = find_place(tx, account, mailbox, entry, &p);

	/* a top such as "/private" is no entry, but has some below */
	if (st == ST_SYNTAX && depth > 0)
		st = ST_OK;
	if (st)
		return st;
	if (slice_eq(p.entry, SLICE("/shared")))
		p.account = 0;
	/* '0' is behind '/': what lies below is between the two */
	st = sql_query(tx, &row, "SELECT entry, value FROM metadata"
		" WHERE mailbox = ?1 AND account = ?2 AND (entry = ?3 OR"
		" (entry > ?3 || '/' AND entry < ?3 || '0')) ORDER BY entry",
		SQL_ARGS(sql_i(p.mailbox), sql_i(p.account), sql_t(p.entry)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		struct slice name = sql_column_bytes(row, 0);

		if (depth_below(name, p.entry.len) > depth)
			continue;
		st = fn(arg, name, sql_column_bytes(row, 1));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- with their mailbox ------------------------------------------------------------ */

enum status metadata_copy(struct tx *tx, uint64_t from, uint64_t to)
{
	return sql_run(tx, "INSERT INTO metadata (mailbox, account, entry, value)"
		" SELECT ?2, account, entry, value FROM metadata"
		" WHERE mailbox = ?1", SQL_ARGS(sql_i(from), sql_i(to)));
}

enum status metadata_forget_account(struct tx *tx, uint64_t account)
{
	return sql_run(tx, "DELETE FROM metadata WHERE account = ?1",
		       SQL_ARGS(sql_i(account)));
}
