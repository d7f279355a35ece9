#include "common/part_record.h"

#include "common/ipc_codec.h"

/* version and count; what a part has before its texts */
#define HEAD_OCTETS ((size_t)5)
#define PART_OCTETS ((size_t)38)

static char *put_text(char *at, struct slice text)
{
	*at++ = (char)text.len;
	*at++ = (char)(text.len >> 8);
	if (text.len)
		memcpy(at, text.data, text.len);
	return at + text.len;
}

static char *put_part(char *at, const struct part *p)
{
	ipc_put_u32(at, p->parent);
	at[4] = (char)p->kind;
	at[5] = (char)p->encoding;
	ipc_put_u32(at + 6, p->children);
	ipc_put_u64(at + 10, p->header);
	ipc_put_u64(at + 18, p->body);
	ipc_put_u64(at + 26, p->end);
	ipc_put_u32(at + 34, p->lines);
	at = put_text(at + PART_OCTETS, p->type);
	at = put_text(at, p->subtype);
	return put_text(at, p->charset);
}

enum status part_record_encode(struct buf *out, const struct part *parts,
			       size_t count)
{
	size_t octets = HEAD_OCTETS;
	char *at;
	enum status st;

	if (count > PART_COUNT_MAX)
		return ST_LIMIT;
	for (size_t i = 0; i < count; i++) {
		const struct part *p = &parts[i];

		if (p->type.len > UINT16_MAX || p->subtype.len > UINT16_MAX ||
		    p->charset.len > UINT16_MAX)
			return ST_LIMIT;
		octets += PART_OCTETS + 6 + p->type.len + p->subtype.len +
			  p->charset.len;
	}
	st = buf_reserve(out, octets, &at);
	if (st != ST_OK)
		return st;
	at[0] = PART_RECORD_VERSION;
	ipc_put_u32(at + 1, (uint32_t)count);
	at += HEAD_OCTETS;
	for (size_t i = 0; i < count; i++)
		at = put_part(at, &parts[i]);
	out->len += octets;
	return ST_OK;
}

static bool get_text(struct slice *in, struct slice *text)
{
	size_t octets;

	if (in->len < 2)
		return false;
	octets = (unsigned char)in->data[0] | (size_t)(unsigned char)in->data[1] << 8;
	*in = slice_from(*in, 2);
	if (octets > in->len)
		return false;
	*text = slice_head(*in, octets);
	*in = slice_from(*in, octets);
	return true;
}

static bool get_part(struct slice *in, struct part *p)
{
	const char *at = in->data;
	unsigned kind, encoding;

	if (in->len < PART_OCTETS)
		return false;
	kind = (unsigned char)at[4];
	encoding = (unsigned char)at[5];
	if (kind > PART_MESSAGE || encoding > PART_UNKNOWN)
		return false;
	p->parent = ipc_get_u32(at);
	p->kind = (enum part_kind)kind;
	p->encoding = (enum part_encoding)encoding;
	p->children = ipc_get_u32(at + 6);
	p->header = ipc_get_u64(at + 10);
	p->body = ipc_get_u64(at + 18);
	p->end = ipc_get_u64(at + 26);
	p->lines = ipc_get_u32(at + 34);
	*in = slice_from(*in, PART_OCTETS);
	return get_text(in, &p->type) && get_text(in, &p->subtype) &&
	       get_text(in, &p->charset);
}

/* Only the first part is the message; others stand inside the body of their
 * parent, which comes before them and is no leaf. */
static bool fits(const struct part *parts, size_t i, uint64_t octets)
{
	const struct part *p = &parts[i], *parent;

	if (p->header > p->body || p->body > p->end || p->end > octets)
		return false;
	if (i == 0 || p->parent >= i)
		return i == 0 && p->parent == PART_NONE;
	parent = &parts[p->parent];
	return parent->kind != PART_LEAF && p->header >= parent->body &&
	       p->end <= parent->end;
}

/* Whether each part has as many children as it says, and a message one or, where
 * the depth limit cut it off, none. seen is scratch. */
static bool children_agree(const struct part *parts, size_t count,
			   uint32_t *seen)
{
	for (size_t i = 1; i < count; i++)
		seen[parts[i].parent]++;
	for (size_t i = 0; i < count; i++)
		if (seen[i] != parts[i].children ||
		    (parts[i].kind == PART_MESSAGE && seen[i] > 1))
			return false;
	return true;
}

enum status part_record_decode(struct slice in, uint64_t octets,
			       struct arena *arena, struct part **parts,
			       size_t *count)
{
	struct part *all;
	uint32_t *seen, n;

	if (in.len < HEAD_OCTETS || in.data[0] != PART_RECORD_VERSION)
		return ST_SYNTAX;
	n = ipc_get_u32(in.data + 1);
	in = slice_from(in, HEAD_OCTETS);
	if (n == 0 || n > PART_COUNT_MAX || n > in.len / PART_OCTETS)
		return ST_SYNTAX;
	all = arena_array(arena, n, sizeof *all);
	seen = arena_array(arena, n, sizeof *seen);
	if (!all || !seen)
		return ST_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		if (!get_part(&in, &all[i]) || !fits(all, i, octets))
			return ST_SYNTAX;
	if (in.len || !children_agree(all, n, seen))
		return ST_SYNTAX;
	*parts = all;
	*count = n;
	return ST_OK;
}
