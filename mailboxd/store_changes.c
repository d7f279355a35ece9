/*
 * What happened in a mailbox since a modseq (doc/store.md). An array is asked
 * first and SQL after it, from a snapshot that is then at least as new; what it
 * has beyond the modseq that was told is left out, and told the next time.
 */
#include "mailboxd/store_priv.h"

#define FLAG_ROWS (FETCH_FLAGS | FETCH_MODSEQ)
#define ROW_OCTETS 20
/* Messages looked at under the lock of the arrays. */
#define LOOK_MOST 65536

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

/* ---- what vanished ----------------------------------------------------------------- */

static enum status add_gap(struct store_changes *c, uint32_t *next, uint32_t uid)
{
	enum status st = uid > *next ? ranges_add(c->vanished, *next, uid - 1) :
				       ST_OK;

	*next = uid + 1;
	return st;
}

struct absent_look {
	struct store_changes *changes;
	uint32_t next;
	bool is_over;
};

static enum status look_absent(const struct array *a,
			       const struct mailbox_state *m, void *arg)
{
	struct absent_look *l = arg;
	size_t i = array_find(a, l->next);
	size_t end = a->count - i > LOOK_MOST ? i + LOOK_MOST : a->count;
	enum status st = ST_OK;

	for (; i < end && a->uids[i] < l->changes->uidnext && !st; i++)
		st = add_gap(l->changes, &l->next, a->uids[i]);
	l->is_over = i == a->count || a->uids[i] >= l->changes->uidnext;
	return st;
}

/* All UIDs below uidnext that are not there. ST_NOT_FOUND: the array went. */
static enum status add_absent_array(struct tx *tx, struct store_changes *c)
{
	struct absent_look l = { .changes = c, .next = 1 };
	enum status st = ST_OK;

	while (!st && !l.is_over)
		st = arrays_look(tx->store->arrays, c->mailbox, look_absent, &l);
	return st ? st : add_gap(c, &l.next, c->uidnext);
}

