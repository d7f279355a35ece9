#include "mailboxd/store_array.h"

#include "common/fetch_row.h"
#include "common/ipc_codec.h"

#include <stdlib.h>
#include <string.h>

#define GROW_LEAST 16
/* Messages looked at by one array_rows(): about what a frame of rows takes. */
#define LOOK_MOST 65536

void array_clear(struct array *a)
{
	for (size_t i = 0; i < a->set_count; i++)
		free((char *)a->sets[i].names.data);
	free(a->sets);
	free(a->uids);
	free(a->flags);
	free(a->modseqs);
	free(a->messages);
	*a = (struct array){ 0 };
}

size_t array_octets(const struct array *a)
{
	return a->cap * (sizeof *a->uids + sizeof *a->flags +
			 sizeof *a->modseqs + sizeof *a->messages) +
	       a->set_cap * sizeof *a->sets + a->set_octets;
}

/* ---- changes ------------------------------------------------------------------- */

static bool grow(void *column, size_t cap, size_t each)
{
	void **at = column;
	void *grown = reallocarray(*at, cap, each);

	if (grown)
		*at = grown;
	return grown != NULL;
}

enum status array_reserve(struct array *a, size_t more)
{
	size_t cap = a->count + more;

	if (cap <= a->cap)
		return ST_OK;
	/* each column that grew keeps its room; cap is what all of them have */
	if (!grow(&a->uids, cap, sizeof *a->uids) ||
	    !grow(&a->flags, cap, sizeof *a->flags) ||
	    !grow(&a->modseqs, cap, sizeof *a->modseqs) ||
	    !grow(&a->messages, cap, sizeof *a->messages))
		return ST_NO_MEMORY;
	a->cap = cap;
	return ST_OK;
}

enum status array_append(struct array *a, uint32_t uid, uint64_t flags,
			 uint64_t modseq, uint64_t message)
{
	if (a->count && uid <= a->uids[a->count - 1])
		return ST_SYNTAX;
	if (a->count == a->cap && array_reserve(a, GROW_LEAST + a->count / 8))
		return ST_NO_MEMORY;
	a->uids[a->count] = uid;
	a->flags[a->count] = flags;
	a->modseqs[a->count] = modseq;
	a->messages[a->count] = message;
	a->count++;
	return ST_OK;
}

void array_set_flags(struct array *a, struct range uids, uint64_t keep,
		     uint64_t add, uint64_t modseq)
{
	for (size_t i = array_find(a, uids.low);
	     i < a->count && a->uids[i] <= uids.high; i++) {
		a->flags[i] = (a->flags[i] & keep) | add;
		a->modseqs[i] = modseq;
	}
}

static void move(struct array *a, size_t to, size_t from, size_t count)
{
	if (to == from || count == 0)
		return;
	memmove(a->uids + to, a->uids + from, count * sizeof *a->uids);
	memmove(a->flags + to, a->flags + from, count * sizeof *a->flags);
	memmove(a->modseqs + to, a->modseqs + from, count * sizeof *a->modseqs);
	memmove(a->messages + to, a->messages + from, count * sizeof *a->messages);
}

void array_remove(struct array *a, const struct range *uids, size_t count,
		  uint64_t modseq)
{
	size_t kept, from;

	if (count == 0)
		return;
	if (a->removed < modseq)
		a->removed = modseq;
	kept = from = array_find(a, uids[0].low);
	for (size_t i = 0; i < count; i++) {
		size_t low = array_find(a, uids[i].low);
		size_t high = uids[i].high == UINT32_MAX ? a->count :
			      array_find(a, uids[i].high + 1);

		if (low < from || high < low)
			continue;
		/* what stays between this range and the one before */
		move(a, kept, from, low - from);
		kept += low - from;
		from = high;
	}
	move(a, kept, from, a->count - from);
	a->count = kept + a->count - from;
}

enum status array_add_set(struct array *a, uint32_t id, struct slice names)
{
	char *text;

	if (a->set_count && id <= a->sets[a->set_count - 1].id) {
		for (size_t i = 0; i < a->set_count; i++)
			if (a->sets[i].id == id)
				return ST_OK;
		return ST_SYNTAX;
	}
	if (a->set_count == a->set_cap) {
		size_t cap = a->set_cap ? a->set_cap * 2 : 4;

		if (!grow(&a->sets, cap, sizeof *a->sets))
			return ST_NO_MEMORY;
		a->set_cap = cap;
	}
	text = malloc(names.len ? names.len : 1);
	if (!text)
		return ST_NO_MEMORY;
	if (names.len)
		memcpy(text, names.data, names.len);
	a->sets[a->set_count++] = (struct array_set){
		id, slice_of(text, names.len),
	};
	a->set_octets += names.len;
	return ST_OK;
}

/* ---- reading --------------------------------------------------------------------- */

size_t array_find(const struct array *a, uint32_t uid)
{
	size_t low = 0, high = a->count;

	/* without gaps a UID tells its index */
	if (high && uid >= a->uids[0] && uid - a->uids[0] < high &&
	    a->uids[uid - a->uids[0]] == uid)
		return uid - a->uids[0];
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->uids[middle] < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static size_t row_octets(uint32_t items)
{
	return 4 + (items & FETCH_FLAGS ? 8 : 0) + (items & FETCH_MODSEQ ? 8 : 0);
}

static char *put_row(const struct array *a, size_t i, uint32_t items, char *at)
{
	ipc_put_u32(at, a->uids[i]);
	at += 4;
	if (items & FETCH_FLAGS) {
		ipc_put_u64(at, a->flags[i]);
		at += 8;
	}
	if (items & FETCH_MODSEQ) {
		ipc_put_u64(at, a->modseqs[i]);
		at += 8;
	}
	return at;
}

enum status array_rows(const struct array *a, const struct array_slice *slice,
		       uint32_t items, size_t octets, struct buf *out,
		       uint32_t *next)
{
	size_t each = row_octets(items), room, i = array_find(a, slice->low);
	size_t end = a->count - i > LOOK_MOST ? i + LOOK_MOST : a->count;
	char *begin, *at;

	*next = slice->high + 1;
	if (i == a->count || a->uids[i] > slice->high)
		return ST_OK;
	if (out->len + each > octets) {
		*next = a->uids[i];
		return ST_MORE;
	}
	room = (octets - out->len) / each;
	if (room > end - i)
		room = end - i;
	if (buf_reserve(out, room * each, &begin))
		return ST_NO_MEMORY;
	for (at = begin; i < end && a->uids[i] <= slice->high; i++) {
		if (a->modseqs[i] <= slice->since)
			continue;
		if (room-- == 0)
			break;
		at = put_row(a, i, items, at);
	}
	out->len += (size_t)(at - begin);
	if (i == a->count || a->uids[i] > slice->high)
		return ST_OK;
	*next = a->uids[i];
	return ST_MORE;
}
