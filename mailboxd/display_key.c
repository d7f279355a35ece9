#include "mailboxd/display_key.h"

#include "mailboxd/casemap.h"
#include "mailboxd/encoded_word.h"

#include <stdbool.h>

#define TEXT_MAX ((size_t)1 << 20)

/* ---- a reader of the list, in the form that imap_string.c writes ------------------- */

static bool take(struct slice *in, char c)
{
	if (in->len == 0 || in->data[0] != c)
		return false;
	*in = slice_from(*in, 1);
	return true;
}

/* A quoted string without its escapes. */
static enum status take_quoted(struct slice *in, struct buf *text)
{
	enum status st = ST_OK;

	while (st == ST_OK && in->len > 0 && !take(in, '"')) {
		take(in, '\\');
		if (in->len == 0)
			break;
		st = buf_append_char(text, in->data[0]);
		*in = slice_from(*in, 1);
	}
	return st;
}

static enum status take_literal(struct slice *in, struct buf *text)
{
	size_t digits = slice_index(*in, '}');
	unsigned long long octets;

	if (!slice_number(slice_head(*in, digits), in->len, &octets) ||
	    digits + 3 + octets > in->len)
		return ST_SYNTAX;
	*in = slice_from(*in, digits + 3);
	*in = slice_from(*in, (size_t)octets);
	return buf_append(text, slice_of(in->data - octets, (size_t)octets));
}

/* A string or NIL, into text. */
static enum status take_nstring(struct slice *in, struct buf *text, bool *is_nil)
{
	text->len = 0;
	*is_nil = false;
	if (take(in, '"'))
		return take_quoted(in, text);
	if (take(in, '{'))
		return take_literal(in, text);
	*is_nil = true;
	if (!slice_starts(*in, SLICE("NIL")))
		return ST_SYNTAX;
	*in = slice_from(*in, 3);
	return ST_OK;
}

/* Whatever stands there: a string, NIL, or a list of them. */
static enum status pass_over(struct slice *in, struct buf *text)
{
	size_t depth = 0;
	bool is_nil;

	do {
		enum status st = ST_OK;

		if (take(in, '('))
			depth++;
		else if (depth > 0 && take(in, ')'))
			depth--;
		else if (!(depth > 0 && take(in, ' ')))
			st = take_nstring(in, text, &is_nil);
		if (st != ST_OK)
			return st;
	} while (depth > 0);
	return ST_OK;
}

/* ---- the key ---------------------------------------------------------------------------- */

static enum status put_key(struct slice text, struct buf *out)
{
	size_t from = out->len, end = from + DISPLAY_KEY_MAX;
	enum status st = casemap_append(out, slice_head(text, DISPLAY_KEY_MAX));

	if (out->len > end) {
		while (end > from && (out->data[end] & 0xc0) == 0x80)
			end--;
		out->len = end;
	}
	return st;
}

/* The first address: name, route, mailbox, host. */
static enum status put_address(struct slice *in, struct buf *text, struct buf *out)
{
	struct buf decoded = BUF_INIT(TEXT_MAX);
	bool is_nil;
	enum status st = take_nstring(in, text, &is_nil);

	if (st == ST_OK)
		st = encoded_word_decode(buf_slice(text), &decoded);
	if (st == ST_OK && decoded.len == 0) {
		take(in, ' ');
		st = take_nstring(in, text, &is_nil);
		take(in, ' ');
		if (st == ST_OK)
			st = take_nstring(in, text, &is_nil);
		if (st == ST_OK)
			st = buf_append(&decoded, buf_slice(text));
		take(in, ' ');
		if (st == ST_OK)
			st = take_nstring(in, text, &is_nil);
		if (st == ST_OK && !is_nil)
			st = buf_append_char(&decoded, '@');
		if (st == ST_OK && !is_nil)
			st = buf_append(&decoded, buf_slice(text));
	}
	if (st == ST_OK)
		st = put_key(buf_slice(&decoded), out);
	buf_free(&decoded);
	return st;
}

enum status display_key(struct slice envelope, unsigned place, struct buf *out)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	size_t from = out->len;
	enum status st = take(&envelope, '(') ? ST_OK : ST_SYNTAX;

	for (unsigned i = 0; i < place && st == ST_OK; i++) {
		st = pass_over(&envelope, &text);
		if (st == ST_OK && !take(&envelope, ' '))
			st = ST_SYNTAX;
	}
	if (st == ST_OK && take(&envelope, '('))
		st = take(&envelope, '(') ? put_address(&envelope, &text, out) :
					    ST_SYNTAX;
	buf_free(&text);
	if (st != ST_OK)
		out->len = from;
	return st == ST_SYNTAX ? ST_OK : st;
}
