/* Who did what, written in the transaction of the change; and which deliveries
 * were said not to have happened (XDONE). */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/id.h"

#include <stdlib.h>

#define UIDS_OCTETS 4000
#define BARRED 4096	/* mids that are remembered, the oldest go first */

struct store_barred {
	pthread_mutex_t lock;
	char mids[BARRED][ID_OCTETS];
	size_t count, next;
};

/* ---- rows ------------------------------------------------------------------------ */

enum status journal_uids(const struct ranges *uids, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < uids->count && !st; i++) {
		struct range r = uids->items[i];

		if (out->len > UIDS_OCTETS)
			return buf_append(out, SLICE(",..."));
		if (i)
			st = buf_append_char(out, ',');
		if (!st)
			st = buf_append_u64(out, r.low);
		if (!st && r.high != r.low) {
			st = buf_append_char(out, ':');
			if (!st)
				st = buf_append_u64(out, r.high);
		}
	}
	return st;
}

void journal_target(uint64_t mailbox, const struct ranges *uids,
		    struct buf *detail)
{
	buf_append_fmt(detail, "to=%llu uids=", (unsigned long long)mailbox);
	journal_uids(uids, detail);
}

static uint64_t sid_hash(struct slice sid)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	/* sids are made by ourselves: a collision costs a row of `session` */
	for (size_t i = 0; i < sid.len; i++)
		hash = (hash ^ (unsigned char)sid.data[i]) * UINT64_C(1099511628211);
	return hash ? hash : 1;
}

/* Who stands behind the sid, once; what was written and not undone is remembered. */
static enum status note_session(struct tx *tx)
{
	const struct store_actor *a = &tx->actor;
	uint64_t hash, *seen;
	enum status st;

	if (a->sid.len == 0 || a->service.len == 0)
		return ST_OK;
	hash = sid_hash(a->sid);
	seen = &tx->sids[hash % TX_SIDS];
	if (*seen == hash)
		return ST_OK;
	st = sql_run(tx, "INSERT OR IGNORE INTO session (sid, at, service,"
		" client) VALUES (?1, ?2, ?3, ?4)",
		SQL_ARGS(sql_t(a->sid), sql_i((uint64_t)clock_wall_ms()),
			 sql_t(a->service), sql_t(a->client)));
	if (!st)
		*seen = hash;
	return st;
}

static enum status insert_row(struct tx *tx, const struct store_journal_row *r)
{
	enum status st = note_session(tx);

	return st ? st : sql_run(tx, "INSERT INTO journal (id, at, mid, sid, account,"
		" mailbox, uids, verb, detail)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		SQL_ARGS(sql_i(tx->store->journal_next++),
			 sql_i((uint64_t)clock_wall_ms()),
			 sql_t_or_null(r->mid), sql_t_or_null(r->sid),
			 r->account ? sql_i(r->account) : sql_null(),
			 r->mailbox ? sql_i(r->mailbox) : sql_null(),
			 sql_t_or_null(r->uids), sql_t(r->verb),
			 sql_t_or_null(r->detail)));
}

enum status journal_add(struct tx *tx, const char *verb, uint64_t mailbox,
			struct slice mid, const struct ranges *uids,
			struct slice detail)
{
	char text[UIDS_OCTETS + 64];
	struct buf b = { .data = text, .cap = sizeof text, .max = sizeof text };
	struct store_journal_row row = { .mid = mid, .sid = tx->actor.sid,
					 .account = tx->actor.account,
					 .mailbox = mailbox, .detail = detail,
					 .verb = slice_str(verb) };

	if (uids)
		journal_uids(uids, &b);
	row.uids = buf_slice(&b);
	return insert_row(tx, &row);
}

enum status store_journal_add(struct tx *tx, const struct store_journal_row *r)
{
	struct store_journal_row row = *r;

	if (!row.account)
		row.account = tx->actor.account;
	if (row.sid.len == 0)
		row.sid = tx->actor.sid;
	return insert_row(tx, &row);
}

/* ---- reading ----------------------------------------------------------------------- */

static enum status read_row(struct tx *tx, struct sqlite3_stmt *row,
			    struct store_journal_row *r)
{
	enum status st;

