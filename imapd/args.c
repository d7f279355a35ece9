#include "imapd/args.h"

#include "common/date.h"
#include "common/utf7.h"
#include "common/utf8.h"
#include "common/flag_names.h"
#include "imapd/limits.h"

/* Classes of octets in the grammar (RFC 9051 section 9). */
static bool is_atom_char(char c)
{
	return c > ' ' && c <= '~' && !strchr("(){%*\"\\", c);
}

static bool is_name_char(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '.' || c == '-' || c == '_';
}

static bool is_set_char(char c)
{
	return ascii_is_digit(c) || c == ':' || c == ',' || c == '*';
}

/* The octets at the front that are of the class. */
static struct slice span_of(struct slice s, bool (*is)(char c))
{
	size_t n = 0;

	while (n < s.len && is(s.data[n]))
		n++;
	return slice_head(s, n);
}

static bool take(struct imap_args *a, size_t n)
{
	a->rest = slice_from(a->rest, n);
	a->why = NULL;
	return true;
}

static bool fail(struct imap_args *a, const char *why)
{
	a->why = why;
	return false;
}

char args_peek(const struct imap_args *a)
{
	return a->rest.len ? a->rest.data[0] : '\0';
}

bool args_char(struct imap_args *a, char c)
{
	return a->rest.len && a->rest.data[0] == c ? take(a, 1) : fail(a, NULL);
}

bool args_space(struct imap_args *a)
{
	return args_char(a, ' ') || fail(a, "Space expected");
}

bool args_end(const struct imap_args *a)
{
	return a->rest.len == 0;
}

bool args_atom(struct imap_args *a, struct slice *atom)
{
	struct slice s = span_of(a->rest, is_atom_char);

	if (s.len == 0)
		return fail(a, "Atom expected");
	*atom = s;
	return take(a, s.len);
}

bool args_word(struct imap_args *a, const char *word)
{
	struct slice s = slice_head(a->rest, strlen(word));

	if (!slice_case_eq(s, slice_str(word)) ||
	    (a->rest.len > s.len && is_atom_char(a->rest.data[s.len])))
		return fail(a, NULL);
	return take(a, s.len);
}

bool args_name(struct imap_args *a, struct slice *name)
{
	struct slice s = span_of(a->rest, is_name_char);

	if (s.len == 0)
		return fail(a, NULL);
	*name = s;
	return take(a, s.len);
}

/* ---- strings ---- */

/* The octets between the quotes with their backslashes; *used counts both
 * quotes. */
static bool find_quoted(struct imap_args *a, struct slice *inside, bool *has_escape,
			size_t *used)
{
	struct slice s = a->rest;
	bool has_8bit = false;

	*has_escape = false;
	for (size_t i = 1; i < s.len; i++) {
		char c = s.data[i];

		if (c == '"') {
			*inside = slice_of(s.data + 1, i - 1);
			*used = i + 1;
			if (has_8bit && (!a->takes_8bit || !utf8_is_valid(*inside)))
				return fail(a, "8-bit octets in a quoted string");
			return true;
		}
		has_8bit |= (unsigned char)c >= 0x80;
		if (c == '\\') {
			c = i + 1 < s.len ? s.data[++i] : '\0';
			if (c != '"' && c != '\\')
				return fail(a, "Bad escape in a quoted string");
			*has_escape = true;
		}
	}
	return fail(a, "Quoted string without end");
}

static bool take_quoted(struct imap_args *a, struct slice *s)
{
	struct slice inside;
	bool has_escape;
	size_t used, n = 0;
	char *copy;

	if (!find_quoted(a, &inside, &has_escape, &used))
		return false;
	if (has_escape) {
		copy = arena_alloc(a->arena, inside.len);
		if (!copy)
			return fail(a, "Too much memory");
		for (size_t i = 0; i < inside.len; i++) {
			i += inside.data[i] == '\\';
			copy[n++] = inside.data[i];
		}
		inside = slice_of(copy, n);
	}
	*s = inside;
	return take(a, used);
}

/* The parser has seen that the literal is whole; "{n}", "{n+}" or "{n-}". */
static bool take_literal(struct imap_args *a, struct slice *s)
{
	size_t close = slice_index(a->rest, '}'), digits = 1;
	unsigned long long octets;

	while (digits < close && ascii_is_digit(a->rest.data[digits]))
		digits++;
	if (close >= a->rest.len || close - digits > 1 ||
	    !slice_number(slice_of(a->rest.data + 1, digits - 1), SIZE_MAX, &octets) ||
	    !slice_starts(slice_from(a->rest, close), SLICE("}\r\n")) ||
	    octets > a->rest.len - close - 3)
		return fail(a, "Bad literal");
	*s = slice_of(a->rest.data + close + 3, (size_t)octets);
	return take(a, close + 3 + (size_t)octets);
}

