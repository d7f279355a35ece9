#include "smtpd/milter_header.h"

void milter_header_init(struct milter_header *h)
{
	*h = (struct milter_header){ .fields = BUF_INIT(MILTER_HEADER_MAX) };
}

void milter_header_clear(struct milter_header *h)
{
	buf_free(&h->fields);
	h->own_at = h->own_octets = 0;
}

/* ---- a milter's field as ours ------------------------------------------------------ */

static bool is_space(char c)
{
	return c == ' ' || c == '\t';
}

/* A line of a value without what may not stand there. */
static enum status put_line(struct buf *out, struct slice line)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < line.len && st == ST_OK; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if (c == '\t' || (c >= ' ' && c != 0x7f))
			st = buf_append_char(out, (char)c);
	}
	return st;
}

static enum status render(const struct milter_field *f, struct buf *out)
{
	struct slice value = f->value, line;
	bool is_first = true;
	enum status st;

	if (!header_name_is_valid(f->name) || slice_index(f->name, ':') < f->name.len)
		return ST_SYNTAX;
	st = buf_append(out, f->name);
	if (st == ST_OK)
		st = buf_append_char(out, ':');
	if (st == ST_OK && !f->has_space)
		st = buf_append_char(out, ' ');
	while (st == ST_OK && slice_split(&value, '\n', &line)) {
		if (line.len && line.data[line.len - 1] == '\r')
			line = slice_head(line, line.len - 1);
		if (!is_first && slice_trim(line).len == 0)
			continue;
		if (!is_first)
			st = buf_append_str(out, is_space(line.data[0]) ? "\r\n"
									: "\r\n\t");
		if (st == ST_OK)
			st = put_line(out, line);
		is_first = false;
	}
	return st == ST_OK ? buf_append_str(out, "\r\n") : st;
}

/* Puts text in the place of octets octets at at. */
static enum status splice(struct milter_header *h, size_t at, size_t octets,
			  struct slice text)
{
	struct buf *b = &h->fields;
	size_t behind = b->len - at - octets;
	char *room;

	if (b->len - octets + text.len > b->max)
		return ST_LIMIT;
	if (text.len > octets &&
	    buf_reserve(b, text.len - octets, &room) != ST_OK)
		return ST_NO_MEMORY;
	if (b->data)
		memmove(b->data + at + text.len, b->data + at + octets, behind);
	if (text.len)
		memcpy(b->data + at, text.data, text.len);
	b->len = at + text.len + behind;
	if (h->own_octets && at <= h->own_at)
		h->own_at = h->own_at - octets + text.len;
	return ST_OK;
}

static enum status put(struct milter_header *h, size_t at, size_t octets,
		       const struct milter_field *f)
{
	struct buf text = BUF_INIT(MILTER_HEADER_MAX);
	enum status st = render(f, &text);

	if (st == ST_OK)
		st = splice(h, at, octets, buf_slice(&text));
	buf_free(&text);
	return st;
}

/* ---- places --------------------------------------------------------------------------- */

enum status milter_header_next(const struct milter_header *h,
			       struct header_walk *walk, struct header_field *f)
{
	enum status st;

	walk->in = buf_slice(&h->fields);
	walk->is_whole = true;
	do
		st = header_next(walk, f);
	while (st == ST_OK && ((h->own_octets && f->offset >= h->own_at &&
				f->offset < h->own_at + h->own_octets) ||
			       f->name.len == 0));
	return st;
}

enum status milter_header_add(struct milter_header *h, const struct milter_field *f)
{
	return put(h, h->fields.len, 0, f);
}

enum status milter_header_insert(struct milter_header *h, uint32_t index,
				 const struct milter_field *f)
{
	struct header_walk walk = { .in = buf_slice(&h->fields), .is_whole = true };
	struct header_field at;
	uint32_t n = 0;

	while (n < index && header_next(&walk, &at) == ST_OK)
		n += at.name.len > 0;
	if (n == index && index > 0)
		return put(h, at.offset + at.whole.len, 0, f);
	return put(h, index ? h->fields.len : 0, 0, f);
}

enum status milter_header_change(struct milter_header *h, uint32_t index,
				 const struct milter_field *f)
{
	struct header_walk walk = { 0 };
	struct header_field at;
	uint32_t n = 0;

	while (milter_header_next(h, &walk, &at) == ST_OK) {
		if (!slice_case_eq(at.name, f->name) || ++n < index)
			continue;
		return f->value.len ? put(h, at.offset, at.whole.len, f)
				    : splice(h, at.offset, at.whole.len, SLICE_EMPTY);
	}
	return f->value.len ? milter_header_add(h, f) : ST_OK;
}