	r->id = sql_column(row, 0);
	r->at_ms = sql_column_signed(row, 1);
	st = sql_column_copy(tx, row, 2, &r->mid);
	if (!st)
		st = sql_column_copy(tx, row, 3, &r->sid);
	r->account = sql_column(row, 4);
	r->mailbox = sql_column(row, 5);
	if (!st)
		st = sql_column_copy(tx, row, 6, &r->uids);
	if (!st)
		st = sql_column_copy(tx, row, 7, &r->verb);
	return st ? st : sql_column_copy(tx, row, 8, &r->detail);
}

#define COLUMNS "SELECT id, at, mid, sid, account, mailbox, uids, verb, detail" \
	" FROM journal "

enum status store_journal_last(struct tx *tx, uint64_t *id)
{
	return sql_number(tx, id, "SELECT max(ifnull((SELECT max(id) FROM"
		" journal), 0), ifnull((SELECT max(id) FROM refusal), 0))",
		SQL_ARGS());
}

enum status journal_row(struct tx *tx, uint64_t id, struct store_journal_row *r)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, COLUMNS "WHERE id = ?1",
				   SQL_ARGS(sql_i(id)));

	if (st)
		return st;
	st = read_row(tx, row, r);
	sql_end(row);
	return st;
}

enum status store_journal_list(struct tx *tx,
			       const struct store_journal_query *q,
			       store_journal_fn *fn, void *arg)
{
	const struct sql_value limit = sql_i(q->limit ? q->limit : 1000);
	const struct sql_value until = sql_i(q->until ? q->until : INT64_MAX);
	struct store_journal_row r;
	struct sqlite3_stmt *row;
	enum status st;

	if (q->mid.len)
		st = sql_query(tx, &row, COLUMNS "WHERE mid = ?1 AND id > ?2"
			" AND (?3 = 0 OR account = ?3) AND id <= ?5"
			" ORDER BY id LIMIT ?4",
			SQL_ARGS(sql_t(q->mid), sql_i(q->after),
				 sql_i(q->account), limit, until));
	else
		st = sql_query(tx, &row, COLUMNS "WHERE id > ?1"
			" AND (?2 = 0 OR account = ?2) AND id <= ?4"
			" ORDER BY id LIMIT ?3",
			SQL_ARGS(sql_i(q->after), sql_i(q->account), limit,
				 until));
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

enum status store_journal_mids(struct tx *tx, struct slice message_id,
			       enum status (*fn)(void *arg, struct slice mid),
			       void *arg)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT mid FROM message"
		" WHERE message_id = ?1 AND mid IS NOT NULL ORDER BY id DESC",
		SQL_ARGS(sql_t(message_id)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = fn(arg, sql_column_bytes(row, 0));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_session_find(struct tx *tx, struct slice sid,
			       struct slice *service, struct slice *client)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT service, client FROM session"
		" WHERE sid = ?1", SQL_ARGS(sql_t(sid)));

	if (st)
		return st;
	st = sql_column_copy(tx, row, 0, service);
	if (!st)
		st = sql_column_copy(tx, row, 1, client);
	sql_end(row);
	return st;
}

/* ---- pruning ----------------------------------------------------------------------- */

#define PRUNED_MAX 500	/* rows of a kind in one call */

static enum status pruned(struct tx *tx, enum status st, bool *more)
{
	if (!st && sql_changes(tx) == PRUNED_MAX)
		*more = true;
	return st;
}

/* Older than before, in ms. Sessions may be older than the rows that name them. */
static enum status prune_old(struct tx *tx, int64_t before, int64_t sessions,
			     bool *more)
{
	const struct sql_value last = sql_i(tx->store->journal_next - 1);
	enum status st = sql_run(tx, "DELETE FROM journal WHERE id IN (SELECT id"
		" FROM journal WHERE id < ?3 ORDER BY id LIMIT ?2) AND at < ?1",
		SQL_ARGS(sql_i((uint64_t)before), sql_i(PRUNED_MAX), last));

	st = pruned(tx, st, more);
	if (!st)
		st = sql_run(tx, "DELETE FROM refusal WHERE id IN (SELECT id"
			" FROM refusal WHERE id < ?3 ORDER BY id LIMIT ?2)"
			" AND at < ?1", SQL_ARGS(sql_i((uint64_t)before),
						 sql_i(PRUNED_MAX), last));
	if (!st)
		tx->store->refusals -= sql_changes(tx);
	st = pruned(tx, st, more);
	if (!st)
		st = sql_run(tx, "DELETE FROM session WHERE sid IN (SELECT sid"
			" FROM session ORDER BY sid LIMIT ?2) AND at < ?1",
			SQL_ARGS(sql_i((uint64_t)sessions), sql_i(PRUNED_MAX)));
	return pruned(tx, st, more);
}

