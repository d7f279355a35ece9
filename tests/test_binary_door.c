#include "mailboxd/binary_door.h"

#include "common/buf.h"

#include <criterion/criterion.h>

struct octets {
	const char *data;
	size_t len;
};
#define OCTETS(text) { text, sizeof(text) - 1 }
#define BINARY "Content-Transfer-Encoding: binary\r\n"
#define BASE64 "Content-Transfer-Encoding: base64\r\n"
#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n"

static const struct { const char *name; struct octets in, out; enum status status; } rows[] = {
	{ "nothing says binary", OCTETS("A: b\r\n\r\na\0\r\nb"), OCTETS("A: b\r\n\r\na\0\r\nb"),
	  ST_OK },
	{ "the message itself", OCTETS(BINARY "A: b\r\n\r\n\0\1\2"),
	  OCTETS("A: b\r\n" BASE64 "\r\nAAEC\r\n"), ST_OK },
	{ "its line ends are its own", OCTETS(BINARY "\r\n\0\r\n"),
	  OCTETS(BASE64 "\r\nAA0K\r\n"), ST_OK },
	{ "bare CR and LF are kept", OCTETS(BINARY "\r\n\r\r\n\n\r"),
	  OCTETS(BASE64 "\r\nDQ0KCg0=\r\n"), ST_OK },
	{ "an empty body", OCTETS(BINARY "\r\n"), OCTETS(BASE64 "\r\n"), ST_OK },
	{ "no body", OCTETS("A: b\r\n" BINARY), OCTETS("A: b\r\n" BASE64), ST_OK },
	{ "a folded field, in any case",
	  OCTETS("content-transfer-ENCODING \t:\r\n (is) BINARY\r\nA: b\r\n\r\na"),
	  OCTETS("A: b\r\n" BASE64 "\r\nYQ==\r\n"), ST_OK },
	{ "another encoding stays in its place",
	  OCTETS("Content-Transfer-Encoding: 8bit\r\nA: b\r\n\r\na"),
	  OCTETS("Content-Transfer-Encoding: 8bit\r\nA: b\r\n\r\na"), ST_OK },
	{ "the first field counts",
	  OCTETS("Content-Transfer-Encoding: 8bit\r\n" BINARY "\r\na"),
	  OCTETS("Content-Transfer-Encoding: 8bit\r\n" BINARY "\r\na"), ST_OK },
	{ "a part among others",
	  OCTETS(MIXED BINARY "\r\nhi\r\n--x\r\n\r\ntext\r\n--x\r\n" BINARY
		 "\r\n\0\n--\r\n--y\r\n--x\r\n\r\nlast\r\n--x--\r\nbye\r\n"),
	  OCTETS(MIXED "Content-Transfer-Encoding: 8bit\r\n\r\nhi\r\n--x\r\n\r\ntext\r\n--x\r\n"
		 BASE64 "\r\nAAotLQ0KLS15\r\n--x\r\n\r\nlast\r\n--x--\r\nbye\r\n"), ST_OK },
	{ "no line end before the last boundary",
	  OCTETS(MIXED "\r\n--x\r\n" BINARY "\r\n\0\r\n--x--"),
	  OCTETS(MIXED "\r\n--x\r\n" BASE64 "\r\nAA==\r\n--x--"), ST_OK },
	{ "the last boundary is missing",
	  OCTETS(MIXED "\r\n--x\r\n" BINARY "\r\n\0\r\n--"),
	  OCTETS(MIXED "\r\n--x\r\n" BASE64 "\r\nAA0KLS0=\r\n"), ST_OK },
	{ "a boundary where the body would begin",
	  OCTETS(MIXED "\r\n--x\r\n" BINARY "\r\n--x\r\n" BINARY "--x--\r\n"),
	  OCTETS(MIXED "\r\n--x\r\n" BASE64 "\r\n--x\r\n" BASE64 "--x--\r\n"), ST_OK },
	{ "an empty line is the boundary's",
	  OCTETS(MIXED "\r\n--x\r\n" BINARY "\r\n\r\n--x--\r\n"),
	  OCTETS(MIXED "\r\n--x\r\n" BASE64 "\r\n\r\n--x--\r\n"), ST_OK },
	{ "a message inside",
	  OCTETS("Content-Type: message/rfc822\r\n" BINARY "\r\n" BINARY "\r\n\0"),
	  OCTETS("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
		 BASE64 "\r\nAA==\r\n"), ST_OK },
	{ "lines of base64",
	  OCTETS(BINARY "\r\n012345678901234567890123456789012345678901234567890123456"
		 "012345678901234567890123456789012345678901234567890123456\0"),
	  OCTETS(BASE64 "\r\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAx"
		 "MjM0NTY3ODkwMTIzNDU2\r\nMDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1"
		 "Njc4OTAxMjM0NTY3ODkwMTIzNDU2\r\nAA==\r\n"), ST_OK },
	{ "a field that its reader cannot follow",
	  OCTETS("Content-Transfer-Encoding: bin\r\n\r\na"),
	  OCTETS("Content-Transfer-Encoding: bin\r\n\r\na"), ST_OK },
	{ "the word is in the last line, which has no end",
	  OCTETS("Content-Transfer-Encoding: binary"), OCTETS(""), ST_SYNTAX },
};

static enum status keep(void *arg, struct slice octets)
{
	return buf_append(arg, octets);
}

static enum status feed(struct slice in, size_t chunk, struct buf *out)
{
	struct binary_door *d = binary_door_new(keep, out);
	enum status st = ST_OK;

	while (in.len > 0 && st == ST_OK) {
		struct slice piece = slice_head(in, chunk);

		st = binary_door_feed(d, piece);
		in = slice_from(in, piece.len);
	}
	if (st == ST_OK)
		st = binary_door_end(d);
	binary_door_free(d);
	return st;
}

Test(binary_door, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t chunk = 1; chunk <= rows[i].in.len; chunk++) {
			struct buf out = BUF_INIT(4096);
			enum status st = feed(slice_of(rows[i].in.data, rows[i].in.len),
					      chunk, &out);

			cr_assert_eq(st, rows[i].status, "%s, chunks of %zu: %s",
				     rows[i].name, chunk, status_name(st));
			if (st == ST_OK)
				cr_assert(slice_eq(buf_slice(&out),
						   slice_of(rows[i].out.data,
							    rows[i].out.len)),
					  "%s, chunks of %zu: %.*s", rows[i].name, chunk,
					  (int)out.len, out.data);
			buf_free(&out);
		}
}

/* A field beyond what is kept of it is not rewritten, and so the message is refused
 * rather than stored as what it is not. */
Test(binary_door, a_long_field)
{
	struct buf in = BUF_INIT(8192), out = BUF_INIT(16384);

	buf_append_str(&in, "Content-Transfer-Encoding: (");
	for (int i = 0; i < 3000; i++)
		buf_append_char(&in, 'x');
	buf_append_str(&in, ") binary\r\n\r\nbody");
	for (size_t chunk = 1; chunk < in.len; chunk += 97) {
		out.len = 0;
		cr_assert_eq(feed(buf_slice(&in), chunk, &out), ST_SYNTAX, "%zu", chunk);
	}
	buf_free(&in);
	buf_free(&out);
}
