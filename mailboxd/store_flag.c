/* Flags of messages. */
#include "mailboxd/store_priv.h"

#include "common/flag_names.h"

#include <stdlib.h>

/* ---- STORE -------------------------------------------------------------------------- */

/* What a change makes of one keyword set. */
struct set_change {
	uint32_t from, to;
};

/* Neighbours that change alike are written by one statement. */
struct run {
	uint32_t low, high;
	uint64_t keep, add;	/* flags = flags & keep | add */
	bool is_open;
};

struct flag_job {
	struct tx *tx;
	struct store_flag_change *change;
	struct hot *mailbox;
	uint64_t modseq;	/* of this change; 0: nothing changed yet */
	bool uses_array;
	struct set_change *sets;
	size_t set_count, set_cap;
	struct run run;
	struct run *runs;	/* closed ones; written when the scan is over */
	size_t run_count, run_cap;
	struct ranges changed;
	/* by one who is no owner: what may be changed, and what becomes of its \Seen */
	uint32_t may;		/* shared flags */
	bool may_keywords;
	const struct ranges *seen;	/* NULL: the owner's are in the flags */
	bool turns_seen, seen_on;
	struct ranges turned;
};

static enum status change_set(struct flag_job *j, uint32_t from, uint32_t *to)
{
	const struct store_flag_change *c = j->change;
	struct tx *tx = j->tx;
	enum status st;

	if (!j->may_keywords ||
	    (c->mode != IPC_STORE_REPLACE && c->keywords.len == 0)) {
		*to = from;
		return ST_OK;
	}
	for (size_t i = 0; i < j->set_count; i++)
		if (j->sets[i].from == from) {
			*to = j->sets[i].to;
			return ST_OK;
		}
	st = keyword_set_change(tx, c->mailbox, from, c->mode, c->keywords, to);
	if (st)
		return st;
	if (j->set_count == j->set_cap) {
		size_t cap = j->set_cap ? j->set_cap * 2 : 16;
		struct set_change *grown = realloc(j->sets, cap * sizeof *grown);

		if (!grown)
			return tx_no_memory(tx);
		j->sets = grown;
		j->set_cap = cap;
	}
	j->sets[j->set_count++] = (struct set_change){ from, *to };
	return ST_OK;
}

/* The masks that this change means for a message of that keyword set. */
static enum status masks(struct flag_job *j, uint64_t old, uint64_t *keep,
			 uint64_t *add)
{
	const struct store_flag_change *c = j->change;
	uint32_t flags = c->flags & j->may, set;
	enum status st = change_set(j, flags_keyword_set(old), &set);

	*add = flags_join(c->mode == IPC_STORE_REMOVE ? 0 : flags, set);
	*keep = c->mode == IPC_STORE_REPLACE ? FLAGS_SYSTEM & ~j->may :
		c->mode == IPC_STORE_ADD ? FLAGS_SYSTEM : FLAGS_SYSTEM & ~flags;
	return st;
}

static enum status close_run(struct flag_job *j)
{
	if (!j->run.is_open)
		return ST_OK;
	if (j->run_count == j->run_cap) {
		size_t cap = j->run_cap ? j->run_cap * 2 : 64;
		struct run *grown = realloc(j->runs, cap * sizeof *grown);

		if (!grown)
			return tx_no_memory(j->tx);
		j->runs = grown;
		j->run_cap = cap;
	}
	j->runs[j->run_count++] = j->run;
	j->run.is_open = false;
	return ST_OK;
}

static void count_change(struct mailbox_state *m, uint64_t old, uint64_t new,
			 uint64_t size)
{
	m->unseen += !(new & FLAG_SEEN);
	m->unseen -= !(old & FLAG_SEEN);
	if (new & ~old & FLAG_DELETED) {
		m->deleted++;
		m->deleted_octets += size;
	} else if (old & ~new & FLAG_DELETED) {
		m->deleted--;
		m->deleted_octets -= size;
	}
}

static enum status append_row(struct flag_job *j, uint32_t uid, uint64_t flags,
			      uint64_t modseq)
{
	struct fetch_row row = { .uid = uid, .flags = flags, .modseq = modseq };
	uint32_t set = flags_keyword_set(flags);
	enum status st;

	if (j->change->set_high < set)
		j->change->set_high = set;
	if (!j->change->rows)
		return ST_OK;
	st = fetch_row_encode(j->change->rows, FETCH_FLAGS | FETCH_MODSEQ, &row);
	return st ? tx_error(j->tx, st, "too many rows") : ST_OK;
}

