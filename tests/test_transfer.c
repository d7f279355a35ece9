#include "common/transfer.h"

#include <criterion/criterion.h>

static const struct {
	const char *name;
	enum part_encoding encoding;
	const char *in, *out;
} rows[] = {
	{ "7bit", PART_7BIT, "a=3D \r\n", "a=3D \r\n" },
	{ "unknown word", PART_UNKNOWN, "YQ==", "YQ==" },
	{ "base64", PART_BASE64, "aGVsbG8gd29ybGQ=", "hello world" },
	{ "base64 lines", PART_BASE64, "aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", "hello world" },
	{ "base64 split groups", PART_BASE64, "a\r\nGV\r\nsb\r\nG8", "hello" },
	{ "base64 without padding", PART_BASE64, "aGVsbG8gd29ybGQ", "hello world" },
	{ "base64 two in a row", PART_BASE64, "YQ==Yg==", "ab" },
	{ "base64 with dirt", PART_BASE64, "a-G_V!s bG8", "hello" },
	{ "base64 one character over", PART_BASE64, "YWJjZ", "abc" },
	{ "base64 nothing", PART_BASE64, "", "" },
	{ "base64 high octets", PART_BASE64, "YW\xff\x80Jj", "abc" },
	{ "qp", PART_QUOTED_PRINTABLE, "a=3Db=e4=E4", "a=b\xe4\xe4" },
	{ "qp soft break", PART_QUOTED_PRINTABLE, "one=\r\ntwo", "onetwo" },
	{ "qp soft break, LF", PART_QUOTED_PRINTABLE, "one=\ntwo", "onetwo" },
	{ "qp soft break with space", PART_QUOTED_PRINTABLE, "one= \t\r\ntwo", "onetwo" },
	{ "qp space before break", PART_QUOTED_PRINTABLE, "one =\r\ntwo", "one two" },
	{ "qp trailing space", PART_QUOTED_PRINTABLE, "one \t \r\ntwo", "one\r\ntwo" },
	{ "qp trailing space, LF", PART_QUOTED_PRINTABLE, "one \ntwo", "one\ntwo" },
	{ "qp inner space", PART_QUOTED_PRINTABLE, "a \t b  c", "a \t b  c" },
	{ "qp space at the end", PART_QUOTED_PRINTABLE, "a  ", "a" },
	{ "qp = at the end", PART_QUOTED_PRINTABLE, "a=", "a" },
	{ "qp = and one digit at the end", PART_QUOTED_PRINTABLE, "a=4", "a=4" },
	{ "qp = before a letter", PART_QUOTED_PRINTABLE, "a=xy=4z==41", "a=xy=4z=A" },
	{ "qp = CR without LF", PART_QUOTED_PRINTABLE, "a=\rb", "a=\rb" },
	{ "qp = space and text", PART_QUOTED_PRINTABLE, "a= b", "a= b" },
	{ "qp long white space", PART_QUOTED_PRINTABLE,
	  "a                                                            "
	  "                                                            b",
	  "a                                                            "
	  "                                                            b" },
};

Test(transfer, table_at_every_chunk_size)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice in = slice_str(rows[i].in);

		for (size_t chunk = 1; chunk <= in.len + 1; chunk++) {
			struct buf out = BUF_INIT(1024);
			struct transfer t;

			transfer_init(&t, rows[i].encoding);
			for (size_t at = 0; at < in.len; at += chunk)
				cr_expect_eq(transfer_feed(&t, slice_head(slice_from(in, at), chunk), &out), ST_OK);
			cr_expect_eq(transfer_end(&t, &out), ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s, chunks of %zu: '%.*s'", rows[i].name, chunk,
				  SLICE_ARG(buf_slice(&out)));
			buf_free(&out);
		}
	}
}

Test(transfer, room)
{
	struct buf out = BUF_INIT(100);
	struct transfer t;

	transfer_init(&t, PART_BASE64);
	cr_expect_eq(transfer_feed(&t, SLICE("YWFhYWFhYWFhYWFhYWFhYWFhYWFh"), &out), ST_LIMIT);
	cr_expect_eq(out.len, 0);
	buf_free(&out);
}

Test(transfer, words)
{
	cr_expect_eq(transfer_encoding(SLICE("Base64")), PART_BASE64);
	cr_expect_eq(transfer_encoding(SLICE("QUOTED-PRINTABLE")), PART_QUOTED_PRINTABLE);
	cr_expect_eq(transfer_encoding(SLICE("uuencode")), PART_UNKNOWN);
	cr_expect(transfer_is_identity(PART_BINARY));
	cr_expect_not(transfer_is_identity(PART_BASE64));
}
