#include "common/dot_reader.h"
#include "common/dot_writer.h"

#include <criterion/criterion.h>

static const struct { const char *name, *in, *out; } rows[] = {
	{ "empty",		"",			".\r\n" },
	{ "one line",		"a\r\n",		"a\r\n.\r\n" },
	{ "dot first",		".a\r\n",		"..a\r\n.\r\n" },
	{ "only a dot",		".\r\n",		"..\r\n.\r\n" },
	{ "dots behind lines",	"a\r\n.b\r\n..\r\n",	"a\r\n..b\r\n...\r\n.\r\n" },
	{ "dots inside",	"a.b.\r\n",		"a.b.\r\n.\r\n" },
	{ "no last line end",	"a",			"a\r\n.\r\n" },
	{ "ends in a dot line",	"a\r\n.",		"a\r\n..\r\n.\r\n" },
};

Test(dot_writer, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= strlen(rows[i].in) + 1; chunk++) {
			struct dot_writer w = { { 0 } };
			struct buf out = BUF_INIT(64);
			struct slice in = slice_str(rows[i].in);

			while (in.len) {
				struct slice piece = slice_head(in, chunk);

				cr_expect_eq(dot_writer_feed(&w, piece, &out), ST_OK);
				in = slice_from(in, piece.len);
			}
			cr_expect_eq(dot_writer_end(&w, &out), ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s, chunks of %zu", rows[i].name, chunk);
			buf_free(&out);
		}
}

Test(dot_writer, reader_gives_it_back)
{
	const struct slice text = SLICE(".\r\n..\r\n.x\r\n\r\na.\r\n.\r\n");
	struct dot_writer w = { { 0 } };
	struct dot_reader *r = dot_reader_new();
	struct buf wire = BUF_INIT(256), back = BUF_INIT(256);
	size_t used;

	dot_writer_feed(&w, text, &wire);
	dot_writer_end(&w, &wire);
	cr_expect_eq(dot_reader_feed(r, buf_slice(&wire), &used, &back), ST_OK);
	cr_expect_eq(used, wire.len);
	cr_expect(slice_eq(buf_slice(&back), text));
	buf_free(&wire);
	buf_free(&back);
	dot_reader_free(r);
}