/* Whether this one's \Seen of another than the owner becomes a different one. */
static bool turns(const struct flag_job *j, uint32_t uid)
{
	return j->turns_seen && ranges_has(j->seen, uid) != j->seen_on;
}

static enum status change_one(struct flag_job *j, uint32_t uid, uint64_t old,
			      uint64_t old_modseq, uint64_t size)
{
	struct store_flag_change *c = j->change;
	uint64_t keep, add, new;
	bool turned;
	enum status st;

	if (old_modseq > c->unchanged_since) {
		st = close_run(j);
		return st || !c->refused ? st : ranges_add(c->refused, uid, uid);
	}
	st = masks(j, old, &keep, &add);
	if (st)
		return st;
	new = (old & keep) | add;
	turned = turns(j, uid);
	if (new == old && !turned) {	/* no change, no modseq */
		st = close_run(j);
		old = seen_flags(j->seen, old, uid);
		return st ? st : append_row(j, uid, old, old_modseq);
	}
	if (!j->modseq)
		st = mailbox_next_modseq(j->tx, j->mailbox, &j->modseq);
	if (!st && j->run.is_open &&
	    (j->run.keep != keep || j->run.add != add))
		st = close_run(j);
	if (!st && !j->run.is_open)
		j->run = (struct run){ uid, uid, keep, add, true };
	j->run.high = uid;
	count_change(&j->mailbox->now.mailbox, old, new, size);
	if (!st)
		st = ranges_add(&j->changed, uid, uid);
	if (!st && turned)
		st = ranges_add(&j->turned, uid, uid);
	/* j->seen is what was */
	new = seen_flags(j->seen, new, uid) ^ (turned ? FLAG_SEEN : 0);
	return st ? st : append_row(j, uid, new, j->modseq);
}

/* ---- what there is, from the array or from rows */

/* The array has no sizes, which a change of \Deleted is counted by; and it is as
 * good as the rows only while this transaction changed none of them. */
static bool may_use_array(const struct flag_job *j)
{
	const struct store_flag_change *c = j->change;

	return c->mode != IPC_STORE_REPLACE && !(c->flags & FLAG_DELETED) &&
	       !array_log_has(&j->tx->log, c->mailbox);
}

/* ST_NOT_FOUND: there is no array, or no longer; *low is where to go on. */
static enum status change_by_array(struct flag_job *j, struct range r,
				   uint32_t *low)
{
	struct array_marks marks = { .range = r };
	enum status st;

	do {
		st = arrays_look(j->tx->store->arrays, j->change->mailbox,
				 array_look_marks, &marks);
		for (size_t i = 0; i < marks.count && !st; i++)
			st = change_one(j, marks.items[i].uid,
					marks.items[i].flags,
					marks.items[i].modseq, 0);
		if (!st && marks.count)
			*low = marks.range.low =
				marks.items[marks.count - 1].uid + 1;
	} while (!st && !marks.is_last);
	return st ? st : close_run(j);
}

static enum status change_by_rows(struct flag_job *j, struct range r)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(j->tx, &row, "SELECT uid, flags, modseq, size"
		" FROM entry WHERE mailbox = ?1 AND uid BETWEEN ?2 AND ?3"
		" ORDER BY uid",
		SQL_ARGS(sql_i(j->change->mailbox), sql_i(r.low),
			 sql_i(r.high)));

	if (st)
		return st;
	while (!(st = sql_next(j->tx, row))) {
		st = change_one(j, (uint32_t)sql_column(row, 0),
				sql_column(row, 1), sql_column(row, 2),
				sql_column(row, 3));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? close_run(j) : st;
}

static enum status change_range(struct flag_job *j, struct range r)
{
	enum status st = j->uses_array ? change_by_array(j, r, &r.low) :
					 ST_NOT_FOUND;

	return st == ST_NOT_FOUND ? change_by_rows(j, r) : st;
}

static enum status write_runs(struct flag_job *j)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < j->run_count && !st; i++) {
		const struct run *r = &j->runs[i];

