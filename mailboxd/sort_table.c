#include <config.h>

#include "mailboxd/sort_table.h"

#include "common/arena.h"
#include "common/ipc_codec.h"

#include <stdlib.h>

union value {
	int64_t number;
	struct slice text;
};

struct sort_table {
	unsigned char keys[IPC_SORT_KEYS_MAX];
	size_t key_count;
	struct arena texts;
	uint32_t *uids;
	union value *values;	/* key_count a row */
	size_t count, cap;
};

static enum ipc_sort_key key_of(unsigned char octet)
{
	return (enum ipc_sort_key)(octet & ~IPC_SORT_REVERSE);
}

static bool is_number(enum ipc_sort_key key)
{
	return key == IPC_SORT_ARRIVAL || key == IPC_SORT_DATE ||
	       key == IPC_SORT_SIZE;
}

bool sort_keys_are_valid(struct slice keys)
{
	for (size_t i = 0; i < keys.len; i++)
		if (key_of((unsigned char)keys.data[i]) >= IPC_SORT_KEYS)
			return false;
	return keys.len > 0 && keys.len <= IPC_SORT_KEYS_MAX;
}

bool sort_keys_have(struct slice keys, enum ipc_sort_key key)
{
	for (size_t i = 0; i < keys.len; i++)
		if (key_of((unsigned char)keys.data[i]) == key)
			return true;
	return false;
}

struct sort_table *sort_table_new(struct slice keys)
{
	struct sort_table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	keys = slice_head(keys, IPC_SORT_KEYS_MAX);
	memcpy(t->keys, keys.data, keys.len);
	t->key_count = keys.len;
	t->texts = (struct arena)ARENA_INIT(SORT_TEXT_MAX);
	return t;
}

void sort_table_free(struct sort_table *t)
{
	if (!t)
		return;
	arena_clear(&t->texts);
	free(t->uids);
	free(t->values);
	free(t);
}

static enum status grow(struct sort_table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 256;
	uint32_t *uids;
	union value *values;

	if (t->count >= SORT_ROWS_MAX)
		return ST_LIMIT;
	uids = realloc(t->uids, cap * sizeof *uids);
	if (uids)
		t->uids = uids;
	values = realloc(t->values, cap * t->key_count * sizeof *values);
	if (values)
		t->values = values;
	if (!uids || !values)
		return ST_NO_MEMORY;
	t->cap = cap;
	return ST_OK;
}

enum status sort_table_add(struct sort_table *t, const struct sort_row *row)
{
	union value *value;

	if (t->count == t->cap) {
		enum status st = grow(t);

		if (st != ST_OK)
			return st;
	}
	value = &t->values[t->count * t->key_count];
	for (size_t i = 0; i < t->key_count; i++, value++) {
		enum ipc_sort_key key = key_of(t->keys[i]);

		if (is_number(key)) {
			value->number = row->values[key];
			continue;
		}
		value->text = row->texts[key];
		if (value->text.len == 0)
			continue;
		if (value->text.len > t->texts.max - t->texts.used)
			return ST_LIMIT;
		value->text = arena_copy(&t->texts, value->text);
		if (!value->text.data)
			return ST_NO_MEMORY;
	}
	t->uids[t->count++] = row->uid;
	return ST_OK;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
	const struct sort_table *t = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const union value *v = &t->values[x * t->key_count];
	const union value *w = &t->values[y * t->key_count];

	for (size_t i = 0; i < t->key_count; i++) {
		int order = is_number(key_of(t->keys[i]))
			? (v[i].number > w[i].number) - (v[i].number < w[i].number)
			: slice_compare(v[i].text, w[i].text);

		if (order)
			return t->keys[i] & IPC_SORT_REVERSE ? -order : order;
	}
	return x < y ? -1 : x > y;
}

enum status sort_table_order(struct sort_table *t, struct buf *out)
{
	uint32_t *order = malloc((t->count ? t->count : 1) * sizeof *order);
	char *at;
	enum status st = order ? buf_reserve(out, t->count * 4, &at) : ST_NO_MEMORY;

	if (st == ST_OK) {
		for (size_t i = 0; i < t->count; i++)
			order[i] = (uint32_t)i;
		qsort_r(order, t->count, sizeof *order, compare_rows, t);
		for (size_t i = 0; i < t->count; i++)
			ipc_put_u32(at + 4 * i, t->uids[order[i]]);
		out->len += t->count * 4;
	}
	free(order);
	return st;
}
