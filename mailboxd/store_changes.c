/* What happened in a mailbox since a modseq (decisions.md, doc/store.md). */
#include "mailboxd/store_priv.h"

static enum status in_gap(struct tx *tx, uint64_t mailbox, uint64_t stored,
			  uint64_t since, bool *yes)
{
	uint64_t count;
	enum status st;

	/* nothing changed yet in this epoch: the gap is still open */
	*yes = since > stored && since < tx->store->epoch << 32;
	if (*yes)
		return ST_OK;
	st = sql_number(tx, &count, "SELECT count(*) FROM modseq_gap"
			" WHERE mailbox = ?1 AND low < ?2 AND ?2 < high",
			SQL_ARGS(sql_i(mailbox), sql_i(since)));
	*yes = count > 0;
	return st;
}

/* All UIDs below uidnext that are not there. */
static enum status add_absent(struct tx *tx, struct store_changes *c)
{
	struct sqlite3_stmt *row;
	uint32_t next = 1;
	enum status st = sql_query(tx, &row, "SELECT uid FROM entry"
				   " WHERE mailbox = ?1 ORDER BY uid",
				   SQL_ARGS(sql_i(c->mailbox)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		uint32_t uid = (uint32_t)sql_column(row, 0);

		if (uid > next)
			st = ranges_add(c->vanished, next, uid - 1);
		next = uid + 1;
		if (st)
			break;
	}
	sql_end(row);
	if (st != ST_NOT_FOUND)
		return st;
	return next < c->uidnext ?
		ranges_add(c->vanished, next, c->uidnext - 1) : ST_OK;
}

static enum status add_vanished(struct tx *tx, struct store_changes *c)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT uid_lo, uid_hi"
		" FROM vanished WHERE mailbox = ?1 AND modseq > ?2"
		" ORDER BY uid_lo",
		SQL_ARGS(sql_i(c->mailbox), sql_i(c->since)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = ranges_add(c->vanished, (uint32_t)sql_column(row, 0),
				(uint32_t)sql_column(row, 1));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* The first call: counters, and what vanished. */
static enum status begin(struct tx *tx, struct store_changes *c)
{
	const struct mailbox_state *m;
	struct hot *hot;
	uint64_t pruned;
	bool gap;
	enum status st = hot_get(tx, HOT_MAILBOX, c->mailbox, &hot);

	ranges_clear(c->vanished);
	if (st)
		return st;
	m = &hot->now.mailbox;
	c->highestmodseq = mailbox_told_modseq(tx->store, m->highestmodseq);
	c->uidnext = m->uidnext;
	c->messages = m->messages;
	c->next_uid = 1;
	if (c->since >= c->highestmodseq) {
		c->next_uid = UINT32_MAX;
		return ST_OK;
	}
	st = in_gap(tx, c->mailbox, m->highestmodseq, c->since, &gap);
	if (!st)
		st = sql_number(tx, &pruned, "SELECT vanished_floor FROM mailbox"
				" WHERE id = ?1", SQL_ARGS(sql_i(c->mailbox)));
	if (st)
		return st;
	st = gap || c->since < pruned ? add_absent(tx, c) : add_vanished(tx, c);
	if (gap)
		c->since = 0;
	return st;
}

enum status store_changes(struct tx *tx, struct store_changes *c,
			  size_t octets, struct buf *rows)
{
	struct sqlite3_stmt *row;
	enum status st = c->next_uid == 0 ? begin(tx, c) : ST_OK;

	if (st || c->next_uid == UINT32_MAX)
		return st;
	st = sql_query(tx, &row, "SELECT uid, flags, modseq FROM entry"
		" WHERE mailbox = ?1 AND uid >= ?2 AND modseq > ?3 ORDER BY uid",
		SQL_ARGS(sql_i(c->mailbox), sql_i(c->next_uid),
			 sql_i(c->since)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		struct fetch_row r = { .uid = (uint32_t)sql_column(row, 0),
				       .flags = sql_column(row, 1),
				       .modseq = sql_column(row, 2) };

		if (rows->len + 20 > octets) {
			c->next_uid = r.uid;
			st = ST_MORE;
			break;
		}
		st = fetch_row_encode(rows, FETCH_FLAGS | FETCH_MODSEQ, &r);
		if (st)
			break;
	}
	sql_end(row);
	if (st != ST_NOT_FOUND)
		return st;
	c->next_uid = UINT32_MAX;
	return ST_OK;
}
