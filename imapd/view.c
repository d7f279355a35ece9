#include "imapd/view.h"

#include "common/flag_names.h"

#include <stdlib.h>

void view_init(struct view *v)
{
	*v = (struct view){
		.fresh = RANGES_INIT(RANGES_MAX),
		.vanished = RANGES_INIT(RANGES_MAX),
		.saved = RANGES_INIT(NUMSET_MAX),
	};
}

void view_clear(struct view *v)
{
	ranges_free(&v->fresh);
	ranges_free(&v->vanished);
	ranges_free(&v->saved);
	free(v->spans);
	free(v->name);
	for (size_t i = 0; i < v->keyword_count; i++)
		free(v->keywords[i].names);
	free(v->keywords);
	view_init(v);
}

/* ---- message numbers and UIDs ---- */

/* The number of the last message of span i. */
static uint32_t span_last(const struct view *v, size_t i)
{
	return i + 1 < v->span_count ? v->spans[i + 1].first - 1 : v->count;
}

static uint32_t span_high(const struct view *v, size_t i)
{
	return v->spans[i].low + (span_last(v, i) - v->spans[i].first);
}

/* How many spans begin at or before uid. */
static size_t spans_to_uid(const struct view *v, uint32_t uid)
{
	size_t low = 0, high = v->span_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->spans[middle].low <= uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t view_uid(const struct view *v, uint32_t seq)
{
	size_t low = 0, high = v->span_count;

	if (seq == 0 || seq > v->count)
		return 0;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (v->spans[middle].first <= seq)
			low = middle;
		else
			high = middle;
	}
	return v->spans[low].low + (seq - v->spans[low].first);
}

static uint32_t seq_in_span(const struct view *v, size_t i, uint32_t uid)
{
	uint32_t seq = v->spans[i].first + (uid - v->spans[i].low);

	/* beyond the span's end, also where the sum wrapped around */
	return uid - v->spans[i].low > span_last(v, i) - v->spans[i].first ? 0 : seq;
}

uint32_t view_seq(const struct view *v, uint32_t uid)
{
	size_t i = spans_to_uid(v, uid);

	return i ? seq_in_span(v, i - 1, uid) : 0;
}

uint32_t view_seq_next(const struct view *v, size_t *at, uint32_t uid)
{
	/* a few steps on, else a search: UIDs may ascend by leaps */
	for (unsigned step = 0; step < 4; step++) {
		if (*at >= v->span_count || v->spans[*at].low > uid)
			return 0;
		if (*at + 1 == v->span_count || v->spans[*at + 1].low > uid)
			return seq_in_span(v, *at, uid);
		++*at;
	}
	*at = spans_to_uid(v, uid) - 1;
	return seq_in_span(v, *at, uid);
}

uint32_t view_last_uid(const struct view *v)
{
	return v->span_count ? span_high(v, v->span_count - 1) : 0;
}

bool view_is_recent(const struct view *v, uint32_t uid)
{
	return v->recent_low && uid >= v->recent_low && uid <= v->recent_high;
}

/* Messages with a UID up to uid. */
static uint32_t count_to(const struct view *v, uint32_t uid)
{
	size_t i = spans_to_uid(v, uid);
	uint32_t seq;

	if (i == 0)
		return 0;
	seq = seq_in_span(v, i - 1, uid);
	return seq ? seq : span_last(v, i - 1);
}

uint32_t view_recent(const struct view *v)
{
	return v->recent_low ? count_to(v, v->recent_high) -
				       count_to(v, v->recent_low - 1)
			     : 0;
}

/* ---- sets ---- */

enum status view_resolve(const struct view *v, const struct numset *set,
			 bool is_uid, struct ranges *out)
{
	struct ranges named = RANGES_INIT(NUMSET_MAX + 1);
	uint32_t last = is_uid ? view_last_uid(v) : v->count;
	enum status st;

	if (set->is_saved)
		return ranges_copy(out, &v->saved);
	st = numset_resolve(set, last, &named);
	for (size_t i = 0; st == ST_OK && i < named.count; i++) {
		struct range r = named.items[i];

		if (!is_uid && r.high > last)
			st = ST_NOT_FOUND;
		else if (!is_uid)
			st = ranges_add(out, view_uid(v, r.low), view_uid(v, r.high));
		else if (r.low <= last)
			st = ranges_add(out, r.low, r.high < last ? r.high : last);
	}
	/* "*" in an empty mailbox is no message number */
	if (st == ST_OK && !is_uid && set->has_star && last == 0)
		st = ST_NOT_FOUND;
	ranges_free(&named);
	return st;
}

