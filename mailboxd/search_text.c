#include "mailboxd/search_text.h"

#include "common/header.h"
#include "common/transfer.h"
#include "mailboxd/casemap.h"
#include "mailboxd/charset.h"
#include "mailboxd/encoded_word.h"

#include <stdlib.h>

/* Octets of a text part decoded at a time. */
#define PIECE ((size_t)8192)
/* Octets of one header that are looked at. */
#define HEADER_MAX ((size_t)1 << 20)
/* A character of three octets may become 33 (U+FDFA). */
#define MAPPED_FACTOR 12

struct search_text {
	struct search_text_sink sink;
	const struct part *parts;
	size_t count, part;	/* the one in work; count: all are done */
	bool in_body;		/* its header is done */
	bool is_open;		/* the sink wants the body in work */
	uint64_t offset;
	struct buf header;	/* of a header that came in pieces */
	struct transfer transfer;
	struct charset_decoder decoder;
	struct buf octets, utf8, mapped;
};

struct search_text *search_text_new(const struct search_text_sink *sink)
{
	struct search_text *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->sink = *sink;
	t->decoder.converter = (iconv_t)-1;
	t->decoder.charset = charset_find(SLICE_EMPTY);
	t->header = (struct buf)BUF_INIT(HEADER_MAX);
	t->octets = (struct buf)BUF_INIT(PIECE + 256);
	t->utf8 = (struct buf)BUF_INIT(HEADER_MAX * 3 + 1024);
	t->mapped = (struct buf)BUF_INIT(HEADER_MAX * 3 * MAPPED_FACTOR);
	return t;
}

void search_text_free(struct search_text *t)
{
	if (!t)
		return;
	charset_close(&t->decoder);
	buf_free(&t->header);
	buf_free(&t->octets);
	buf_free(&t->utf8);
	buf_free(&t->mapped);
	free(t);
}

/* ---- fields */

static enum status put_field(struct search_text *t, const struct header_field *f)
{
	enum status st;

	t->utf8.len = t->mapped.len = 0;
	st = encoded_word_decode(f->body, &t->utf8);
	if (st == ST_OK)
		st = casemap_append(&t->mapped, buf_slice(&t->utf8));
	if (st == ST_LIMIT)	/* nobody writes such a field */
		return ST_OK;
	return st == ST_OK ? t->sink.text(t->sink.context, buf_slice(&t->mapped)) : st;
}

static enum status put_header(struct search_text *t, struct slice header,
			      enum search_text_where where)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	struct header_field f;
	enum status st = ST_OK;

	while (st == ST_OK && header_next(&walk, &f) == ST_OK) {
		if (!t->sink.begin(t->sink.context, where, f.name))
			continue;
		st = put_field(t, &f);
		t->sink.end(t->sink.context);
	}
	return st;
}

/* Octets of the header in work; is_end: its last ones. */
static enum status feed_header(struct search_text *t, struct slice in, bool is_end)
{
	enum status st = ST_OK;

	if (t->header.len > 0 || !is_end)
		st = buf_append(&t->header, slice_head(in, buf_room(&t->header)));
	if (!is_end || st != ST_OK)
		return st;
	st = put_header(t, t->header.len ? buf_slice(&t->header) : in,
			t->part == 0 ? SEARCH_TEXT_HEADER : SEARCH_TEXT_PART_HEADER);
	t->header.len = 0;
	return st;
}

/* ---- text parts */

static bool has_text(const struct part *p)
{
	return p->kind == PART_LEAF && (slice_eq(p->type, SLICE("text")) ||
					slice_eq(p->type, SLICE("message")));
}

static enum status put_mapped(struct search_text *t)
{
	enum status st;

	t->mapped.len = 0;
	st = casemap_append(&t->mapped, buf_slice(&t->utf8));
	if (st != ST_OK || t->mapped.len == 0)
		return st;
	return t->sink.text(t->sink.context, buf_slice(&t->mapped));
}

static void begin_text(struct search_text *t)
{
	const struct part *p = &t->parts[t->part];

	t->is_open = t->sink.begin(t->sink.context, SEARCH_TEXT_BODY, SLICE_EMPTY);
	if (!t->is_open)
		return;
	transfer_init(&t->transfer, p->encoding);
	charset_open(&t->decoder, charset_find(p->charset));
}

