/* Flags and keyword sets. */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

/* ---- keyword sets --------------------------------------------------------------- */

struct keywords {
	struct slice names[STORE_KEYWORDS_EACH * 2];
	size_t count;
};

/* An atom of IMAP (RFC 9051 section 9) that is no system flag. */
static bool is_keyword(struct slice name)
{
	if (name.len == 0 || name.len > STORE_KEYWORD_OCTETS)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (c <= ' ' || c >= 0x7f || memchr("(){%*\"\\]", c, 8))
			return false;
	}
	return true;
}

static int compare_case(struct slice a, struct slice b)
{
	for (size_t i = 0; i < a.len && i < b.len; i++) {
		int d = ascii_lower(a.data[i]) - ascii_lower(b.data[i]);

		if (d)
			return d;
	}
	return a.len < b.len ? -1 : a.len > b.len;
}

/* Index of name, or where it would stand. */
static bool keywords_find(const struct keywords *k, struct slice name,
			  size_t *at)
{
	for (*at = 0; *at < k->count; ++*at) {
		int d = compare_case(k->names[*at], name);

		if (d >= 0)
			return d == 0;
	}
	return false;
}

static enum status keywords_add(struct tx *tx, struct keywords *k,
				struct slice names)
{
	struct slice name;
	size_t at;

	while (names.len > 0 && slice_split(&names, ' ', &name)) {
		if (name.len == 0)
			continue;
		if (name.len > STORE_KEYWORD_OCTETS)
			return tx_error(tx, ST_LIMIT, "a keyword of more than "
					"%d octets", STORE_KEYWORD_OCTETS);
		if (!is_keyword(name))
			return tx_error(tx, ST_SYNTAX, "that is no keyword");
		if (keywords_find(k, name, &at))
			continue;
		if (k->count == STORE_KEYWORDS_EACH)
			return tx_error(tx, ST_LIMIT, "more than %d keywords on "
					"a message", STORE_KEYWORDS_EACH);
		memmove(&k->names[at + 1], &k->names[at],
			(k->count - at) * sizeof *k->names);
		k->names[at] = name;
		k->count++;
	}
	return ST_OK;
}

static void keywords_remove(struct keywords *k, struct slice names)
{
	struct slice name;
	size_t at;

	while (names.len > 0 && slice_split(&names, ' ', &name))
		if (keywords_find(k, name, &at)) {
			k->count--;
			memmove(&k->names[at], &k->names[at + 1],
				(k->count - at) * sizeof *k->names);
		}
}

/* All different keywords of the mailbox stay below the limit. */
static enum status check_room(struct tx *tx, uint64_t mailbox,
			      const struct keywords *more)
{
	struct sqlite3_stmt *row;
	struct slice *seen, name;
	size_t count = 0, i;
	enum status st;

	seen = arena_array(&tx->arena, STORE_KEYWORDS + 1, sizeof *seen);
	if (!seen)
		return tx_no_memory(tx);
	for (i = 0; i < more->count; i++)
		seen[count++] = more->names[i];
	st = sql_query(tx, &row, "SELECT names FROM keyword_set"
		       " WHERE mailbox = ?1", SQL_ARGS(sql_i(mailbox)));
	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		struct slice names;

		st = sql_column_copy(tx, row, 0, &names);
		while (!st && names.len > 0 && slice_split(&names, ' ', &name)) {
			for (i = 0; i < count; i++)
				if (compare_case(seen[i], name) == 0)
					break;
			if (i < count)
				continue;
			if (count == STORE_KEYWORDS)
				st = tx_error(tx, ST_LIMIT, "more than %d "
					      "keywords in a mailbox",
					      STORE_KEYWORDS);
			else
				seen[count++] = name;
		}
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

static enum status keywords_join(struct tx *tx, const struct keywords *k,
				 struct slice *out)
{
	char *text = tx_alloc(tx, k->count * (STORE_KEYWORD_OCTETS + 1) + 1);
	size_t len = 0;

	if (!text)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < k->count; i++) {
		if (i)
			text[len++] = ' ';
		memcpy(text + len, k->names[i].data, k->names[i].len);
		len += k->names[i].len;
	}
	*out = slice_of(text, len);
	return ST_OK;
}

