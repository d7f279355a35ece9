/* COPY, MOVE and EXPUNGE. */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

/* Rows read before rows are written, so that no cursor is moved under a scan. */
#define BLOCK 1024
/* Neighbours from so many on are copied by one statement. */
#define RUN_LEAST 4
/* What a copied entry adds, about. */
#define ENTRY_OCTETS 100

static const struct range everything = { 1, UINT32_MAX };
static const struct ranges all_uids = { .items = (struct range *)&everything,
					.count = 1, .cap = 1, .max = 1 };

/* ---- COPY ------------------------------------------------------------------------ */

struct copy_job {
	struct tx *tx;
	struct store_copy *copy;
	struct hot *from, *to, *from_account, *to_account;
	uint64_t modseq;	/* of the new entries */
	uint32_t uid_max;	/* of what was there when it began */
	struct entry *block;	/* BLOCK of them */
	bool is_plain;		/* who does it owns both */
	const struct ranges *seen;	/* in `from`, by one who does not own it */
	struct ranges seen_copies;	/* UIDs in `to`, likewise */
	struct {
		uint32_t from, to;
	} last_set;
};

/* The next entries of the range from *next on; *count of them. */
static enum status read_block(struct copy_job *j, struct range r,
			      uint32_t *next, size_t *count)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(j->tx, &row, "SELECT uid, flags, message,"
		" size, recipient FROM entry WHERE mailbox = ?1"
		" AND uid BETWEEN ?2 AND ?3 ORDER BY uid LIMIT ?4",
		SQL_ARGS(sql_i(j->from->id), sql_i(*next), sql_i(r.high),
			 sql_i(BLOCK)));

	*count = 0;
	if (st)
		return st;
	while (!(st = sql_next(j->tx, row)))
		j->block[(*count)++] = (struct entry){
			.uid = (uint32_t)sql_column(row, 0),
			.flags = sql_column(row, 1),
			.message = sql_column(row, 2),
			.size = sql_column(row, 3),
			.recipient = sql_column(row, 4),
		};
	if (st != ST_NOT_FOUND)
		return st;
	if (*count)
		*next = j->block[*count - 1].uid + 1;
	return ST_OK;
}

/* Keyword sets are numbered by mailbox: the copy's has the same names. */
static enum status map_flags(struct copy_job *j, uint64_t *flags)
{
	uint32_t set = flags_keyword_set(*flags), mapped;
	struct slice names;
	enum status st;

	if (set == 0 || j->from == j->to)
		return ST_OK;
	if (set != j->last_set.from) {
		st = keyword_set_names(j->tx, j->from->id, set, &names);
		if (!st)
			st = keyword_set_intern(j->tx, j->to->id, names,
						&mapped);
		if (st)
			return st == ST_NOT_FOUND ? ST_OK : st;
		j->last_set.from = set;
		j->last_set.to = mapped;
	}
	*flags = flags_join(flags_system(*flags), j->last_set.to);
	return ST_OK;
}

/* What of the flags goes along (RFC 4314 section 4). *seen: into a mailbox of another,
 * where \Seen stands beside the flags. */
static enum status take_flags(struct copy_job *j, struct entry *e, bool *seen)
{
	const struct store_access *as = j->copy->to_as;
	uint64_t flags = seen_flags(j->seen, e->flags, e->uid);
	bool is_owner = store_access_is_owners(as);

	*seen = !is_owner && flags & FLAG_SEEN && as->rights & STORE_RIGHT_SEEN;
	if (!is_owner)
		flags &= as->rights & STORE_RIGHT_WRITE ?
			~(uint64_t)FLAGS_SYSTEM | rights_flags(as->rights) :
			rights_flags(as->rights);
	e->flags = flags;
	return map_flags(j, &e->flags);
}

static enum status copy_entry(struct copy_job *j, struct entry e)
{
	struct store_copy *c = j->copy;
	uint32_t source = e.uid;
	bool seen = false;
	enum status st = j->is_plain ? map_flags(j, &e.flags) :
				       take_flags(j, &e, &seen);

