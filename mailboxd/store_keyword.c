/* Keyword sets: each distinct set of a mailbox, once. */
#include "mailboxd/store_priv.h"

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

enum status keyword_set_change(struct tx *tx, uint64_t mailbox, uint32_t from,
			       enum ipc_store_mode mode, struct slice names,
			       uint32_t *to)
{
	struct keywords k = { .count = 0 };
	struct slice old;
	enum status st = ST_OK;

	if (mode != IPC_STORE_REPLACE) {
		st = keyword_set_names(tx, mailbox, from, &old);
		if (!st)
			st = keywords_add(tx, &k, old);
	}
	if (mode == IPC_STORE_REMOVE)
		keywords_remove(&k, names);
	else if (!st)
		st = keywords_add(tx, &k, names);
	return st ? st : intern(tx, mailbox, &k, to);
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
	return st == ST_NOT_FOUND ? ST_OK : lists_read(tx, st);
}

/* ---- is there room for more ------------------------------------------------------- */

#define SLOTS 2048		/* a power of two, far more than STORE_KEYWORDS */

static uint32_t hash_of(struct slice name)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < name.len; i++)
		h = (h ^ ((unsigned char)name.data[i] | 0x20)) * 16777619u;
	return h ^ h >> 15;
}

/* True: it is new. There is always an empty slot. */
static bool add_slot(struct slice slots[static SLOTS], struct slice name)
{
	size_t i = hash_of(name) & (SLOTS - 1);

	while (slots[i].len > 0 && !slice_case_eq(slots[i], name))
		i = (i + 1) & (SLOTS - 1);
	if (slots[i].len > 0)
		return false;
	slots[i] = name;
	return true;
}

static bool count_them(const struct array_set *sets, size_t count)
{
	struct slice slots[SLOTS] = { { 0 } }, rest, name;
	size_t different = 0;

	for (size_t i = 0; i < count && different < STORE_KEYWORDS; i++) {
		rest = sets[i].names;
		while (different < STORE_KEYWORDS && rest.len > 0 &&
		       slice_split(&rest, ' ', &name))
			different += name.len > 0 && add_slot(slots, name);
	}
	return different >= STORE_KEYWORDS;
}

bool keyword_sets_are_full(const struct array_set *sets, size_t count, size_t octets)
{
	/* a letter and a space each would not be enough */
	return octets + count >= 2 * STORE_KEYWORDS && count_them(sets, count);
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
