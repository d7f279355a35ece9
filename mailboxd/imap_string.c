#include "mailboxd/imap_string.h"

#include "common/header.h"

#include <limits.h>

#define LIST_DEPTH_MAX 1000
/* Longer quoted strings are no crime, but line limits of readers are. */
#define QUOTED_MAX 4096

enum octet {
	PLAIN,
	ESCAPED,	/* quoted-specials */
	NOT_QUOTED,	/* only in a literal */
	NOWHERE,	/* NUL */
};

static enum octet octet_kind(char c)
{
	if (c == '"' || c == '\\')
		return ESCAPED;
	if (c == '\0')
		return NOWHERE;
	return (c >= ' ' && c < 127) || c == '\t' ? PLAIN : NOT_QUOTED;
}

static enum status put_literal(struct buf *out, struct slice text)
{
	size_t nuls = 0;
	enum status st;

	for (size_t i = 0; i < text.len; i++)
		nuls += text.data[i] == '\0';
	st = buf_append_char(out, '{');
	if (st == ST_OK)
		st = buf_append_u64(out, text.len - nuls);
	if (st == ST_OK)
		st = buf_append_str(out, "}\r\n");
	if (nuls == 0)
		return st == ST_OK ? buf_append(out, text) : st;
	for (size_t i = 0; i < text.len && st == ST_OK; i++)
		if (text.data[i] != '\0')
			st = buf_append_char(out, text.data[i]);
	return st;
}

enum status imap_put_string(struct buf *out, struct slice text)
{
	size_t seen[NOWHERE + 1] = { 0 };
	char *at;
	enum status st;

	for (size_t i = 0; i < text.len; i++)
		seen[octet_kind(text.data[i])]++;
	if (seen[NOT_QUOTED] || seen[NOWHERE] || text.len > QUOTED_MAX)
		return put_literal(out, text);
	st = buf_reserve(out, text.len + seen[ESCAPED] + 2, &at);
	if (st != ST_OK)
		return st;
	*at++ = '"';
	if (!seen[ESCAPED]) {
		if (text.len)
			memcpy(at, text.data, text.len);
		at += text.len;
	} else {
		for (size_t i = 0; i < text.len; i++) {
			if (octet_kind(text.data[i]) == ESCAPED)
				*at++ = '\\';
			*at++ = text.data[i];
		}
	}
	*at++ = '"';
	out->len = (size_t)(at - out->data);
	return ST_OK;
}

enum status imap_put_nstring(struct buf *out, struct slice text)
{
	return text.data ? imap_put_string(out, text) : buf_append_str(out, "NIL");
}

enum status imap_put_field(struct buf *out, struct slice body)
{
	struct buf text = BUF_INIT(SIZE_MAX / 2);
	enum status st;

	if (!body.data)
		return buf_append_str(out, "NIL");
	if (slice_index(body, '\n') == body.len && slice_index(body, '\r') == body.len)
		return imap_put_string(out, slice_trim(body));
	st = header_unfold(body, &text);
	if (st == ST_OK)
		st = imap_put_string(out, buf_slice(&text));
	buf_free(&text);
	return st;
}

/* ---- checking */

static bool skip_quoted(struct slice *s)
{
	for (size_t i = 1; i < s->len; i++) {
		enum octet kind = octet_kind(s->data[i]);

		if (s->data[i] == '"') {
			*s = slice_from(*s, i + 1);
			return true;
		}
		if (s->data[i] == '\\') {
			if (++i == s->len || octet_kind(s->data[i]) != ESCAPED)
				return false;
		} else if (kind != PLAIN) {
			return false;
		}
	}
	return false;
}

static bool skip_literal(struct slice *s)
{
	size_t close = slice_index(*s, '}');
	unsigned long long octets;
	struct slice rest;

	if (close == s->len || s->len - close < 3 ||
	    !slice_number(slice_of(s->data + 1, close - 1), s->len, &octets) ||
	    !slice_starts(slice_from(*s, close), SLICE("}\r\n")))
		return false;
	rest = slice_from(*s, close + 3);
	if (octets > rest.len || memchr(rest.data, '\0', octets))
		return false;
	*s = slice_from(rest, octets);
	return true;
}

static bool skip_atom(struct slice *s)
{
	size_t n = 0;

	if (slice_starts(*s, SLICE("NIL"))) {
		*s = slice_from(*s, 3);
		return true;
	}
	while (n < s->len && ascii_is_digit(s->data[n]))
		n++;
	*s = slice_from(*s, n);
	return n > 0;
}

bool imap_list_is_valid(struct slice s)
{
	size_t depth = 0;

	do {
		bool ok = true;

		if (s.len == 0)
			return false;
		switch (s.data[0]) {
		case '(':
			ok = ++depth <= LIST_DEPTH_MAX;
			s = slice_from(s, 1);
			break;
		case ')':
			ok = depth-- > 0;
			s = slice_from(s, 1);
			break;
		case ' ':
			ok = depth > 0;
			s = slice_from(s, 1);
			break;
		case '"':
			ok = depth > 0 && skip_quoted(&s);
			break;
		case '{':
			ok = depth > 0 && skip_literal(&s);
			break;
		default:
			ok = depth > 0 && skip_atom(&s);
		}
		if (!ok)
			return false;
	} while (depth > 0);
	return s.len == 0;
}
