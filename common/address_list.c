#include "common/address_list.h"

/* No field is longer than all headers (MIME_HEADERS_MAX). */
#define TEXT_MAX ((size_t)2 << 20)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* What ends a word. Brackets are letters: "[list] Ann" is seen unquoted. */
static bool is_special(char c)
{
	return c == '(' || c == ')' || c == '<' || c == '>' || c == ':' ||
	       c == ';' || c == '@' || c == ',' || c == '"';
}

void address_list_init(struct address_list *l)
{
	const struct buf empty = BUF_INIT(TEXT_MAX);

	*l = (struct address_list){ .in = SLICE_EMPTY, .name = empty,
				    .comment = empty, .route = empty,
				    .mailbox = empty, .host = empty };
}

void address_list_clear(struct address_list *l)
{
	buf_free(&l->name);
	buf_free(&l->comment);
	buf_free(&l->route);
	buf_free(&l->mailbox);
	buf_free(&l->host);
}

void address_list_begin(struct address_list *l, struct slice body)
{
	l->in = body;
	l->in_group = false;
}

static char peek(const struct address_list *l)
{
	return l->in.len ? l->in.data[0] : '\0';
}

/* Appends the text between quotes or parentheses at the beginning of l->in, which
 * is taken; folds are no part of it. */
static enum status take_quoted(struct address_list *l, char close, struct buf *out)
{
	size_t depth = 1, i = 1;
	enum status st = ST_OK;

	for (; i < l->in.len && st == ST_OK; i++) {
		char c = l->in.data[i];

		if (c == '\\' && i + 1 < l->in.len)
			c = l->in.data[++i];
		else if (c == close && --depth == 0)
			break;
		else if (c == '(' && close == ')')
			depth++;
		if (c != '\r' && c != '\n' && c != '\0')
			st = buf_append_char(out, c);
	}
	l->in = slice_from(l->in, i < l->in.len ? i + 1 : l->in.len);
	return st;
}

/* Skips white space and comments; the last comment is kept. */
static enum status skip_cfws(struct address_list *l)
{
	enum status st = ST_OK;

	while (st == ST_OK && l->in.len > 0) {
		if (is_blank(l->in.data[0])) {
			l->in = slice_from(l->in, 1);
		} else if (l->in.data[0] == '(') {
			l->comment.len = 0;
			st = take_quoted(l, ')', &l->comment);
		} else {
			break;
		}
	}
	return st;
}

static struct slice take_atom(struct address_list *l)
{
	size_t n = 0;
	struct slice atom;

	while (n < l->in.len && !is_blank(l->in.data[n]) && !is_special(l->in.data[n]))
		n++;
	atom = slice_head(l->in, n);
	l->in = slice_from(l->in, n);
	return atom;
}

/* One word; its text goes to out. */
static enum status take_word(struct address_list *l, struct buf *out)
{
	return peek(l) == '"' ? take_quoted(l, '"', out)
			      : buf_append(out, take_atom(l));
}

/* The domain behind "@"; white space around its dots is dropped. */
static enum status take_host(struct address_list *l)
{
	enum status st;

	l->host.len = 0;
	st = skip_cfws(l);
	if (st == ST_OK && peek(l) == '[') {
		size_t n = slice_index(l->in, ']');

		st = buf_append(&l->host, slice_head(l->in, n + 1));
		l->in = slice_from(l->in, n < l->in.len ? n + 1 : n);
		return st;
	}
	while (st == ST_OK) {
		struct slice atom = take_atom(l);

		st = buf_append(&l->host, atom);
		if (st == ST_OK)
			st = skip_cfws(l);
		if (atom.len == 0 || st != ST_OK ||
		    (peek(l) != '.' && atom.data[atom.len - 1] != '.'))
			break;
	}
	return st;
}

/* "<@a,@b:" has been seen up to "@a". */
static enum status take_route(struct address_list *l)
{
	size_t n = 0;
	enum status st = ST_OK;

	while (n < l->in.len && l->in.data[n] != ':' && l->in.data[n] != '>')
		n++;
	if (n == l->in.len || l->in.data[n] == '>')
		return ST_OK;
	for (size_t i = 0; i < n && st == ST_OK; i++)
		if (!is_blank(l->in.data[i]))
			st = buf_append_char(&l->route, l->in.data[i]);
	l->in = slice_from(l->in, n + 1);
	return st;
}

/* An address in angle brackets; l->in begins with "<". */
static enum status take_angle(struct address_list *l)
{
	enum status st;

