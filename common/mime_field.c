#include "common/mime_field.h"

#include <stdint.h>

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_token(char c)
{
	return c > ' ' && c < 127 && !memchr("()<>@,;:\\\"/[]?=", c, 15);
}

/* Skips a comment that begins at s->data[0], nested ones counted. */
static void skip_comment(struct slice *s)
{
	size_t i = 0, depth = 0;

	for (; i < s->len; i++) {
		if (s->data[i] == '\\')
			i++;
		else if (s->data[i] == '(')
			depth++;
		else if (s->data[i] == ')' && --depth == 0)
			break;
	}
	*s = slice_from(*s, i < s->len ? i + 1 : s->len);
}

void mime_skip_cfws(struct slice *s)
{
	while (s->len > 0 && (is_space(s->data[0]) || s->data[0] == '('))
		if (s->data[0] == '(')
			skip_comment(s);
		else
			*s = slice_from(*s, 1);
}

struct slice mime_token(struct slice *s)
{
	size_t n = 0;
	struct slice token;

	while (n < s->len && is_token(s->data[n]))
		n++;
	token = slice_head(*s, n);
	*s = slice_from(*s, n);
	return token;
}

bool mime_type_parse(struct slice body, struct mime_type *type)
{
	mime_skip_cfws(&body);
	*type = (struct mime_type){ .type = mime_token(&body) };
	mime_skip_cfws(&body);
	if (body.len > 0 && body.data[0] == '/') {
		body = slice_from(body, 1);
		mime_skip_cfws(&body);
		type->subtype = mime_token(&body);
	}
	type->params = slice_from(body, slice_index(body, ';'));
	return type->type.len > 0 && type->type.len <= MIME_TYPE_MAX &&
	       type->subtype.len > 0 && type->subtype.len <= MIME_TYPE_MAX;
}

/* Whether s begins with the name of a parameter and "=". */
static bool begins_param(struct slice s)
{
	struct slice token = mime_token(&s);

	return token.len > 0 && s.len > 0 && s.data[0] == '=';
}

/* A value without quotes goes on to ";", a comment or the next parameter, for
 * there are file names with spaces in them. */
static struct slice take_bare(struct slice *s)
{
	size_t n = 0, end = 0;

	while (n < s->len && s->data[n] != ';') {
		if (!is_space(s->data[n])) {
			end = ++n;
			continue;
		}
		while (n < s->len && is_space(s->data[n]))
			n++;
		if (n == s->len || s->data[n] == '(' ||
		    begins_param(slice_from(*s, n)))
			break;
	}
	struct slice value = slice_head(*s, end);
	*s = slice_from(*s, n);
	return value;
}

/* Takes a quoted string with its quotes; the last may be missing. */
static struct slice take_quoted(struct slice *s)
{
	size_t n = 1;

	while (n < s->len && s->data[n] != '"')
		n += s->data[n] == '\\' ? 2 : 1;
	struct slice value = slice_head(*s, n + 1);
	*s = slice_from(*s, value.len);
	return value;
}

/* One "; name=value" as it stands. False at the end. */
static bool param_next(struct slice *s, struct slice *name, struct slice *value)
{
	for (;;) {
		mime_skip_cfws(s);
		if (s->len == 0)
			return false;
		*name = mime_token(s);
		mime_skip_cfws(s);
		if (name->len > 0 && s->len > 0 && s->data[0] == '=')
			break;
		if (name->len == 0 && s->len > 0)
			*s = slice_from(*s, 1);	/* ";" or a stray octet */
	}
	*s = slice_from(*s, 1);
	mime_skip_cfws(s);
	*value = s->len > 0 && s->data[0] == '"' ? take_quoted(s) : take_bare(s);
	return true;
}

/* Name and section of "name*1*" (RFC 2231 section 3). */
struct section {
	struct slice name, value;
	unsigned long long number;	/* UINT32_MAX: not continued */
	bool is_encoded, is_used;
};

static void section_parse(struct slice name, struct section *s)
{
	size_t star = slice_index(name, '*');
	struct slice rest = slice_from(name, star);

	s->name = slice_head(name, star);
	s->number = UINT32_MAX;
	if (rest.len > 1 && rest.data[rest.len - 1] == '*') {
		s->is_encoded = true;
		rest.len--;
	}
	if (rest.len == 1)
		s->is_encoded = true;
	else if (rest.len > 1 &&
		 !slice_number(slice_from(rest, 1), MIME_PARAMS_MAX, &s->number)) {
		s->name = name;		/* some other use of "*" */
		s->is_encoded = false;
	}
}

