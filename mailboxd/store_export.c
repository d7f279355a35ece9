/* Messages out with all that belongs to them: export, and what is restored. */
#include "mailboxd/store_priv.h"

static enum status fill(struct tx *tx, const struct store_export *e,
			struct sqlite3_stmt *row, struct store_exported *m)
{
	uint64_t recipient = sql_column(row, 4), stored = sql_column(row, 9);
	enum status st;

	m->uid = (uint32_t)sql_column(row, 0);
	m->flags = flags_system(sql_column(row, 1));
	m->message = sql_column(row, 2);
	m->saved = sql_column_signed(row, 3);
	m->internaldate = sql_column_signed(row, 7);
	m->zone = (int32_t)sql_column_signed(row, 8);
	/* size counts the prefix */
	m->octets = e->is_stored ? stored : sql_column(row, 10);
	m->recipient = SLICE_EMPTY;
	st = sql_column_copy(tx, row, 5, &m->uidl);
	if (!st)
		st = sql_column_copy(tx, row, 6, &m->mid);
	if (!st)
		st = sql_column_copy(tx, row, 11, &m->keywords);
	if (!st && e->is_stored) {
		struct slice text;

		st = recipient_text(tx, recipient, &text);
		if (!st)
			st = tx_copy(tx, text, &m->recipient);
	}
	return st;
}

enum status store_export_next(struct tx *tx, struct store_export *e,
			      struct store_exported *m)
{
	struct sqlite3_stmt *row;
	enum status st;

	store_export_end(tx->store, e);
	st = sql_first(tx, &row, "SELECT e.uid, e.flags, e.message, e.saved,"
		" e.recipient, e.uidl, m.mid, m.internaldate, m.zone, m.size, e.size,"
		" k.names FROM entry e JOIN message m ON m.id = e.message"
		" LEFT JOIN keyword_set k ON k.mailbox = e.mailbox"
		" AND k.id = e.flags >> 32 WHERE e.mailbox = ?1 AND e.uid > ?2"
		" ORDER BY e.uid LIMIT 1",
		SQL_ARGS(sql_i(e->mailbox), sql_i(e->uid)));
	if (st)
		return st;
	st = fill(tx, e, row, m);
	sql_end(row);
	if (!st)
		st = store_pin(tx->store, m->message);
	if (st)
		return st;
	e->uid = m->uid;
	e->message = m->message;
	e->offset = 0;
	e->end = m->octets;
	return ST_OK;
}

enum status store_export_read(struct tx *tx, struct store_export *e,
			      size_t octets, struct buf *out)
{
	size_t before = out->len;
	enum status st;

	if (octets > e->end - e->offset)
		octets = (size_t)(e->end - e->offset);
	if (octets == 0)
		return ST_OK;
	st = e->is_stored ? body_read(tx, e->message, e->offset, octets, out)
			  : store_read(tx, e->mailbox, e->uid, e->offset, octets, out);
	if (!st && out->len - before != octets)
		st = tx_error(tx, ST_NOT_FOUND, "a body is short");
	if (!st)
		e->offset += octets;
	return st;
}

void store_export_end(struct store *store, struct store_export *e)
{
	if (e->message)
		store_unpin(store, e->message);
	e->message = 0;
}