static enum status feed_text(struct search_text *t, struct slice in)
{
	enum status st = ST_OK;

	while (st == ST_OK && in.len > 0) {
		struct slice piece = slice_head(in, PIECE);

		in = slice_from(in, piece.len);
		if (!transfer_is_identity(t->transfer.encoding)) {
			t->octets.len = 0;
			st = transfer_feed(&t->transfer, piece, &t->octets);
			piece = buf_slice(&t->octets);
		}
		t->utf8.len = 0;
		if (st == ST_OK)
			st = charset_feed(&t->decoder, piece, &t->utf8);
		if (st == ST_OK)
			st = put_mapped(t);
	}
	return st;
}

static enum status end_text(struct search_text *t)
{
	enum status st;

	t->octets.len = t->utf8.len = 0;
	st = transfer_end(&t->transfer, &t->octets);
	if (st == ST_OK)
		st = charset_feed(&t->decoder, buf_slice(&t->octets), &t->utf8);
	if (st == ST_OK)
		st = charset_end(&t->decoder, &t->utf8);
	charset_close(&t->decoder);
	if (st == ST_OK)
		st = put_mapped(t);
	t->sink.end(t->sink.context);
	t->is_open = false;
	return st;
}

/* ---- the way through the parts */

/* The range in work. */
static void range(const struct search_text *t, uint64_t *begin, uint64_t *end)
{
	const struct part *p = &t->parts[t->part];

	*begin = t->in_body ? p->body : p->header;
	*end = t->in_body ? p->end : p->body;
}

/* The range in work is over; the next one is a header or the body of a text. */
static void next_range(struct search_text *t)
{
	if (!t->in_body && has_text(&t->parts[t->part])) {
		t->in_body = true;
		begin_text(t);
		if (t->is_open)
			return;
	}
	t->part++;
	t->in_body = false;
}

/* Octets of the range in work; is_end: its last ones. */
static enum status feed_range(struct search_text *t, struct slice in, bool is_end)
{
	enum status st;

	if (!t->in_body) {
		st = feed_header(t, in, is_end);
	} else {
		st = feed_text(t, in);
		if (st == ST_OK && is_end)
			st = end_text(t);
	}
	if (st == ST_OK && is_end)
		next_range(t);
	return st;
}

enum status search_text_begin(struct search_text *t, struct slice prefix,
			      const struct part *parts, size_t count)
{
	charset_close(&t->decoder);	/* of a message that was given up */
	t->parts = parts;
	t->count = count;
	t->part = 0;
	t->in_body = t->is_open = false;
	t->offset = 0;
	t->header.len = 0;
	return put_header(t, prefix, SEARCH_TEXT_HEADER);
}

enum status search_text_feed(struct search_text *t, struct slice octets)
{
	enum status st = ST_OK;

	while (st == ST_OK && octets.len > 0 && t->part < t->count) {
		uint64_t begin, end, n;

		range(t, &begin, &end);
		if (t->offset < begin) {
			n = begin - t->offset;
			n = n < octets.len ? n : octets.len;
		} else {
			n = end - t->offset;
			n = n < octets.len ? n : octets.len;
			st = feed_range(t, slice_head(octets, n), t->offset + n == end);
		}
		octets = slice_from(octets, n);
		t->offset += n;
	}
	t->offset += octets.len;
	return st;
}

uint64_t search_text_next(const struct search_text *t)
{
	uint64_t begin, end;

	if (t->part >= t->count)
		return UINT64_MAX;
	range(t, &begin, &end);
	return begin > t->offset ? begin : t->offset;
}

void search_text_seek(struct search_text *t, uint64_t offset)
{
	if (offset > t->offset)
		t->offset = offset;
}

bool search_text_in_body(const struct search_text *t)
{
	return t->part > 0 || t->in_body;
}

enum status search_text_end(struct search_text *t)
{
	enum status st = ST_OK;

	while (st == ST_OK && t->part < t->count)
		st = feed_range(t, SLICE_EMPTY, true);
	return st;
}
