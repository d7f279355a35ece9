#include "postroom/mbox_reader.h"

#include "common/flags.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct seen {
	struct buf text;	/* "[date zone flags keywords|octets]" each */
	struct slice file;
};

static enum status begin(void *arg, const struct mbox_message *m)
{
	struct seen *s = arg;

	if (m->date == INT64_MIN)
		return buf_append_fmt(&s->text, "[- %u %.*s|", m->flags,
				      SLICE_ARG(m->keywords));
	return buf_append_fmt(&s->text, "[%lld%+d %u %.*s|", (long long)m->date, m->zone,
			      m->flags, SLICE_ARG(m->keywords));
}

static enum status octets(void *arg, struct slice in)
{
	struct seen *s = arg;

	return buf_append(&s->text, in);
}

static enum status end(void *arg)
{
	return buf_append_char(&((struct seen *)arg)->text, ']');
}

static bool ends_at(void *arg, uint64_t offset)
{
	struct slice rest = ((struct seen *)arg)->file;

	if (offset > rest.len)
		return false;
	rest = slice_from(rest, offset);
	while (rest.len && (rest.data[0] == '\n' || rest.data[0] == '\r'))
		rest = slice_from(rest, 1);
	return rest.len == 0 || slice_starts(rest, SLICE("From "));
}

#define A "From a@b Tue Nov 24 07:08:47 2026\n"
#define B "From c Tue Nov 24 08:08:47 2026 +0100\n"
#define DATE "1795504127"
#define OURS "Status: O\nX-Status: \nX-Keywords: \n"

static const struct {
	const char *name;
	enum mbox_kind kind;
	const char *file, *messages;
	enum status status;
} rows[] = {
	{ "two", MBOX_RD, A "S: x\n\nText\n\n" B "S: y\n\nMore\n\n",
	  "[" DATE "+0 0 |S: x\n\nText\n][" DATE "+60 0 |S: y\n\nMore\n]", ST_OK },
	{ "CRLF", MBOX_RD, "From a Tue Nov 24 07:08:47 2026\r\nS: x\r\n\r\nText\r\n\r\n",
	  "[" DATE "+0 0 |S: x\r\n\r\nText\r\n]", ST_OK },
	{ "no empty line at the end", MBOX_RD, A "S: x\n\nText\n", "[" DATE "+0 0 |S: x\n\nText\n]",
	  ST_OK },
	{ "no end of the line", MBOX_RD, A "S: x\n\nText", "[" DATE "+0 0 |S: x\n\nText]", ST_OK },
	{ "empty lines are the message's but for the last", MBOX_RD, A "S: x\n\n\n\n\n" B,
	  "[" DATE "+0 0 |S: x\n\n\n\n][" DATE "+60 0 |]", ST_OK },
	{ "flags", MBOX_RD, A "Status: RO\nS: x\nX-Status: AFDT\nX-Keywords: a  $b \n\nText\n\n",
	  "[" DATE "+0 31 a $b|S: x\n\nText\n]", ST_OK },
	{ "only the first are flags", MBOX_RD, A OURS "Status: R\n\n\n",
	  "[" DATE "+0 0 |Status: R\n\n]", ST_OK },
	{ "quoted", MBOX_RD, A "S: x\n\n>From a\n>>From b\n> From c\n>Fromage\n\n",
	  "[" DATE "+0 0 |S: x\n\nFrom a\n>From b\n> From c\n>Fromage\n]", ST_OK },
	{ "mboxo", MBOX_O, A "S: x\n\n>From a\n>>From b\n\n",
	  "[" DATE "+0 0 |S: x\n\nFrom a\n>>From b\n]", ST_OK },
	{ "no date, no separator", MBOX_RD, A "S: x\n\nFrom here to there\n\nFrom me\n\n",
	  "[" DATE "+0 0 |S: x\n\nFrom here to there\n\nFrom me\n]", ST_OK },
	{ "first line without a date", MBOX_RD, "From -\nS: x\n\nText\n\n",
	  "[- 0 |S: x\n\nText\n]", ST_OK },
	{ "ours without an end of its last line", MBOX_RD, A OURS "S: x\n\nText\n" B OURS "x\n",
	  "[" DATE "+0 0 |S: x\n\nText][" DATE "+60 0 |x]", ST_OK },
	{ "ours, empty", MBOX_RD, A OURS "\n" B OURS "\n\n",
	  "[" DATE "+0 0 |][" DATE "+60 0 |\n]", ST_OK },
	{ "counted", MBOX_RD, A "Content-Length: 44\n\n" A "Text\n>From\n\n" B "S: y\n\n",
	  "[" DATE "+0 0 |Content-Length: 44\n\n" A "Text\n>From][" DATE "+60 0 |S: y\n]", ST_OK },
	{ "counted, quoted", MBOX_RD, A "Content-Length: 8\n\n>From a\n\n" B "\n",
	  "[" DATE "+0 0 |Content-Length: 8\n\nFrom a\n][" DATE "+60 0 |]", ST_OK },
	{ "counted, not quoted", MBOX_CL2, A "Content-Length: 8\n\n>From a\n\n" B "\n",
	  "[" DATE "+0 0 |Content-Length: 8\n\n>From a\n][" DATE "+60 0 |]", ST_OK },
	{ "counted wrong", MBOX_RD, A "Content-Length: 3\n\nText\n\n" B "\n",
	  "[" DATE "+0 0 |Content-Length: 3\n\nText\n][" DATE "+60 0 |]", ST_OK },
	{ "counted, huge", MBOX_RD, A "Content-Length: 18446744073709551615\n\nText\n\n",
	  "[" DATE "+0 0 |Content-Length: 18446744073709551615\n\nText\n]", ST_OK },
	{ "counted to the end", MBOX_RD, A "Content-Length: 5\n\nText\n",
	  "[" DATE "+0 0 |Content-Length: 5\n\nText\n]", ST_OK },
	{ "empty", MBOX_RD, "", "", ST_OK },
	{ "no mbox", MBOX_RD, "Subject: x\n\nText\n", "", ST_SYNTAX },
	{ "no mbox, short", MBOX_RD, ">\n", "", ST_SYNTAX },
};

