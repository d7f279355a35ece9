/* What nobody needs any longer goes in small batches, and a check that the rest
 * is sound. */
#include "mailboxd/store_priv.h"

#include <assert.h>

#define BATCH 200		/* rows of a kind in one call */
#define BATCH_TIGHT 20		/* where the WAL has little room */
#define PAGES_BACK 128		/* free pages given back to the disk in one call */
#define VANISHED_KEPT 20000	/* tombstones a mailbox keeps */

/* ---- pruning ---------------------------------------------------------------------- */

static size_t batch_of(const struct tx *tx)
{
	return store_is_tight(tx->store) ? BATCH_TIGHT : BATCH;
}

/* References to messages that were expunged long enough ago. */
static enum status prune_expunged(struct tx *tx, int64_t now, bool *more)
{
	struct store *s = tx->store;
	int64_t keep = store_has_space(s) ? s->options.keep_expunged : 0;
	uint64_t mailbox, message;
	struct sqlite3_stmt *row;
	uint32_t uid;
	enum status st = ST_OK;

	for (size_t i = 0; i < batch_of(tx); i++) {
		st = sql_first(tx, &row, "SELECT mailbox, uid, message"
			" FROM expunged WHERE at <= ?1 ORDER BY at LIMIT 1",
			SQL_ARGS(sql_i((uint64_t)(now - keep))));
		if (st)
			return st == ST_NOT_FOUND ? ST_OK : st;
		mailbox = sql_column(row, 0);
		uid = (uint32_t)sql_column(row, 1);
		message = sql_column(row, 2);
		sql_end(row);
		st = sql_run(tx, "DELETE FROM expunged WHERE mailbox = ?1"
			     " AND uid = ?2",
			     SQL_ARGS(sql_i(mailbox), sql_i(uid)));
		if (!st)
			st = message_reference(tx, message, -1);
		if (st)
			return st;
	}
	*more = true;
	return ST_OK;
}

static enum status delete_message(struct tx *tx, uint64_t message)
{
	static const char *const statements[] = {
		"DELETE FROM message WHERE id = ?1",
		"DELETE FROM first_read WHERE message = ?1",
		"DELETE FROM garbage WHERE message = ?1",
	};
	enum status st = body_delete(tx, message);

	for (size_t i = 0; i < sizeof statements / sizeof *statements && !st; i++)
		st = sql_run(tx, statements[i], SQL_ARGS(sql_i(message)));
	return st;
}

/* Bodies nobody refers to, but for those being streamed. */
static enum status prune_garbage(struct tx *tx, bool *more)
{
	uint64_t message = 0;
	enum status st = ST_OK;

	for (size_t i = 0; i < batch_of(tx) && !st; i++) {
		st = sql_number(tx, &message, "SELECT message FROM garbage"
				" WHERE message > ?1 ORDER BY message LIMIT 1",
				SQL_ARGS(sql_i(message)));
		if (st)
			return st == ST_NOT_FOUND ? ST_OK : st;
		if (!store_is_pinned(tx->store, message))
			st = delete_message(tx, message);
	}
	*more = true;
	return st;
}

/* The oldest tombstones of a mailbox that has too many; its floor rises. */
static enum status prune_vanished(struct tx *tx)
{
	struct sqlite3_stmt *row;
	uint64_t mailbox, newest;
	enum status st = sql_first(tx, &row, "SELECT mailbox, count(*)"
		" FROM vanished GROUP BY mailbox HAVING count(*) > ?1 LIMIT 1",
		SQL_ARGS(sql_i(VANISHED_KEPT)));

	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	mailbox = sql_column(row, 0);
	sql_end(row);
	st = sql_number(tx, &newest, "SELECT modseq FROM vanished"
			" WHERE mailbox = ?1 ORDER BY modseq LIMIT 1 OFFSET ?2",
			SQL_ARGS(sql_i(mailbox), sql_i(VANISHED_KEPT / 2)));
	if (!st)
		st = sql_run(tx, "DELETE FROM vanished WHERE mailbox = ?1"
			     " AND modseq <= ?2",
			     SQL_ARGS(sql_i(mailbox), sql_i(newest)));
	return st ? st : sql_run(tx, "UPDATE mailbox SET vanished_floor = ?2"
				 " WHERE id = ?1",
				 SQL_ARGS(sql_i(mailbox), sql_i(newest)));
}

static enum status count_pages(struct tx *tx)
{
	uint64_t pages, free_pages;
	enum status st = sql_number(tx, &pages, "PRAGMA page_count", SQL_ARGS());

	if (!st)
		st = sql_number(tx, &free_pages, "PRAGMA freelist_count",
				SQL_ARGS());
	if (st)
		return st;
	atomic_store(&tx->store->pages, pages);
	atomic_store(&tx->store->free_pages, free_pages);
	return ST_OK;
}

/* *more: pages went back, and there may be others. */
static enum status vacuum(struct tx *tx, bool *more)
{
	uint64_t before = atomic_load(&tx->store->free_pages);
	char sql[64];
	enum status st;

	snprintf(sql, sizeof sql, "PRAGMA incremental_vacuum(%d)", PAGES_BACK);
	st = sql_exec(tx, sql);
	if (!st)
		st = count_pages(tx);
	if (!st && atomic_load(&tx->store->free_pages) < before)
		*more = true;
	return st;
}

enum status store_prune(struct tx *tx, int64_t now, bool *more)
{
	enum status st;

	*more = false;
	st = prune_expunged(tx, now, more);
	if (!st)
		st = prune_garbage(tx, more);
	if (!st && !*more)
		st = journal_prune(tx, now, more);
	if (!st && !*more)
		st = prune_vanished(tx);
	if (!st)
		st = count_pages(tx);
	/* pages go back to the disk only where it needs them */
	if (!st && store_is_tight(tx->store) &&
	    atomic_load(&tx->store->free_pages) > 0)
		st = vacuum(tx, more);
	return st;
}

