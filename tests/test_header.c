#include "common/header.h"

#include <criterion/criterion.h>

/* fields are written name|body; ... with "~" for a line end in the body */
static const struct { const char *name, *in, *fields; size_t end; } rows[] = {
	{ "two fields",	"A: 1\r\nB:2\r\n\r\nbody",	"A| 1;B|2;", 13 },
	{ "folded",	"A: 1\r\n 2\r\n\t3\r\nB:\r\n\r\nx", "A| 1\r\n 2\r\n\t3;B|;", 20 },
	{ "LF only",	"A: 1\n 2\nB: 3\n\nx",		"A| 1\n 2;B| 3;", 14 },
	{ "space before colon", "A \t: 1\r\n\r\n",	"A| 1;", 10 },
	{ "no field",	"From x\r\nA: 1\r\n\r\n",	"|From x;A| 1;", 16 },
	{ "bad name",	"A B: 1\r\n\r\n",		"|A B: 1;", 10 },
	{ "continuation first", " x\r\nA: 1\r\n\r\n",	"| x;A| 1;", 12 },
	{ "no body",	"A: 1\r\n",			"A| 1;", 6 },
	{ "no line end", "A: 1",			"A| 1;", 4 },
	{ "no header",	"\r\nA: 1\r\n",			"", 2 },
	{ "nothing",	"",				"", 0 },
	{ "only blanks in a fold", "A: 1\r\n \r\nB: 2\r\n\r\n", "A| 1\r\n ;B| 2;", 17 },
};

static void append_field(struct buf *out, const struct header_field *f)
{
	buf_append(out, f->name);
	buf_append_char(out, '|');
	buf_append(out, f->body);
	buf_append_char(out, ';');
}

/* The input grows by chunk octets whenever the walk asks for more. */
Test(header, table_at_every_chunk_size)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in) + 1; chunk++) {
			struct slice all = slice_str(rows[i].in);
			struct header_walk walk = { .in = slice_head(all, chunk) };
			struct header_field field;
			struct buf out = BUF_INIT(200);
			enum status st;

			walk.is_whole = walk.in.len == all.len;
			while ((st = header_next(&walk, &field)) != ST_NOT_FOUND) {
				if (st == ST_OK) {
					append_field(&out, &field);
					cr_expect_eq(field.whole.data,
						     all.data + field.offset);
					continue;
				}
				cr_assert(st == ST_MORE && !walk.is_whole);
				walk.in = slice_head(all, walk.in.len + chunk);
				walk.is_whole = walk.in.len == all.len;
			}
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].fields)),
				  "%s, chunks of %zu: %.*s", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&out)));
			cr_expect_eq(walk.at, rows[i].end, "%s: %zu", rows[i].name,
				     walk.at);
			cr_expect_eq(header_octets(all), rows[i].end, "%s",
				     rows[i].name);
			buf_free(&out);
		}
}

Test(header, find)
{
	const struct slice header = SLICE("To: a\r\nSubject: x\r\nsubject: y\r\n\r\n"
					  "Cc: z\r\n");
	struct header_field field;

	cr_expect_eq(header_find(header, SLICE("SUBJECT"), &field), ST_OK);
	cr_expect(slice_eq(field.body, SLICE(" x")));
	cr_expect_eq(header_find(header, SLICE("Cc"), &field), ST_NOT_FOUND);
}

static const struct { const char *in, *out; } folds[] = {
	{ " a", "a" }, { " a\r\n b ", "a b" }, { "\r\n a\r\n\tb", "a\tb" },
	{ " a\n  b\n", "a  b" }, { "", "" }, { " \r\n \r\n ", "" },
	{ " a\r\n ", "a" },
};

Test(header, unfold)
{
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
		struct buf b = BUF_INIT(64);

		cr_expect_eq(header_unfold(slice_str(folds[i].in), &b), ST_OK);
		cr_expect(slice_eq(buf_slice(&b), slice_str(folds[i].out)), "%zu: %.*s",
			  i, SLICE_ARG(buf_slice(&b)));
		buf_free(&b);
	}
}
