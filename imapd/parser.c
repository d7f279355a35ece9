#include "imapd/parser.h"

/* Inside a quoted string nothing begins a literal. */
enum quote_state { QUOTE_NONE, QUOTE_IN, QUOTE_ESCAPE };

/* How much of a literal's head the octets before this one are. */
enum head_state {
	HEAD_NONE,
	HEAD_OPEN,	/* "{" */
	HEAD_DIGITS,
	HEAD_PLUS,	/* "+" or "-" */
	HEAD_CLOSED,	/* "}": CRLF makes it one */
};

/* Memory that an empty parser keeps. */
#define KEEP_OCTETS ((size_t)4096)
/* Of a refused command so much is kept: its tag is in it. */
#define HEAD_OCTETS ((size_t)128)

void parser_init(struct parser *p, const struct parser_limits *limits)
{
	*p = (struct parser){
		.limits = *limits,
		.text = BUF_INIT(limits->total),
	};
}

void parser_clear(struct parser *p)
{
	buf_wipe(&p->text);
}

static void line_begin(struct parser *p)
{
	p->line = 0;
	p->quote = QUOTE_NONE;
	p->head = HEAD_NONE;
	p->last = ' ';
	p->is_cr = false;
}

void parser_next(struct parser *p)
{
	p->text.len = 0;
	if (p->text.cap > KEEP_OCTETS)
		buf_free(&p->text);
	p->literals = 0;
	p->collect = p->octets = 0;
	p->is_bad = p->is_big = p->is_skipping = false;
	line_begin(p);
}

void parser_take(struct parser *p, struct buf *to)
{
	*to = p->text;
	p->text = (struct buf)BUF_INIT(p->limits.total);
}

void parser_pass(struct parser *p)
{
	parser_next(p);
}

static void refuse(struct parser *p)
{
	p->is_skipping = true;
	if (p->text.len > HEAD_OCTETS)
		p->text.len = HEAD_OCTETS;
}

/* What a command that is refused ends as. */
static enum parser_event outcome(const struct parser *p)
{
	if (p->is_big)
		return PARSER_TOO_BIG;
	return p->is_bad ? PARSER_BAD : PARSER_COMMAND;
}

/* The literal of a refused command is read and dropped; one that the client
 * holds back until "+" never comes, and nor does the rest of the command. */
static enum parser_event skip_literal(struct parser *p)
{
	refuse(p);
	if (p->literal.is_sync)
		return outcome(p);
	if (p->literal.octets > p->limits.skip - p->octets)
		return PARSER_END;
	p->collect = p->literal.octets;
	line_begin(p);
	return PARSER_MORE;
}

enum parser_event parser_collect(struct parser *p)
{
	if (p->literals > p->limits.literals ||
	    p->literal.octets > p->limits.literal ||
	    p->literal.octets > buf_room(&p->text)) {
		p->is_big = true;
		return skip_literal(p);
	}
	p->collect = p->literal.octets;
	line_begin(p);
	return PARSER_MORE;
}

enum parser_event parser_drop(struct parser *p)
{
	p->is_bad = true;
	return skip_literal(p);
}

/* All octets of a command count, so that what is only skipped has an end too. */
static enum parser_event keep(struct parser *p, struct slice octets)
{
	p->octets += octets.len;
	if (!p->is_skipping) {
		enum status st = buf_append(&p->text, octets);

		if (st == ST_OK)
			return PARSER_MORE;
		if (st == ST_NO_MEMORY)
			return PARSER_NO_MEMORY;
		p->is_big = true;
		refuse(p);
	}
	return p->octets > p->limits.skip ? PARSER_END : PARSER_MORE;
}

static enum parser_event feed_literal(struct parser *p, struct slice in,
				      size_t *used)
{
	size_t n = in.len < p->collect ? in.len : (size_t)p->collect;

	*used = n;
	p->collect -= n;
	/* CHAR8 has no NUL; only literal8 may have it (RFC 3516) */
	if (!p->literal.is_binary && n && memchr(in.data, '\0', n))
		p->is_bad = true;
	return keep(p, slice_head(in, n));
}

/* Follows quotes and the head of a literal over one octet of a line. */
static void follow(struct parser *p, char c)
{
	char before = p->last;

	p->last = c;
	if (p->quote == QUOTE_ESCAPE) {
		p->quote = QUOTE_IN;
		return;
	}
	if (p->quote == QUOTE_IN) {
		if (c == '"')
			p->quote = QUOTE_NONE;
		else if (c == '\\')
			p->quote = QUOTE_ESCAPE;
		return;
	}
	switch (p->head) {
	case HEAD_OPEN:
	case HEAD_DIGITS:
		if (ascii_is_digit(c)) {
			uint64_t digit = (uint64_t)(c - '0');

			p->head = HEAD_DIGITS;
			/* beyond 64 bits it stays beyond every limit */
			if (p->literal.octets > (UINT64_MAX - digit) / 10)
				p->literal.octets = UINT64_MAX;
			else
				p->literal.octets = p->literal.octets * 10 + digit;
			return;
		}
		if (p->head == HEAD_DIGITS && (c == '+' || c == '-')) {
			p->head = HEAD_PLUS;
			p->literal.is_sync = false;
			return;
		}
		p->head = p->head == HEAD_DIGITS && c == '}' ? HEAD_CLOSED : HEAD_NONE;
		return;
	case HEAD_PLUS:
		p->head = c == '}' ? HEAD_CLOSED : HEAD_NONE;
		return;
	default:
		p->head = HEAD_NONE;
	}
	if (c == '"') {
		p->quote = QUOTE_IN;
	} else if (c == '{' && (before == ' ' || before == '(' || before == '~')) {
		p->head = HEAD_OPEN;
		p->literal = (struct parser_literal){
			.is_sync = true, .is_binary = before == '~' };
	}
}

static enum parser_event line_ends(struct parser *p)
{
	if (p->quote != QUOTE_NONE)
		p->is_bad = true;
	if (p->head != HEAD_CLOSED || p->quote != QUOTE_NONE) {
		if (!p->is_skipping && p->is_cr)
			p->text.len -= 2;
		return outcome(p);
	}
	p->literals++;
	if (p->is_skipping || p->is_bad)
		return skip_literal(p);
	return PARSER_LITERAL;
}

static enum parser_event feed_line(struct parser *p, struct slice in,
				   size_t *used)
{
	bool ends = false;
	size_t n = 0;
	enum parser_event event;

	while (n < in.len && !ends) {
		char c = in.data[n++];

		if (c == '\n') {
			ends = true;
			if (!p->is_cr)
				p->is_bad = true;
			break;
		}
		if (p->is_cr || c == '\0')
			p->is_bad = true;
		p->is_cr = c == '\r';
		if (!p->is_cr)
			follow(p, c);
	}
	*used = n;
	p->line += n;
	event = keep(p, slice_head(in, n));
	if (event == PARSER_MORE && p->line > p->limits.line) {
		p->is_big = true;
		refuse(p);
	}
	return event == PARSER_MORE && ends ? line_ends(p) : event;
}

enum parser_event parser_feed(struct parser *p, struct slice in, size_t *used)
{
	enum parser_event event = PARSER_MORE;

	*used = 0;
	while (event == PARSER_MORE && *used < in.len) {
		size_t n = 0;

		if (p->collect)
			event = feed_literal(p, slice_from(in, *used), &n);
		else
			event = feed_line(p, slice_from(in, *used), &n);
		*used += n;
	}
	return event;
}
