#include "imapd/respond.h"

#include "common/utf7.h"
#include "common/utf8.h"
#include "imapd/numset.h"

/* A longer string goes as a literal, which readers take in one piece. */
#define QUOTED_MAX ((size_t)1000)

static void note(struct respond *r, enum status st)
{
	if (st != ST_OK)
		r->failed = true;
}

void respond_slice(struct respond *r, struct slice s)
{
	note(r, buf_append(r->out, s));
}

void respond_str(struct respond *r, const char *text)
{
	note(r, buf_append_str(r->out, text));
}

void respond_char(struct respond *r, char c)
{
	note(r, buf_append_char(r->out, c));
}

void respond_u64(struct respond *r, uint64_t n)
{
	note(r, buf_append_u64(r->out, n));
}

void respond_literal(struct respond *r, uint64_t octets)
{
	respond_char(r, '{');
	respond_u64(r, octets);
	respond_str(r, "}\r\n");
}

/* Whether "..." can carry it: TEXT-CHAR (RFC 9051 section 9), UTF-8 only where
 * the client said that it takes it. */
static bool can_quote(const struct respond *r, struct slice s)
{
	bool has_8bit = false;

	if (s.len > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.data[i];

		if (c == '\0' || c == '\r' || c == '\n')
			return false;
		has_8bit |= c >= 0x80;
	}
	return !has_8bit || (r->is_utf8 && utf8_is_valid(s));
}

void respond_string(struct respond *r, struct slice s)
{
	if (!can_quote(r, s)) {
		respond_literal(r, s.len);
		respond_slice(r, s);
		return;
	}
	respond_char(r, '"');
	for (size_t from = 0, i = 0; i <= s.len; i++) {
		if (i < s.len && s.data[i] != '"' && s.data[i] != '\\')
			continue;
		respond_slice(r, slice_of(s.data + from, i - from));
		from = i;
		if (i < s.len)
			respond_char(r, '\\');
	}
	respond_char(r, '"');
}

void respond_nstring(struct respond *r, struct slice s)
{
	if (s.data)
		respond_string(r, s);
	else
		respond_str(r, "NIL");
}

/* ASTRING-CHARs only, and not the word NIL, which some clients misread. */
static bool is_astring(struct slice s)
{
	if (s.len == 0 || slice_case_eq(s, SLICE("NIL")))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.data[i];

		if (c <= ' ' || c > '~' || strchr("(){%*\"\\", c))
			return false;
	}
	return true;
}

void respond_astring(struct respond *r, struct slice s)
{
	if (is_astring(s))
		respond_slice(r, s);
	else
		respond_string(r, s);
}

void respond_mailbox(struct respond *r, struct slice name)
{
	struct buf encoded = BUF_INIT(16 * 1024);

	if (r->is_utf8) {
		respond_astring(r, name);
		return;
	}
	note(r, utf7_from_utf8(name, &encoded));
	respond_astring(r, buf_slice(&encoded));
	buf_free(&encoded);
}

void respond_set(struct respond *r, const struct ranges *set)
{
	note(r, numset_render(set, r->out));
}
