#include "mailboxd/preview.h"

#include "common/transfer.h"
#include "common/utf8.h"
#include "mailboxd/charset.h"

/* Octets decoded at a time: a preview is mostly made of the first. */
#define STEP 1024

enum state {
	IN_TEXT,
	IN_TAG_NAME,
	IN_TAG,
	IN_QUOTE,	/* of an attribute's value */
	IN_COMMENT,
	IN_ENTITY,
};

struct preview {
	struct buf *out;
	size_t left;		/* characters that may still be put */
	bool wants_space;	/* white space came; a character must follow */
	bool is_html;
	bool skips_quoted;	/* lines that begin with ">" */
	bool at_line_start, in_quoted;
	enum state state;
	char quote;
	char name[12];		/* of a tag or an entity, lower case */
	size_t name_len;
	char hidden[12];	/* the element whose content is not shown */
	uint32_t last[2];	/* code points before, to see "-->" */
};

static enum status put_char(struct preview *p, uint32_t c)
{
	enum status st = ST_OK;

	if (c <= ' ' || c == 0x7f || c == 0xa0 || c == 0xfeff ||
	    (c >= 0x80 && c < 0xa0) || (c >= 0x2000 && c <= 0x200f) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x3000 || c == 0x34f) {
		p->wants_space = true;
		return ST_OK;
	}
	if (p->wants_space && p->out->len > 0 && p->left > 1) {
		st = buf_append_char(p->out, ' ');
		p->left--;
	}
	p->wants_space = false;
	if (p->left == 0 || st != ST_OK)
		return st;
	p->left--;
	return c < 0x80 ? buf_append_char(p->out, (char)c) : utf8_append(p->out, c);
}

static enum status plain_char(struct preview *p, uint32_t c)
{
	if (p->at_line_start)
		p->in_quoted = c == '>' && p->skips_quoted;
	p->at_line_start = c == '\n';
	return p->in_quoted && c != '\n' ? ST_OK : put_char(p, c);
}

/* ---- HTML, as far as a preview needs it */

static bool name_is(const struct preview *p, const char *name)
{
	return slice_eq(slice_of(p->name, p->name_len), slice_str(name));
}

static void add_name(struct preview *p, uint32_t c)
{
	if (p->name_len < sizeof p->name)
		p->name[p->name_len++] = c < 128 ? ascii_lower((char)c) : '?';
}

static enum status end_entity(struct preview *p)
{
	static const struct { const char *name; uint32_t c; } entities[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' },
		{ "apos", '\'' }, { "nbsp", ' ' }, { "zwnj", ' ' }, { "zwj", ' ' },
		{ "shy", ' ' }, { "auml", 0xe4 }, { "ouml", 0xf6 }, { "uuml", 0xfc },
		{ "szlig", 0xdf }, { "eacute", 0xe9 }, { "egrave", 0xe8 },
		{ "euro", 0x20ac }, { "ndash", 0x2013 }, { "mdash", 0x2014 },
		{ "rsquo", 0x2019 }, { "lsquo", 0x2018 }, { "rdquo", 0x201d },
		{ "ldquo", 0x201c }, { "hellip", 0x2026 }, { "copy", 0xa9 },
		{ "reg", 0xae }, { "bull", 0x2022 }, { "middot", 0xb7 },
	};
	uint32_t c = 0;

	p->state = IN_TEXT;
	for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
		if (name_is(p, entities[i].name))
			return put_char(p, entities[i].c);
	if (p->name_len < 2 || p->name[0] != '#')
		return ST_OK;
	for (size_t i = 1; i < p->name_len; i++) {
		char d = p->name[i];
		bool is_hex = p->name[1] == 'x';

		if (i == 1 && is_hex)
			continue;
		if (!ascii_is_digit(d) && !(is_hex && d >= 'a' && d <= 'f'))
			return ST_OK;
		c = c * (is_hex ? 16 : 10) + (uint32_t)(ascii_is_digit(d) ? d - '0' : d - 'a' + 10);
		if (c > 0x10ffff)
			return ST_OK;
	}
	return c >= 0xd800 && c < 0xe000 ? ST_OK : put_char(p, c);
}