/* The row of the last id is kept, for ids must not come back. */
enum status journal_prune(struct tx *tx, int64_t now, bool *more)
{
	int64_t keep = tx->store->options.keep_journal;

	return keep <= 0 ? ST_OK : prune_old(tx, (now - keep) * 1000,
					     (now - 2 * keep) * 1000, more);
}

/* ---- "read" ---------------------------------------------------------------------------- */

static enum status sent_range(struct tx *tx, uint64_t mailbox, struct range r,
			      struct ranges *first)
{
	const uint64_t account = tx->actor.account;
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT e.uid FROM entry e"
		" WHERE e.mailbox = ?1 AND e.uid BETWEEN ?2 AND ?3"
		" AND NOT EXISTS (SELECT 1 FROM first_read f"
		" WHERE f.message = e.message AND f.account = ?4) ORDER BY uid",
		SQL_ARGS(sql_i(mailbox), sql_i(r.low), sql_i(r.high),
			 sql_i(account)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		uint32_t uid = (uint32_t)sql_column(row, 0);

		st = ranges_add(first, uid, uid);
		if (st)
			break;
	}
	sql_end(row);
	if (st != ST_NOT_FOUND)
		return st;
	return sql_run(tx, "INSERT OR IGNORE INTO first_read (message, account,"
		" at) SELECT message, ?4, ?5 FROM entry WHERE mailbox = ?1"
		" AND uid BETWEEN ?2 AND ?3",
		SQL_ARGS(sql_i(mailbox), sql_i(r.low), sql_i(r.high),
			 sql_i(account), sql_i((uint64_t)store_now())));
}

enum status store_sent(struct tx *tx, uint64_t mailbox,
		       const struct ranges *uids)
{
	struct ranges first = RANGES_INIT(RANGES_MAX);
	enum status st = ST_OK;

	for (size_t i = 0; i < uids->count && !st; i++)
		st = sent_range(tx, mailbox, uids->items[i], &first);
	if (!st && first.count)
		st = journal_add(tx, "read", mailbox, SLICE_EMPTY, &first,
				 SLICE_EMPTY);
	ranges_free(&first);
	return st;
}

/* ---- XDONE ------------------------------------------------------------------------------ */


enum status journal_barred_new(struct store *store)
{
	store->barred = calloc(1, sizeof *store->barred);
	if (!store->barred)
		return ST_NO_MEMORY;
	pthread_mutex_init(&store->barred->lock, NULL);
	return ST_OK;
}

void journal_barred_free(struct store *store)
{
	if (!store->barred)
		return;
	pthread_mutex_destroy(&store->barred->lock);
	free(store->barred);
}

bool journal_is_barred(struct store *store, struct slice mid)
{
	struct store_barred *b = store->barred;
	bool found = false;

	if (mid.len != ID_OCTETS)
		return false;
	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->count && !found; i++)
		found = memcmp(b->mids[i], mid.data, ID_OCTETS) == 0;
	pthread_mutex_unlock(&b->lock);
	return found;
}

static void bar(struct store *store, struct slice mid)
{
	struct store_barred *b = store->barred;

	if (mid.len != ID_OCTETS || journal_is_barred(store, mid))
		return;
	pthread_mutex_lock(&b->lock);
	memcpy(b->mids[b->next], mid.data, ID_OCTETS);
	b->next = (b->next + 1) % BARRED;
	if (b->count < BARRED)
		b->count++;
	pthread_mutex_unlock(&b->lock);
}

enum status store_mid_done(struct tx *tx, struct slice mid)
{
	uint64_t id;
	enum status st = sql_number(tx, &id, "SELECT id FROM journal"
		" WHERE mid = ?1 AND verb = 'deliver' LIMIT 1",
		SQL_ARGS(sql_t(mid)));

	if (st == ST_NOT_FOUND)
		bar(tx->store, mid);
	return st;
}
