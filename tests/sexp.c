#include "tests/sexp.h"

#include <stdint.h>

struct reader {
	struct slice in;
	struct arena *arena;
	int depth;
	bool failed;
};

static char take(struct reader *r)
{
	char c;

	if (r->in.len == 0) {
		r->failed = true;
		return '\0';
	}
	c = r->in.data[0];
	r->in = slice_from(r->in, 1);
	return c;
}

static char peek(struct reader *r)
{
	return r->in.len ? r->in.data[0] : '\0';
}

static void read_quoted(struct reader *r, struct sexp *s)
{
	size_t n = 1;
	char *text, c;

	while (n < r->in.len && r->in.data[n] != '"')
		n += r->in.data[n] == '\\' ? 2 : 1;
	text = arena_alloc(r->arena, n);
	if (!text) {
		r->failed = true;
		return;
	}
	take(r);
	n = 0;
	while (!r->failed && (c = take(r)) != '"') {
		if (c == '\\') {
			c = take(r);
			r->failed |= c != '"' && c != '\\';
		}
		/* TEXT-CHAR, and 7 bits only */
		r->failed |= c == '\r' || c == '\n' || c == '\0' || (c & 0x80);
		text[n++] = c;
	}
	s->kind = SEXP_STRING;
	s->text = slice_of(text, n);
}

static size_t read_digits(struct reader *r)
{
	size_t n = 0, digits = 0;

	for (; peek(r) >= '0' && peek(r) <= '9'; digits++)
		n = n * 10 + (size_t)(take(r) - '0');
	r->failed |= digits == 0;
	return n;
}

static void read_literal(struct reader *r, struct sexp *s)
{
	size_t n;

	take(r);
	n = read_digits(r);
	r->failed |= take(r) != '}';
	r->failed |= take(r) != '\r';
	r->failed |= take(r) != '\n';
	if (n > r->in.len) {
		r->failed = true;
		return;
	}
	s->kind = SEXP_STRING;
	s->text = slice_head(r->in, n);
	r->failed |= n && memchr(r->in.data, '\0', n);
	r->in = slice_from(r->in, n);
}

static struct sexp *read_one(struct reader *r);

/* Members stand behind one space; bodies of a multipart without any. */
static void read_list(struct reader *r, struct sexp *s)
{
	struct sexp **last = &s->first;

	s->kind = SEXP_LIST;
	take(r);
	while (!r->failed && peek(r) != ')') {
		if (s->count && peek(r) == ' ')
			take(r);
		else if (s->count && peek(r) != '(')
			r->failed = true;
		*last = read_one(r);
		if (!*last)
			break;
		last = &(*last)->next;
		s->count++;
	}
	take(r);
}

static struct sexp *read_one(struct reader *r)
{
	struct sexp *s = arena_alloc(r->arena, sizeof *s);
	const char *at = r->in.data;

	if (!s || r->failed || ++r->depth > 2000) {
		r->failed = true;
		return NULL;
	}
	if (peek(r) == '(') {
		read_list(r, s);
	} else if (peek(r) == '"') {
		read_quoted(r, s);
	} else if (peek(r) == '{') {
		read_literal(r, s);
	} else if (slice_starts(r->in, SLICE("NIL"))) {
		r->in = slice_from(r->in, 3);
	} else {
		s->kind = SEXP_NUMBER;
		read_digits(r);
		s->text = slice_of(at, (size_t)(r->in.data - at));
	}
	r->depth--;
	return s;
}

struct sexp *sexp_parse(struct slice s, struct arena *arena)
{
	struct reader r = { .in = s, .arena = arena };
	struct sexp *top = peek(&r) == '(' ? read_one(&r) : NULL;

	return r.failed || r.in.len ? NULL : top;
}

const struct sexp *sexp_at(const struct sexp *list, size_t i)
{
	const struct sexp *s = list->first;

	while (i-- > 0 && s)
		s = s->next;
	return s;
}

static bool is_nstring(const struct sexp *s)
{
	return s && (s->kind == SEXP_NIL || s->kind == SEXP_STRING);
}

static bool is_string(const struct sexp *s)
{
	return s && s->kind == SEXP_STRING;
}

static bool is_number(const struct sexp *s)
{
	return s && s->kind == SEXP_NUMBER;
}

