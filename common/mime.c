#include <config.h>

#include "common/mime.h"

#include "common/header.h"
#include "common/mime_field.h"
#include "common/transfer.h"

#include <stdlib.h>

/* Octets at the beginning of a line that decide what it is. */
#define LINE_MAX (2 + MIME_BOUNDARY_MAX + 2)
/* Names of types, boundaries and parameters of all parts. */
#define ARENA_MAX ((size_t)8 << 20)

enum line_kind {
	LINE_MORE,	/* cannot be told yet */
	LINE_PLAIN,
	LINE_EMPTY,
	LINE_BOUNDARY,
};

/* One part being open; the last one is where the octets go. */
struct open {
	uint32_t part;
	uint32_t lines;		/* before its body */
	struct slice boundary;	/* empty: none is awaited */
};

struct header_range {
	size_t at, len;		/* in headers */
};

struct mime {
	struct part *parts;
	struct header_range *ranges;	/* one a part */
	size_t count, cap;
	struct buf headers;
	struct arena arena;
	struct open open[MIME_DEPTH_MAX];
	size_t depth;		/* of open in use */
	size_t boundaries;	/* of open that await one */
	size_t boundary_max;	/* octets of the longest */
	bool in_header;		/* of the last open part */
	bool headers_are_full;	/* no more of them is looked at */
	bool is_opaque;		/* nothing is looked for any more */
	bool skips_line;	/* the rest of a boundary line */
	bool begins_part;	/* ... and a part begins behind it */
	bool at_line_start;
	uint64_t offset;	/* octets taken */
	uint64_t lines;		/* line feeds in them */
	size_t line_at;		/* where the header line began in headers */
	char tail[2];		/* the last octets taken */
	char held[LINE_MAX];	/* a line start that cannot be told yet */
	size_t held_len;
};

/* Which boundary a line is. */
struct hit {
	size_t level;		/* in open */
	bool is_final;
};

/* ---- life */

static void begin_message(struct mime *m)
{
	m->count = m->depth = m->boundaries = m->boundary_max = 0;
	m->in_header = m->headers_are_full = false;
	m->is_opaque = m->skips_line = m->begins_part = false;
	m->at_line_start = true;
	m->offset = m->lines = 0;
	m->tail[0] = m->tail[1] = '\0';
	m->line_at = m->held_len = 0;
	m->headers.len = 0;
}

struct mime *mime_new(void)
{
	struct mime *m = calloc(1, sizeof *m);

	if (!m)
		return NULL;
	m->headers = (struct buf)BUF_INIT(MIME_HEADERS_MAX);
	m->arena = (struct arena)ARENA_INIT(ARENA_MAX);
	begin_message(m);
	return m;
}

void mime_free(struct mime *m)
{
	if (!m)
		return;
	arena_clear(&m->arena);
	buf_free(&m->headers);
	free(m->ranges);
	free(m->parts);
	free(m);
}

void mime_reset(struct mime *m)
{
	arena_clear(&m->arena);
	if (m->headers.cap > 65536)
		buf_free(&m->headers);
	if (m->cap > 64) {
		free(m->parts);
		free(m->ranges);
		m->parts = NULL;
		m->ranges = NULL;
		m->cap = 0;
	}
	begin_message(m);
}

/* ---- parts */

static const struct slice type_text = { "text", 4 }, type_plain = { "plain", 5 },
	type_message = { "message", 7 }, type_rfc822 = { "rfc822", 6 },
	type_global = { "global", 6 }, type_multipart = { "multipart", 9 },
	type_digest = { "digest", 6 }, type_application = { "application", 11 },
	type_octets = { "octet-stream", 12 }, charset_ascii = { "us-ascii", 8 };

static struct open *innermost(struct mime *m)
{
	return &m->open[m->depth - 1];
}

static void set_opaque_leaf(struct part *p)
{
	p->kind = PART_LEAF;
	p->type = type_application;
	p->subtype = type_octets;
	p->charset = SLICE_EMPTY;
}

