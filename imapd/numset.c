#include "imapd/numset.h"

#include <stdlib.h>

void numset_clear(struct numset *set)
{
	ranges_free(&set->ranges);
}

/* nz-number or "*", which is 0 here. */
static bool take_number(struct slice *text, uint32_t *n)
{
	unsigned long long value;
	size_t len = 0;

	if (text->len && text->data[0] == '*') {
		*n = 0;
		*text = slice_from(*text, 1);
		return true;
	}
	while (len < text->len && ascii_is_digit(text->data[len]))
		len++;
	if (!slice_number(slice_head(*text, len), UINT32_MAX, &value) || value == 0)
		return false;
	*n = (uint32_t)value;
	*text = slice_from(*text, len);
	return true;
}

static void add_star(struct numset *set, uint32_t n)
{
	set->has_star = true;
	if (n && n < set->star_low)
		set->star_low = n;
	if (n > set->star_high)
		set->star_high = n;
}

/* One item of the list between commas. */
static enum status take_item(struct slice item, struct numset *set)
{
	struct ranges *r = &set->ranges;
	uint32_t a, b;

	if (!take_number(&item, &a))
		return ST_SYNTAX;
	b = a;
	if (item.len) {
		if (item.data[0] != ':')
			return ST_SYNTAX;
		item = slice_from(item, 1);
		if (!take_number(&item, &b) || item.len)
			return ST_SYNTAX;
	}
	if (a == 0 || b == 0)
		add_star(set, a ? a : b);
	else
		r->items[r->count++] = (struct range){ a, b };
	return ST_OK;
}

enum status numset_parse(struct slice text, struct numset *set)
{
	struct slice item;
	size_t items = 1;
	enum status st = ST_OK;

	for (size_t i = 0; i < text.len; i++)
		items += text.data[i] == ',';
	if (items > NUMSET_WRITTEN_MAX)
		return ST_LIMIT;
	set->ranges.items = calloc(items, sizeof *set->ranges.items);
	if (!set->ranges.items)
		return ST_NO_MEMORY;
	set->ranges.cap = items;
	while (st == ST_OK && slice_split(&text, ',', &item))
		st = take_item(item, set);
	if (st == ST_OK)
		st = ranges_normalise(&set->ranges);
	if (st == ST_OK && set->ranges.count >= NUMSET_MAX)
		st = ST_LIMIT;
	return st;
}

enum status numset_resolve(const struct numset *set, uint32_t last,
			   struct ranges *out)
{
	enum status st = ranges_copy(out, &set->ranges);

	if (st != ST_OK || !set->has_star || last == 0)
		return st;
	/* every "n:*" holds last, so together they are one range */
	return ranges_add(out, set->star_low < last ? set->star_low : last,
			  set->star_high > last ? set->star_high : last);
}

enum status numset_render(const struct ranges *ranges, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < ranges->count; i++) {
		struct range r = ranges->items[i];

		if (i)
			st = buf_append_char(out, ',');
		if (st == ST_OK)
			st = buf_append_u64(out, r.low);
		if (st == ST_OK && r.high != r.low) {
			st = buf_append_char(out, ':');
			if (st == ST_OK)
				st = buf_append_u64(out, r.high);
		}
	}
	return st;
}