bool args_string(struct imap_args *a, struct slice *s)
{
	switch (args_peek(a)) {
	case '"':
		return take_quoted(a, s);
	case '{':
		return take_literal(a, s);
	default:
		return fail(a, "String expected");
	}
}

bool args_nstring(struct imap_args *a, struct slice *s)
{
	if (args_word(a, "NIL")) {
		*s = (struct slice){ NULL, 0 };
		return true;
	}
	return args_string(a, s);
}

bool args_astring(struct imap_args *a, struct slice *s)
{
	char c = args_peek(a);

	return c == '"' || c == '{' ? args_string(a, s) : args_atom(a, s);
}

/* ---- names of mailboxes ---- */

/* Modified UTF-7 or UTF-8 to UTF-8 in NFC, in the arena. */
static bool decode_name(struct imap_args *a, struct slice in, struct slice *name)
{
	struct buf utf8 = BUF_INIT(8 * 1024), nfc = BUF_INIT(8 * 1024);
	bool is_8bit = !utf8_is_ascii(in);
	enum status st;

	/* 8-bit names were never allowed without UTF8=ACCEPT, but some send UTF-8 */
	if (is_8bit || a->is_utf8)
		st = utf8_nfc(in, &nfc);
	else
		st = utf7_to_utf8(in, &utf8);
	if (st == ST_OK && !is_8bit && !a->is_utf8)
		st = utf8_nfc(buf_slice(&utf8), &nfc);
	if (st == ST_OK) {
		*name = arena_copy(a->arena, buf_slice(&nfc));
		if (!name->data)
			st = ST_NO_MEMORY;
	}
	buf_free(&utf8);
	buf_free(&nfc);
	return st == ST_OK || fail(a, st == ST_SYNTAX ? "Mailbox name is not modified UTF-7"
						      : "Mailbox name is too long");
}

/* INBOX is one mailbox in any case, and so is the parent of INBOX/x. */
static bool fold_inbox(struct imap_args *a, struct slice *name)
{
	const size_t n = 5;
	char *copy;

	if (!slice_case_starts(*name, SLICE("INBOX")) ||
	    (name->len > n && name->data[n] != '/') ||
	    slice_starts(*name, SLICE("INBOX")))
		return true;
	copy = arena_alloc(a->arena, name->len);
	if (!copy)
		return fail(a, "Too much memory");
	memcpy(copy, name->data, name->len);
	memcpy(copy, "INBOX", n);
	name->data = copy;
	return true;
}

bool args_mailbox(struct imap_args *a, struct slice *name)
{
	struct imap_args before = *a;
	struct slice raw;

	if (!args_astring(a, &raw))
		return fail(a, "Mailbox name expected");
	if (!decode_name(a, raw, name) || !fold_inbox(a, name)) {
		a->rest = before.rest;
		return false;
	}
	a->given = raw;
	return true;
}

static bool is_list_char(char c)
{
	return is_atom_char(c) || c == '%' || c == '*';
}

bool args_pattern(struct imap_args *a, struct slice *pattern)
{
	struct imap_args before = *a;
	struct slice raw;
	char c = args_peek(a);

	if (c == '"' || c == '{') {
		if (!args_string(a, &raw))
			return false;
	} else {
		raw = span_of(a->rest, is_list_char);
		if (raw.len == 0)
			return fail(a, "Mailbox pattern expected");
		take(a, raw.len);
	}
	if (!decode_name(a, raw, pattern)) {
		a->rest = before.rest;
		return false;
	}
	return true;
}

/* ---- numbers ---- */

static bool take_number(struct imap_args *a, unsigned long long max,
			unsigned long long *n)
{
	struct slice digits = span_of(a->rest, ascii_is_digit);

	if (!slice_number(digits, max, n))
		return fail(a, digits.len ? "Number is too large" : "Number expected");
	return take(a, digits.len);
}

bool args_number(struct imap_args *a, uint32_t *n)
{
	unsigned long long value;

	if (!take_number(a, UINT32_MAX, &value))
		return false;
	*n = (uint32_t)value;
	return true;
}