static enum status intern(struct tx *tx, uint64_t mailbox,
			  const struct keywords *k, uint32_t *set)
{
	struct slice names;
	uint64_t id;
	enum status st;

	*set = 0;
	if (k->count == 0)
		return ST_OK;
	st = keywords_join(tx, k, &names);
	if (!st)
		st = sql_number(tx, &id, "SELECT id FROM keyword_set"
				" WHERE mailbox = ?1 AND names = ?2"
				" COLLATE NOCASE",
				SQL_ARGS(sql_i(mailbox), sql_t(names)));
	if (st == ST_NOT_FOUND) {
		st = check_room(tx, mailbox, k);
		if (!st)
			st = sql_number(tx, &id, "INSERT INTO keyword_set"
				" (mailbox, id, names) SELECT ?1,"
				" coalesce(max(id), 0) + 1, ?2 FROM keyword_set"
				" WHERE mailbox = ?1 RETURNING id",
				SQL_ARGS(sql_i(mailbox), sql_t(names)));
		array_log_note(&tx->log, &(struct array_change){
			.kind = ARRAY_SET, .mailbox = mailbox,
			.low = (uint32_t)id, .names = names,
		});
	}
	if (!st)
		*set = (uint32_t)id;
	return st;
}

enum status keyword_set_intern(struct tx *tx, uint64_t mailbox,
			       struct slice names, uint32_t *set)
{
	struct keywords k = { .count = 0 };
	enum status st = keywords_add(tx, &k, names);

	return st ? st : intern(tx, mailbox, &k, set);
}

enum status keyword_set_names(struct tx *tx, uint64_t mailbox, uint32_t set,
			      struct slice *names)
{
	struct sqlite3_stmt *row;
	enum status st;

	*names = SLICE_EMPTY;
	if (set == 0)
		return ST_OK;
	st = sql_first(tx, &row, "SELECT names FROM keyword_set"
		       " WHERE mailbox = ?1 AND id = ?2",
		       SQL_ARGS(sql_i(mailbox), sql_i(set)));
	if (st)
		return st;
	st = sql_column_copy(tx, row, 0, names);
	sql_end(row);
	return st;
}

enum status keyword_sets_read(struct tx *tx, uint64_t mailbox, uint32_t after,
			      store_keywords_fn *fn, void *arg)
{
	struct sqlite3_stmt *row;
	enum status st = sql_query(tx, &row, "SELECT id, names FROM keyword_set"
		" WHERE mailbox = ?1 AND id > ?2 ORDER BY id",
		SQL_ARGS(sql_i(mailbox), sql_i(after)));

	if (st)
		return st;
	while (!(st = sql_next(tx, row))) {
		st = fn(arg, (uint32_t)sql_column(row, 0),
			sql_column_bytes(row, 1));
		if (st)
			break;
	}
	sql_end(row);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* Those of an array above `after`, copied: fn is not called under its lock. */
struct sets_look {
	struct tx *tx;
	uint32_t after;
	struct array_set *sets;
	size_t count;
};

static enum status look_sets(const struct array *a,
			     const struct mailbox_state *m, void *arg)
{
	struct sets_look *l = arg;
	size_t i = a->set_count;
	enum status st = ST_OK;

	while (i > 0 && a->sets[i - 1].id > l->after)
		i--;
	if (i == a->set_count)
		return ST_OK;
	l->sets = arena_array(&l->tx->arena, a->set_count - i, sizeof *l->sets);
	if (!l->sets)
		return tx_no_memory(l->tx);
	for (; i < a->set_count && !st; i++) {
		struct array_set *set = &l->sets[l->count++];

		set->id = a->sets[i].id;
		st = tx_copy(l->tx, a->sets[i].names, &set->names);
	}
	return st;
}

enum status store_keyword_sets(struct tx *tx, uint64_t mailbox, uint32_t after,
			       store_keywords_fn *fn, void *arg)
{
	struct sets_look l = { .tx = tx, .after = after };
	enum status st;

	if (tx->mode == TX_WRITE)
		return keyword_sets_read(tx, mailbox, after, fn, arg);
	st = arrays_look(tx->store->arrays, mailbox, look_sets, &l);
	for (size_t i = 0; i < l.count && !st; i++) {
		after = l.sets[i].id;
		st = fn(arg, after, l.sets[i].names);
	}
	if (st == ST_OK && !tx->has_snapshot)
		return ST_OK;
	/* rows may be from an array that went since, newer than the snapshot */
	if (st == ST_NOT_FOUND)
		st = tx_refresh(tx);
	return st ? st : keyword_sets_read(tx, mailbox, after, fn, arg);
}

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
	struct set_change *sets;
	size_t set_count, set_cap;
	struct run run;
	struct run *runs;	/* closed ones; written when the scan is over */
	size_t run_count, run_cap;
	struct ranges changed;
};

