#include "common/header.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Length of the line end at the beginning of s: CRLF, LF, or none. */
static size_t line_end_octets(struct slice s)
{
	if (s.len && s.data[0] == '\n')
		return 1;
	return s.len > 1 && s.data[0] == '\r' && s.data[1] == '\n' ? 2 : 0;
}

static struct slice without_line_end(struct slice line)
{
	if (line.len && line.data[line.len - 1] == '\n')
		line.len--;
	if (line.len && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

bool header_name_is_valid(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.data[i] < '!' || name.data[i] > '~' || name.data[i] == ':')
			return false;
	return name.len > 0;
}

/* Octets of the field at the beginning of s, folds and last line end included;
 * 0: it may go on behind the end of s. */
static size_t field_octets(struct slice s, bool is_whole)
{
	size_t at = 0;

	do {
		at += slice_index(slice_from(s, at), '\n');
		if (at == s.len)
			return is_whole ? s.len : 0;
		at++;
	} while (at < s.len && is_blank(s.data[at]));
	return at < s.len || is_whole ? at : 0;
}

static void split_field(struct header_field *field)
{
	struct slice line = without_line_end(field->whole);
	size_t colon = slice_index(line, ':');
	struct slice name = slice_head(line, colon);

	/* obs-optional: white space before the colon (RFC 5322 section 4.5.8) */
	while (name.len && is_blank(name.data[name.len - 1]))
		name.len--;
	if (colon < line.len && header_name_is_valid(name)) {
		field->name = name;
		field->body = slice_from(line, colon + 1);
	} else {
		field->name = SLICE_EMPTY;
		field->body = line;
	}
}

enum status header_next(struct header_walk *walk, struct header_field *field)
{
	struct slice rest = slice_from(walk->in, walk->at);
	size_t octets = line_end_octets(rest);

	if (octets || (rest.len == 0 && walk->is_whole)) {
		walk->at += octets;
		return ST_NOT_FOUND;
	}
	octets = field_octets(rest, walk->is_whole);
	if (octets == 0)
		return ST_MORE;
	field->offset = walk->at;
	field->whole = slice_head(rest, octets);
	split_field(field);
	walk->at += octets;
	return ST_OK;
}

enum status header_find(struct slice header, struct slice name,
			struct header_field *field)
{
	struct header_walk walk = { .in = header, .is_whole = true };
	enum status st;

	while ((st = header_next(&walk, field)) == ST_OK)
		if (slice_case_eq(field->name, name))
			return ST_OK;
	return st;
}

size_t header_octets(struct slice message)
{
	size_t at = 0;

	while (at < message.len) {
		size_t end = line_end_octets(slice_from(message, at));

		if (end)
			return at + end;
		at += slice_index(slice_from(message, at), '\n');
		if (at < message.len)
			at++;
	}
	return message.len;
}

enum status header_unfold(struct slice body, struct buf *out)
{
	size_t before = out->len;
	struct slice part;
	enum status st = ST_OK;

	body = slice_trim(body);
	/* a fold at either end leaves a line end that trimming does not see */
	while (line_end_octets(body))
		body = slice_trim(slice_from(body, line_end_octets(body)));
	body = without_line_end(body);
	while (st == ST_OK && slice_split(&body, '\n', &part))
		st = buf_append(out, body.data ? without_line_end(part) : part);
	if (st != ST_OK)
		out->len = before;
	while (out->len > before && is_blank(out->data[out->len - 1]))
		out->len--;
	return st;
}