static enum status add_absent(struct tx *tx, struct store_changes *c)
{
	struct sqlite3_stmt *row;
	uint32_t next = 1;
	enum status st = sql_query(tx, &row, "SELECT uid FROM entry"
				   " WHERE mailbox = ?1 AND uid < ?2 ORDER BY uid",
				   SQL_ARGS(sql_i(c->mailbox),
					    sql_i(c->uidnext)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = add_gap(c, &next, (uint32_t)sql_column(row, 0));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? add_gap(c, &next, c->uidnext) : lists_read(tx, st);
}

static enum status add_vanished(struct tx *tx, struct store_changes *c)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT uid_lo, uid_hi"
		" FROM vanished WHERE mailbox = ?1 AND modseq > ?2"
		" AND modseq <= ?3 ORDER BY uid_lo",
		SQL_ARGS(sql_i(c->mailbox), sql_i(c->since),
			 sql_i(c->highestmodseq)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = ranges_add(c->vanished, (uint32_t)sql_column(row, 0),
				(uint32_t)sql_column(row, 1));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : lists_read(tx, st);
}

/* stored: the mailbox's highest modseq as its row has it. */
static enum status vanished(struct tx *tx, struct store_changes *c,
			    uint64_t stored, bool has_array)
{
	uint64_t pruned;
	bool gap;
	enum status st = in_gap(tx, c->mailbox, stored, c->since, &gap);

	if (!st)
		st = sql_number(tx, &pruned, "SELECT vanished_floor FROM mailbox"
				" WHERE id = ?1", SQL_ARGS(sql_i(c->mailbox)));
	if (st)
		return st;
	if (gap || c->since < pruned) {
		st = has_array ? add_absent_array(tx, c) : ST_NOT_FOUND;
		if (st == ST_NOT_FOUND) {
			ranges_clear(c->vanished);
			st = add_absent(tx, c);
		}
	} else {
		st = add_vanished(tx, c);
	}
	if (gap)
		c->since = 0;
	return st;
}

/* ---- the first call ------------------------------------------------------------------- */

struct state_look {
	struct mailbox_state state;
	uint64_t removed;
};

static enum status look_state(const struct array *a,
			      const struct mailbox_state *m, void *arg)
{
	struct state_look *l = arg;

	l->state = *m;
	l->removed = a->removed;
	return ST_OK;
}

/* The state of a mailbox as its array has it. ST_NOT_FOUND: there is none. */
static enum status array_state(struct tx *tx, uint64_t mailbox,
			       struct state_look *l)
{
	enum status st = tx->mode == TX_READ ? arrays_want(tx, mailbox) :
					       ST_NOT_FOUND;

	if (!st)
		st = arrays_look(tx->store->arrays, mailbox, look_state, l);
	return st == ST_LIMIT ? ST_NOT_FOUND : st;
}

static enum status row_state(struct tx *tx, uint64_t mailbox,
			     struct mailbox_state *m)
{
	struct hot *hot;
	enum status st = hot_get(tx, HOT_MAILBOX, mailbox, &hot);

	if (!st)
		*m = hot->now.mailbox;
	return st;
}

enum status store_since(struct tx *tx, uint64_t mailbox, uint64_t *since)
{
	struct state_look l;
	bool gap = false;
	enum status st = array_state(tx, mailbox, &l);

	if (st == ST_NOT_FOUND)
		st = row_state(tx, mailbox, &l.state);
	if (!st)
		st = in_gap(tx, mailbox, l.state.highestmodseq, *since, &gap);
	if (gap)
		*since = 0;
	return st;
}

/* Counters, and what vanished. */
enum status store_vanished(struct tx *tx, struct store_changes *c)
{
	struct state_look l;
	enum status st = array_state(tx, c->mailbox, &l);
	bool has_array = st == ST_OK;

	ranges_clear(c->vanished);
	if (st == ST_NOT_FOUND)
		st = row_state(tx, c->mailbox, &l.state);
	if (st)
		return st;
	c->highestmodseq = mailbox_told_modseq(tx->store, l.state.highestmodseq);
	c->uidnext = l.state.uidnext;
	c->messages = l.state.messages;
	c->next_uid = 1;
	if (c->since >= c->highestmodseq) {
		c->next_uid = UINT32_MAX;
		return ST_OK;
	}
	/* nothing went since, nor was anything lost */
	if (has_array && c->since >= l.removed &&
	    c->since >= tx->store->epoch << 32)
		return ST_OK;
	if (has_array)
		st = tx_refresh(tx);
	return st ? st : vanished(tx, c, l.state.highestmodseq, has_array);
}

enum status store_mailbox_modseq(struct tx *tx, uint64_t id, uint64_t *modseq)
{
	struct state_look l;
	enum status st = array_state(tx, id, &l);

	if (st == ST_NOT_FOUND)
		st = row_state(tx, id, &l.state);
	*modseq = st ? 0 : mailbox_told_modseq(tx->store, l.state.highestmodseq);
	return st;
}

/* ---- rows ----------------------------------------------------------------------------- */

struct rows_look {
	struct store_changes *changes;
	size_t octets;
	struct buf *rows;
};

static enum status look_rows(const struct array *a,
			     const struct mailbox_state *m, void *arg)
{
	struct rows_look *l = arg;
	const struct array_slice slice = { l->changes->next_uid, STORE_UID_MAX,
					   l->changes->since };
	uint32_t next;
	enum status st = array_rows(a, &slice, FLAG_ROWS, l->octets, l->rows,
				    &next);

	if (st == ST_OK || st == ST_MORE)
		l->changes->next_uid = next;
	return st;
}

static enum status read_rows(struct tx *tx, struct store_changes *c,
			     size_t octets, struct buf *rows)
{
	const struct ranges *seen;
	struct sqlite3_stmt *row;
	enum status st = seen_load(tx, c->as, &seen);

	if (!st)
		st = sql_query(tx, &row, "SELECT uid, flags, modseq FROM entry"
			" WHERE mailbox = ?1 AND uid >= ?2 AND modseq > ?3"
			" ORDER BY uid",
			SQL_ARGS(sql_i(c->mailbox), sql_i(c->next_uid),
				 sql_i(c->since)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		struct fetch_row r = { .uid = (uint32_t)sql_column(row, 0),
				       .modseq = sql_column(row, 2) };

		r.flags = seen_flags(seen, sql_column(row, 1), r.uid);
		if (rows->len + ROW_OCTETS > octets) {
			c->next_uid = r.uid;
			st = ST_MORE;
			break;
		}
		st = fetch_row_encode(rows, FLAG_ROWS, &r);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : lists_read(tx, st);
}

enum status store_changes(struct tx *tx, struct store_changes *c,
			  size_t octets, struct buf *rows)
{
	struct rows_look l = { c, octets, rows };
	enum status st = c->next_uid == 0 ? store_vanished(tx, c) : ST_OK;

	if (st || c->next_uid == UINT32_MAX)
		return st;
	st = ST_NOT_FOUND;
	if (tx->mode == TX_READ && store_access_is_owners(c->as))
		/* a look goes on where the one before had seen enough */
		do {
			st = arrays_look(tx->store->arrays, c->mailbox,
					 look_rows, &l);
		} while (st == ST_MORE && rows->len + ROW_OCTETS <= octets);
	if (st == ST_NOT_FOUND)
		st = read_rows(tx, c, octets, rows);
	if (!st)
		c->next_uid = UINT32_MAX;
	return st;
}
