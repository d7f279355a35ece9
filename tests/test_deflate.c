#include "common/deflate.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* All of in, unpacked with so much room a call, in pieces of chunk octets. */
static enum status unpack(struct deflate *d, struct slice in, size_t chunk,
			  size_t room, struct buf *out)
{
	char *piece = malloc(room);
	enum status st = ST_OK;
	size_t n = 0;

	while (st == ST_OK && (in.len || n == room)) {
		struct slice head = slice_head(in, chunk);
		size_t before = head.len;

		st = deflate_unpack(d, &head, piece, room, &n);
		in = slice_from(in, before - head.len);
		buf_append(out, slice_of(piece, n));
	}
	free(piece);
	return st;
}

static const char lines[] = "* 1 FETCH (FLAGS (\\Seen) UID 17)\r\n";

/* Both are one's own opposite; after a rest both go on where they were. */
Test(deflate, there_and_back)
{
	static const size_t chunks[] = { 1, 2, 7, 1000000 };

	for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++)
		for (unsigned rests = 0; rests < 2; rests++) {
			struct deflate *ours = deflate_new(), *theirs = deflate_new();

			for (unsigned turn = 0; turn < 50; turn++) {
				struct buf in = BUF_INIT(1 << 20), packed = BUF_INIT(1 << 20);
				struct buf out = BUF_INIT(1 << 20);

				for (unsigned i = 0; i <= turn * turn; i++)
					buf_append_fmt(&in, "%u %u %s", turn, i, lines);
				cr_assert_eq(deflate_pack(ours, buf_slice(&in), true,
							  &packed), ST_OK);
				cr_expect_lt(packed.len, in.len + 32);
				cr_assert_eq(unpack(theirs, buf_slice(&packed), chunks[c],
						    c ? 1000 : 1, &out), ST_OK);
				cr_expect(slice_eq(buf_slice(&in), buf_slice(&out)),
					  "turn %u", turn);
				if (rests) {
					deflate_rest(ours);
					deflate_rest(theirs);
					cr_expect_not(deflate_is_awake(ours));
				}
				buf_free(&in);
				buf_free(&packed);
				buf_free(&out);
			}
			deflate_free(ours);
			deflate_free(theirs);
		}
}

Test(deflate, little_is_held_at_rest)
{
	struct deflate *ours = deflate_new(), *theirs = deflate_new();
	struct buf packed = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);

	for (unsigned i = 0; i < 20; i++) {
		packed.len = 0;
		deflate_pack(ours, slice_str(lines), true, &packed);
		unpack(theirs, buf_slice(&packed), 100, 100, &out);
	}
	cr_expect_gt(deflate_octets(ours), 20000);
	cr_expect_lt(deflate_octets(ours), 100000);
	cr_expect_gt(deflate_octets(theirs), 5000);
	deflate_rest(ours);
	deflate_rest(theirs);
	cr_expect_lt(deflate_octets(ours), 400);
	cr_expect_lt(deflate_octets(theirs), 400 + out.len);
	buf_free(&packed);
	buf_free(&out);
	deflate_free(ours);
	deflate_free(theirs);
}

Test(deflate, what_is_none)
{
	static const struct { const char *name, *in; size_t len; enum status status; } rows[] = {
		{ "a command",		"a NOOP\r\n",	8, ST_SYNTAX },
		{ "block of no type",	"\xff\xff",	2, ST_SYNTAX },
		{ "its end",		"\x03\x00",	2, ST_SYNTAX },
		{ "nothing yet",	"\x00",		1, ST_OK },
		{ "a distance too far", "\x63\x20\x00\x00", 4, ST_SYNTAX },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct deflate *d = deflate_new();
		struct buf out = BUF_INIT(1 << 20);

		cr_expect_eq(unpack(d, slice_of(rows[i].in, rows[i].len), 100, 100, &out),
			     rows[i].status, "%s", rows[i].name);
		buf_free(&out);
		deflate_free(d);
	}
}
