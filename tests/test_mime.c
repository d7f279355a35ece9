#include "common/mime.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"

/*
 * The tree as text: each part on a line, "type/subtype lines 'body'", with two
 * spaces a level; the body of a leaf only. CR LF is shown as "|".
 */
static const struct { const char *name, *in, *tree; } rows[] = {
	{ "nothing", "", "text/plain 0 ''\n" },
	{ "no header", "\r\nhello\r\n", "text/plain 1 'hello|'\n" },
	{ "no body", "Subject: x\r\n", "text/plain 0 ''\n" },
	{ "header without line end", "Subject: x", "text/plain 0 ''\n" },
	{ "type in a header without end", "Content-Type: text/html", "text/html 0 ''\n" },
	{ "last line without end", "\r\na\r\nb", "text/plain 1 'a|b'\n" },
	{ "type", "content-TYPE: Text/HTML; charset=\"UTF-8\"\r\n\r\n", "text/html 0 ''\n" },
	{ "invalid type", "Content-Type: nonsense\r\n\r\nx", "text/plain 0 'x'\n" },
	{ "folded type", "Content-Type:\r\n text/html;\r\n\tcharset=x\r\n\r\nx", "text/html 0 'x'\n" },
	{ "two parts", MIXED "--b\r\n\r\none\r\n--b\r\nContent-Type: a/b\r\n\r\ntwo\r\n\r\n--b--\r\n",
	  "multipart/mixed\n  text/plain 0 'one'\n  a/b 1 'two|'\n" },
	{ "preamble and epilogue",
	  MIXED "pre\r\n\r\n--b\r\n\r\none\r\n--b--\r\nepi\r\n--b\r\n\r\nnot a part\r\n",
	  "multipart/mixed\n  text/plain 0 'one'\n" },
	{ "bare line feeds", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b--\n",
	  "multipart/mixed\n  text/plain 0 'one'\n" },
	{ "no final boundary", MIXED "--b\r\n\r\none\r\n", "multipart/mixed\n  text/plain 1 'one|'\n" },
	{ "boundary at the very end", MIXED "--b\r\n\r\none\r\n--b--",
	  "multipart/mixed\n  text/plain 0 'one'\n" },
	{ "a boundary cut short", MIXED "--b\r\n\r\none\r\n--", "multipart/mixed\n  text/plain 1 'one|--'\n" },
	{ "a part that does not begin", MIXED "--b\r\n\r\none\r\n--b\r\n",
	  "multipart/mixed\n  text/plain 0 'one'\n  text/plain 0 ''\n" },
	{ "wrong boundary", MIXED "--c\r\n\r\none\r\n--c--\r\n",
	  "text/plain 4 '--c||one|--c--|'\n" },
	{ "only a final boundary", MIXED "--b--\r\n", "text/plain 1 '--b--|'\n" },
	{ "no boundary parameter", "Content-Type: multipart/mixed\r\n\r\n--b\r\n",
	  "text/plain 1 '--b|'\n" },
	{ "empty boundary parameter", "Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n",
	  "text/plain 1 '--|'\n" },
	{ "boundary in RFC 2231 sections",
	  "Content-Type: multipart/mixed; boundary*1=y; boundary*0=\"x \"\r\n\r\n--x y\r\n\r\n1\r\n--x y--",
	  "multipart/mixed\n  text/plain 0 '1'\n" },
	{ "white space behind the boundary", MIXED "--b \t\r\n\r\none\r\n--b-- \r\n",
	  "multipart/mixed\n  text/plain 0 'one'\n" },
	{ "empty parts", MIXED "--b\r\n--b\r\n\r\n--b\r\n\r\n\r\n--b\r\nX: y\r\n--b\r\nX: y\r\n\r\n--b--\r\n",
	  "multipart/mixed\n  text/plain 0 ''\n  text/plain 0 ''\n  text/plain 0 ''\n"
	  "  text/plain 0 ''\n  text/plain 0 ''\n" },
	{ "blank lines in a part", MIXED "--b\r\n\r\n\r\n\r\n--b--\r\n",
	  "multipart/mixed\n  text/plain 1 '|'\n" },
	{ "dashes in the text", MIXED "--b\r\n\r\n-\r\n--\r\n-b\r\n- --b\r\n--c\r\n--b--\r\n",
	  "multipart/mixed\n  text/plain 4 '-|--|-b|- --b|--c'\n" },
	{ "part without an empty line", MIXED "--b\r\nContent-Type: a/b\r\n--b--\r\n",
	  "multipart/mixed\n  a/b 0 ''\n" },
	{ "nested",
	  MIXED "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
	  "--c\r\n\r\none\r\n--c\r\n\r\ntwo\r\n--c--\r\n\r\n--b\r\n\r\nthree\r\n--b--\r\n",
	  "multipart/mixed\n  multipart/alternative\n    text/plain 0 'one'\n"
	  "    text/plain 0 'two'\n  text/plain 0 'three'\n" },
	{ "outer boundary ends the inner",
	  MIXED "--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
	  "--c\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--c\r\n--b--\r\n",
	  "multipart/mixed\n  multipart/alternative\n    text/plain 0 'one'\n"
	  "  text/plain 1 'two|--c'\n" },
	{ "the same boundary nested",
	  MIXED "--b\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
	  "--b\r\n\r\none\r\n--b--\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	  "multipart/mixed\n  multipart/alternative\n    text/plain 0 'one'\n"
	  "  text/plain 0 'two'\n" },
	{ "inner boundary begins with the outer",
	  MIXED "--b\r\nContent-Type: multipart/x; boundary=bb\r\n\r\n"
	  "--bb\r\n\r\none\r\n--bb--\r\n--b\r\n\r\ntwo\r\n--b--\r\n",
	  "multipart/mixed\n  multipart/x\n    text/plain 0 'one'\n  text/plain 0 'two'\n" },
	{ "outer boundary begins with the inner",
	  "Content-Type: multipart/mixed; boundary=bb\r\n\r\n"
	  "--bb\r\nContent-Type: multipart/x; boundary=b\r\n\r\n"
	  "--b\r\n\r\none\r\n--bb\r\n\r\ntwo\r\n--bb--\r\n",
	  "multipart/mixed\n  multipart/x\n    text/plain 0 'one'\n  text/plain 0 'two'\n" },
	{ "message",
	  "Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhello\r\n",
	  "message/rfc822 3\n  text/plain 1 'hello|'\n" },
	{ "message in a multipart",
	  MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nhello\r\n--b--\r\n",
	  "multipart/mixed\n  message/rfc822 2\n    text/plain 0 'hello'\n" },
	{ "multipart in a message in a multipart",
	  MIXED "--b\r\nContent-Type: message/global\r\n\r\nContent-Type: multipart/x; boundary=c\r\n\r\n"
	  "--c\r\n\r\none\r\n--c--\r\n--b--\r\n",
	  "multipart/mixed\n  message/global 5\n    multipart/x\n      text/plain 0 'one'\n" },
	{ "empty messages",
	  MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n--b\r\n"
	  "Content-Type: message/rfc822\r\n\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nX: y\r\n\r\n--b--",
	  "multipart/mixed\n  message/rfc822 0\n    text/plain 0 ''\n  message/rfc822 0\n"
	  "    text/plain 0 ''\n  message/rfc822 0\n    text/plain 0 ''\n  message/rfc822 1\n"
	  "    text/plain 0 ''\n" },
	{ "digest",
	  "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: x\r\n\r\none\r\n"
	  "--b\r\nContent-Type: text/plain\r\n\r\ntwo\r\n--b--\r\n",
	  "multipart/digest\n  message/rfc822 2\n    text/plain 0 'one'\n  text/plain 0 'two'\n" },
	{ "encoded message is a leaf",
	  "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n",
	  "application/octet-stream 1 'YQ==|'\n" },
	{ "message/partial is a leaf", "Content-Type: message/partial\r\n\r\nx", "message/partial 0 'x'\n" },
	{ "carriage returns", "\r\na\rb\r\r\nc", "text/plain 1 'a<b<|c'\n" },
};