/* The name of a tag is whole. */
static void end_tag_name(struct preview *p)
{
	static const char *const hiding[] = { "style", "script", "head", "title" };
	size_t close = p->hidden[0] ? strlen(p->hidden) : 0;

	p->state = IN_TAG;
	if (close) {
		if (p->name_len == close + 1 && p->name[0] == '/' &&
		    memcmp(p->name + 1, p->hidden, close) == 0)
			p->hidden[0] = '\0';
		return;
	}
	for (size_t i = 0; i < sizeof hiding / sizeof *hiding; i++)
		if (name_is(p, hiding[i]))
			memcpy(p->hidden, hiding[i], strlen(hiding[i]) + 1);
	/* what flows within a line leaves no gap */
	if (!name_is(p, "b") && !name_is(p, "/b") && !name_is(p, "i") &&
	    !name_is(p, "/i") && !name_is(p, "a") && !name_is(p, "/a") &&
	    !name_is(p, "em") && !name_is(p, "/em") && !name_is(p, "span") &&
	    !name_is(p, "/span") && !name_is(p, "font") && !name_is(p, "/font") &&
	    !name_is(p, "strong") && !name_is(p, "/strong") && !name_is(p, "u") &&
	    !name_is(p, "/u"))
		p->wants_space = true;
}

static enum status html_text(struct preview *p, uint32_t c)
{
	if (c == '<') {
		p->state = IN_TAG_NAME;
		p->name_len = 0;
		return ST_OK;
	}
	if (p->hidden[0])
		return ST_OK;
	if (c == '&') {
		p->state = IN_ENTITY;
		p->name_len = 0;
		return ST_OK;
	}
	return put_char(p, c);
}

static enum status html_char(struct preview *p, uint32_t c)
{
	switch (p->state) {
	case IN_TEXT:
		return html_text(p, c);
	case IN_TAG_NAME:
		if (c == '>' || c <= ' ') {
			end_tag_name(p);
			if (c == '>')
				p->state = IN_TEXT;
		} else {
			add_name(p, c);
			if (p->name_len == 3 && name_is(p, "!--"))
				p->state = IN_COMMENT;
		}
		return ST_OK;
	case IN_TAG:
		if (c == '>')
			p->state = IN_TEXT;
		if (c == '"' || c == '\'') {
			p->state = IN_QUOTE;
			p->quote = (char)c;
		}
		return ST_OK;
	case IN_QUOTE:
		if (c == (uint32_t)p->quote)
			p->state = IN_TAG;
		return ST_OK;
	case IN_COMMENT:
		if (c == '>' && p->last[0] == '-' && p->last[1] == '-')
			p->state = IN_TEXT;
		return ST_OK;
	case IN_ENTITY:
		if (c == ';')
			return end_entity(p);
		if (p->name_len < sizeof p->name && c > ' ' && c != '<' && c != '&') {
			add_name(p, c);
			return ST_OK;
		}
		p->state = IN_TEXT;	/* it was none */
		return html_text(p, c);
	}
	return ST_OK;
}

/* ---- all of it */

static enum status take_text(struct preview *p, struct slice text)
{
	uint32_t c;
	enum status st = ST_OK;

	while (st == ST_OK && p->left > 0 && text.len > 0) {
		if (text.data[0] & 0x80) {
			utf8_next(&text, &c);
		} else {
			c = (uint32_t)text.data[0];
			text = slice_from(text, 1);
		}
		st = p->is_html ? html_char(p, c) : plain_char(p, c);
		p->last[0] = p->last[1];
		p->last[1] = c;
	}
	return st;
}

static enum status run(struct preview *p, const struct part *part, struct slice text)
{
	struct transfer t;
	struct charset_decoder d;
	struct buf octets = BUF_INIT(STEP + 256), utf8 = BUF_INIT(16 * STEP);
	enum status st = ST_OK;

	transfer_init(&t, part->encoding);
	charset_open(&d, charset_find(part->charset));
	while (st == ST_OK && p->left > 0) {
		struct slice in = slice_head(text, STEP);

		octets.len = utf8.len = 0;
		text = slice_from(text, in.len);
		st = in.len ? transfer_feed(&t, in, &octets) : transfer_end(&t, &octets);
		if (st == ST_OK)
			st = charset_feed(&d, buf_slice(&octets), &utf8);
		if (st == ST_OK && in.len == 0)
			st = charset_end(&d, &utf8);
		if (st == ST_OK)
			st = take_text(p, buf_slice(&utf8));
		if (in.len == 0)
			break;
	}
	charset_close(&d);
	buf_free(&octets);
	buf_free(&utf8);
	return st;
}

enum status preview_put(const struct part *part, struct slice text,
			size_t characters, struct buf *out)
{
	struct preview p = { .out = out, .left = characters, .skips_quoted = true,
			     .is_html = slice_eq(part->subtype, SLICE("html")),
			     .at_line_start = true };
	size_t from = out->len;
	enum status st;

	text = slice_head(text, PREVIEW_LOOKED_AT);
	st = run(&p, part, text);
	if (st != ST_OK || out->len > from || p.is_html)
		return st;
	p = (struct preview){ .out = out, .left = characters, .at_line_start = true };
	return run(&p, part, text);
}
