/* Expunged mail that is still kept: what there is, and bringing it back. */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

#define BLOCK 1024	/* rows read before rows are written */

/* Of an account, those that are gone too. The name of a mailbox is not its
 * identity: another of that name may be there by now. */
struct box {
	uint64_t id;
	struct slice name;
	bool is_gone;
};

/* The next one from that id on that has something kept. ST_NOT_FOUND. */
static enum status next_box(struct tx *tx, const struct store_expunged_query *q,
			    struct slice name, uint64_t from, struct box *box)
{
	struct sqlite3_stmt *row;
	enum status st = sql_first(tx, &row, "SELECT id, name, gone FROM"
		" (SELECT id, name, 0 AS gone FROM mailbox WHERE owner = ?1"
		" UNION ALL SELECT id, name, 1 FROM mailbox_gone WHERE owner = ?1)"
		" WHERE (?2 = '' OR name = ?2) AND id >= ?3 AND EXISTS"
		" (SELECT 1 FROM expunged x WHERE x.mailbox = id)"
		" ORDER BY id LIMIT 1",
		SQL_ARGS(sql_i(q->account), sql_t(name), sql_i(from)));

	if (st)
		return st;
	box->id = sql_column(row, 0);
	box->is_gone = sql_column(row, 2) != 0;
	st = sql_column_copy(tx, row, 1, &box->name);
	sql_end(row);
	return st;
}

/* ---- what there is ------------------------------------------------------------- */

static bool is_asked_for(const struct store_expunged_query *q, uint32_t uid)
{
	return !q->uids || ranges_has(q->uids, uid);
}

static enum status name_of(struct tx *tx, const struct store_expunged_query *q,
			   struct slice *name)
{
	*name = SLICE_EMPTY;
	return q->mailbox.len ? mailbox_name(tx, q->mailbox, name) : ST_OK;
}

static void fill(struct sqlite3_stmt *row, struct store_expunged *e)
{
	e->uid = (uint32_t)sql_column(row, 0);
	e->at = sql_column_signed(row, 1);
	e->flags = flags_system(sql_column(row, 2));
	e->octets = sql_column(row, 3);
	e->message = sql_column(row, 4);
	e->internaldate = sql_column_signed(row, 5);
	e->envelope = sql_column_bytes(row, 6);
	e->keywords = sql_column_bytes(row, 7);
}

