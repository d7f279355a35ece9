#include "common/base64.h"

#include <criterion/criterion.h>

/* RFC 4648 section 10 */
static const struct { const char *plain, *coded; } rows[] = {
	{ "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
};

Test(base64, both_ways)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = BUF_INIT(16);

		cr_expect_eq(base64_encode(slice_str(rows[i].plain), &b), ST_OK);
		cr_expect(slice_eq(buf_slice(&b), slice_str(rows[i].coded)));
		b.len = 0;
		cr_expect_eq(base64_decode(slice_str(rows[i].coded), &b), ST_OK);
		cr_expect(slice_eq(buf_slice(&b), slice_str(rows[i].plain)));
		buf_free(&b);
	}
}

Test(base64, all_octets)
{
	char octets[256];
	struct buf coded = BUF_INIT(1024), back = BUF_INIT(1024);

	for (int i = 0; i < 256; i++)
		octets[i] = (char)i;
	for (size_t n = 0; n <= sizeof octets; n++) {
		coded.len = back.len = 0;
		cr_expect_eq(base64_encode(slice_of(octets, n), &coded), ST_OK);
		cr_expect_eq(coded.len, base64_octets(n));
		cr_expect_eq(base64_decode(buf_slice(&coded), &back), ST_OK);
		cr_expect(slice_eq(buf_slice(&back), slice_of(octets, n)));
	}
	buf_free(&coded);
	buf_free(&back);
}

Test(base64, refused)
{
	static const char *const bad[] = {
		"Z", "Zg", "Zg=", "Zg===", "=", "====", "Zh==", "Zm9=", "Zm 9",
		"Zm9v\r\n", "Zg==Zg==", "Z=g=", "Zm9-", "Zm9\xc3",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = BUF_INIT(16);

		cr_expect_eq(base64_decode(slice_str(bad[i]), &b), ST_SYNTAX, "%s",
			     bad[i]);
		cr_expect_eq(b.len, 0);
		buf_free(&b);
	}
}
