#include "common/buf.h"
#include "common/line_reader.h"

#include <criterion/criterion.h>

/* What is read, a letter and the text a line: whole, unclean, bare LF, too long. */
static void read_all(struct slice in, size_t chunk, bool finds_bare_lf, struct buf *out)
{
	static const char letters[] = "?wublL";
	struct line_reader r = { 0 };
	size_t seen = chunk;

	for (;;) {
		struct line line = line_look(&r, slice_head(in, seen), 8, finds_bare_lf);

		cr_assert_leq(line.octets, seen);
		if (line.octets == 0) {
			if (seen >= in.len)
				break;
			seen += chunk;
			continue;
		}
		line_taken(&r, &line);
		if (line.kind != LINE_LONG) {
			buf_append(out, slice_of(&letters[line.kind], 1));
			buf_append(out, line.text);
			buf_append_str(out, ";");
		}
		in = slice_from(in, line.octets);
		seen = seen > line.octets ? seen - line.octets : 0;
		seen = seen < chunk ? chunk : seen;
	}
}

static const struct {
	const char *name, *in, *strict, *teaching;
} rows[] = {
	{ "two lines", "NOOP\r\nQUIT\r\n", "wNOOP;wQUIT;", "wNOOP;wQUIT;" },
	{ "empty line", "\r\nA\r\n", "w;wA;", "w;wA;" },
	{ "no end", "NOOP\r", "", "" },
	{ "exactly the limit", "123456\r\n", "w123456;", "w123456;" },
	{ "one too long", "1234567\r\nA\r\n", "L;wA;", "L;wA;" },
	{ "much too long", "12345678901234567890\r\nA\r\n", "L;wA;", "L;wA;" },
	{ "a CR at the limit", "1234567\rx\r\nA\r\n", "L;wA;", "L;wA;" },
	{ "bare CR", "a\rb\r\nA\r\n", "ua\rb;wA;", "ua\rb;wA;" },
	{ "bare LF", "a\nA\r\nB\r\n", "ua\nA;wB;", "ba;wA;wB;" },
	{ "LF first", "\nA\r\n", "u\nA;", "b;wA;" },
	{ "too long, a bare LF in it", "1234567890\n1\r\nA\r\n", "L;wA;", "L;wA;" },
};

Test(line_reader, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in); chunk++)
			for (int teach = 0; teach < 2; teach++) {
				const char *want = teach ? rows[i].teaching : rows[i].strict;
				struct buf out = BUF_INIT(256);

				read_all(slice_str(rows[i].in), chunk, teach, &out);
				cr_expect(slice_eq(buf_slice(&out), slice_str(want)),
					  "%s, chunks of %zu: %.*s", rows[i].name, chunk,
					  SLICE_ARG(buf_slice(&out)));
				buf_free(&out);
			}
}

Test(line_reader, nul_is_unclean)
{
	struct line_reader r = { 0 };
	struct line line = line_look(&r, slice_of("a\0b\r\n", 5), 8, false);

	cr_expect_eq(line.kind, LINE_UNCLEAN);
	cr_expect_eq(line.octets, 5);
}

/* What is not taken is told again. */
Test(line_reader, looking_changes_nothing)
{
	struct line_reader r = { 0 };
	struct slice in = SLICE("123456789");
	struct line line;

	for (int i = 0; i < 2; i++) {
		line = line_look(&r, in, 8, false);
		cr_expect_eq(line.kind, LINE_LONG);
		cr_expect_eq(line.octets, in.len);
		cr_expect_eq(line.limit, 8);
	}
	line_taken(&r, &line);
	line = line_look(&r, SLICE("\r\n"), 99, false);
	cr_expect_eq(line.kind, LINE_LONG_END);
	cr_expect_eq(line.limit, 8, "the limit is the one that was exceeded");
}

Test(line_reader, http_verbs)
{
	cr_expect(line_is_http_verb(SLICE("get")));
	cr_expect(line_is_http_verb(SLICE("PRI")));
	cr_expect(!line_is_http_verb(SLICE("EHLO")));
	cr_expect(!line_is_http_verb(SLICE_EMPTY));
}