	l->mailbox.len = l->host.len = 0;
	l->in = slice_from(l->in, 1);
	st = skip_cfws(l);
	if (st == ST_OK && peek(l) == '@')
		st = take_route(l);
	while (st == ST_OK && (st = skip_cfws(l)) == ST_OK && l->in.len > 0) {
		char c = peek(l);

		if (c == '>' || c == ',')
			break;
		if (c == '@') {
			l->in = slice_from(l->in, 1);
			st = take_host(l);
		} else if (c == '"' || !is_special(c)) {
			/* what follows the domain belongs to nothing */
			st = take_word(l, l->host.len ? &l->comment : &l->mailbox);
		} else {
			l->in = slice_from(l->in, 1);
		}
	}
	if (st == ST_OK && peek(l) == '>') {
		l->in = slice_from(l->in, 1);
		st = skip_cfws(l);
	}
	return st;
}

/* Moves the words seen so far to be a display name, "a@b" included. */
static enum status name_from_address(struct address_list *l)
{
	enum status st;

	l->name.len = 0;
	st = buf_append(&l->name, buf_slice(&l->mailbox));
	if (st == ST_OK)
		st = buf_append_char(&l->name, '@');
	return st == ST_OK ? buf_append(&l->name, buf_slice(&l->host)) : st;
}

static void fill(struct address_list *l, enum list_address_kind kind,
		 struct list_address *a)
{
	*a = (struct list_address){
		.kind = kind,
		.name = buf_slice(l->name.len ? &l->name : &l->comment),
		.route = buf_slice(&l->route),
		.mailbox = buf_slice(&l->mailbox),
		.host = buf_slice(&l->host),
	};
}

/* Words were seen and then ",", ";" or the end. */
static void fill_bare(struct address_list *l, bool is_one_word,
		      struct list_address *a)
{
	if (is_one_word)
		l->name.len = 0;	/* "ann" alone is the mailbox */
	else
		l->mailbox.len = 0;
	fill(l, LIST_MAILBOX, a);
}

/* "@" behind words. */
static enum status fill_spec(struct address_list *l, struct list_address *a)
{
	enum status st;

	l->in = slice_from(l->in, 1);
	l->name.len = 0;
	st = take_host(l);
	if (st == ST_OK)
		st = skip_cfws(l);
	if (st == ST_OK && peek(l) == '<') {	/* "a@b <a@b>" */
		st = name_from_address(l);
		if (st == ST_OK)
			st = take_angle(l);
	}
	fill(l, LIST_MAILBOX, a);
	return st;
}

/* Adds the word at l->in to name (with a space where there was one) and to
 * mailbox (without). */
static enum status add_word(struct address_list *l, bool spaced)
{
	size_t from = l->mailbox.len;
	enum status st = take_word(l, &l->mailbox);

	if (st == ST_OK && spaced && l->name.len)
		st = buf_append_char(&l->name, ' ');
	return st == ST_OK ? buf_append(&l->name, slice_from(buf_slice(&l->mailbox), from))
			   : st;
}

static void fill_group(struct address_list *l, struct list_address *a)
{
	l->in_group = true;
	l->mailbox.len = l->host.len = 0;
	*a = (struct list_address){ .kind = LIST_GROUP,
				    .name = SLICE_EMPTY, .route = SLICE_EMPTY,
				    .mailbox = buf_slice(&l->name),
				    .host = SLICE_EMPTY };
}

enum status address_list_next(struct address_list *l, struct list_address *a)
{
	size_t words = 0, pieces = 0;
	enum status st = ST_OK;

	l->name.len = l->comment.len = l->route.len = 0;
	l->mailbox.len = l->host.len = 0;
	while (st == ST_OK) {
		size_t before = l->in.len;
		bool spaced;
		char c;

		st = skip_cfws(l);
		spaced = l->in.len != before;
		if (st != ST_OK || l->in.len == 0)
			break;
		c = peek(l);
		if (c == '<') {
			st = take_angle(l);
			fill(l, LIST_MAILBOX, a);
			return st;
		}
		if (c == '@')
			return fill_spec(l, a);
		if (c == '"' || !is_special(c)) {
			pieces += words == 0 || spaced;
			words++;
			st = add_word(l, spaced);
			continue;
		}
		if (words && (c == ',' || c == ';')) {
			fill_bare(l, pieces == 1, a);
			return ST_OK;
		}
		l->in = slice_from(l->in, 1);
		if (c == ';' && l->in_group) {
			l->in_group = false;
			*a = (struct list_address){ .kind = LIST_GROUP_END };
			return ST_OK;
		}
		if (c == ':' && words && !l->in_group) {
			fill_group(l, a);
			return ST_OK;
		}
	}
	if (st != ST_OK)
		return st;
	if (words) {
		fill_bare(l, pieces == 1, a);
		return ST_OK;
	}
	if (l->in_group) {	/* its ";" is missing */
		l->in_group = false;
		*a = (struct list_address){ .kind = LIST_GROUP_END };
		return ST_OK;
	}
	return ST_NOT_FOUND;
}
