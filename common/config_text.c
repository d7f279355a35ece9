#include "common/config_text.h"

/* A place in the text, and where the text ends. */
struct cursor {
	char *text;
	size_t at, len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_special(char c)
{
	return is_blank(c) || memchr("{}=+,()\"'#", c, 10) != NULL;
}

static void blank(char *text, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (text[i] != '\n')
			text[i] = ' ';
}

/* Behind the quoted string that begins at c->at. */
static void pass_quoted(struct cursor *c)
{
	char quote = c->text[c->at++];

	while (c->at < c->len && c->text[c->at] != quote) {
		if (c->text[c->at] == '\\')
			c->at++;
		c->at++;
	}
	c->at = c->at < c->len ? c->at + 1 : c->len;
}

static void pass_blanks(struct cursor *c)
{
	while (c->at < c->len && is_blank(c->text[c->at]))
		c->at++;
}

/* A word, a quoted string or one special character. */
static void pass_token(struct cursor *c)
{
	char first = c->text[c->at];

	if (first == '"' || first == '\'') {
		pass_quoted(c);
		return;
	}
	if (is_special(first)) {
		c->at++;
		return;
	}
	while (c->at < c->len && !is_special(c->text[c->at]))
		c->at++;
}

/* Behind the brace that closes the one at c->at. */
static void pass_braces(struct cursor *c)
{
	size_t depth = 0;

	do {
		pass_blanks(c);
		if (c->at >= c->len)
			return;
		depth += c->text[c->at] == '{';
		depth -= c->text[c->at] == '}';
		pass_token(c);
	} while (depth > 0);
}

void config_text_blank_comments(char *text, size_t len)
{
	struct cursor c = { text, 0, len };

	while (pass_blanks(&c), c.at < len) {
		size_t from = c.at, end;

		if (text[from] == '#' ||
		    (text[from] == '/' && from + 1 < len && text[from + 1] == '/')) {
			c.at += slice_index(slice_of(text + from, len - from), '\n');
			blank(text, from, c.at);
			continue;
		}
		if (text[from] == '/' && from + 1 < len && text[from + 1] == '*') {
			for (end = from + 2; end < len; end++)
				if (text[end - 1] == '*' && text[end] == '/' &&
				    end > from + 2)
					break;
			c.at = end < len ? end + 1 : len;
			blank(text, from, c.at);
			continue;
		}
		pass_token(&c);
	}
}

/* Finds name as a word of the line that begins at c->at. */
static bool find_word(struct cursor *c, size_t line_end, struct slice name)
{
	while (pass_blanks(c), c->at < line_end) {
		size_t from = c->at;

		pass_token(c);
		if (slice_eq(slice_of(c->text + from, c->at - from), name)) {
			c->at = from;
			return true;
		}
	}
	return false;
}

static bool next_is(struct cursor *c, char wanted)
{
	pass_blanks(c);
	return c->at < c->len && c->text[c->at] == wanted;
}

/* Behind name [title] [+]= value, or name [title] { ... }. */
static void pass_item(struct cursor *c)
{
	pass_token(c);
	if (next_is(c, '+'))
		c->at++;
	if (next_is(c, '=')) {
		c->at++;
		if (next_is(c, '{'))
			pass_braces(c);
		else if (c->at < c->len && c->text[c->at] != '}')
			pass_token(c);
		return;
	}
	if (c->at < c->len && (!is_special(c->text[c->at]) || c->text[c->at] == '"' ||
			       c->text[c->at] == '\''))
		pass_token(c);
	if (next_is(c, '{'))
		pass_braces(c);
}

bool config_text_blank_item(char *text, size_t len, unsigned line,
			    struct slice name)
{
	struct cursor c = { text, 0, len };
	size_t from, line_end;

	for (unsigned i = 1; i < line && c.at < len; i++)
		c.at += slice_index(slice_of(text + c.at, len - c.at), '\n') + 1;
	if (c.at >= len)
		return false;
	from = c.at;
	line_end = from + slice_index(slice_of(text + from, len - from), '\n');
	if (name.len && find_word(&c, line_end, name)) {
		from = c.at;
		pass_item(&c);
		blank(text, from, c.at);
		return true;
	}
	c.at = from;
	pass_blanks(&c);
	if (c.at >= line_end)
		return false;
	while (pass_blanks(&c), c.at < line_end) {
		if (text[c.at] == '{')
			pass_braces(&c);
		else
			pass_token(&c);
	}
	blank(text, from, c.at > line_end ? c.at : line_end);
	return true;
}

enum status config_text_quote(struct buf *out, const char *value)
{
	enum status st = buf_append_char(out, '"');

	for (; *value && !st; value++) {
		if (*value == '"' || *value == '\\' || *value == '$')
			st = buf_append_char(out, '\\');
		if (!st)
			st = buf_append_char(out, *value);
	}
	return st ? st : buf_append_char(out, '"');
}
