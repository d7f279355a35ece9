#include "common/buf.h"

#include <criterion/criterion.h>

Test(buf, appends_whole_or_not_at_all)
{
	struct buf b = BUF_INIT(8);

	cr_expect_eq(buf_append_str(&b, "12345"), ST_OK);
	cr_expect_eq(buf_append_str(&b, "6789"), ST_LIMIT);
	cr_expect(slice_eq(buf_slice(&b), SLICE("12345")));
	cr_expect_eq(buf_append_str(&b, "678"), ST_OK);
	cr_expect_eq(b.len, 8);
	buf_consume(&b, 3);
	cr_expect(slice_eq(buf_slice(&b), SLICE("45678")));
	cr_expect_eq(buf_append_fmt(&b, "%d", 123), ST_OK);
	cr_expect_eq(buf_append_fmt(&b, "%d", 1), ST_LIMIT);
	cr_expect(slice_eq(buf_slice(&b), SLICE("45678123")));
	buf_free(&b);
}

Test(buf, numbers)
{
	struct buf b = BUF_INIT(64);

	buf_append_u64(&b, 0);
	buf_append_char(&b, ' ');
	buf_append_u64(&b, UINT64_MAX);
	cr_expect(slice_eq(buf_slice(&b), SLICE("0 18446744073709551615")));
	buf_free(&b);
}