bool args_nz_number(struct imap_args *a, uint32_t *n)
{
	struct imap_args before = *a;

	if (!args_number(a, n))
		return false;
	if (*n)
		return true;
	a->rest = before.rest;
	return fail(a, "Number must not be 0");
}

bool args_number64(struct imap_args *a, uint64_t *n)
{
	unsigned long long value;

	if (!take_number(a, INT64_MAX, &value))
		return false;
	*n = value;
	return true;
}

bool args_set(struct imap_args *a, struct numset *set)
{
	struct slice s = span_of(a->rest, is_set_char);
	enum status st;

	if (args_peek(a) == '$') {
		set->is_saved = true;
		return take(a, 1);
	}
	st = numset_parse(s, set);
	if (st == ST_OK)
		return take(a, s.len);
	numset_clear(set);
	return fail(a, st == ST_SYNTAX ? "Message set expected" : "[TOOBIG] Message set is too long");
}

/* ---- flags ---- */

struct flag_list {
	uint32_t system;
	struct slice keywords[LIMIT_KEYWORDS_MESSAGE];
	size_t count;
};

static bool take_keyword(struct imap_args *a, struct flag_list *list)
{
	struct slice name;

	if (!args_atom(a, &name))
		return fail(a, "Flag expected");
	for (size_t i = 0; i < list->count; i++)
		if (slice_case_eq(list->keywords[i], name))
			return true;
	if (name.len > LIMIT_KEYWORD_OCTETS)
		return fail(a, "[LIMIT] Keyword is too long");
	if (list->count == LIMIT_KEYWORDS_MESSAGE)
		return fail(a, "[LIMIT] Too many keywords");
	list->keywords[list->count++] = name;
	return true;
}

static bool take_flag(struct imap_args *a, struct flag_list *list)
{
	struct slice name;
	uint32_t flag;

	if (args_peek(a) != '\\')
		return take_keyword(a, list);
	name = span_of(slice_from(a->rest, 1), is_atom_char);
	name = slice_of(a->rest.data, name.len + 1);
	flag = flag_find(name);
	if (!flag)
		return fail(a, slice_case_eq(name, SLICE("\\Recent"))
				       ? "\\Recent cannot be set" : "Unknown flag");
	list->system |= flag;
	return take(a, name.len);
}

static bool join_keywords(struct imap_args *a, const struct flag_list *list,
			  struct slice *keywords)
{
	size_t len = 0;
	char *at;

	for (size_t i = 0; i < list->count; i++)
		len += list->keywords[i].len + (i > 0);
	at = arena_alloc(a->arena, len);
	if (!at)
		return fail(a, "Too much memory");
	*keywords = slice_of(at, len);
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			*at++ = ' ';
		memcpy(at, list->keywords[i].data, list->keywords[i].len);
		at += list->keywords[i].len;
	}
	return true;
}

bool args_flags(struct imap_args *a, bool bare, uint32_t *system,
		struct slice *keywords)
{
	struct imap_args before = *a;
	struct flag_list list = { 0 };
	bool is_list = args_char(a, '(');
	bool good = is_list || bare || fail(a, "Flag list expected");

	if (good && !(is_list && args_char(a, ')'))) {
		do
			good = take_flag(a, &list);
		while (good && args_char(a, ' '));
		if (good && is_list)
			good = args_char(a, ')') || fail(a, "Flag list is not closed");
	}
	good = good && join_keywords(a, &list, keywords);
	if (!good)
		a->rest = before.rest;
	*system = list.system;
	return good;
}

/* ---- dates ---- */

bool args_date_time(struct imap_args *a, int64_t *seconds, int32_t *zone)
{
	struct imap_args before = *a;
	struct date date;
	struct slice s;

	if (args_peek(a) != '"' || !take_quoted(a, &s))
		return fail(a, "Date-time expected");
	if (date_parse_imap(s, &date) != ST_OK) {
		a->rest = before.rest;
		return fail(a, "Date-time is malformed");
	}
	*seconds = date.seconds;
	*zone = date.zone;
	return true;
}

bool args_date(struct imap_args *a, int64_t *day)
{
	struct imap_args before = *a;
	struct slice s;

	if (!(args_peek(a) == '"' ? take_quoted(a, &s) : args_atom(a, &s)))
		return fail(a, "Date expected");
	if (date_parse_imap_day(s, day) == ST_OK)
		return true;
	a->rest = before.rest;
	return fail(a, "Date is malformed");
}