static enum status list_box(struct tx *tx, struct store_expunged_query *q,
			    const struct box *box, size_t *left,
			    store_expunged_fn *fn, void *arg)
{
	struct store_expunged e = { .mailbox = box->id, .name = box->name,
				    .is_mailbox_gone = box->is_gone };
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT x.uid, x.at, x.flags, x.size,"
		" x.message, m.internaldate, m.envelope, k.names FROM expunged x"
		" JOIN message m ON m.id = x.message LEFT JOIN keyword_set k"
		" ON k.mailbox = x.mailbox AND k.id = x.flags >> 32"
		" WHERE x.mailbox = ?1 AND x.uid > ?2 AND x.at >= ?3"
		" ORDER BY x.uid",
		SQL_ARGS(sql_i(box->id), sql_i(q->after_uid),
			 sql_i((uint64_t)q->since)));

	if (st)
		return st;
	for (;;) {
		tx->passes_damage = true;
		st = sql_next(tx, row);
		tx->passes_damage = false;
		if (st)
			break;
		fill(row, &e);
		if (!is_asked_for(q, e.uid))
			continue;
		st = (*left)-- > 0 ? fn(arg, &e) : ST_MORE;
		if (st)
			break;
		q->after_uid = e.uid;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

enum status store_expunged_list(struct tx *tx, struct store_expunged_query *q,
				store_expunged_fn *fn, void *arg)
{
	size_t left = q->limit ? q->limit : SIZE_MAX;
	struct slice name;
	struct box box;
	enum status st = name_of(tx, q, &name);

	while (!st && !(st = next_box(tx, q, name, q->from_mailbox, &box))) {
		q->from_mailbox = box.id;
		st = list_box(tx, q, &box, &left, fn, arg);
		if (st)
			break;
		q->from_mailbox = box.id + 1;
		q->after_uid = 0;
	}
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- bringing back ----------------------------------------------------------------- */

struct undeleting {
	struct tx *tx;
	struct store_undelete *u;
	struct box from;
	struct hot *to, *account;	/* to NULL: not looked for yet */
	uint64_t modseq;
	struct ranges uids;	/* in the target */
	struct ranges source;	/* where they were, in the same order */
	struct { struct entry e; struct slice uidl; } *block;
};

/* What is asked for in all, against the quota, before anything is written. */
static enum status add_up(void *arg, const struct store_expunged *e)
{
	struct store_undelete *u = arg;

	u->messages++;
	u->octets += e->octets;
	return ST_OK;
}

static enum status check_quota(struct tx *tx, const struct store_undelete *u)
{
	struct store_quota q;
	enum status st = store_quota_check(tx, u->query.account, u->octets,
					   u->messages);

	if (st != ST_QUOTA || store_quota(tx, u->query.account, &q))
		return st;
	return tx_error(tx, ST_QUOTA, "%llu messages of %llu octets would come back; "
			"%llu of %llu octets are in use",
			(unsigned long long)u->messages,
			(unsigned long long)u->octets,
			(unsigned long long)q.used_octets,
			(unsigned long long)q.limit_octets);
}

/* The mailbox of that name, made anew if need be. */
static enum status make_target(struct tx *tx, uint64_t account,
			       struct slice name, struct slice use, uint64_t *id)
{
	struct store_mailbox m;
	enum status st = store_mailbox_find(tx, account, name, &m);

	if (!st)
		*id = m.id;
	if (st != ST_NOT_FOUND)
		return st;
	st = store_mailbox_create(tx, account, name, use, id);
	/* another has that use by now */
	return st == ST_DENIED && use.len ?
		store_mailbox_create(tx, account, name, SLICE_EMPTY, id) : st;
}

static enum status find_target(struct undeleting *j, uint64_t *id)
{
	struct store_undelete *u = j->u;
	struct tx *tx = j->tx;
	struct sqlite3_stmt *row;
	struct slice use;
	enum status st;

	if (u->into.len)
		return make_target(tx, u->query.account, u->into, SLICE_EMPTY, id);
	*id = j->from.id;
	if (!j->from.is_gone)
		return ST_OK;
	st = sql_first(tx, &row, "SELECT special_use FROM mailbox_gone"
		       " WHERE id = ?1", SQL_ARGS(sql_i(j->from.id)));
	if (st)
		return st;
	st = sql_column_copy(tx, row, 0, &use);
	sql_end(row);
	return st ? st : make_target(tx, u->query.account, j->from.name, use, id);
}

/* The next rows behind *after of the mailbox j->from. */
static enum status read_block(struct undeleting *j, uint32_t *after,
			      size_t *count, bool *more)
{
	struct store_expunged_query *q = &j->u->query;
	struct sqlite3_stmt *row;
	size_t seen = 0;
	enum status st = sql_query(j->tx, &row, "SELECT uid, flags, message, size,"
		" recipient, saved, uidl FROM expunged WHERE mailbox = ?1"
		" AND uid > ?2 AND at >= ?3 ORDER BY uid LIMIT ?4",
		SQL_ARGS(sql_i(j->from.id), sql_i(*after),
			 sql_i((uint64_t)q->since), sql_i(BLOCK)));

	*count = 0;
	if (st)
		return st;
	while (!(st = sql_next(j->tx, row))) {
		struct entry e = {
			.uid = (uint32_t)sql_column(row, 0),
			.flags = sql_column(row, 1) & ~(uint64_t)FLAG_DELETED,
			.message = sql_column(row, 2),
			.size = sql_column(row, 3),
			.recipient = sql_column(row, 4),
			.saved = sql_column_signed(row, 5),
		};

		seen++;
		*after = e.uid;
		if (!is_asked_for(q, e.uid))
			continue;
		j->block[*count].e = e;
		st = sql_column_copy(j->tx, row, 6, &j->block[*count].uidl);
		if (st)
			return st;
		++*count;
	}
	*more = seen == BLOCK;
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Sets of keywords are numbered by mailbox. */
static enum status map_keywords(struct undeleting *j, uint64_t *flags)
{
	struct slice names;
	uint32_t set = flags_keyword_set(*flags);
	enum status st;

	if (set == 0 || j->from.id == j->to->id)
		return ST_OK;
	st = keyword_set_names(j->tx, j->from.id, set, &names);
	if (!st)
		st = keyword_set_intern(j->tx, j->to->id, names, &set);
	if (st == ST_NOT_FOUND || st == ST_LIMIT)
		set = 0, st = ST_OK;	/* the message is worth more */
	*flags = flags_join(flags_system(*flags), set);
	return st;
}

/* Its reference was the kept one's: the count stays. */
static enum status bring_back(struct undeleting *j, struct entry e,
			      struct slice uidl)
{
	const struct sql_value old_uid = sql_i(e.uid);
	enum status st = map_keywords(j, &e.flags);

	if (!st)
		st = entry_uid(j->tx, j->to, &e.uid);
	e.modseq = j->modseq;
	if (!e.saved)
		e.saved = store_now();
	if (!st)
		st = entry_insert(j->tx, j->to, j->account, &e);
	if (!st && uidl.len)
		st = sql_run(j->tx, "UPDATE entry SET uidl = ?3 WHERE mailbox = ?1"
			     " AND uid = ?2", SQL_ARGS(sql_i(j->to->id),
						       sql_i(e.uid), sql_t(uidl)));
	if (!st)
		st = sql_run(j->tx, "DELETE FROM expunged WHERE mailbox = ?1"
			     " AND uid = ?2", SQL_ARGS(sql_i(j->from.id), old_uid));
	if (!st)
		st = ranges_add(&j->source, (uint32_t)old_uid.number,
				(uint32_t)old_uid.number);
	return st ? st : ranges_add(&j->uids, e.uid, e.uid);
}

static enum status open_target(struct undeleting *j)
{
	uint64_t id;
	enum status st = find_target(j, &id);

	if (!st)
		st = entry_open(j->tx, id, &j->to, &j->account);
	return st ? st : mailbox_next_modseq(j->tx, j->to, &j->modseq);
}

static enum status bring_all_back(struct undeleting *j)
{
	uint32_t after = 0;
	bool more = true;
	size_t count;
	enum status st = ST_OK;

	while (more && !st) {
		st = read_block(j, &after, &count, &more);
		if (!st && count && !j->to)
			st = open_target(j);
		for (size_t i = 0; i < count && !st; i++)
			st = bring_back(j, j->block[i].e, j->block[i].uidl);
	}
	return st;
}

/* All of one mailbox. */
static enum status undelete_from(struct undeleting *j, store_undeleted_fn *fn,
				 void *arg)
{
	char text[JOURNAL_DETAIL_MAX];
	struct buf where = { text, 0, sizeof text, sizeof text };
	struct store_mailbox m;
	enum status st;

	j->to = NULL;
	ranges_clear(&j->uids);
	ranges_clear(&j->source);
	st = bring_all_back(j);
	if (st || !j->to)
		return st;
	journal_target(j->to->id, &j->uids, &where);
	st = journal_add(j->tx, "undelete", j->from.id, SLICE_EMPTY, &j->source,
			 buf_slice(&where));
	if (!st)
		st = expunged_forget_gone(j->tx, j->from.id);
	if (!st)
		st = store_mailbox_get(j->tx, j->to->id, &m);
	return st ? st : fn(arg, m.name, &j->uids);
}

enum status store_undelete(struct tx *tx, struct store_undelete *u,
			   store_undeleted_fn *fn, void *arg)
{
	struct undeleting j = { .tx = tx, .u = u,
				.uids = RANGES_INIT(RANGES_MAX),
				.source = RANGES_INIT(RANGES_MAX) };
	struct store_expunged_query all = u->query;
	struct slice name;
	uint64_t next = 0;
	enum status st = name_of(tx, &u->query, &name);

	u->messages = u->octets = 0;
	if (!st)
		st = store_expunged_list(tx, &all, add_up, u);
	if (!st && u->messages == 0)
		return tx_error(tx, ST_NOT_FOUND, "nothing like that is kept");
	if (!st)
		st = check_quota(tx, u);
	if (st)
		return st;
	j.block = malloc(BLOCK * sizeof *j.block);
	if (!j.block)
		return tx_no_memory(tx);
	while (!(st = next_box(tx, &u->query, name, next, &j.from))) {
		next = j.from.id + 1;
		st = undelete_from(&j, fn, arg);
		if (st)
			break;
	}
	free(j.block);
	ranges_free(&j.uids);
	ranges_free(&j.source);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* ---- mailboxes that are gone -------------------------------------------------------- */

enum status expunged_remember_gone(struct tx *tx, uint64_t mailbox)
{
	enum status st = sql_run(tx, "INSERT INTO mailbox_gone (id, owner, name,"
		" special_use, at) SELECT id, owner, name, special_use, ?2"
		" FROM mailbox WHERE id = ?1 AND EXISTS"
		" (SELECT 1 FROM expunged WHERE mailbox = ?1)",
		SQL_ARGS(sql_i(mailbox), sql_i((uint64_t)store_now())));

	if (st || sql_changes(tx))
		return st;
	return sql_run(tx, "DELETE FROM keyword_set WHERE mailbox = ?1",
		       SQL_ARGS(sql_i(mailbox)));
}

enum status expunged_forget_gone(struct tx *tx, uint64_t mailbox)
{
	enum status st = sql_run(tx, "DELETE FROM mailbox_gone WHERE id = ?1"
		" AND NOT EXISTS (SELECT 1 FROM expunged WHERE mailbox = ?1)",
		SQL_ARGS(sql_i(mailbox)));

	if (st || !sql_changes(tx))
		return st;
	return sql_run(tx, "DELETE FROM keyword_set WHERE mailbox = ?1",
		       SQL_ARGS(sql_i(mailbox)));
}
