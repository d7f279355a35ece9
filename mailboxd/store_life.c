/*
 * The life of one message in the journal. Rows of `copy`, `move` and `undelete`
 * stand at the mailbox their messages were in and tell where they went, so that
 * they can be followed from one to the next.
 */
#include "mailboxd/store_priv.h"

#include <stdlib.h>

#define STEPS 500	/* rows that are looked at in one call */

struct store_place {
	uint64_t mailbox;
	uint32_t uid;
	uint64_t next;		/* id of the next row of its mailbox */
};

#define NO_ROW UINT64_MAX

/* ---- sets as the journal writes them ---------------------------------------------- */

/* One of "4:7,9", off *list. False: the end; *cut: it was cut here. */
static bool take_range(struct slice *list, struct range *r, bool *cut)
{
	struct slice item, low;
	unsigned long long a, b;

	*cut = false;
	if (!slice_split(list, ',', &item))
		return false;
	if (!slice_split(&item, ':', &low) || !slice_number(low, UINT32_MAX, &a)) {
		*cut = slice_eq(low, SLICE("..."));
		return false;
	}
	if (!slice_number(item, UINT32_MAX, &b))
		b = a;
	*r = (struct range){ (uint32_t)a, (uint32_t)b };
	return true;
}

enum named { NOT_NAMED, NAMED, PERHAPS };

/* Whether the set names the uid, and as which of it, from 0. */
static enum named find_uid(struct slice set, uint32_t uid, uint64_t *which)
{
	struct range r;
	bool cut;

	*which = 0;
	while (take_range(&set, &r, &cut)) {
		if (uid < r.low)
			return NOT_NAMED;	/* they ascend */
		if (uid <= r.high) {
			*which += uid - r.low;
			return NAMED;
		}
		*which += (uint64_t)r.high - r.low + 1;
	}
	return cut ? PERHAPS : NOT_NAMED;
}

/* The uid that is that one of the set; 0: it was cut before. */
static uint32_t uid_at(struct slice set, uint64_t which)
{
	struct range r;
	bool cut;

	while (take_range(&set, &r, &cut)) {
		if (which <= r.high - r.low)
			return (uint32_t)(r.low + which);
		which -= (uint64_t)r.high - r.low + 1;
	}
	return 0;
}

/* The value of a word "name=value" of a detail. */
static struct slice word_of(struct slice detail, struct slice name)
{
	struct slice word;

	while (slice_split(&detail, ' ', &word))
		if (word.len > name.len && word.data[name.len] == '=' &&
		    slice_eq(slice_head(word, name.len), name))
			return slice_from(word, name.len + 1);
	return SLICE_EMPTY;
}

/* ---- places --------------------------------------------------------------------------- */

static enum status add_place(struct tx *tx, struct store_life *l,
			     uint64_t mailbox, uint32_t uid)
{
	if (uid == 0 || l->count == STORE_LIFE_PLACES)
		return ST_OK;
	if (l->count == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 4;
		struct store_place *grown = realloc(l->places,
						    cap * sizeof *grown);

		if (!grown)
			return tx_no_memory(tx);
		l->places = grown;
		l->cap = cap;
	}
	/* looked for behind the row that told of it */
	l->places[l->count++] = (struct store_place){ mailbox, uid, l->next };
	return ST_OK;
}

void store_life_clear(struct store_life *l)
{
	free(l->places);
	*l = (struct store_life){ .mid = l->mid };
}

/* ---- rows ----------------------------------------------------------------------------- */

