#include "mailboxd/envelope_read.h"

static bool take_char(struct slice *rest, char c)
{
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	*rest = slice_from(*rest, 1);
	return true;
}

static enum status take_quoted(struct slice *rest, struct buf *out)
{
	enum status st = ST_OK;

	while (rest->len > 0 && !take_char(rest, '"')) {
		take_char(rest, '\\');
		if (rest->len == 0)
			return ST_SYNTAX;
		if (out && st == ST_OK)
			st = buf_append_char(out, rest->data[0]);
		*rest = slice_from(*rest, 1);
	}
	return st;
}

static enum status take_literal(struct slice *rest, struct buf *out)
{
	size_t end = slice_index(*rest, '}');
	unsigned long long octets;
	struct slice text;

	if (rest->len - end < 3 ||
	    !slice_number(slice_head(*rest, end), rest->len - end - 3, &octets))
		return ST_SYNTAX;
	text = slice_head(slice_from(*rest, end + 3), (size_t)octets);
	*rest = slice_from(*rest, end + 3 + (size_t)octets);
	return out ? buf_append(out, text) : ST_OK;
}

/* A string or NIL and the space before it. out may be NULL. */
static enum status take_string(struct slice *rest, struct buf *out)
{
	take_char(rest, ' ');
	if (take_char(rest, '"'))
		return take_quoted(rest, out);
	if (take_char(rest, '{'))
		return take_literal(rest, out);
	if (!slice_starts(*rest, SLICE("NIL")))
		return ST_SYNTAX;
	*rest = slice_from(*rest, 3);
	return ST_OK;
}

/* Nothing is an error to who reads a list but the want of room. */
static enum status lenient(enum status st)
{
	return st == ST_SYNTAX ? ST_OK : st;
}

enum status envelope_read_date(struct slice envelope, struct buf *out)
{
	take_char(&envelope, '(');
	return lenient(take_string(&envelope, out));
}

enum status envelope_read_subject(struct slice envelope, struct buf *out)
{
	enum status st;

	take_char(&envelope, '(');
	st = take_string(&envelope, NULL);
	return lenient(st == ST_OK ? take_string(&envelope, out) : st);
}

/* "(name route local domain)"; what is no address, such as the beginning of a
 * group (RFC 9051 section 7.5.2), leaves text empty. */
static enum status take_address(struct slice *rest, struct buf *text)
{
	size_t local;
	enum status st = take_char(rest, '(') ? ST_OK : ST_SYNTAX;

	text->len = 0;
	for (int i = 0; i < 3 && st == ST_OK; i++)
		st = take_string(rest, i == 2 ? text : NULL);
	if (st == ST_OK)
		st = buf_append_char(text, '@');
	local = text->len;
	if (st == ST_OK)
		st = take_string(rest, text);
	if (text->len == local)
		text->len = 0;
	return st == ST_OK && !take_char(rest, ')') ? ST_SYNTAX : st;
}

enum status envelope_read_from(struct slice envelope, struct buf *out)
{
	struct buf text = BUF_INIT(65536);
	enum status st;

	take_char(&envelope, '(');
	st = take_string(&envelope, NULL);
	if (st == ST_OK)
		st = take_string(&envelope, NULL);
	take_char(&envelope, ' ');
	if (st == ST_OK && !take_char(&envelope, '('))
		st = ST_SYNTAX;
	while (st == ST_OK && text.len == 0)
		st = take_address(&envelope, &text);
	if (st == ST_OK)
		st = buf_append(out, buf_slice(&text));
	buf_free(&text);
	return lenient(st);
}

/* Whatever stands there: a string, NIL, or a list of them. */
static enum status pass_over(struct slice *rest)
{
	size_t depth = 0;
	enum status st = ST_OK;

	do {
		take_char(rest, ' ');
		if (take_char(rest, '('))
			depth++;
		else if (depth > 0 && take_char(rest, ')'))
			depth--;
		else
			st = take_string(rest, NULL);
	} while (st == ST_OK && depth > 0);
	return st;
}

enum status envelope_read_first(struct slice envelope, unsigned place,
				struct buf *texts, struct envelope_address *a)
{
	struct slice *parts[] = { &a->name, &a->route, &a->mailbox, &a->host };
	size_t ends[4], from = 0;
	bool is_nil[4];
	enum status st = ST_OK;

	texts->len = 0;
	take_char(&envelope, '(');
	while (st == ST_OK && place-- > 0)
		st = pass_over(&envelope);
	take_char(&envelope, ' ');
	if (st == ST_OK && (!take_char(&envelope, '(') || !take_char(&envelope, '(')))
		st = ST_SYNTAX;
	for (int i = 0; i < 4 && st == ST_OK; i++) {
		take_char(&envelope, ' ');
		is_nil[i] = slice_starts(envelope, SLICE("NIL"));
		st = take_string(&envelope, texts);
		ends[i] = texts->len;
	}
	for (int i = 0; i < 4 && st == ST_OK; from = ends[i++])
		*parts[i] = is_nil[i] ? (struct slice){ NULL, 0 } :
			slice_from(slice_head(buf_slice(texts), ends[i]), from);
	return st == ST_SYNTAX ? ST_NOT_FOUND : st;
}