/* Octets of the value without quotes; at may be NULL to count only. */
static size_t put_plain(struct slice value, char *at)
{
	bool is_quoted = value.len > 0 && value.data[0] == '"';
	size_t n = 0;

	for (size_t i = is_quoted; i < value.len; i++) {
		char c = value.data[i];

		if (is_quoted && c == '"')
			break;
		if (is_quoted && c == '\\' && i + 1 < value.len)
			c = value.data[++i];
		if (c == '\r' || c == '\n' || c == '\0')
			continue;	/* a fold within the quotes */
		if (at)
			at[n] = c;
		n++;
	}
	return n;
}

/* As put_plain(), what is no attribute-char in hexadecimal. */
static size_t put_hex(struct slice value, char *at)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = put_plain(value, at), n = 0;

	for (size_t i = 0; i < len; i++)
		n += is_token(at[i]) && !memchr("*'%", at[i], 3) ? 1 : 3;
	for (size_t i = len, to = n; i-- > 0;) {
		unsigned char c = (unsigned char)at[i];

		if (is_token((char)c) && !memchr("*'%", c, 3)) {
			at[--to] = (char)c;
		} else {
			at[--to] = digits[c & 15];
			at[--to] = digits[c >> 4];
			at[--to] = '%';
		}
	}
	return n;
}

static struct section *find_number(struct section *s, size_t count,
				   struct slice name, unsigned number)
{
	for (size_t i = 0; i < count; i++)
		if (!s[i].is_used && s[i].number == number &&
		    slice_case_eq(s[i].name, name))
			return &s[i];
	return NULL;
}

/* Joins first with the sections that continue it. False: no memory. */
static bool join(struct section *all, size_t count, struct section *first,
		 struct arena *arena, struct mime_param *param)
{
	struct section *chain[MIME_PARAMS_MAX];
	size_t links = 0, octets = 0, n = 0;
	bool is_encoded = first->is_encoded;
	char *at;

	chain[links++] = first;
	first->is_used = true;
	for (unsigned i = 1; first->number == 0; i++) {
		struct section *next = find_number(all, count, first->name, i);

		if (!next)
			break;
		next->is_used = true;
		is_encoded |= next->is_encoded;
		chain[links++] = next;
	}
	for (size_t i = 0; i < links; i++)
		octets += chain[i]->value.len * (is_encoded ? 3 : 1);
	at = arena_alloc(arena, octets + first->name.len + 3);
	if (!at)
		return false;
	/* encoded later sections without an encoded first: no charset */
	if (is_encoded && !first->is_encoded) {
		at[n++] = '\'';
		at[n++] = '\'';
	}
	for (size_t i = 0; i < links; i++)
		n += is_encoded && !chain[i]->is_encoded
			? put_hex(chain[i]->value, at + n)
			: put_plain(chain[i]->value, at + n);
	param->value = slice_of(at, n);
	at += n;
	memcpy(at, first->name.data, first->name.len);
	if (is_encoded)
		at[first->name.len] = '*';
	param->name = slice_of(at, first->name.len + is_encoded);
	return true;
}

struct mime_param *mime_params(struct slice params, struct arena *arena,
			       size_t *count)
{
	struct section sections[MIME_PARAMS_MAX];
	struct slice name, value;
	size_t n = 0, made = 0;
	struct mime_param *out;

	while (n < MIME_PARAMS_MAX && param_next(&params, &name, &value)) {
		sections[n] = (struct section){ .value = value };
		section_parse(name, &sections[n++]);
	}
	out = arena_array(arena, n, sizeof *out);
	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct section *first = &sections[i];

		if (first->is_used)
			continue;
		/* the sections may come in any order */
		if (first->number != UINT32_MAX && first->number != 0) {
			struct section *zero =
				find_number(sections, n, first->name, 0);

			if (zero) {
				first = zero;
				i--;	/* look at this one again: joined or alone */
			}
		}
		if (!join(sections, n, first, arena, &out[made++]))
			return NULL;
	}
	*count = made;
	return out;
}

const struct mime_param *mime_param_find(const struct mime_param *params,
					 size_t count, struct slice name)
{
	for (size_t i = 0; i < count; i++)
		if (slice_case_eq(params[i].name, name))
			return &params[i];
	return NULL;
}

bool mime_extended_split(struct slice value, struct slice *charset,
			 struct slice *language, struct slice *text)
{
	struct slice rest = value;

	*text = value;
	*charset = *language = SLICE_EMPTY;
	if (!slice_split(&rest, '\'', charset) || !rest.data ||
	    !slice_split(&rest, '\'', language) || !rest.data) {
		*charset = *language = SLICE_EMPTY;
		return false;
	}
	*text = rest;
	return true;
}