static enum status next_of(struct tx *tx, const char *sql, struct sql_value key,
			   uint64_t from, uint64_t *next)
{
	enum status st = sql_number(tx, next, sql,
				    SQL_ARGS(key, sql_i(from)));

	if (st == ST_NOT_FOUND)
		*next = NO_ROW;
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* The next row, from l->next on, that may be about the message. */
static enum status find_next(struct tx *tx, struct store_life *l, uint64_t *id)
{
	enum status st = next_of(tx, "SELECT id FROM journal WHERE mid = ?1"
		" AND id >= ?2 ORDER BY id LIMIT 1", sql_t(l->mid), l->next, id);

	for (size_t i = 0; i < l->count && !st; i++) {
		struct store_place *p = &l->places[i];

		if (p->next <= l->next)
			/* rows with a mid are about that message alone */
			st = next_of(tx, "SELECT id FROM journal WHERE mailbox"
				" = ?1 AND id >= ?2 AND mid IS NULL"
				" ORDER BY id LIMIT 1",
				sql_i(p->mailbox), l->next, &p->next);
		if (!st && p->next < *id)
			*id = p->next;
	}
	return st;
}

/* The row that told of the mid: where it was put. */
static enum status begin(struct tx *tx, struct store_life *l,
			 const struct store_journal_row *r)
{
	struct slice rest = r->uids;
	struct range range;
	bool cut;

	return r->mailbox && take_range(&rest, &range, &cut)
		? add_place(tx, l, r->mailbox, range.low) : ST_OK;
}

/* A row that tells where the messages went: another place. */
static enum status follow(struct tx *tx, struct store_life *l,
			  struct store_journal_row *r, uint64_t which,
			  char detail[64])
{
	struct slice to = word_of(r->detail, SLICE("to"));
	struct slice uids = word_of(r->detail, SLICE("uids"));
	unsigned long long mailbox;
	uint32_t uid = uid_at(uids, which);

	if (uids.len == 0 || !slice_number(to, INT64_MAX, &mailbox))
		return ST_OK;
	snprintf(detail, 64, "to=%llu uids=%u", mailbox, uid);
	r->detail = slice_str(detail);
	return add_place(tx, l, mailbox, uid);
}

/* A row about a place where the message was, or its mailbox as a whole. */
static enum status judge_place(struct tx *tx, struct store_life *l,
			       const struct store_journal_row *r, size_t at,
			       store_journal_fn *fn, void *arg, bool *is_given)
{
	const struct store_place *p = &l->places[at];
	struct store_journal_row shown = *r;
	char uids[16], detail[64];
	enum named named = NAMED;
	uint64_t which = 0;
	enum status st = ST_OK;

	if (r->uids.len)
		named = find_uid(r->uids, p->uid, &which);
	if (p->mailbox != r->mailbox || named == NOT_NAMED)
		return ST_OK;
	*is_given = true;
	snprintf(uids, sizeof uids, named == NAMED ? "%u" : "%u?", p->uid);
	if (r->uids.len && named == NAMED)
		st = follow(tx, l, &shown, which, detail);
	shown.uids = slice_str(uids);
	return st ? st : fn(arg, &shown);
}

static enum status judge(struct tx *tx, struct store_life *l,
			 struct store_journal_row *r, store_journal_fn *fn,
			 void *arg)
{
	size_t count = l->count;
	bool is_given = false;
	enum status st = ST_OK;

	if (slice_eq(r->mid, l->mid)) {
		st = begin(tx, l, r);
		return st ? st : fn(arg, r);
	}
	for (size_t i = 0; i < count && !st && !is_given; i++)
		st = judge_place(tx, l, r, i, fn, arg, &is_given);
	return st;
}

enum status store_life(struct tx *tx, struct store_life *l, store_journal_fn *fn,
		       void *arg)
{
	struct store_journal_row row;
	enum status st = ST_OK;

	for (unsigned i = 0; i < STEPS && !st; i++) {
		uint64_t id;

		st = find_next(tx, l, &id);
		if (st || id == NO_ROW)
			return st;
		st = journal_row(tx, id, &row);
		if (st)
			break;
		l->next = id + 1;
		st = judge(tx, l, &row, fn, arg);
	}
	return st ? st : ST_MORE;
}
