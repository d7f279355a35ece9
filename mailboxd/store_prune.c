/* What nobody needs any longer goes in small batches. */
#include "mailboxd/store_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"

#define BATCH 200		/* rows of a kind in one call */
#define BATCH_TIGHT 20		/* where the WAL has little room */
#define PAGES_BACK 128		/* free pages given back to the disk in one call */
#define JOURNAL_SAMPLE 1000
#define JOURNAL_ROW_OCTETS 70	/* of a row and its indexes beside its texts */
#define VANISHED_KEPT 20000	/* tombstones a mailbox keeps */
#define VANISHED_LOOK_MS 5	/* for counting them, in one call */

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
		if (!st)
			st = expunged_forget_gone(tx, mailbox);
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

/*
 * What is damaged stays as it is; its place on the disk is lost with it. SQLite gives up a
 * transaction in which a removal met damage, so that one is rolled back, and the next
 * passes that message by.
 */
static enum status delete_or_leave(struct tx *tx, uint64_t message)
{
	struct store *s = tx->store;
	enum status st;

	for (size_t i = 0; i < s->left_count; i++)
		if (s->left[i] == message)
			return ST_OK;
	tx->passes_damage = s->left_count < STORE_LEFT_MAX;
	st = delete_message(tx, message);
	if (tx->passes_damage && st == ST_UNAVAILABLE && store_met_damage(tx))
		s->left[s->left_count++] = message;
	tx->passes_damage = false;
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
			st = delete_or_leave(tx, message);
	}
	*more = true;
	return st;
}

/* The oldest tombstones of a mailbox that has too many; its floor rises. */
static enum status shorten_vanished(struct tx *tx, uint64_t mailbox)
{
	uint64_t newest;
	enum status st = sql_number(tx, &newest, "SELECT modseq FROM vanished"
			" WHERE mailbox = ?1 ORDER BY modseq DESC LIMIT 1 OFFSET ?2",
			SQL_ARGS(sql_i(mailbox), sql_i(VANISHED_KEPT)));

	if (st)
		return st == ST_NOT_FOUND ? ST_OK : st;
	st = sql_number(tx, &newest, "SELECT modseq FROM vanished"
			" WHERE mailbox = ?1 ORDER BY modseq DESC LIMIT 1 OFFSET ?2",
			SQL_ARGS(sql_i(mailbox), sql_i(VANISHED_KEPT / 2)));
	if (!st)
		st = sql_run(tx, "DELETE FROM vanished WHERE mailbox = ?1"
			     " AND modseq <= ?2",
			     SQL_ARGS(sql_i(mailbox), sql_i(newest)));
	return st ? st : sql_run(tx, "UPDATE mailbox SET vanished_floor = ?2"
				 " WHERE id = ?1",
				 SQL_ARGS(sql_i(mailbox), sql_i(newest)));
}

/* Some mailboxes in each call, for counting the tombstones of all takes long. */
static enum status prune_vanished(struct tx *tx)
{
	struct store *s = tx->store;
	int64_t until = clock_ms() + VANISHED_LOOK_MS;
	enum status st;

	do {
		st = sql_number(tx, &s->vanished_looked, "SELECT mailbox FROM"
				" vanished WHERE mailbox > ?1 ORDER BY mailbox"
				" LIMIT 1", SQL_ARGS(sql_i(s->vanished_looked)));
		if (!st)
			st = shorten_vanished(tx, s->vanished_looked);
	} while (!st && clock_ms() < until);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* What a row takes on the disk, about: of the last thousand, measured anew with
 * each thousand, for counting all of them would read all of them. */
static enum status measure_journal(struct tx *tx)
{
	struct store *s = tx->store;
	enum status st = ST_OK;

	if (s->journal_measured && s->journal_next - s->journal_measured < JOURNAL_SAMPLE)
		return ST_OK;
	st = sql_number(tx, &s->journal_row_octets, "SELECT CAST(avg(ifnull(length(mid), 0)"
		" + ifnull(length(sid), 0) + ifnull(length(uids), 0) + length(verb)"
		" + ifnull(length(detail), 0)) AS INTEGER) FROM (SELECT * FROM journal"
		" ORDER BY id DESC LIMIT ?1)", SQL_ARGS(sql_i(JOURNAL_SAMPLE)));
	s->journal_row_octets += JOURNAL_ROW_OCTETS;
	if (!st)
		s->journal_measured = s->journal_next;
	return st;
}

/* The oldest rows of a journal that is too large; never the last one, whose id must
 * not come back. */
static enum status prune_large_journal(struct tx *tx, bool *more)
{
	struct store *s = tx->store;
	uint64_t first, rows;
	enum status st;

	if (!s->options.keep_journal_octets)
		return ST_OK;
	st = measure_journal(tx);
	if (!st)
		st = sql_number(tx, &first, "SELECT min(id) FROM journal", SQL_ARGS());
	if (st)
		return st;
	rows = first && s->journal_next > first ? s->journal_next - first : 0;
	if (rows <= s->options.keep_journal_octets / s->journal_row_octets)
		return ST_OK;
	st = sql_run(tx, "DELETE FROM journal WHERE id < ?1 AND id IN"
		     " (SELECT id FROM journal ORDER BY id LIMIT ?2)",
		     SQL_ARGS(sql_i(s->journal_next - 1), sql_i(BATCH)));
	if (!st && sql_changes(tx) == BATCH)
		*more = true;
	return st;
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
	crash_point("store.vacuum");
	if (!st && atomic_load(&tx->store->free_pages) < before)
		*more = true;
	return st;
}

enum status store_prune(struct tx *tx, int64_t now, bool *more)
{
	enum status st;

	*more = false;
	if (atomic_load(&tx->store->exhausted)) {
		st = mailbox_renumber(tx, atomic_exchange(&tx->store->exhausted, 0));
		*more = true;
		return st;
	}
	st = prune_expunged(tx, now, more);
	if (!st)
		st = prune_garbage(tx, more);
	if (!st && !*more)
		st = journal_prune(tx, now, more);
	if (!st && !*more)
		st = prune_large_journal(tx, more);
	if (!st && !*more)
		st = greylist_prune(tx, now, batch_of(tx), more);
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