static enum status read_file(size_t row, size_t chunk, struct seen *s)
{
	static const struct mbox_events events = { begin, octets, end, ends_at };
	struct mbox_reader *r = mbox_reader_new(rows[row].kind, &events, s);
	struct slice rest = s->file;
	enum status st = ST_OK;

	cr_assert(r);
	while (rest.len && !st) {
		struct slice head = slice_head(rest, chunk);

		st = mbox_reader_feed(r, head);
		rest = slice_from(rest, head.len);
	}
	if (!st)
		st = mbox_reader_end(r);
	mbox_reader_free(r);
	return st;
}

Test(mbox_reader, table_at_every_chunk_size)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].file) + 1; chunk++) {
			struct seen s = { .text = BUF_INIT(4096),
					  .file = slice_str(rows[i].file) };
			enum status st = read_file(i, chunk, &s);

			cr_expect_eq(st, rows[i].status, "%s, chunks of %zu", rows[i].name,
				     chunk);
			cr_expect(slice_eq(buf_slice(&s.text), slice_str(rows[i].messages)),
				  "%s, chunks of %zu: %.*s", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&s.text)));
			buf_free(&s.text);
		}
}

static const struct { const char *line; bool is; long long date; int zone; } lines[] = {
	{ "From a@b Tue Nov 24 07:08:47 2026", true, 1795504127, 0 },
	{ "From a@b Tue Nov  4 07:08 2026", true, 1793776080, 0 },
	{ "From \"x y\"@b Tue Nov 24 07:08:47 MET 2026", true, 1795504127, 0 },
	{ "From a Tue Nov 24 07:08:47 2026 -0130", true, 1795509527, -90 },
	{ "From - Tue, 24 Nov 2026 07:08:47 +0000", true, 1795504127, 0 },
	{ "From May Tue Nov 24 07:08:47 2026", true, 1795504127, 0 },
	{ "From a Tue Nov 24 07:08:47", false, 0, 0 },
	{ "From a Tue Nov 07:08:47 2026", false, 0, 0 },
	{ "From a Tue 24 07:08:47 2026", false, 0, 0 },
	{ "From a Tue Nov 24 2026", false, 0, 0 },
	{ "From ", false, 0, 0 },
	{ "From , , , ,", false, 0, 0 },
	{ "from a Tue Nov 24 07:08:47 2026", false, 0, 0 },
};

Test(mbox_reader, lines_that_begin_a_message)
{
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct mbox_message m = { .date = 0 };
		bool is = mbox_is_from_line(slice_str(lines[i].line), &m);

		cr_expect_eq(is, lines[i].is, "%s", lines[i].line);
		if (is) {
			cr_expect_eq(m.date, lines[i].date, "%s: %lld", lines[i].line,
				     (long long)m.date);
			cr_expect_eq(m.zone, lines[i].zone, "%s", lines[i].line);
		}
	}
}

/* A header larger than is looked at goes through whole. */
Test(mbox_reader, huge_header)
{
	static const struct mbox_events events = { begin, octets, end, NULL };
	struct seen s = { .text = BUF_INIT(8 << 20) };
	struct mbox_reader *r = mbox_reader_new(MBOX_RD, &events, &s);
	char line[1001];

	memset(line, 'x', 999);
	line[999] = '\n';
	cr_assert_eq(mbox_reader_feed(r, SLICE(A)), ST_OK);
	for (int i = 0; i < 3000; i++)
		cr_assert_eq(mbox_reader_feed(r, slice_of(line, 1000)), ST_OK);
	cr_assert_eq(mbox_reader_feed(r, SLICE("\nText\n\n")), ST_OK);
	cr_assert_eq(mbox_reader_end(r), ST_OK);
	cr_expect_eq(s.text.len, sizeof "[1795504127+0 0 |]" - 1 + 3000000 + 6, "%zu",
		     s.text.len);
	mbox_reader_free(r);
	buf_free(&s.text);
}
