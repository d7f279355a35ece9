#include "common/ranges.h"

#include "common/ipc_codec.h"

#include <stdlib.h>

void ranges_free(struct ranges *r)
{
	free(r->items);
	r->items = NULL;
	r->count = r->cap = 0;
}

void ranges_clear(struct ranges *r)
{
	r->count = 0;
}

/* Makes room for n more items. */
static enum status grow(struct ranges *r, size_t n)
{
	size_t cap = r->cap ? r->cap : 8;
	struct range *items;

	if (n > r->max - r->count)
		return ST_LIMIT;
	if (r->count + n <= r->cap)
		return ST_OK;
	while (cap < r->count + n)
		cap *= 2;
	items = realloc(r->items, cap * sizeof *items);
	if (!items)
		return ST_NO_MEMORY;
	r->items = items;
	r->cap = cap;
	return ST_OK;
}

static enum status push(struct ranges *r, uint32_t low, uint32_t high)
{
	enum status st = grow(r, 1);

	if (st == ST_OK)
		r->items[r->count++] = (struct range){ low, high };
	return st;
}

/* Whether b begins inside a or just behind it, where a.low <= b.low. */
static bool touches(struct range a, struct range b)
{
	return b.low <= a.high || b.low - a.high == 1;
}

/* Index of the first item that reaches value or lies behind it; count if none
 * does. */
static size_t find(const struct ranges *r, uint32_t value)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->items[middle].high < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Puts new among the items, swallowing those it touches. */
static enum status insert(struct ranges *r, struct range new)
{
	size_t from = find(r, new.low), to;
	enum status st;

	if (from > 0 && touches(r->items[from - 1], new))
		from--;
	for (to = from; to < r->count; to++) {
		struct range *item = &r->items[to];

		if (!touches(item->low < new.low ? *item : new,
			     item->low < new.low ? new : *item))
			break;
		if (item->low < new.low)
			new.low = item->low;
		if (item->high > new.high)
			new.high = item->high;
	}
	if (to == from) {
		st = grow(r, 1);
		if (st != ST_OK)
			return st;
		memmove(r->items + from + 1, r->items + from,
			(r->count - from) * sizeof *r->items);
		r->count++;
	} else {
		memmove(r->items + from + 1, r->items + to,
			(r->count - to) * sizeof *r->items);
		r->count -= to - from - 1;
	}
	r->items[from] = new;
	return ST_OK;
}

enum status ranges_add(struct ranges *r, uint32_t low, uint32_t high)
{
	struct range new = { low <= high ? low : high, low <= high ? high : low };
	struct range *last = r->count ? &r->items[r->count - 1] : NULL;

	if (!last || (new.low > last->high && new.low - last->high > 1))
		return push(r, new.low, new.high);
	if (new.low >= last->low) {
		if (new.high > last->high)
			last->high = new.high;
		return ST_OK;
	}
	return insert(r, new);
}

enum status ranges_copy(struct ranges *to, const struct ranges *from)
{
	enum status st;

	to->count = 0;
	st = grow(to, from->count);
	if (st == ST_OK && from->count) {
		memcpy(to->items, from->items, from->count * sizeof *to->items);
		to->count = from->count;
	}
	return st;
}

bool ranges_has(const struct ranges *r, uint32_t value)
{
	size_t i = find(r, value);

	return i < r->count && r->items[i].low <= value;
}

static uint64_t size_of(struct range r)
{
	return (uint64_t)r.high - r.low + 1;
}

uint64_t ranges_size(const struct ranges *r)
{
	uint64_t size = 0;

	for (size_t i = 0; i < r->count; i++)
		size += size_of(r->items[i]);
	return size;
}

uint32_t ranges_at(const struct ranges *r, uint64_t k)
{
	for (size_t i = 0; i < r->count; i++) {
		uint64_t size = size_of(r->items[i]);

		if (k < size)
			return r->items[i].low + (uint32_t)k;
		k -= size;
	}
	return 0;
}