static enum status grow_parts(struct mime *m)
{
	size_t cap = m->cap ? m->cap * 2 : 8;
	struct part *parts = realloc(m->parts, cap * sizeof *parts);
	struct header_range *ranges;

	if (!parts)
		return ST_NO_MEMORY;
	m->parts = parts;
	ranges = realloc(m->ranges, cap * sizeof *ranges);
	if (!ranges)
		return ST_NO_MEMORY;
	m->ranges = ranges;
	m->cap = cap;
	return ST_OK;
}

/* A part begins with its header here. The caller has seen that depth and count
 * are not exhausted. */
static enum status begin_part(struct mime *m)
{
	struct part *p;

	if (m->count == m->cap && grow_parts(m) != ST_OK)
		return ST_NO_MEMORY;
	p = &m->parts[m->count];
	*p = (struct part){ .parent = PART_NONE, .header = m->offset };
	if (m->depth > 0) {
		p->parent = innermost(m)->part;
		m->parts[p->parent].children++;
	}
	set_opaque_leaf(p);
	m->ranges[m->count] = (struct header_range){ .at = m->headers.len };
	m->open[m->depth++] = (struct open){ .part = (uint32_t)m->count++ };
	m->in_header = true;
	m->line_at = m->headers.len;
	if (m->count == PART_COUNT_MAX || m->headers_are_full) {
		m->in_header = false;
		m->is_opaque = true;
		p->body = m->offset;
		innermost(m)->lines = (uint32_t)m->lines;
	}
	return ST_OK;
}

static void drop_boundary(struct mime *m, struct open *o)
{
	if (o->boundary.len == 0)
		return;
	o->boundary = SLICE_EMPTY;
	if (--m->boundaries == 0)
		m->boundary_max = 0;
}

/*
 * Ends the parts above level at end. The line feed in front of it counts for
 * them no more if it belongs to the boundary (cut).
 */
static void end_parts(struct mime *m, size_t level, uint64_t end, bool cut)
{
	while (m->depth > level) {
		struct open *o = innermost(m);
		struct part *p = &m->parts[o->part];

		if (p->body < end)
			p->lines = (uint32_t)m->lines - o->lines - cut;
		p->end = end;
		if (p->body > end)
			p->body = end;
		if (p->header > end)
			p->header = end;
		drop_boundary(m, o);
		m->depth--;
	}
}

/* ---- the header of a part is over */

static bool lower_copy(struct mime *m, struct slice s, struct slice *out)
{
	char *at = arena_alloc(&m->arena, s.len);

	if (!at)
		return false;
	for (size_t i = 0; i < s.len; i++)
		at[i] = ascii_lower(s.data[i]);
	*out = slice_of(at, s.len);
	return true;
}

/* Well-known names need no copy. */
static bool intern(struct mime *m, struct slice s, struct slice *out)
{
	static const struct slice *const known[] = {
		&type_text, &type_plain, &type_multipart, &type_application,
		&type_octets, &type_message, &type_rfc822, &charset_ascii,
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (slice_case_eq(s, *known[i])) {
			*out = *known[i];
			return true;
		}
	return lower_copy(m, s, out);
}

struct content {
	struct slice type, encoding;	/* bodies of the fields; data NULL: absent */
};

static void find_content(struct slice header, struct content *c)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	struct header_field f;

	*c = (struct content){ 0 };
	while (header_next(&walk, &f) == ST_OK)
		if (!c->type.data && slice_case_eq(f.name, SLICE("Content-Type")))
			c->type = f.body;
		else if (!c->encoding.data &&
			 slice_case_eq(f.name, SLICE("Content-Transfer-Encoding")))
			c->encoding = f.body;
}

static bool is_digest_child(const struct mime *m, const struct part *p)
{
	return p->parent != PART_NONE && m->parts[p->parent].kind == PART_MULTIPART &&
	       slice_eq(m->parts[p->parent].subtype, type_digest);
}

/* Sets type, subtype, charset; boundary if it has one. */
static enum status set_type(struct mime *m, struct part *p, struct slice body,
			    struct slice *boundary)
{
	struct mime_type type;
	struct mime_param *params;
	const struct mime_param *param;
	size_t count;

