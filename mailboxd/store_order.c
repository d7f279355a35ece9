/* What SORT and THREAD compare: columns of the messages that a search found. */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "mailboxd/display_key.h"

#define ROWS_A_LOOK 64		/* rows between two looks at the clock */

/* Which texts are read: no more than is asked for, for the wide ones are most of a
 * row. NULL stands for what is not. */
#define ORDER_SQL(subject, addresses, ids, envelope) \
	"SELECT e.uid, e.size, m.internaldate, m.sent, m.is_reply, " subject ", " \
	addresses ", " ids ", " envelope \
	" FROM entry e JOIN message m ON m.id = e.message" \
	" WHERE e.mailbox = ?1 AND e.uid BETWEEN ?2 AND ?3 ORDER BY e.uid"
#define ADDRESSES "m.from_sort, m.to_sort, m.cc_sort"

static const char plain_sql[] =
	ORDER_SQL("m.subject_base", ADDRESSES, "NULL, NULL", "NULL");
static const char thread_sql[] =
	ORDER_SQL("m.subject_base", "NULL, NULL, NULL", "m.message_id, m.refs", "NULL");
static const char display_sql[] =
	ORDER_SQL("m.subject_base", ADDRESSES, "NULL, NULL", "m.envelope");

static enum status display_keys(struct tx *tx, struct slice envelope,
				struct store_order_row *row)
{
	struct buf *out = &tx->scratch;
	size_t from;
	enum status st;

	out->len = 0;
	st = display_key(envelope, ENVELOPE_FROM, out);
	from = out->len;
	if (!st)
		st = display_key(envelope, ENVELOPE_TO, out);
	row->display_from = slice_head(buf_slice(out), from);
	row->display_to = slice_from(buf_slice(out), from);
	return st;
}

static enum status read_row(struct tx *tx, struct sqlite3_stmt *stmt, bool display,
			    struct store_order_row *row)
{
	*row = (struct store_order_row){
		.uid = (uint32_t)sql_column(stmt, 0),
		.size = sql_column(stmt, 1),
		.arrival = sql_column_signed(stmt, 2),
		.is_reply = sql_column(stmt, 4),
		.subject = sql_column_bytes(stmt, 5),
		.from = sql_column_bytes(stmt, 6),
		.to = sql_column_bytes(stmt, 7),
		.cc = sql_column_bytes(stmt, 8),
		.message_id = sql_column_bytes(stmt, 9),
		.refs = sql_column_bytes(stmt, 10),
	};
	/* RFC 5256 section 2.2: without a date, when it came */
	row->sent = sql_column_is_null(stmt, 3) ? row->arrival :
						  sql_column_signed(stmt, 3);
	return display ? display_keys(tx, sql_column_bytes(stmt, 11), row) : ST_OK;
}

static enum status read_rows(struct tx *tx, struct store_order *o, struct range r,
			     int64_t until_ms, store_order_fn *fn, void *arg)
{
	const char *sql = o->what == STORE_ORDER_THREAD ? thread_sql :
			  o->what == STORE_ORDER_DISPLAY ? display_sql : plain_sql;
	struct store_order_row row;
	struct sqlite3_stmt *stmt;
	unsigned rows = 0;
	enum status st;

	if (r.low < o->next_uid)
		r.low = o->next_uid;
	st = sql_query(tx, &stmt, sql, SQL_ARGS(sql_i(o->mailbox), sql_i(r.low),
						sql_i(r.high)));
	if (st)
		return st;
	while (!(st = sql_next(tx, stmt))) {
		st = read_row(tx, stmt, o->what == STORE_ORDER_DISPLAY, &row);
		if (!st)
			st = fn(arg, &row);
		o->next_uid = row.uid + 1;
		if (!st && until_ms && ++rows % ROWS_A_LOOK == 0 &&
		    clock_ms() >= until_ms)
			st = ST_MORE;
		if (st)
			break;
	}
	sql_end(stmt);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* A message whose row cannot be read has no place. */
static enum status read_range(struct tx *tx, struct store_order *o, struct range r,
			      int64_t until_ms, store_order_fn *fn, void *arg)
{
	uint32_t uid;
	enum status st;

	while ((st = read_rows(tx, o, r, until_ms, fn, arg)) == ST_UNAVAILABLE ||
	       st == ST_IO) {
		if (r.low < o->next_uid)
			r.low = o->next_uid;
		st = message_pass_over(tx, o->mailbox, r, &uid);
		if (st)
			return st;
		o->next_uid = uid + 1;
	}
	return st;
}

enum status store_order(struct tx *tx, struct store_order *o, unsigned slice_ms,
			store_order_fn *row, void *arg)
{
	int64_t until_ms = slice_ms ? clock_ms() + slice_ms : 0;
	enum status st = ST_OK;

	for (size_t i = 0; i < o->uids->count && !st; i++)
		if (o->uids->items[i].high >= o->next_uid)
			st = read_range(tx, o, o->uids->items[i], until_ms, row, arg);
	return st;
}