	if (!st)
		st = entry_uid(j->tx, j->to, &e.uid);
	if (!st && seen)
		st = ranges_add(&j->seen_copies, e.uid, e.uid);
	e.modseq = j->modseq;
	e.saved = store_now();
	if (!st)
		st = entry_insert(j->tx, j->to, j->to_account, &e);
	if (!st && !c->is_move)
		st = message_reference(j->tx, e.message, 1);
	if (!st)
		st = ranges_add(c->source, source, source);
	return st ? st : ranges_add(c->target, e.uid, e.uid);
}

/* Entries of the block from i on that one statement copies: neighbours by UID
 * whose flags mean the same in the target. */
static size_t plain_run(const struct copy_job *j, size_t i, size_t count)
{
	size_t first = i;

	for (; i < count; i++)
		if ((flags_keyword_set(j->block[i].flags) && j->from != j->to) ||
		    j->block[i].uid - j->block[first].uid != i - first)
			break;
	return i - first;
}

static enum status copy_run(struct copy_job *j, size_t first, size_t count)
{
	struct store_copy *c = j->copy;
	uint32_t low = j->block[first].uid, high = low + (uint32_t)count - 1;
	uint32_t *next = &j->to->now.mailbox.uidnext, target = *next;
	uint64_t saved = (uint64_t)store_now();
	enum status st;

	if (target > STORE_UID_MAX || STORE_UID_MAX - target < count - 1) {
		atomic_store(&j->tx->store->exhausted, j->to->id);
		return tx_error(j->tx, ST_LIMIT, "no UID is left");
	}
	st = sql_run(j->tx, "INSERT INTO entry (mailbox, uid, flags, modseq,"
		" message, size, saved, recipient) SELECT ?1, uid + ?2, flags, ?3,"
		" message, size, ?4, recipient FROM entry WHERE mailbox = ?5"
		" AND uid BETWEEN ?6 AND ?7",
		SQL_ARGS(sql_i(j->to->id),
			 sql_i((uint64_t)((int64_t)target - (int64_t)low)),
			 sql_i(j->modseq), sql_i(saved), sql_i(j->from->id),
			 sql_i(low), sql_i(high)));
	if (!st && !c->is_move)
		st = sql_run(j->tx, "INSERT INTO message_ref (message, count)"
			" SELECT message, 1 FROM entry WHERE mailbox = ?1"
			" AND uid BETWEEN ?2 AND ?3 ON CONFLICT (message)"
			" DO UPDATE SET count = count + 1",
			SQL_ARGS(sql_i(j->from->id), sql_i(low), sql_i(high)));
	for (size_t i = first; i < first + count && !st; i++) {
		struct entry e = j->block[i];

		e.uid = (*next)++;
		e.modseq = j->modseq;
		entry_count(j->tx, j->to, j->to_account, &e);
	}
	if (!st)
		st = ranges_add(c->source, low, high);
	return st ? st : ranges_add(c->target, target,
				    target + (uint32_t)count - 1);
}

static enum status copy_block(struct copy_job *j, size_t count)
{
	enum status st = ST_OK;

	for (size_t i = 0, n; i < count && !st; i += n) {
		n = j->is_plain ? plain_run(j, i, count) : 1;
		if (n < RUN_LEAST) {
			n = 1;
			st = copy_entry(j, j->block[i]);
		} else {
			st = copy_run(j, i, n);
		}
	}
	return st;
}

static enum status copy_range(struct copy_job *j, struct range r)
{
	uint32_t next = r.low;
	size_t count;
	enum status st;

	if (r.high > j->uid_max)
		r.high = j->uid_max;
	do {
		st = read_block(j, r, &next, &count);
		if (!st)
			st = copy_block(j, count);
	} while (!st && count == BLOCK);
	return st;
}

/* What there is to copy, for the quota, before anything is written. */
static enum status count_source(struct copy_job *j, const struct ranges *uids,
				uint64_t *octets, uint64_t *messages)
{
	enum status st = ST_OK;

	*octets = *messages = 0;
	for (size_t i = 0; i < uids->count && !st; i++) {
		struct sqlite3_stmt *row;

		st = sql_first(j->tx, &row, "SELECT count(*), total(size)"
			" FROM entry WHERE mailbox = ?1"
			" AND uid BETWEEN ?2 AND ?3",
			SQL_ARGS(sql_i(j->from->id), sql_i(uids->items[i].low),
				 sql_i(uids->items[i].high)));
		if (st)
			break;
		*messages += sql_column(row, 0);
		*octets += sql_column(row, 1);
		sql_end(row);
	}
	return st;
}

