#include "common/dot_reader.h"

#include <criterion/criterion.h>

static const struct {
	const char *name, *in, *message, *rest;
	enum status status;
} rows[] = {
	{ "empty message",	".\r\nQUIT\r\n",	"",		"QUIT\r\n", ST_OK },
	{ "one line",		"a\r\n.\r\n",		"a\r\n",	"", ST_OK },
	{ "empty lines",	"\r\n\r\n.\r\n",	"\r\n\r\n",	"", ST_OK },
	{ "stuffed dot",	"..a\r\n.\r\n",		".a\r\n",	"", ST_OK },
	{ "only dots",		"..\r\n...\r\n.\r\n",	".\r\n..\r\n",	"", ST_OK },
	{ "dot not doubled",	".a\r\n.\r\n",		"a\r\n",	"", ST_OK },
	{ "dots inside",	"a.b.\r\n.\r\n",	"a.b.\r\n",	"", ST_OK },
	{ "pipelined command",	"a\r\n.\r\nQUIT\r\n",	"a\r\n",	"QUIT\r\n", ST_OK },
	{ "8-bit",		"\xc3\xa4\xff\r\n.\r\n", "\xc3\xa4\xff\r\n", "", ST_OK },
	{ "no end",		"a\r\n.\r",		"a\r\n",	"", ST_MORE },
	{ "LF . LF",		"a\n.\nMAIL\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "LF . CRLF",		"a\n.\r\nMAIL\r\n.\r\nX", NULL,		"X", ST_SYNTAX },
	{ "CRLF . LF",		"a\r\n.\nM\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "CRLF . CR",		"a\r\n.\rM\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "CR . CR",		"a\r.\rM\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "CR . CRLF",		"a\r.\r\nM\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "CRLF . CR CRLF",	"a\r\n.\r\r\nM\r\n.\r\nX", NULL,	"X", ST_SYNTAX },
	{ "CR CRLF . CRLF",	"a\r\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "LF at the start",	"\n.\r\nM\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "CR at the start",	"\r.\r\n.\r\nX",	NULL,		"X", ST_SYNTAX },
	{ "bare LF, stuffed dot", "a\nb\r\n..\r\n.\r\nX", NULL,		"X", ST_SYNTAX },
	{ "spoilt without end",	"a\n.\r\n",		NULL,		"", ST_MORE },
};

/* Feeds all of in, chunk octets a call, and gives what was not taken in *rest. */
static enum status feed(struct dot_reader *r, struct slice in, size_t chunk,
			struct buf *out, struct slice *rest)
{
	enum status st = ST_MORE;

	while (st == ST_MORE && in.len) {
		struct slice piece = slice_head(in, chunk);
		size_t used, before = out->len;

		st = dot_reader_feed(r, piece, &used, out);
		cr_expect(st != ST_MORE || used == piece.len);
		cr_expect_leq(out->len - before, used + 1);
		in = slice_from(in, used);
	}
	*rest = in;
	return st;
}

Test(dot_reader, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in); chunk++) {
			struct dot_reader *r = dot_reader_new();
			struct buf out = BUF_INIT(64);
			struct slice rest;
			enum status st = feed(r, slice_str(rows[i].in), chunk, &out,
					      &rest);

			cr_expect_eq(st, rows[i].status, "%s, chunks of %zu: %s",
				     rows[i].name, chunk, status_name(st));
			cr_expect(slice_eq(rest, slice_str(rows[i].rest)),
				  "%s, chunks of %zu: rest", rows[i].name, chunk);
			cr_expect_eq(dot_reader_is_spoilt(r), !rows[i].message);
			if (rows[i].message)
				cr_expect(slice_eq(buf_slice(&out),
						   slice_str(rows[i].message)),
					  "%s, chunks of %zu: message",
					  rows[i].name, chunk);
			buf_free(&out);
			dot_reader_free(r);
		}
}

Test(dot_reader, nul_spoils)
{
	const struct slice in = SLICE("a\0b\r\n.\r\n");

	for (size_t chunk = 1; chunk <= in.len; chunk++) {
		struct dot_reader *r = dot_reader_new();
		struct buf out = BUF_INIT(64);
		struct slice rest;

		cr_expect_eq(feed(r, in, chunk, &out, &rest), ST_SYNTAX);
		dot_reader_reset(r);
		cr_expect_eq(feed(r, SLICE("b\r\n.\r\n"), chunk, &out, &rest), ST_OK);
		buf_free(&out);
		dot_reader_free(r);
	}
}

Test(dot_reader, full_and_discarded)
{
	struct dot_reader *r = dot_reader_new();
	struct buf out = BUF_INIT(4);
	size_t used;

	cr_expect_eq(dot_reader_feed(r, SLICE("abcdef\r\n"), &used, &out), ST_LIMIT);
	dot_reader_reset(r);
	dot_reader_discard(r);
	cr_expect_eq(dot_reader_feed(r, SLICE("abcdef\r\n.\r\nQUIT"), &used, &out),
		     ST_OK);
	cr_expect_eq(used, 11);
	cr_expect_eq(out.len, 0);
	buf_free(&out);
	dot_reader_free(r);
}