static const char *check_addresses(const struct sexp *list)
{
	bool in_group = false;

	if (list->kind == SEXP_NIL)
		return NULL;
	if (list->kind != SEXP_LIST || list->count == 0)
		return "an address list is neither NIL nor a list";
	for (const struct sexp *a = list->first; a; a = a->next) {
		bool no_host, no_mailbox;

		if (a->kind != SEXP_LIST || a->count != 4)
			return "an address has not four members";
		for (const struct sexp *m = a->first; m; m = m->next)
			if (!is_nstring(m))
				return "a member of an address is no nstring";
		no_mailbox = sexp_at(a, 2)->kind == SEXP_NIL;
		no_host = sexp_at(a, 3)->kind == SEXP_NIL;
		if (no_mailbox && !no_host)
			return "a host without a mailbox";
		if (no_host && in_group == !no_mailbox)
			return "groups do not nest and end once";
		if (no_host)
			in_group = !no_mailbox;
	}
	return in_group ? "a group does not end" : NULL;
}

const char *sexp_check_envelope(const struct sexp *e)
{
	if (!e || e->kind != SEXP_LIST || e->count != 10)
		return "an envelope has not ten members";
	for (size_t i = 0; i < 10; i++) {
		const char *wrong = NULL;

		if (i < 2 || i > 7)
			wrong = is_nstring(sexp_at(e, i)) ? NULL : "no nstring";
		else
			wrong = check_addresses(sexp_at(e, i));
		if (wrong)
			return wrong;
	}
	return NULL;
}

static bool are_params(const struct sexp *p)
{
	if (!p || p->kind == SEXP_NIL)
		return p != NULL;
	if (p->kind != SEXP_LIST || p->count == 0 || p->count % 2)
		return false;
	for (const struct sexp *s = p->first; s; s = s->next)
		if (!is_string(s))
			return false;
	return true;
}

static bool is_disposition(const struct sexp *d)
{
	return d && (d->kind == SEXP_NIL ||
		     (d->kind == SEXP_LIST && d->count == 2 && is_string(d->first) &&
		      are_params(sexp_at(d, 1))));
}

static bool is_language(const struct sexp *l)
{
	if (!l || l->kind != SEXP_LIST)
		return is_nstring(l);
	for (const struct sexp *s = l->first; s; s = s->next)
		if (!is_string(s))
			return false;
	return l->count > 0;
}

static const char *check_extension(const struct sexp *b, size_t at, bool extended)
{
	if (b->count != at + (extended ? 3 : 0))
		return "too many or too few members";
	if (!extended)
		return NULL;
	if (!is_disposition(sexp_at(b, at)))
		return "disposition";
	if (!is_language(sexp_at(b, at + 1)))
		return "language";
	return is_nstring(sexp_at(b, at + 2)) ? NULL : "location";
}

static const char *check_multipart(const struct sexp *b, bool extended)
{
	size_t bodies = 0;

	for (const struct sexp *s = b->first; s && s->kind == SEXP_LIST; s = s->next) {
		const char *wrong = sexp_check_body(s, extended);

		if (wrong)
			return wrong;
		bodies++;
	}
	if (!is_string(sexp_at(b, bodies)))
		return "a multipart without subtype";
	if (!extended)
		return check_extension(b, bodies + 1, false);
	return are_params(sexp_at(b, bodies + 1))
		? check_extension(b, bodies + 2, true) : "parameters";
}

const char *sexp_check_body(const struct sexp *b, bool extended)
{
	size_t at = 7;

	if (!b || b->kind != SEXP_LIST || b->count == 0)
		return "a body is no list";
	if (b->first->kind == SEXP_LIST)
		return check_multipart(b, extended);
	if (b->count < 7 || !is_string(b->first) || !is_string(sexp_at(b, 1)) ||
	    !are_params(sexp_at(b, 2)) || !is_nstring(sexp_at(b, 3)) ||
	    !is_nstring(sexp_at(b, 4)) || !is_string(sexp_at(b, 5)) ||
	    !is_number(sexp_at(b, 6)))
		return "basic fields";
	if (slice_case_eq(b->first->text, SLICE("message")) &&
	    (slice_case_eq(sexp_at(b, 1)->text, SLICE("rfc822")) ||
	     slice_case_eq(sexp_at(b, 1)->text, SLICE("global")))) {
		const char *wrong = sexp_check_envelope(sexp_at(b, 7));

		if (!wrong)
			wrong = sexp_check_body(sexp_at(b, 8), extended);
		if (wrong)
			return wrong;
		at = 9;
	}
	if ((at == 9 || slice_case_eq(b->first->text, SLICE("text"))) &&
	    !is_number(sexp_at(b, at++)))
		return "lines";
	if (extended && !is_nstring(sexp_at(b, at++)))
		return "md5";
	return check_extension(b, at, extended);
}