static enum status change_set(struct flag_job *j, uint32_t from, uint32_t *to)
{
	const struct store_flag_change *c = j->change;
	struct tx *tx = j->tx;
	struct keywords k = { .count = 0 };
	struct slice names;
	enum status st = ST_OK;

	if (c->mode != IPC_STORE_REPLACE && c->keywords.len == 0) {
		*to = from;
		return ST_OK;
	}
	for (size_t i = 0; i < j->set_count; i++)
		if (j->sets[i].from == from) {
			*to = j->sets[i].to;
			return ST_OK;
		}
	if (c->mode != IPC_STORE_REPLACE) {
		st = keyword_set_names(tx, c->mailbox, from, &names);
		if (!st)
			st = keywords_add(tx, &k, names);
	}
	if (c->mode == IPC_STORE_REMOVE)
		keywords_remove(&k, c->keywords);
	else if (!st)
		st = keywords_add(tx, &k, c->keywords);
	if (!st)
		st = intern(tx, c->mailbox, &k, to);
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
	uint32_t flags = c->flags & FLAGS_SYSTEM, set;
	enum status st = change_set(j, flags_keyword_set(old), &set);

	*add = flags_join(c->mode == IPC_STORE_REMOVE ? 0 : flags, set);
	*keep = c->mode == IPC_STORE_REPLACE ? 0 :
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
	enum status st;

	if (!j->change->rows)
		return ST_OK;
	st = fetch_row_encode(j->change->rows, FETCH_FLAGS | FETCH_MODSEQ, &row);
	return st ? tx_error(j->tx, st, "too many rows") : ST_OK;
}

static enum status change_one(struct flag_job *j, uint32_t uid, uint64_t old,
			      uint64_t old_modseq, uint64_t size)
{
	struct store_flag_change *c = j->change;
	uint64_t keep, add, new;
	enum status st;

	if (old_modseq > c->unchanged_since) {
		st = close_run(j);
		return st || !c->refused ? st : ranges_add(c->refused, uid, uid);
	}
	st = masks(j, old, &keep, &add);
	if (st)
		return st;
	new = (old & keep) | add;
	if (new == old) {	/* no change, no modseq */
		st = close_run(j);
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
	return st ? st : append_row(j, uid, new, j->modseq);
}

static enum status change_range(struct flag_job *j, struct range r)
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

enum status store_flags(struct tx *tx, struct store_flag_change *c)
{
	struct flag_job j = { .tx = tx, .change = c,
			      .changed = RANGES_INIT(RANGES_MAX) };
	enum status st = hot_get(tx, HOT_MAILBOX, c->mailbox, &j.mailbox);

	if (c->refused)
		ranges_clear(c->refused);
	if (c->rows)
		c->rows->len = 0;
	if (!st)
		st = hot_touch(tx, j.mailbox);
	for (size_t i = 0; i < c->uids->count && !st; i++)
		st = change_range(&j, c->uids->items[i]);
	if (!st)
		st = write_runs(&j);
	if (!st && j.modseq)
		st = journal_add(tx, "flags", c->mailbox, SLICE_EMPTY,
				 &j.changed, SLICE_EMPTY);
	if (!st)
		c->modseq = mailbox_told_modseq(tx->store,
				j.mailbox->now.mailbox.highestmodseq);
	ranges_free(&j.changed);
	free(j.runs);
	free(j.sets);
	return st;
}
