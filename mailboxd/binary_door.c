#include "mailboxd/binary_door.h"

#include "common/base64.h"
#include "common/mime.h"
#include "common/mime_field.h"
#include "common/transfer.h"

#include <stdlib.h>
#include <string.h>

/* Octets at the beginning of a line after which common/mime knows what it is. */
#define LINE_START_MAX (2 + MIME_BOUNDARY_MAX + 2)
#define FIELD_MAX 2048
/* Octets that make one line of base64 (RFC 2045 section 6.8: at most 76). */
#define GROUP 57
/* Base64 is given out when this is reached. */
#define TEXT_FULL 4096

struct binary_door {
	binary_door_out *out;
	void *arg;
	struct mime *mime;	/* fed with what came */
	uint64_t offset;	/* octets it was fed */
	bool in_line;		/* the beginning of this line was taken */
	char held[LINE_START_MAX];	/* a beginning that is not whole yet */
	size_t held_len;

	bool in_header;		/* of this part: */
	size_t part;
	bool had_field;		/* its Content-Transfer-Encoding has begun */
	bool in_field;		/* and goes on */
	bool was_binary;	/* it said so, and was left out */
	struct buf field;

	bool is_encoding;	/* the body of this part */
	char group[GROUP];
	size_t group_len;
	bool has_text;		/* a line of base64 went out */
	char end[2];		/* a line end that may be the boundary's */
	size_t end_len;
	struct buf text;
};

struct binary_door *binary_door_new(binary_door_out *out, void *arg)
{
	struct binary_door *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->out = out;
	d->arg = arg;
	d->in_header = true;
	d->field = (struct buf)BUF_INIT(FIELD_MAX);
	d->text = (struct buf)BUF_INIT(TEXT_FULL + 256);
	d->mime = mime_new();
	if (!d->mime) {
		free(d);
		return NULL;
	}
	return d;
}

void binary_door_free(struct binary_door *d)
{
	if (!d)
		return;
	mime_free(d->mime);
	buf_free(&d->field);
	buf_free(&d->text);
	free(d);
}

static enum status put(struct binary_door *d, struct slice octets)
{
	return octets.len ? d->out(d->arg, octets) : ST_OK;
}

static const struct part *part_of(const struct binary_door *d)
{
	size_t count;

	return &mime_parts(d->mime, &count)[d->part];
}

/* ---- the body of a part, in base64 */

static enum status put_text(struct binary_door *d)
{
	enum status st = put(d, buf_slice(&d->text));

	d->text.len = 0;
	return st;
}

static enum status put_group(struct binary_door *d)
{
	enum status st = ST_OK;

	if (d->group_len == 0)
		return ST_OK;
	if (d->has_text)
		st = buf_append(&d->text, SLICE("\r\n"));
	if (st == ST_OK)
		st = base64_encode(slice_of(d->group, d->group_len), &d->text);
	d->has_text = true;
	d->group_len = 0;
	return st == ST_OK && d->text.len >= TEXT_FULL ? put_text(d) : st;
}

static enum status encode(struct binary_door *d, struct slice in)
{
	enum status st = ST_OK;

	while (in.len > 0 && st == ST_OK) {
		struct slice some = slice_head(in, GROUP - d->group_len);

		memcpy(d->group + d->group_len, some.data, some.len);
		d->group_len += some.len;
		if (d->group_len == GROUP)
			st = put_group(d);
		in = slice_from(in, some.len);
	}
	return st;
}

/* Octets of the body, of one line. Its end waits: it may be a boundary's (RFC 2046
 * section 5.1.1). */
static enum status encode_line(struct binary_door *d, struct slice in)
{
	enum status st = ST_OK;
	size_t n;

	if (d->end_len == 1 && d->end[0] == '\r' && in.len == 1 && in.data[0] == '\n') {
		d->end[d->end_len++] = '\n';
		return ST_OK;
	}
	st = encode(d, slice_of(d->end, d->end_len));
	n = in.len;
	if (n > 0 && in.data[n - 1] == '\n')
		n--;
	if (n > 0 && in.data[n - 1] == '\r')
		n--;
	d->end_len = in.len - n;
	memcpy(d->end, in.data + n, d->end_len);
	return st == ST_OK ? encode(d, slice_head(in, n)) : st;
}

static enum status end_body(struct binary_door *d)
{
	enum status st = put_group(d);

	d->is_encoding = false;
	if (st == ST_OK && (d->has_text || d->end_len))
		st = buf_append(&d->text, SLICE("\r\n"));
	d->has_text = false;
	d->end_len = 0;
	return st == ST_OK ? put_text(d) : st;
}

/* ---- the header of a part */

static bool is_encoding_field(struct slice line)
{
	static const struct slice name = { "Content-Transfer-Encoding", 25 };

	if (!slice_case_starts(line, name))
		return false;
	line = slice_from(line, name.len);
	while (line.len && (line.data[0] == ' ' || line.data[0] == '\t'))
		line = slice_from(line, 1);
	return line.len && line.data[0] == ':';
}

static bool says_binary(struct slice field)
{
	field = slice_from(field, slice_index(field, ':') + 1);
	mime_skip_cfws(&field);
	return transfer_encoding(mime_token(&field)) == PART_BINARY;
}

