#include "imapd/parser.h"

#include <criterion/criterion.h>

/* Each event as a letter: c command, l literal (which is collected), + one that
 * waits, b bad, t too big, e end. */
static const struct { const char *name, *in; size_t len; const char *events; } rows[] = {
#define ROW(name, in, events) { name, in, sizeof(in) - 1, events }
	ROW("one line",		"a NOOP\r\n",				"c"),
	ROW("two lines",	"a NOOP\r\nb NOOP\r\n",			"cc"),
	ROW("not whole",	"a NOOP\r",				""),
	ROW("literal",		"a X {3}\r\nabc\r\n",			"+c"),
	ROW("literal+",		"a X {3+}\r\nabc {2-}\r\nde\r\n",	"llc"),
	ROW("empty literal",	"a X {0+}\r\n\r\n",			"lc"),
	ROW("CRLF in it",	"a X {4+}\r\n\r\n\r\n\r\n",		"lc"),
	ROW("in parentheses",	"a X ({1+}\r\nb)\r\n",			"lc"),
	ROW("literal8 with NUL", "a X ~{1+}\r\n\0\r\n",			"lc"),
	ROW("NUL in literal",	"a X {1+}\r\n\0\r\n",			"lb"),
	ROW("not at a token",	"a X b{1}\r\n",				"c"),
	ROW("quoted",		"a X \"{1}\"\r\n",			"c"),
	ROW("quoted end",	"a X \"{1}\r\n",			"b"),
	ROW("escaped quote",	"a X \"\\\" {1}\"\r\n",			"c"),
	ROW("no digits",	"a X {}\r\n",				"c"),
	ROW("bare LF",		"a X\nb Y\r\n",				"bc"),
	ROW("bare CR",		"a\rX\r\n",				"b"),
	ROW("NUL",		"a\0X\r\n",				"b"),
	ROW("bare LF, literal",	"a X {2+}\nb\n\r\nc Y\r\n",		"bc"),
	ROW("bad, then literal", "a\0X {8+}\r\nb LOGOUT\r\nc Y\r\n",	"bc"),
	ROW("bad, sync literal", "a\0X {8}\r\nc Y\r\n",			"bc"),
	ROW("line too long",	"a 3456789012345678901234567890123\r\nc Y\r\n", "tc"),
	ROW("literal too big",	"a X {41}\r\nc Y\r\n",			"tc"),
	ROW("literal+ too big",	"a X {41+}\r\n34567890123456789012345678901234567890123"
				"\r\nc Y\r\n",				"tc"),
	ROW("beyond skipping",	"a X {201+}\r\nx",			"e"),
	ROW("64 bits and more",	"a X {18446744073709551617+}\r\n",	"e"),
	ROW("the same, sync",	"a X {18446744073709551617}\r\nc Y\r\n", "tc"),
	ROW("too many literals", "a {1+}\r\nb {1+}\r\nb {1+}\r\nb {1+}\r\nb\r\nc Y\r\n",
				"llltc"),
	ROW("all in all",	"a {30+}\r\n123456789012345678901234567890 {30+}\r\n"
				"123456789012345678901234567890\r\nc Y\r\n", "ltc"),
};

static const struct parser_limits limits = {
	.line = 32, .total = 64, .literal = 40, .literals = 3, .skip = 200,
};

/* What has to be said of an event; parser_collect() may turn one into another. */
static char letter(struct parser *p, enum parser_event event)
{
	bool is_sync;

	switch (event) {
	case PARSER_COMMAND:
		parser_next(p);
		return 'c';
	case PARSER_BAD:
		parser_next(p);
		return 'b';
	case PARSER_TOO_BIG:
		parser_next(p);
		return 't';
	case PARSER_LITERAL:
		is_sync = p->literal.is_sync;
		event = parser_collect(p);
		if (event == PARSER_MORE)
			return p->is_skipping ? '\0' : is_sync ? '+' : 'l';
		return letter(p, event);
	case PARSER_END:
		return 'e';
	default:
		return '\0';
	}
}

Test(imap_parser, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= rows[i].len; chunk++) {
			struct slice in = slice_of(rows[i].in, rows[i].len);
			struct parser p;
			char events[16] = "";
			size_t n = 0;

			parser_init(&p, &limits);
			while (in.len && n < sizeof events - 1 && !strchr(events, 'e')) {
				struct slice piece = slice_head(in, chunk);
				size_t used;
				enum parser_event event = parser_feed(&p, piece, &used);
				char c = letter(&p, event);

				if (c)
					events[n++] = c;
				in = slice_from(in, used);
			}
			cr_expect_str_eq(events, rows[i].events, "%s, chunks of %zu",
					 rows[i].name, chunk);
			parser_clear(&p);
		}
}

Test(imap_parser, text_is_kept_as_it_came)
{
	static const char in[] = "a X {3+}\r\na\r\n \"b\"\r\n";
	struct parser p;
	size_t used;
	struct slice left = slice_of(in, sizeof in - 1);

	parser_init(&p, &limits);
	cr_expect_eq(parser_feed(&p, left, &used), PARSER_LITERAL);
	cr_expect_eq(p.literal.octets, 3);
	cr_expect_eq(parser_collect(&p), PARSER_MORE);
	left = slice_from(left, used);
	cr_expect_eq(parser_feed(&p, left, &used), PARSER_COMMAND);
	cr_expect(slice_eq(buf_slice(&p.text), SLICE("a X {3+}\r\na\r\n \"b\"")));
	parser_clear(&p);
}