uint64_t ranges_rank(const struct ranges *r, uint32_t value)
{
	uint64_t rank = 0;

	for (size_t i = 0; i < r->count && r->items[i].low < value; i++)
		rank += r->items[i].high < value
				? size_of(r->items[i])
				: (uint64_t)value - r->items[i].low;
	return rank;
}

enum status ranges_intersect(const struct ranges *a, const struct ranges *b,
			     struct ranges *out)
{
	size_t i = 0, j = 0;
	enum status st = ST_OK;

	out->count = 0;
	while (st == ST_OK && i < a->count && j < b->count) {
		struct range x = a->items[i], y = b->items[j];
		uint32_t low = x.low > y.low ? x.low : y.low;
		uint32_t high = x.high < y.high ? x.high : y.high;

		if (low <= high)
			st = ranges_add(out, low, high);
		if (x.high < y.high)
			i++;
		else
			j++;
	}
	return st;
}

enum status ranges_subtract(const struct ranges *a, const struct ranges *b,
			    struct ranges *out)
{
	size_t j = 0;
	enum status st = ST_OK;

	out->count = 0;
	for (size_t i = 0; st == ST_OK && i < a->count; i++) {
		/* what is left of this item; low runs past high at its end */
		uint64_t low = a->items[i].low, high = a->items[i].high;

		while (j < b->count && b->items[j].high < low)
			j++;
		for (size_t k = j; st == ST_OK && k < b->count &&
				   b->items[k].low <= high; k++) {
			if (b->items[k].low > low)
				st = push(out, (uint32_t)low,
					  b->items[k].low - 1);
			low = (uint64_t)b->items[k].high + 1;
		}
		if (st == ST_OK && low <= high)
			st = push(out, (uint32_t)low, (uint32_t)high);
	}
	return st;
}

static int compare_low(const void *a, const void *b)
{
	uint32_t x = ((const struct range *)a)->low;
	uint32_t y = ((const struct range *)b)->low;

	return (x > y) - (x < y);
}

enum status ranges_normalise(struct ranges *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct range *item = &r->items[i];

		if (item->low > item->high)
			*item = (struct range){ item->high, item->low };
	}
	if (r->count)
		qsort(r->items, r->count, sizeof *r->items, compare_low);
	for (size_t i = 0; i < r->count; i++) {
		struct range item = r->items[i];

		if (kept && touches(r->items[kept - 1], item)) {
			if (item.high > r->items[kept - 1].high)
				r->items[kept - 1].high = item.high;
		} else {
			r->items[kept++] = item;
		}
	}
	r->count = kept;
	return ST_OK;
}

enum status ranges_encode(const struct ranges *r, struct buf *out)
{
	char *at;
	enum status st = buf_reserve(out, r->count * 8, &at);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < r->count; i++, at += 8) {
		ipc_put_u32(at, r->items[i].low);
		ipc_put_u32(at + 4, r->items[i].high);
	}
	out->len += r->count * 8;
	return ST_OK;
}

enum status ranges_decode(struct slice in, struct ranges *out)
{
	enum status st = ST_OK;

	out->count = 0;
	if (in.len % 8)
		return ST_SYNTAX;
	for (; st == ST_OK && in.len; in = slice_from(in, 8)) {
		uint32_t low = ipc_get_u32(in.data);
		uint32_t high = ipc_get_u32(in.data + 4);

		if (low > high ||
		    (out->count && low <= out->items[out->count - 1].high))
			return ST_SYNTAX;
		st = ranges_add(out, low, high);
	}
	return st;
}

enum status ranges_add_encoded(struct slice in, struct ranges *out)
{
	struct ranges more = RANGES_INIT(out->max);
	enum status st = ranges_decode(in, &more);

	for (size_t i = 0; st == ST_OK && i < more.count; i++)
		st = ranges_add(out, more.items[i].low, more.items[i].high);
	ranges_free(&more);
	return st;
}