	p->type = type_text;
	p->subtype = type_plain;
	p->charset = charset_ascii;
	if (!body.data && is_digest_child(m, p)) {	/* RFC 2046 section 5.1.5 */
		p->type = type_message;
		p->subtype = type_rfc822;
		p->charset = SLICE_EMPTY;
	}
	if (!body.data || !mime_type_parse(body, &type))
		return ST_OK;
	params = mime_params(type.params, &m->arena, &count);
	if (!params || !intern(m, type.type, &p->type) ||
	    !intern(m, type.subtype, &p->subtype))
		return ST_NO_MEMORY;
	if (!slice_eq(p->type, type_text))
		p->charset = SLICE_EMPTY;
	param = mime_param_find(params, count, SLICE("charset"));
	if (param && param->value.len > 0 && param->value.len <= MIME_TYPE_MAX &&
	    !intern(m, param->value, &p->charset))
		return ST_NO_MEMORY;
	param = mime_param_find(params, count, SLICE("boundary"));
	if (param)
		*boundary = slice_head(param->value, MIME_BOUNDARY_MAX);
	return ST_OK;
}

static void await_boundary(struct mime *m, struct slice boundary)
{
	/* white space at its end is taken for what transport added (RFC 2046
	 * section 5.1.1) */
	while (boundary.len && (boundary.data[boundary.len - 1] == ' ' ||
				boundary.data[boundary.len - 1] == '\t'))
		boundary.len--;
	if (boundary.len == 0)
		return;
	innermost(m)->boundary = boundary;
	m->boundaries++;
	if (boundary.len > m->boundary_max)
		m->boundary_max = boundary.len;
}

/* The body begins here: what is in it? */
static enum status begin_body(struct mime *m)
{
	struct open *o = innermost(m);
	struct part *p = &m->parts[o->part];
	struct content content;
	struct slice boundary = SLICE_EMPTY;
	bool has_room = m->depth < MIME_DEPTH_MAX;
	enum status st;

	m->in_header = false;
	m->ranges[o->part].len = m->headers.len - m->ranges[o->part].at;
	p->body = m->offset;
	o->lines = (uint32_t)m->lines;
	find_content(mime_header(m, o->part), &content);
	if (content.encoding.data) {
		mime_skip_cfws(&content.encoding);
		p->encoding = transfer_encoding(mime_token(&content.encoding));
	}
	st = set_type(m, p, content.type, &boundary);
	if (st != ST_OK)
		return st;
	if (slice_eq(p->type, type_multipart)) {
		p->kind = PART_MULTIPART;
		if (has_room)
			await_boundary(m, boundary);
		else
			set_opaque_leaf(p);
	} else if (slice_eq(p->type, type_message) &&
		   (slice_eq(p->subtype, type_rfc822) ||
		    slice_eq(p->subtype, type_global))) {
		/* RFC 2046 section 5.2.1: no encoding; RFC 6532 section 3.7 allows
		 * one for message/global, but parts are not looked for inside */
		if (!has_room || !transfer_is_identity(p->encoding)) {
			set_opaque_leaf(p);
			return ST_OK;
		}
		p->kind = PART_MESSAGE;
		return begin_part(m);
	}
	return ST_OK;
}

/* ---- lines */

/* Which open boundary line begins with, the longest if several. */
static bool find_boundary(const struct mime *m, struct slice line, struct hit *hit)
{
	size_t longest = 0;

	for (size_t i = m->depth; i-- > 0;) {
		struct slice b = m->open[i].boundary;

		if (b.len > longest && line.len - 2 >= b.len &&
		    memcmp(line.data + 2, b.data, b.len) == 0) {
			longest = b.len;
			hit->level = i;
		}
	}
	if (longest == 0)
		return false;
	line = slice_from(line, 2 + longest);
	hit->is_final = slice_starts(line, SLICE("--"));
	return true;
}