enum status view_numbers(const struct view *v, const struct ranges *uids,
			 struct ranges *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < uids->count; i++) {
		uint32_t before = uids->items[i].low
					  ? count_to(v, uids->items[i].low - 1) : 0;
		uint32_t to = count_to(v, uids->items[i].high);

		if (to > before)
			st = ranges_add(out, before + 1, to);
	}
	return st;
}

enum status view_uids(const struct view *v, struct ranges *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < v->span_count; i++)
		st = ranges_add(out, v->spans[i].low, span_high(v, i));
	return st;
}

/* ---- changes ---- */

static enum status push_span(struct view *v, uint32_t low, uint32_t first)
{
	if (v->span_count == v->span_cap) {
		size_t cap = v->span_cap ? v->span_cap * 2 : 8;
		struct view_span *spans = realloc(v->spans, cap * sizeof *spans);

		if (!spans)
			return ST_NO_MEMORY;
		v->spans = spans;
		v->span_cap = cap;
	}
	v->spans[v->span_count++] = (struct view_span){ low, first };
	return ST_OK;
}

enum status view_append(struct view *v, const struct ranges *uids)
{
	uint32_t last = view_last_uid(v);
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < uids->count; i++) {
		struct range r = uids->items[i];

		if (r.low <= last)
			return ST_SYNTAX;
		if (v->span_count == 0 || r.low != last + 1)
			st = push_span(v, r.low, v->count + 1);
		if (st == ST_OK) {
			v->count += r.high - r.low + 1;
			last = r.high;
		}
	}
	return st;
}

enum status view_take_first(const struct view *v, struct ranges *uids, size_t max,
			    struct ranges *taken)
{
	struct ranges rest = RANGES_INIT(RANGES_MAX);
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < uids->count; i++) {
		struct range r = uids->items[i];
		size_t at = spans_to_uid(v, r.low);

		for (at = at ? at - 1 : 0; st == ST_OK && at < v->span_count &&
					   v->spans[at].low <= r.high; at++) {
			uint32_t low = v->spans[at].low, high = span_high(v, at);

			low = low > r.low ? low : r.low;
			high = high < r.high ? high : r.high;
			if (low > high)
				continue;
			if (max && high - low >= max)
				high = low + (uint32_t)max - 1;
			if (max) {
				st = ranges_add(taken, low, high);
				max -= high - low + 1;
				low = high + 1;
			}
			if (st == ST_OK && !max && low && low <= r.high) {
				/* all behind it waits, known or not */
				st = ranges_add(&rest, low, r.high);
				break;
			}
		}
	}
	if (st == ST_OK)
		st = ranges_copy(uids, &rest);
	ranges_free(&rest);
	return st;
}

/* Tells of the numbers first..last, of which told were gone before. */
static void tell_expunged(struct respond *tell, uint32_t first, uint32_t last,
			  uint32_t told)
{
	for (uint32_t n = last - first + 1; n > 0; n--) {
		respond_slice(tell, SLICE("* "));
		respond_u64(tell, first - told);
		respond_slice(tell, SLICE(" EXPUNGE\r\n"));
	}
}

enum status view_expunge(struct view *v, const struct ranges *uids,
			 struct respond *tell)
{
	struct view old = *v;
	size_t next = 0;
	uint32_t gone = 0;
	enum status st = ST_OK;

	v->spans = NULL;
	v->span_count = v->span_cap = 0;
	for (size_t i = 0; st == ST_OK && i < old.span_count; i++) {
		uint32_t low = old.spans[i].low, high = span_high(&old, i);
		uint32_t seq = old.spans[i].first;

		while (next < uids->count && uids->items[next].high < low)
			next++;
		for (size_t k = next; st == ST_OK && low <= high; k++) {
			bool is_last = k >= uids->count || uids->items[k].low > high;
			struct range cut = is_last ? (struct range){ high, high }
						   : uids->items[k];
			uint32_t n;

			/* what stays in front of the cut */
			n = is_last ? high - low + 1
				    : cut.low > low ? cut.low - low : 0;
			if (n)
				st = push_span(v, low, seq - gone);
			low += n;
			seq += n;
			if (is_last || st != ST_OK)
				break;
			n = (cut.high < high ? cut.high : high) - low + 1;
			if (tell)
				tell_expunged(tell, seq, seq + n - 1, gone);
			gone += n;
			seq += n;
			if (high - low < n)
				break;
			low += n;
		}
	}
	if (st != ST_OK) {
		free(v->spans);
		*v = old;
		return st;
	}
	v->count -= gone;
	free(old.spans);
	return ST_OK;
}