		st = sql_run(j->tx, "UPDATE entry SET flags = flags & ?4 | ?5,"
			" modseq = ?6 WHERE mailbox = ?1"
			" AND uid BETWEEN ?2 AND ?3",
			SQL_ARGS(sql_i(j->change->mailbox), sql_i(r->low),
				 sql_i(r->high), sql_i(r->keep), sql_i(r->add),
				 sql_i(j->modseq)));
		array_log_note(&j->tx->log, &(struct array_change){
			.kind = ARRAY_FLAGS, .mailbox = j->change->mailbox,
			.low = r->low, .high = r->high, .keep = r->keep,
			.add = r->add, .modseq = j->modseq,
		});
	}
	return st;
}

/* "+\Seen,$Junk": what was asked for. */
static enum status journal_change(struct flag_job *j)
{
	static const char signs[] = {
		[IPC_STORE_REPLACE] = '=', [IPC_STORE_ADD] = '+',
		[IPC_STORE_REMOVE] = '-',
	};
	const struct store_flag_change *c = j->change;
	struct slice rest = slice_head(c->keywords, 500), name;
	char text[600];
	struct buf detail = { text, 0, sizeof text, sizeof text };

	buf_append_char(&detail, signs[c->mode]);
	for (size_t i = 0; i < FLAG_NAME_COUNT; i++)
		if (c->flags & flag_names[i].flag)
			buf_append_fmt(&detail, "%s%.*s",
				       detail.len > 1 ? "," : "",
				       SLICE_ARG(flag_names[i].name));
	while (slice_split(&rest, ' ', &name))
		if (name.len)
			buf_append_fmt(&detail, "%s%.*s",
				       detail.len > 1 ? "," : "", SLICE_ARG(name));
	return journal_add(j->tx, "flags", c->mailbox, SLICE_EMPTY, &j->changed,
			   buf_slice(&detail));
}

/* RFC 4314 section 4: it fails only where nothing of it may be done. */
static enum status take_rights(struct flag_job *j)
{
	const struct store_flag_change *c = j->change;
	bool is_all = c->mode == IPC_STORE_REPLACE;
	uint32_t rights;

	j->may = FLAGS_SYSTEM;
	j->may_keywords = true;
	if (store_access_is_owners(c->as))
		return ST_OK;
	rights = c->as->rights;
	j->may = rights_flags(rights);
	j->may_keywords = rights & STORE_RIGHT_WRITE;
	j->turns_seen = rights & STORE_RIGHT_SEEN &&
			(is_all || c->flags & FLAG_SEEN);
	j->seen_on = c->flags & FLAG_SEEN && c->mode != IPC_STORE_REMOVE;
	if (!j->turns_seen && !(is_all ? j->may : c->flags & j->may) &&
	    !(j->may_keywords && (is_all || c->keywords.len)))
		return tx_error(j->tx, ST_DENIED, "the right to do that was not given");
	return seen_load(j->tx, c->as, &j->seen);
}

enum status store_flags(struct tx *tx, struct store_flag_change *c)
{
	struct flag_job j = { .tx = tx, .change = c,
			      .changed = RANGES_INIT(RANGES_MAX),
			      .turned = RANGES_INIT(RANGES_MAX) };
	enum status st = hot_get(tx, HOT_MAILBOX, c->mailbox, &j.mailbox);

	if (c->refused)
		ranges_clear(c->refused);
	if (c->rows)
		c->rows->len = 0;
	c->set_high = 0;
	j.uses_array = may_use_array(&j);
	if (!st)
		st = take_rights(&j);
	if (!st)
		st = hot_touch(tx, j.mailbox);
	for (size_t i = 0; i < c->uids->count && !st; i++)
		st = change_range(&j, c->uids->items[i]);
	if (!st)
		st = write_runs(&j);
	if (!st && j.turned.count)
		st = seen_change(tx, c->as, &j.turned, j.seen_on, j.modseq);
	if (!st && j.modseq)
		st = journal_change(&j);
	c->has_changed = j.modseq != 0;
	if (!st)
		c->modseq = mailbox_told_modseq(tx->store,
				j.mailbox->now.mailbox.highestmodseq);
	ranges_free(&j.changed);
	ranges_free(&j.turned);
	free(j.runs);
	free(j.sets);
	return st;
}