/* line is the beginning of a line; is_last: no more of it will come. */
static enum line_kind classify(const struct mime *m, struct slice line,
			       bool is_last, struct hit *hit)
{
	const char *lf;
	size_t enough = 2 + m->boundary_max + 2;

	if (line.len == 0)
		return LINE_MORE;
	if (line.data[0] == '\n')
		return LINE_EMPTY;
	if (line.data[0] == '\r') {
		if (line.len == 1)
			return is_last ? LINE_PLAIN : LINE_MORE;
		return line.data[1] == '\n' ? LINE_EMPTY : LINE_PLAIN;
	}
	if (line.data[0] != '-' || m->boundaries == 0)
		return LINE_PLAIN;
	if (line.len == 1)
		return is_last ? LINE_PLAIN : LINE_MORE;
	if (line.data[1] != '-')
		return LINE_PLAIN;
	lf = memchr(line.data, '\n', line.len < enough ? line.len : enough);
	if (lf)
		line.len = (size_t)(lf - line.data);
	else if (line.len < enough && !is_last)
		return LINE_MORE;
	return find_boundary(m, line, hit) ? LINE_BOUNDARY : LINE_PLAIN;
}

/* ---- octets */

/* Keeps header octets, whole lines only where they do not fit any more. */
static enum status keep_header(struct mime *m, struct slice in)
{
	const char *lf;

	if (m->headers_are_full)
		return ST_OK;
	if (in.len > buf_room(&m->headers)) {
		m->headers_are_full = true;
		in.len = buf_room(&m->headers);
		lf = memrchr(in.data, '\n', in.len);
		in.len = lf ? (size_t)(lf + 1 - in.data) : 0;
		if (!lf)
			m->headers.len = m->line_at;
	}
	lf = in.len ? memrchr(in.data, '\n', in.len) : NULL;
	if (lf)
		m->line_at = m->headers.len + (size_t)(lf + 1 - in.data);
	return buf_append(&m->headers, in);
}

/* in belongs to the innermost part, line feeds already counted. */
static enum status take_octets(struct mime *m, struct slice in)
{
	m->offset += in.len;
	m->at_line_start = in.data[in.len - 1] == '\n';
	m->tail[0] = in.len > 1 ? in.data[in.len - 2] : m->tail[1];
	m->tail[1] = in.data[in.len - 1];
	return m->in_header ? keep_header(m, in) : ST_OK;
}

/* Takes lines until one begins that has to be looked at, or to the end. */
static enum status take_lines(struct mime *m, struct slice in, size_t *used)
{
	const char *p = in.data, *end = p + in.len;
	bool stops_at_empty = m->in_header;
	bool stops_at_dash = m->boundaries > 0 && !m->is_opaque;

	do {
		const char *lf = memchr(p, '\n', (size_t)(end - p));

		p = lf ? lf + 1 : end;
		m->lines += lf != NULL;
	} while (p < end && !(stops_at_dash && *p == '-') &&
		 !(stops_at_empty && (*p == '\r' || *p == '\n')));
	*used = (size_t)(p - in.data);
	return take_octets(m, slice_head(in, *used));
}

static enum status take_empty_line(struct mime *m, struct slice line)
{
	enum status st;

	line.len = line.data[0] == '\r' ? 2 : 1;
	m->lines++;
	st = take_octets(m, line);
	return st == ST_OK ? begin_body(m) : st;
}

/* A boundary line begins at m->offset. */
static enum status take_boundary(struct mime *m, struct hit hit)
{
	uint64_t first = m->offset, end = m->offset;
	enum status st = ST_OK;

	while (m->in_header && st == ST_OK)	/* no empty line came */
		st = begin_body(m);
	if (st != ST_OK)
		return st;
	if (m->depth > hit.level + 1)
		first = m->parts[m->open[hit.level + 1].part].header;
	if (end > first && m->tail[1] == '\n')
		end -= end > first + 1 && m->tail[0] == '\r' ? 2 : 1;
	end_parts(m, hit.level + 1, end, end < m->offset);
	if (hit.is_final)
		drop_boundary(m, &m->open[hit.level]);
	m->skips_line = true;
	m->begins_part = !hit.is_final;
	return ST_OK;
}

