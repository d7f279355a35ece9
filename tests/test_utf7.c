#include "common/utf7.h"

#include <criterion/criterion.h>

static const struct { const char *utf8, *utf7; } rows[] = {
	{ "INBOX", "INBOX" },
	{ "", "" },
	{ "a&b", "a&-b" },
	{ "&&", "&-&-" },
	/* RFC 3501 section 5.1.3 */
	{ "~peter/mail/\xe5\x8f\xb0\xe5\x8c\x97/\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	  "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
	{ "Entw\xc3\xbcrfe", "Entw&APw-rfe" },
	{ "\xf0\x9f\x92\xa9", "&2D3cqQ-" },
	{ "\xc3\xbc&\xc3\xbc", "&APw-&-&APw-" },
	{ "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", "&IKwgrCCs-" },
};

Test(utf7, both_ways)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = BUF_INIT(200);

		cr_expect_eq(utf7_from_utf8(slice_str(rows[i].utf8), &b), ST_OK);
		cr_expect(slice_eq(buf_slice(&b), slice_str(rows[i].utf7)), "%s: %.*s",
			  rows[i].utf7, SLICE_ARG(buf_slice(&b)));
		b.len = 0;
		cr_expect_eq(utf7_to_utf8(slice_str(rows[i].utf7), &b), ST_OK, "%s",
			     rows[i].utf7);
		cr_expect(slice_eq(buf_slice(&b), slice_str(rows[i].utf8)), "%s",
			  rows[i].utf7);
		buf_free(&b);
	}
}

Test(utf7, refused)
{
	static const char *const bad[] = {
		"&", "a&", "&APw", "&APw -", "&AGE-", "&Jjo!", "&A-", "&APx-",
		"&APwA-", "&U,BTFw-&ZeVnLIqe-", "&2D0-", "&3Kk-", "&2D0APw-",
		"\xc3\xbc", "a\tb", "&AAo-", "a\x7f", "&AH8-", "&APw-&APw-",
	};

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct buf b = BUF_INIT(64);

		cr_expect_eq(utf7_to_utf8(slice_str(bad[i]), &b), ST_SYNTAX, "%s",
			     bad[i]);
		cr_expect_eq(b.len, 0);
		buf_free(&b);
	}
}

Test(utf7, from_what_is_no_name)
{
	struct buf b = BUF_INIT(8);

	cr_expect_eq(utf7_from_utf8(SLICE("a\xff"), &b), ST_SYNTAX);
	cr_expect_eq(utf7_from_utf8(SLICE("a\r\nb"), &b), ST_SYNTAX);
	cr_expect_eq(utf7_from_utf8(SLICE("Entw\xc3\xbcrfe"), &b), ST_LIMIT);
	cr_expect_eq(b.len, 0);
	buf_free(&b);
}
