/* Arrays made from SQL: one scan of a mailbox. */
#include "mailboxd/store_priv.h"

/* Room for what comes next, beside what is there. */
#define SLACK(messages) ((messages) / 16 + 16)

static enum status scan_entries(struct tx *tx, uint64_t mailbox,
				struct array *a)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT uid, flags, modseq, message"
				   " FROM entry WHERE mailbox = ?1 ORDER BY uid",
				   SQL_ARGS(sql_i(mailbox)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = array_append(a, (uint32_t)sql_column(row, 0),
				  sql_column(row, 1), sql_column(row, 2),
				  sql_column(row, 3));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : lists_read(tx, st);
}

static enum status add_set(void *arg, uint32_t set, struct slice names)
{
	return array_add_set(arg, set, names);
}

static enum status make(struct tx *tx, uint64_t mailbox, struct array *a,
			struct mailbox_state *m)
{
	struct hot *hot;
	enum status st = tx_refresh(tx);

	if (!st)
		st = hot_get(tx, HOT_MAILBOX, mailbox, &hot);
	if (st)
		return st;
	*m = hot->now.mailbox;
	if (!arrays_fits(tx->store->arrays, m->messages))
		return ST_LIMIT;
	st = array_reserve(a, m->messages + SLACK(m->messages));
	a->removed = m->highestmodseq;
	if (!st)
		st = scan_entries(tx, mailbox, a);
	return st ? st : keyword_sets_read(tx, mailbox, 0, add_set, a);
}

enum status arrays_want(struct tx *tx, uint64_t mailbox)
{
	struct arrays *all = tx->store->arrays;
	struct mailbox_state state;
	struct array a = { 0 };
	uint64_t ticket;
	enum status st = arrays_begin_load(all, mailbox, &ticket);

	if (st)
		return st == ST_EXISTS ? ST_OK : st;
	st = make(tx, mailbox, &a, &state);
	if (st == ST_OK)
		return arrays_end_load(all, mailbox, ticket, &a, &state);
	array_clear(&a);
	arrays_end_load(all, mailbox, ticket, NULL, NULL);
	return st == ST_NOT_FOUND ? st : ST_LIMIT;
}
