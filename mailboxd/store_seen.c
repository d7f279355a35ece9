/* What others than its owner have read of a mailbox. */
#include "mailboxd/store_priv.h"

enum status seen_load(struct tx *tx, const struct store_access *a,
		      const struct ranges **seen)
{
	struct sqlite3_stmt *row;
	enum status st;

	*seen = NULL;
	if (store_access_is_owners(a))
		return ST_OK;
	ranges_clear(&tx->seen);
	*seen = &tx->seen;
	st = sql_first(tx, &row, "SELECT uids FROM seen WHERE mailbox = ?1"
		       " AND account = ?2",
		       SQL_ARGS(sql_i(a->mailbox), sql_i(a->account)));
	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	st = ranges_decode(sql_column_bytes(row, 0), &tx->seen);
	sql_end(row);
	return st == ST_SYNTAX ? tx_error(tx, ST_UNAVAILABLE,
					  "a row of seen is damaged") : st;
}

static enum status write_row(struct tx *tx, const struct store_access *a,
			     const struct ranges *seen, uint64_t modseq)
{
	struct buf octets = BUF_INIT(RANGES_MAX * sizeof(struct range));
	enum status st = ranges_encode(seen, &octets);

	if (st)
		st = tx_error(tx, st, "too many ranges of UIDs that were read");
	else
		st = tx_take_room(tx, octets.len);
	if (!st)
		st = sql_run(tx, "INSERT OR REPLACE INTO seen (mailbox, account,"
			" uids, modseq) VALUES (?1, ?2, ?3, ?4)",
			SQL_ARGS(sql_i(a->mailbox), sql_i(a->account),
				 sql_b(buf_slice(&octets)), sql_i(modseq)));
	buf_free(&octets);
	return st;
}

enum status seen_change(struct tx *tx, const struct store_access *a,
			const struct ranges *uids, bool on, uint64_t modseq)
{
	struct ranges now = RANGES_INIT(RANGES_MAX);
	const struct ranges *seen;
	enum status st = seen_load(tx, a, &seen);

	if (!st && on)
		st = ranges_copy(&now, seen);
	else if (!st)
		st = ranges_subtract(seen, uids, &now);
	for (size_t i = 0; on && i < uids->count && !st; i++)
		st = ranges_add(&now, uids->items[i].low, uids->items[i].high);
	if (st == ST_LIMIT || st == ST_NO_MEMORY)
		st = tx_error(tx, st, "too many ranges of UIDs that were read");
	if (!st)
		st = write_row(tx, a, &now, modseq);
	ranges_free(&now);
	return st;
}

/* ---- unseen -------------------------------------------------------------------------- */

enum status store_seen_status(struct tx *tx, const struct store_access *a,
			      struct store_mailbox *m)
{
	const struct ranges *seen;
	struct sqlite3_stmt *row;
	enum status st = seen_load(tx, a, &seen);

	if (st || !seen)
		return st;
	m->recent = 0;
	m->unseen = 0;
	m->attributes = 0;	/* subscribed is the owner's */
	st = sql_query(tx, &row, "SELECT uid FROM entry WHERE mailbox = ?1",
		       SQL_ARGS(sql_i(a->mailbox)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row)))
		m->unseen += !ranges_has(seen, (uint32_t)sql_column(row, 0));
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_seen_opened(struct tx *tx, const struct store_access *a,
			      const struct ranges *uids, struct store_opened *o)
{
	struct ranges unseen = RANGES_INIT(RANGES_MAX);
	const struct ranges *seen;
	enum status st = seen_load(tx, a, &seen);

	if (st || !seen)
		return st;
	st = ranges_subtract(uids, seen, &unseen);
	if (st)
		st = tx_error(tx, st, "too many ranges of UIDs that were read");
	o->mailbox.unseen = (uint32_t)ranges_size(&unseen);
	o->first_unseen = unseen.count ? unseen.items[0].low : 0;
	o->recent_lo = o->recent_hi = 0;
	ranges_free(&unseen);
	return st;
}