/* The rest of a boundary line; a part begins behind it. */
static enum status skip_line(struct mime *m, struct slice in, size_t *used)
{
	enum status st;

	*used = slice_index(in, '\n');
	if (*used < in.len) {
		*used += 1;
		m->lines++;
		m->skips_line = false;
	}
	st = take_octets(m, slice_head(in, *used));
	if (st != ST_OK || m->skips_line || !m->begins_part)
		return st;
	return begin_part(m);
}

/* A line begins with line. *used: octets of it taken; 0: nothing can be told. */
static enum status take_line_start(struct mime *m, struct slice line,
				   bool is_last, size_t *used)
{
	struct hit hit;

	*used = 0;
	switch (classify(m, line, is_last, &hit)) {
	case LINE_MORE:
		return ST_OK;
	case LINE_EMPTY:
		if (m->in_header) {
			*used = line.data[0] == '\r' ? 2 : 1;
			return take_empty_line(m, line);
		}
		break;
	case LINE_BOUNDARY: {
		enum status st = take_boundary(m, hit);

		return st == ST_OK ? skip_line(m, line, used) : st;
	}
	case LINE_PLAIN:
		break;
	}
	return take_lines(m, line, used);
}

/* As take_line_start, with what was held in front of in. */
static enum status take_held(struct mime *m, struct slice in, size_t *used)
{
	size_t n = LINE_MAX - m->held_len, taken;
	size_t lf = slice_index(slice_head(in, n), '\n');
	struct slice line;
	enum status st;

	*used = lf < in.len && lf < n ? lf + 1 : slice_head(in, n).len;
	memcpy(m->held + m->held_len, in.data, *used);
	m->held_len += *used;
	line = slice_of(m->held, m->held_len);
	st = take_line_start(m, line, false, &taken);
	if (taken > 0)
		m->held_len = 0;	/* it was all taken: there is one line in it */
	return st;
}

enum status mime_feed(struct mime *m, struct slice in)
{
	enum status st = ST_OK;

	if (m->count == 0)
		st = begin_part(m);
	while (st == ST_OK && in.len > 0) {
		size_t used;

		if (m->skips_line && !m->is_opaque) {
			st = skip_line(m, in, &used);
		} else if (m->is_opaque || !m->at_line_start) {
			st = take_lines(m, in, &used);
		} else if (m->held_len > 0) {
			st = take_held(m, in, &used);
		} else {
			st = take_line_start(m, in, false, &used);
			if (st == ST_OK && used == 0) {
				memcpy(m->held, in.data, in.len);
				m->held_len = used = in.len;
			}
		}
		in = slice_from(in, used);
	}
	return st;
}

/* A multipart in which nothing was found is text (RFC 2045 section 5.2). */
static void settle_empty_multiparts(struct mime *m)
{
	for (size_t i = 0; i < m->count; i++) {
		struct part *p = &m->parts[i];

		if (p->kind != PART_MULTIPART || p->children > 0)
			continue;
		p->kind = PART_LEAF;
		p->type = type_text;
		p->subtype = type_plain;
		p->charset = charset_ascii;
	}
}

enum status mime_end(struct mime *m)
{
	struct slice line = slice_of(m->held, m->held_len);
	enum status st = m->count == 0 ? begin_part(m) : ST_OK;
	size_t used;

	m->held_len = 0;
	if (st == ST_OK && line.len > 0)
		st = take_line_start(m, line, true, &used);
	while (st == ST_OK && m->in_header)
		st = begin_body(m);
	if (st == ST_OK)
		end_parts(m, 0, m->offset, false);
	settle_empty_multiparts(m);
	return st;
}

const struct part *mime_parts(const struct mime *m, size_t *count)
{
	*count = m->count;
	return m->parts;
}

struct slice mime_header(const struct mime *m, size_t i)
{
	struct slice all = buf_slice(&m->headers);

	return slice_head(slice_from(all, m->ranges[i].at), m->ranges[i].len);
}
