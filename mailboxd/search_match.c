#include <config.h>

#include "mailboxd/search_match.h"

#include "mailboxd/casemap.h"
#include "mailboxd/search_text.h"

#include <stdlib.h>

#define NEEDLES_MAX ((size_t)16 << 20)

struct key {
	enum search_op op;
	struct slice field, needle;	/* needle is mapped */
	bool is_found;
	bool is_active;		/* looks at the text in work */
};

struct search_match {
	struct search_text *text;
	struct arena arena;	/* of names and needles */
	struct key *keys;
	size_t count;
	size_t longest;		/* needle */
	size_t left, left_in_body;	/* keys not found; those not of HEADER */
	enum search_text_where where;	/* of the text in work */
	struct buf window;	/* its last octets, and the new ones behind them */
	size_t value;		/* where a field's value begins in window */
};

/* ---- what the text tells */

static bool wants(const struct key *k, enum search_text_where where,
		  struct slice name)
{
	if (k->is_found)
		return false;
	switch (k->op) {
	case SEARCH_OP_TEXT:
		return true;
	case SEARCH_OP_BODY:
		return where != SEARCH_TEXT_HEADER;
	default:
		return where == SEARCH_TEXT_HEADER && slice_case_eq(k->field, name);
	}
}

static void set_found(struct search_match *m, struct key *k)
{
	k->is_found = true;
	k->is_active = false;
	m->left--;
	m->left_in_body -= k->op != SEARCH_OP_HEADER;
}

static bool on_begin(void *context, enum search_text_where where, struct slice name)
{
	struct search_match *m = context;
	bool is_wanted = false;

	m->where = where;
	m->window.len = m->value = 0;
	for (size_t i = 0; i < m->count; i++) {
		struct key *k = &m->keys[i];

		k->is_active = wants(k, where, name);
		if (k->is_active && k->needle.len == 0)
			set_found(m, k);
		is_wanted |= k->is_active;
	}
	if (!is_wanted || where == SEARCH_TEXT_BODY || name.len == 0)
		return is_wanted;
	/* TEXT and BODY see the field's name as well; without room they do not */
	if (casemap_append(&m->window, name) == ST_OK)
		buf_append_str(&m->window, ": ");
	m->value = m->window.len;
	return true;
}

static enum status on_text(void *context, struct slice mapped)
{
	struct search_match *m = context;
	enum status st = buf_append(&m->window, mapped);
	bool is_active = false;

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < m->count; i++) {
		struct key *k = &m->keys[i];
		struct slice in = buf_slice(&m->window);

		if (!k->is_active)
			continue;
		if (k->op == SEARCH_OP_HEADER)
			in = slice_from(in, m->value);
		if (memmem(in.data, in.len, k->needle.data, k->needle.len))
			set_found(m, k);
		is_active |= k->is_active;
	}
	if (!is_active)
		m->window.len = 0;
	else if (m->window.len >= m->longest)
		buf_consume(&m->window, m->window.len - (m->longest - 1));
	return ST_OK;
}

static void on_end(void *context)
{
	struct search_match *m = context;

	m->window.len = m->value = 0;
}

/* ---- life */

static enum status copy_key(struct search_match *m, const struct search_key *from,
			    struct key *to)
{
	struct buf mapped = BUF_INIT(NEEDLES_MAX);
	enum status st = casemap_append(&mapped, from->needle);

	to->op = from->op;
	to->field = arena_copy(&m->arena, from->field);
	to->needle = arena_copy(&m->arena, buf_slice(&mapped));
	buf_free(&mapped);
	if (st != ST_OK || !to->field.data || !to->needle.data)
		return ST_NO_MEMORY;
	if (to->needle.len > m->longest)
		m->longest = to->needle.len;
	return ST_OK;
}

struct search_match *search_match_new(const struct search_key *keys, size_t count)
{
	const struct search_text_sink sink = { NULL, on_begin, on_text, on_end };
	struct search_text_sink to_me = sink;
	struct search_match *m = calloc(1, sizeof *m);
	enum status st = ST_OK;

	if (!m)
		return NULL;
	to_me.context = m;
	m->arena = (struct arena)ARENA_INIT(NEEDLES_MAX * 2);
	m->window = (struct buf)BUF_INIT(SIZE_MAX / 4);
	m->count = count;
	m->keys = calloc(count ? count : 1, sizeof *m->keys);
	m->text = search_text_new(&to_me);
	if (!m->keys || !m->text)
		st = ST_NO_MEMORY;
	for (size_t i = 0; i < count && st == ST_OK; i++)
		st = copy_key(m, &keys[i], &m->keys[i]);
	if (st != ST_OK) {
		search_match_free(m);
		return NULL;
	}
	return m;
}

void search_match_free(struct search_match *m)
{
	if (!m)
		return;
	search_text_free(m->text);
	arena_clear(&m->arena);
	buf_free(&m->window);
	free(m->keys);
	free(m);
}

/* ---- one message */

enum status search_match_begin(struct search_match *m, struct slice prefix,
			       const struct part *parts, size_t count)
{
	m->left = m->left_in_body = 0;
	m->window.len = 0;
	for (size_t i = 0; i < m->count; i++) {
		struct key *k = &m->keys[i];

		k->is_active = false;
		k->is_found = k->op != SEARCH_OP_HEADER && k->needle.len == 0;
		m->left += !k->is_found;
		m->left_in_body += !k->is_found && k->op != SEARCH_OP_HEADER;
	}
	return search_text_begin(m->text, prefix, parts, count);
}

enum status search_match_feed(struct search_match *m, struct slice octets)
{
	return search_text_feed(m->text, octets);
}

uint64_t search_match_needs(const struct search_match *m)
{
	if (m->left == 0 || (m->left_in_body == 0 && search_text_in_body(m->text)))
		return UINT64_MAX;
	return search_text_next(m->text);
}

void search_match_seek(struct search_match *m, uint64_t offset)
{
	search_text_seek(m->text, offset);
}

enum status search_match_end(struct search_match *m)
{
	return search_text_end(m->text);
}

bool search_match_found(const struct search_match *m, size_t i)
{
	return m->keys[i].is_found;
}