static struct mime *parse(struct slice in, size_t chunk)
{
	struct mime *m = mime_new();

	cr_assert_not_null(m);
	for (size_t at = 0; at < in.len; at += chunk)
		cr_assert_eq(mime_feed(m, slice_head(slice_from(in, at), chunk)), ST_OK);
	cr_assert_eq(mime_end(m), ST_OK);
	return m;
}

static void draw(const struct mime *m, const char *in, struct buf *out)
{
	size_t count;
	const struct part *parts = mime_parts(m, &count);

	for (size_t i = 0; i < count; i++) {
		const struct part *p = &parts[i];

		for (uint32_t up = p->parent; up != PART_NONE; up = parts[up].parent)
			buf_append_str(out, "  ");
		buf_append_fmt(out, "%.*s/%.*s", SLICE_ARG(p->type), SLICE_ARG(p->subtype));
		if (p->kind != PART_MULTIPART)
			buf_append_fmt(out, " %u", p->lines);
		if (p->kind == PART_LEAF) {
			buf_append_str(out, " '");
			for (uint64_t at = p->body; at < p->end; at++)
				if (in[at] == '\r')
					buf_append_char(out, in[at + 1] == '\n' ? '|' : '<');
				else if (in[at] != '\n')
					buf_append_char(out, in[at]);
			buf_append_char(out, '\'');
		}
		buf_append_char(out, '\n');
	}
}

