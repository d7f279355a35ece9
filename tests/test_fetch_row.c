#include "common/fetch_row.h"

#include <criterion/criterion.h>

static const struct fetch_row row = {
	.uid = 7, .flags = UINT64_C(5) << 32 | 3, .modseq = UINT64_C(1) << 40,
	.size = 12345, .internaldate = -5, .zone = -210, .savedate = INT64_MIN,
	.emailid = 1, .threadid = UINT64_MAX, .prefix = 40,
	.uidl = { "u", 1 }, .envelope = { "(NIL)", 5 },
	.bodystructure = { "(\"text\")", 8 }, .body = { "(b)", 3 },
	.parts = { "\1\0\0", 3 }, .preview = { "", 0 },
	.octets_total = 9, .octets = { "abc", 3 },
};

static void expect_same(const struct fetch_row *a, uint32_t items)
{
#define SAME(bit, field) \
	cr_expect_eq(a->field, items & (bit) ? row.field : 0, "%#x " #field, items)
#define SAME_BYTES(bit, field) \
	cr_expect(slice_eq(a->field, items & (bit) ? row.field : SLICE_EMPTY), \
		  "%#x " #field, items)
	cr_expect_eq(a->uid, row.uid);
	SAME(FETCH_FLAGS, flags);
	SAME(FETCH_MODSEQ, modseq);
	SAME(FETCH_SIZE, size);
	SAME(FETCH_INTERNALDATE, internaldate);
	SAME(FETCH_INTERNALDATE, zone);
	SAME(FETCH_SAVEDATE, savedate);
	SAME(FETCH_EMAILID, emailid);
	SAME(FETCH_THREADID, threadid);
	SAME(FETCH_PREFIX, prefix);
	SAME_BYTES(FETCH_UIDL, uidl);
	SAME_BYTES(FETCH_ENVELOPE, envelope);
	SAME_BYTES(FETCH_BODYSTRUCTURE, bodystructure);
	SAME_BYTES(FETCH_BODY, body);
	SAME_BYTES(FETCH_PARTS, parts);
	SAME_BYTES(FETCH_PREVIEW, preview);
	SAME(FETCH_OCTETS, octets_total);
	SAME_BYTES(FETCH_OCTETS, octets);
#undef SAME
#undef SAME_BYTES
}

/* Each item alone, all before it, and all: two rows each, cut anywhere. */
Test(fetch_row, both_ways)
{
	for (unsigned bit = 0; bit < 15; bit++) {
		const uint32_t sets[] = { 1u << bit, (1u << bit) - 1, 0x7fff };

		for (size_t i = 0; i < 3; i++) {
			struct buf b = BUF_INIT(1000);
			struct slice rows;
			struct fetch_row back;

			cr_expect_eq(fetch_row_encode(&b, sets[i], &row), ST_OK);
			cr_expect_eq(fetch_row_encode(&b, sets[i], &row), ST_OK);
			rows = buf_slice(&b);
			cr_expect_eq(fetch_row_decode(&rows, sets[i], &back), ST_OK);
			expect_same(&back, sets[i]);
			cr_expect_eq(rows.len, b.len / 2);
			cr_expect_eq(fetch_row_decode(&rows, sets[i], &back), ST_OK);
			cr_expect_eq(fetch_row_decode(&rows, sets[i], &back), ST_MORE);
			for (size_t n = 1; n < b.len / 2; n++) {
				rows = slice_head(buf_slice(&b), n);
				cr_expect_eq(fetch_row_decode(&rows, sets[i], &back),
					     ST_MORE);
				cr_expect_eq(rows.len, n);
			}
			buf_free(&b);
		}
	}
}

Test(fetch_row, limits)
{
	struct buf b = BUF_INIT(10);
	struct fetch_row bad = row, back;
	struct slice rows;

	cr_expect_eq(fetch_row_encode(&b, FETCH_FLAGS, &row), ST_LIMIT);
	cr_expect_eq(b.len, 0);
	b.max = 100;
	bad.octets_total = 2;	/* fewer than there are */
	cr_expect_eq(fetch_row_encode(&b, FETCH_ALL_OCTETS, &bad), ST_OK);
	rows = buf_slice(&b);
	cr_expect_eq(fetch_row_decode(&rows, FETCH_ALL_OCTETS, &back), ST_SYNTAX);
	buf_free(&b);
}