/* VACUUM has a transaction of its own: ours ends before it and begins anew. */
static enum status vacuum_into(struct tx *tx, const char *path)
{
	enum status st = sql_run(tx, "COMMIT", SQL_ARGS()), begun;

	if (!st)
		st = sql_exec(tx, "PRAGMA query_only = OFF");
	if (!st)
		st = sql_run(tx, "VACUUM INTO ?1",
			     SQL_ARGS(sql_t(slice_str(path))));
	sql_exec(tx, "PRAGMA query_only = ON");
	begun = sql_run(tx, "BEGIN", SQL_ARGS());
	return st ? st : begun;
}

enum status store_backup(struct tx *tx, const char *name)
{
	struct store *s = tx->store;
	char path[512];
	int n = snprintf(path, sizeof path, "%s/%s", s->dir, name);
	enum status st;

	assert(tx->mode == TX_READ && tx->state == TX_OPEN);
	if (n < 0 || (size_t)n >= sizeof path)
		return tx_error(tx, ST_LIMIT, "the name is too long");
	atomic_fetch_add(&s->backups, 1);
	st = vacuum_into(tx, path);
	atomic_fetch_sub(&s->backups, 1);
	return st;
}

/* ---- checking ------------------------------------------------------------------------- */

/* Each gives a line a finding. */
static const char *const invariants[] = {
	"SELECT 'mailbox ' || m.id || ': counters differ from its messages'"
	" FROM mailbox m LEFT JOIN (SELECT mailbox, count(*) AS n,"
	" sum(size) AS octets, sum(flags & 1 = 0) AS unseen,"
	" sum(flags >> 3 & 1) AS deleted,"
	" sum(CASE WHEN flags & 8 THEN size ELSE 0 END) AS deleted_octets,"
	" max(uid) AS uid, max(modseq) AS modseq FROM entry GROUP BY mailbox) e"
	" ON e.mailbox = m.id WHERE m.messages <> coalesce(e.n, 0)"
	" OR m.octets <> coalesce(e.octets, 0)"
	" OR m.unseen <> coalesce(e.unseen, 0)"
	" OR m.deleted <> coalesce(e.deleted, 0)"
	" OR m.deleted_octets <> coalesce(e.deleted_octets, 0)"
	" OR m.uidnext <= coalesce(e.uid, 0)"
	" OR m.highestmodseq < coalesce(e.modseq, 0)",

	"SELECT 'account ' || a.id || ': usage differs from its mailboxes'"
	" FROM account a LEFT JOIN (SELECT owner, sum(messages) AS n,"
	" sum(octets) AS octets FROM mailbox GROUP BY owner) m"
	" ON m.owner = a.id WHERE a.used_messages <> coalesce(m.n, 0)"
	" OR a.used_octets <> coalesce(m.octets, 0)",

	"SELECT 'message ' || r.message || ': ' || r.count || ' references, ' ||"
	" coalesce(e.n, 0) || ' entries' FROM message_ref r LEFT JOIN"
	" (SELECT message, count(*) AS n FROM (SELECT message FROM entry"
	" UNION ALL SELECT message FROM expunged) GROUP BY message) e"
	" ON e.message = r.message WHERE r.count <> coalesce(e.n, 0)",

	"SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	" ': no message ' || e.message FROM entry e LEFT JOIN message m"
	" ON m.id = e.message WHERE m.id IS NULL",

	"SELECT 'message ' || m.id || ': no reference' FROM message m"
	" LEFT JOIN message_ref r ON r.message = m.id"
	" LEFT JOIN garbage g ON g.message = m.id"
	" WHERE r.message IS NULL AND g.message IS NULL",

	"SELECT 'message ' || m.id || ': its body has ' ||"
	" coalesce(sum(length(b.octets)), 0) || ' of ' || m.size || ' octets'"
	" FROM message m LEFT JOIN body b"
	" ON b.id BETWEEN m.id << 16 AND (m.id << 16) + 65535 GROUP BY m.id"
	" HAVING coalesce(sum(length(b.octets)), 0) <> m.size",

	"SELECT 'mailbox ' || e.mailbox || ' uid ' || e.uid ||"
	" ': a tombstone of a message that is there' FROM vanished v"
	" JOIN entry e ON e.mailbox = v.mailbox"
	" AND e.uid BETWEEN v.uid_lo AND v.uid_hi",

	("SELECT 'mailbox ' || m.id || ': its owner is gone' FROM mailbox m"
	 " LEFT JOIN account a ON a.id = m.owner WHERE a.id IS NULL"),
};

static enum status run_check(struct tx *tx, const char *sql, bool is_pragma,
			     enum status (*note)(void *arg, struct slice text),
			     void *arg)
{
	struct sqlite3_stmt *row;
	struct slice text;
	enum status st = sql_query(tx, &row, sql, SQL_ARGS());

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		text = sql_column_bytes(row, 0);
		if (is_pragma && slice_eq(text, SLICE("ok")))
			continue;
		st = note(arg, text);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_check(struct tx *tx, bool quick,
			enum status (*note)(void *arg, struct slice text),
			void *arg)
{
	enum status st = tx->mode == TX_WRITE ? hot_flush(tx) : ST_OK;

	if (!st)
		st = run_check(tx, quick ? "PRAGMA quick_check" :
			       "PRAGMA integrity_check", true, note, arg);
	for (size_t i = 0; i < sizeof invariants / sizeof *invariants && !st;
	     i++)
		st = run_check(tx, invariants[i], false, note, arg);
	return st;
}