/* The rows of a finished move leave their old mailbox. */
static enum status remove_moved(struct copy_job *j, uint64_t octets)
{
	struct store_copy *c = j->copy;
	struct tx *tx = j->tx;
	uint64_t modseq;
	enum status st = mailbox_next_modseq(tx, j->from, &modseq);

	for (size_t i = 0; i < c->source->count && !st; i++) {
		struct range r = c->source->items[i];

		st = entries_remove(tx, j->from, r, modseq, false);
	}
	j->from_account->now.account.used_octets -= octets;
	j->from_account->now.account.used_messages -= ranges_size(c->source);
	return st;
}

/* At the mailbox they were in: that is where a message is looked for. */
static enum status journal_copy(struct copy_job *j)
{
	const struct store_copy *c = j->copy;
	char text[JOURNAL_DETAIL_MAX];
	struct buf where = { text, 0, sizeof text, sizeof text };

	journal_target(j->to->id, c->target, &where);
	return journal_add(j->tx, c->is_move ? "move" : "copy", j->from->id,
			   SLICE_EMPTY, c->source, buf_slice(&where));
}

static enum status copy_all(struct copy_job *j, const struct ranges *uids)
{
	struct store_copy *c = j->copy;
	struct tx *tx = j->tx;
	uint64_t octets, messages;
	enum status st = count_source(j, uids, &octets, &messages);

	if (st || messages == 0)
		return st;
	if (!c->is_move)
		st = tx_take_room(tx, messages * ENTRY_OCTETS);
	if (!st && (!c->is_move || j->from_account != j->to_account))
		st = account_check_quota(tx, &j->to_account->now.account,
					 octets, messages);
	if (!st)
		st = mailbox_next_modseq(tx, j->to, &j->modseq);
	for (size_t i = 0; i < uids->count && !st; i++)
		st = copy_range(j, uids->items[i]);
	if (!st && j->seen_copies.count)
		st = seen_change(tx, c->to_as, &j->seen_copies, true, j->modseq);
	if (!st)
		st = journal_copy(j);
	return st || !c->is_move ? st : remove_moved(j, octets);
}

enum status store_copy(struct tx *tx, struct store_copy *c)
{
	struct copy_job j = { .tx = tx, .copy = c };
	enum status st = entry_open(tx, c->from, &j.from, &j.from_account);

	ranges_clear(c->source);
	ranges_clear(c->target);
	if (!st)
		st = entry_open(tx, c->to, &j.to, &j.to_account);
	if (!st)
		st = seen_load(tx, c->from_as, &j.seen);
	if (st)
		return st;
	j.is_plain = store_access_is_owners(c->from_as) &&
		     store_access_is_owners(c->to_as);
	j.seen_copies = (struct ranges)RANGES_INIT(RANGES_MAX);
	j.block = malloc(BLOCK * sizeof *j.block);
	if (!j.block)
		return tx_no_memory(tx);
	j.uid_max = j.from->now.mailbox.uidnext - 1;
	st = copy_all(&j, c->uids ? c->uids : &all_uids);
	free(j.block);
	ranges_free(&j.seen_copies);
	c->uidvalidity = j.to->now.mailbox.uidvalidity;
	c->modseq = mailbox_told_modseq(tx->store,
					j.from->now.mailbox.highestmodseq);
	return st;
}

/* ---- EXPUNGE ------------------------------------------------------------------------ */