/* What part_record_decode() asks for, and the parts in order. */
static void check_tiling(const struct mime *m, uint64_t octets, const char *name)
{
	struct arena arena = ARENA_INIT(16 << 20);
	struct buf record = BUF_INIT(16 << 20);
	size_t count, again;
	const struct part *parts = mime_parts(m, &count);
	struct part *decoded;

	cr_expect_eq(part_record_encode(&record, parts, count), ST_OK, "%s", name);
	cr_expect_eq(part_record_decode(buf_slice(&record), octets, &arena, &decoded, &again),
		     ST_OK, "%s", name);
	for (size_t i = 1; i < count; i++)
		cr_expect_geq(parts[i].header, parts[i - 1].header, "%s: part %zu", name, i);
	cr_expect_eq(parts[0].end, octets, "%s", name);
	buf_free(&record);
	arena_clear(&arena);
}

Test(mime, table_at_every_chunk_size)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice in = slice_str(rows[i].in);

		for (size_t chunk = 1; chunk <= in.len + 1; chunk++) {
			struct buf out = BUF_INIT(65536);
			struct mime *m = parse(in, chunk);

			draw(m, rows[i].in, &out);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].tree)),
				  "%s, chunks of %zu:\n%.*s", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&out)));
			check_tiling(m, in.len, rows[i].name);
			mime_free(m);
			buf_free(&out);
		}
	}
}

Test(mime, encodings_and_charsets)
{
	static const struct {
		const char *in, *charset;
		enum part_encoding encoding;
	} fields[] = {
		{ "\r\n", "us-ascii", PART_7BIT },
		{ "Content-Type: text/plain; charset=\"ISO-8859-1\"\r\n\r\n", "iso-8859-1", PART_7BIT },
		{ "Content-Type: image/png\r\nContent-Transfer-Encoding: (x) BASE64 (y)\r\n\r\n", "", PART_BASE64 },
		{ "Content-Transfer-Encoding: quoted-printable;\r\n\r\n", "us-ascii", PART_QUOTED_PRINTABLE },
		{ "Content-Transfer-Encoding: x-uuencode\r\n\r\n", "us-ascii", PART_UNKNOWN },
		{ "Content-Transfer-Encoding:\r\n\r\n", "us-ascii", PART_UNKNOWN },
	};

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct mime *m = parse(slice_str(fields[i].in), 7);
		size_t count;
		const struct part *p = mime_parts(m, &count);

		cr_expect_eq(p->encoding, fields[i].encoding, "%zu", i);
		cr_expect(slice_eq(p->charset, slice_str(fields[i].charset)), "%zu", i);
		mime_free(m);
	}
}

Test(mime, header_of_a_part)
{
	struct mime *m = parse(SLICE(MIXED "--b\r\nA: b\r\n\r\none\r\n--b\r\nC: d\r\n--b--"), 3);

	cr_expect(slice_eq(mime_header(m, 0), SLICE(MIXED)));
	cr_expect(slice_eq(mime_header(m, 1), SLICE("A: b\r\n\r\n")));
	cr_expect(slice_eq(mime_header(m, 2), SLICE("C: d\r\n")));
	mime_free(m);
}