/* The field that was kept goes out, unless it says "binary". */
static enum status end_field(struct binary_door *d)
{
	struct slice field = buf_slice(&d->field);

	if (!d->in_field)
		return ST_OK;
	d->in_field = false;
	d->was_binary = says_binary(field);
	return d->was_binary ? ST_OK : put(d, field);
}

static enum status keep_field(struct binary_door *d, struct slice octets)
{
	enum status st = ST_OK;

	if (buf_append(&d->field, octets) == ST_OK)
		return ST_OK;
	d->in_field = false;	/* too long to be looked at */
	st = put(d, buf_slice(&d->field));
	return st == ST_OK ? put(d, octets) : st;
}

static enum status header_line(struct binary_door *d, struct slice line)
{
	enum status st = ST_OK;

	if (d->in_field && (line.data[0] == ' ' || line.data[0] == '\t'))
		return keep_field(d, line);
	st = end_field(d);
	if (st != ST_OK || d->had_field || !is_encoding_field(line))
		return st == ST_OK ? put(d, line) : st;
	d->had_field = d->in_field = true;
	d->field.len = 0;
	return keep_field(d, line);
}

/* What the part is can be told by now. */
static enum status end_header(struct binary_door *d)
{
	const struct part *p = part_of(d);
	enum status st = end_field(d);
	bool is_leaf = p->kind == PART_LEAF;

	if (st != ST_OK)
		return st;
	d->in_header = false;
	if (p->encoding == PART_BINARY && !d->was_binary)
		return ST_SYNTAX;
	if (!d->was_binary)
		return ST_OK;
	d->was_binary = false;
	d->is_encoding = is_leaf;
	return put(d, is_leaf ? SLICE("Content-Transfer-Encoding: base64\r\n")
			      : SLICE("Content-Transfer-Encoding: 8bit\r\n"));
}

/* ---- lines */

/* Whether a part began with what common/mime was fed last. */
static void look_for_header(struct binary_door *d)
{
	size_t count;
	const struct part *parts = mime_parts(d->mime, &count);

	if (d->in_header || count == 0 || d->part == count - 1)
		return;
	d->part = count - 1;
	d->in_header = parts[d->part].body == 0 && parts[d->part].end == 0;
	d->had_field = d->in_field = d->was_binary = false;
}

/* The beginning of a line, or all of it, that common/mime was fed. */
static enum status start_line(struct binary_door *d, struct slice line)
{
	const struct part *p = part_of(d);
	uint64_t at = d->offset - line.len;
	enum status st = ST_OK;

	if (d->is_encoding) {
		if (p->end == 0 || p->end > at)
			return encode_line(d, line);
		st = end_body(d);
	} else if (d->in_header) {
		if (p->body == 0)
			return header_line(d, line);
		st = end_header(d);
		if (st == ST_OK && d->is_encoding && p->end != 0 && p->end <= at)
			st = end_body(d);	/* there is none */
	}
	return st == ST_OK ? put(d, line) : st;
}

static enum status continue_line(struct binary_door *d, struct slice octets)
{
	if (d->is_encoding)
		return encode_line(d, octets);
	return d->in_field ? keep_field(d, octets) : put(d, octets);
}

static enum status take(struct binary_door *d, struct slice octets)
{
	enum status st = mime_feed(d->mime, octets);
	bool is_start = !d->in_line;

	if (st != ST_OK)
		return st;
	d->offset += octets.len;
	d->in_line = octets.data[octets.len - 1] != '\n';
	st = is_start ? start_line(d, octets) : continue_line(d, octets);
	look_for_header(d);
	return st;
}

/* *octets: what can be taken, of in or of what was held with it; false: not yet. */
static bool next_octets(struct binary_door *d, struct slice in, size_t *used,
			struct slice *octets)
{
	size_t most = d->in_line ? in.len : LINE_START_MAX - d->held_len;
	struct slice some = slice_head(in, most);
	size_t lf = slice_index(some, '\n');

	*used = lf < some.len ? lf + 1 : some.len;
	*octets = slice_head(some, *used);
	if (d->in_line || (d->held_len == 0 && (lf < some.len || *used == most)))
		return true;
	memcpy(d->held + d->held_len, octets->data, *used);
	d->held_len += *used;
	*octets = slice_of(d->held, d->held_len);
	if (lf == some.len && d->held_len < LINE_START_MAX)
		return false;
	d->held_len = 0;
	return true;
}

enum status binary_door_feed(struct binary_door *d, struct slice in)
{
	enum status st = ST_OK;

	while (in.len > 0 && st == ST_OK) {
		struct slice octets;
		size_t used;

		if (next_octets(d, in, &used, &octets))
			st = take(d, octets);
		in = slice_from(in, used);
	}
	return st;
}

enum status binary_door_end(struct binary_door *d)
{
	struct slice line = slice_of(d->held, d->held_len);
	enum status st = mime_feed(d->mime, line);

	if (st == ST_OK)
		st = mime_end(d->mime);
	d->offset += line.len;
	if (st == ST_OK && line.len > 0)
		st = start_line(d, line);
	if (st == ST_OK && d->in_header)
		st = end_header(d);
	if (st == ST_OK && d->is_encoding) {
		st = encode(d, slice_of(d->end, d->end_len));
		d->end_len = 0;
		if (st == ST_OK)
			st = end_body(d);
	}
	return st;
}
