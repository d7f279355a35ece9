/* SELECT: the UIDs of a mailbox and what belongs to them, from its array. */
#include "mailboxd/store_priv.h"

/* Messages looked at under the lock of the arrays. */
#define LOOK_MOST 65536

struct opening {
	struct store_opened *opened;
	struct ranges *uids;
	bool has_state;		/* opened has the mailbox's state */
	bool is_over;
	uint32_t next_uid;
};

static void set_recent(struct store_opened *o, uint32_t recent_uid)
{
	o->recent_lo = o->recent_hi = 0;
	if (recent_uid + 1 >= o->mailbox.uidnext)
		return;
	o->recent_lo = recent_uid + 1;
	o->recent_hi = o->mailbox.uidnext - 1;
}

static void take_state(struct store_opened *o, const struct mailbox_state *m)
{
	o->mailbox.uidnext = m->uidnext;
	o->mailbox.unseen = m->unseen;
	o->mailbox.highestmodseq = m->highestmodseq;
	set_recent(o, m->recent_uid);
}

/* Goes on by UID: what comes or goes between two looks has a modseq above the one
 * that was taken first, and is told again. */
static enum status look_uids(const struct array *a,
			     const struct mailbox_state *m, void *arg)
{
	struct opening *l = arg;
	struct store_opened *o = l->opened;
	size_t i = array_find(a, l->next_uid);
	size_t end = a->count - i > LOOK_MOST ? i + LOOK_MOST : a->count;
	enum status st = ST_OK;

	if (!l->has_state)
		take_state(o, m);
	l->has_state = true;
	o->more_keywords = !keyword_sets_are_full(a->sets, a->set_count,
						  a->set_octets);
	while (i < end && a->uids[i] < o->mailbox.uidnext && !st) {
		size_t first = i;

		while (++i < end && a->uids[i] == a->uids[i - 1] + 1 &&
		       a->uids[i] < o->mailbox.uidnext)
			;
		st = ranges_add(l->uids, a->uids[first], a->uids[i - 1]);
		for (; first < i && !o->first_unseen; first++)
			if (!(a->flags[first] & FLAG_SEEN))
				o->first_unseen = a->uids[first];
	}
	l->is_over = i == a->count || a->uids[i] >= o->mailbox.uidnext;
	if (!l->is_over)
		l->next_uid = a->uids[i];
	return st;
}

/* ST_NOT_FOUND: there is no array that could be asked. A writing transaction has
 * the mailbox's state as it makes it; its array is as good as the rows while
 * nothing of them was changed. */
static enum status open_array(struct tx *tx, struct ranges *uids,
			      struct store_opened *o)
{
	struct opening l = { .opened = o, .uids = uids, .next_uid = 1,
			     .has_state = tx->mode == TX_WRITE };
	struct store_mailbox *m = &o->mailbox;
	enum status st = ST_OK;

	if (tx->mode == TX_READ)
		st = arrays_want(tx, m->id);
	else if (array_log_has(&tx->log, m->id))
		st = ST_NOT_FOUND;
	while (!st && !l.is_over)
		st = arrays_look(tx->store->arrays, m->id, look_uids, &l);
	if (st)
		return st == ST_LIMIT ? ST_NOT_FOUND : st;
	m->messages = (uint32_t)ranges_size(uids);
	m->highestmodseq = mailbox_told_modseq(tx->store, m->highestmodseq);
	return ST_OK;
}

static enum status read_uids(struct tx *tx, struct ranges *uids,
			     struct store_opened *o)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT uid, flags FROM entry"
				   " WHERE mailbox = ?1 ORDER BY uid",
				   SQL_ARGS(sql_i(o->mailbox.id)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		uint32_t uid = (uint32_t)sql_column(row, 0);

		if (!o->first_unseen && !(sql_column(row, 1) & FLAG_SEEN))
			o->first_unseen = uid;
		st = ranges_add(uids, uid, uid);
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

/* Without an array: all of it from one snapshot. */
static enum status open_rows(struct tx *tx, uint64_t account, struct slice name,
			     struct ranges *uids, struct store_opened *o)
{
	struct array sets = { 0 };
	uint32_t recent_uid;
	enum status st;

	*o = (struct store_opened){ 0 };
	ranges_clear(uids);
	st = mailbox_find_row(tx, account, name, &o->mailbox, &recent_uid);
	if (!st)
		st = read_uids(tx, uids, o);
	if (!st)
		st = keyword_sets_read(tx, o->mailbox.id, 0, add_set, &sets);
	if (!st) {
		set_recent(o, recent_uid);
		o->more_keywords = !keyword_sets_are_full(sets.sets, sets.set_count,
							  sets.set_octets);
	}
	array_clear(&sets);
	return st;
}

static enum status take_recent(struct tx *tx, uint64_t mailbox)
{
	struct hot *hot;
	enum status st = hot_get(tx, HOT_MAILBOX, mailbox, &hot);

	if (!st)
		st = hot_touch(tx, hot);
	if (!st)
		hot->now.mailbox.recent_uid = hot->now.mailbox.uidnext - 1;
	return st;
}

enum status store_mailbox_open(struct tx *tx, uint64_t account,
			       struct slice name, bool take,
			       struct ranges *uids, struct store_opened *o)
{
	uint32_t recent_uid;
	enum status st;

	*o = (struct store_opened){ 0 };
	ranges_clear(uids);
	st = mailbox_find_row(tx, account, name, &o->mailbox, &recent_uid);
	if (st)
		return st;
	set_recent(o, recent_uid);
	st = open_array(tx, uids, o);
	if (st == ST_NOT_FOUND)
		st = open_rows(tx, account, name, uids, o);
	if (!st && take && o->recent_lo)
		st = take_recent(tx, o->mailbox.id);
	return st;
}

bool store_has_recent(const struct store_opened *opened)
{
	return opened->recent_lo != 0;
}