/* Counts what a range holds out of the mailbox's counters. */
static enum status uncount_range(struct tx *tx, struct hot *mailbox,
				 struct range r)
{
	struct mailbox_state *m = &mailbox->now.mailbox;
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT count(*), total(size),"
		" count(*) FILTER (WHERE flags & 1 = 0),"
		" count(*) FILTER (WHERE flags & 8),"
		" total(size) FILTER (WHERE flags & 8)"
		" FROM entry WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3",
		SQL_ARGS(sql_i(mailbox->id), sql_i(r.low), sql_i(r.high)));

	if (st)
		return st;
	m->messages -= (uint32_t)sql_column(row, 0);
	m->octets -= sql_column(row, 1);
	m->unseen -= (uint32_t)sql_column(row, 2);
	m->deleted -= (uint32_t)sql_column(row, 3);
	m->deleted_octets -= sql_column(row, 4);
	sql_end(row);
	return ST_OK;
}

enum status entries_remove(struct tx *tx, struct hot *mailbox, struct range r,
			   uint64_t modseq, bool keep)
{
	const struct sql_value where[] = { sql_i(mailbox->id), sql_i(r.low),
					   sql_i(r.high), { .kind = SQL_END } };
	enum status st = uncount_range(tx, mailbox, r);

	if (!st && keep)
		st = sql_run(tx, "INSERT INTO expunged (mailbox, uid, at,"
			" account, message, flags, size, recipient, saved, uidl)"
			" SELECT mailbox, uid, ?4, ?5, message, flags, size,"
			" recipient, saved, uidl FROM entry WHERE mailbox = ?1"
			" AND uid BETWEEN ?2 AND ?3",
			SQL_ARGS(where[0], where[1], where[2],
				 sql_i((uint64_t)store_now()),
				 sql_i(mailbox->now.mailbox.owner)));
	if (!st)
		st = sql_run(tx, "DELETE FROM entry WHERE mailbox = ?1"
			     " AND uid BETWEEN ?2 AND ?3", where);
	array_log_note(&tx->log, &(struct array_change){
		.kind = ARRAY_REMOVE, .mailbox = mailbox->id, .low = r.low,
		.high = r.high, .modseq = modseq,
	});
	return st ? st :
		sql_run(tx, "INSERT INTO vanished (mailbox, uid_lo, uid_hi,"
			" modseq) VALUES (?1, ?2, ?3, ?4)",
			SQL_ARGS(where[0], where[1], where[2], sql_i(modseq)));
}

static enum status find_range(struct tx *tx, uint64_t mailbox, struct range r,
			      bool any_flags, struct ranges *found)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT uid FROM entry"
		" WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3"
		" AND (?4 OR flags & 8) ORDER BY uid",
		SQL_ARGS(sql_i(mailbox), sql_i(r.low), sql_i(r.high),
			 sql_i(any_flags)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		uint32_t uid = (uint32_t)sql_column(row, 0);

		st = ranges_add(found, uid, uid);
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status remove_found(struct tx *tx, struct hot *mailbox,
				struct hot *account, const struct ranges *found)
{
	struct mailbox_state before = mailbox->now.mailbox;
	uint64_t modseq;
	enum status st = mailbox_next_modseq(tx, mailbox, &modseq);

	for (size_t i = 0; i < found->count && !st; i++)
		st = entries_remove(tx, mailbox, found->items[i], modseq, true);
	if (st)
		return st;
	account->now.account.used_octets -=
		before.octets - mailbox->now.mailbox.octets;
	account->now.account.used_messages -=
		before.messages - mailbox->now.mailbox.messages;
	return journal_add(tx, "expunge", mailbox->id, SLICE_EMPTY, found,
			   SLICE_EMPTY);
}

enum status store_expunge(struct tx *tx, uint64_t id, const struct ranges *uids,
			  bool any_flags, struct ranges *expunged,
			  uint64_t *modseq)
{
	struct hot *mailbox, *account;
	enum status st = entry_open(tx, id, &mailbox, &account);

	ranges_clear(expunged);
	if (st)
		return st;
	if (!uids)
		uids = &all_uids;
	if (any_flags || mailbox->now.mailbox.deleted > 0)
		for (size_t i = 0; i < uids->count && !st; i++)
			st = find_range(tx, id, uids->items[i], any_flags,
					expunged);
	if (!st && expunged->count)
		st = remove_found(tx, mailbox, account, expunged);
	*modseq = mailbox_told_modseq(tx->store,
				      mailbox->now.mailbox.highestmodseq);
	return st;
}