Test(mime, depth_is_limited)
{
	struct buf in = BUF_INIT(1 << 20);
	struct mime *m;
	size_t count;
	const struct part *parts;

	for (int i = 0; i < 150; i++)
		buf_append_fmt(&in, "Content-Type: multipart/mixed; boundary=b%03d\r\n\r\n--b%03d\r\n", i, i);
	buf_append_str(&in, "\r\nx\r\n--b000\r\n\r\nsecond\r\n--b000--\r\n");
	m = parse(buf_slice(&in), 1000);
	parts = mime_parts(m, &count);
	cr_assert_eq(count, MIME_DEPTH_MAX + 1);
	cr_expect_eq(parts[MIME_DEPTH_MAX - 2].kind, PART_MULTIPART);
	cr_expect_eq(parts[MIME_DEPTH_MAX - 1].kind, PART_LEAF);
	cr_expect(slice_eq(parts[MIME_DEPTH_MAX - 1].subtype, SLICE("octet-stream")));
	cr_expect_eq(parts[MIME_DEPTH_MAX].parent, 0);
	check_tiling(m, in.len, "deep multiparts");
	mime_free(m);

	in.len = 0;
	for (int i = 0; i < 150; i++)
		buf_append_str(&in, "Content-Type: message/rfc822\r\n\r\n");
	m = parse(buf_slice(&in), in.len);
	parts = mime_parts(m, &count);
	cr_expect_eq(count, MIME_DEPTH_MAX);
	cr_expect_eq(parts[count - 1].kind, PART_LEAF);
	check_tiling(m, in.len, "deep messages");
	mime_free(m);
	buf_free(&in);
}

Test(mime, count_is_limited)
{
	struct buf in = BUF_INIT(4 << 20);
	struct mime *m;
	size_t count;
	const struct part *parts;

	buf_append_str(&in, MIXED);
	for (int i = 0; i < 20000; i++)
		buf_append_str(&in, "--b\r\n\r\nx\r\n");
	buf_append_str(&in, "--b--\r\n");
	m = parse(buf_slice(&in), 4096);
	parts = mime_parts(m, &count);
	cr_expect_eq(count, PART_COUNT_MAX);
	cr_expect_eq(parts[count - 1].end, in.len);
	cr_expect_eq(parts[count - 1].body, parts[count - 1].header);
	check_tiling(m, in.len, "many parts");
	mime_free(m);
	buf_free(&in);
}

Test(mime, headers_are_limited)
{
	struct buf in = BUF_INIT(8 << 20);
	struct mime *m, *whole;
	size_t count, again;
	const struct part *parts, *others;

	buf_append_str(&in, "Content-Type: multipart/mixed; boundary=b\r\n");
	for (int i = 0; i < 100000; i++)
		buf_append_str(&in, "X-Field: something or other\r\n");
	buf_append_str(&in, "\r\n--b\r\nA: b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n");
	m = parse(buf_slice(&in), 777);
	whole = parse(buf_slice(&in), in.len);
	parts = mime_parts(m, &count);
	others = mime_parts(whole, &again);
	cr_expect_eq(count, 2);
	cr_expect_eq(again, 2);
	cr_expect_eq(parts[0].kind, PART_MULTIPART);
	cr_expect_eq(parts[1].kind, PART_LEAF);
	cr_expect_eq(parts[1].end, in.len);
	cr_expect_eq(parts[1].body, others[1].body);
	cr_expect_leq(mime_header(m, 0).len, MIME_HEADERS_MAX);
	cr_expect(slice_eq(mime_header(m, 0), mime_header(whole, 0)));
	check_tiling(m, in.len, "long header");
	mime_free(whole);
	mime_free(m);
	buf_free(&in);
}

Test(mime, is_used_again_after_reset)
{
	struct mime *m = parse(SLICE(MIXED "--b\r\n\r\none"), 5);
	struct buf out = BUF_INIT(1024);

	mime_reset(m);
	mime_feed(m, SLICE("\r\nhello"));
	mime_end(m);
	draw(m, "\r\nhello", &out);
	cr_expect(slice_eq(buf_slice(&out), SLICE("text/plain 0 'hello'\n")));
	buf_free(&out);
	mime_free(m);
}
