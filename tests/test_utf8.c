#include "common/utf8.h"

#include <criterion/criterion.h>

static const struct { const char *name, *in; bool valid; } rows[] = {
	{ "empty",		"",				true },
	{ "ascii",		"hello, long enough for words",	true },
	{ "two octets",		"\xc3\xa4",			true },
	{ "three",		"\xe2\x82\xac",			true },
	{ "four",		"\xf0\x9f\x92\xa9",		true },
	{ "last code point",	"\xf4\x8f\xbf\xbf",		true },
	{ "beyond it",		"\xf4\x90\x80\x80",		false },
	{ "overlong slash",	"\xc0\xaf",			false },
	{ "overlong NUL",	"\xe0\x80\x80",			false },
	{ "surrogate",		"\xed\xa0\x80",			false },
	{ "lone continuation",	"a\x80",			false },
	{ "cut",		"abcdefghij\xe2\x82",		false },
	{ "latin1",		"caf\xe9",			false },
};

Test(utf8, valid)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(utf8_is_valid(slice_str(rows[i].in)), rows[i].valid, "%s",
			     rows[i].name);
}

static const struct { const char *name, *in, *out; } folds[] = {
	{ "ascii",		"Ann.Smith",		"ann.smith" },
	{ "umlaut",		"J\xc3\x9cRGEN",	"j\xc3\xbcrgen" },
	{ "decomposed",		"JU\xcc\x88RGEN",	"j\xc3\xbcrgen" },
	{ "sharp s",		"Stra\xc3\x9f" "e",	"strasse" },
	{ "sigma",		"\xce\xa3\xcf\x82",	"\xcf\x83\xcf\x83" },
};

Test(utf8, fold)
{
	for (size_t i = 0; i < sizeof folds / sizeof *folds; i++) {
		struct buf b = BUF_INIT(64);

		cr_expect_eq(utf8_fold(slice_str(folds[i].in), &b), ST_OK);
		cr_expect(slice_eq(buf_slice(&b), slice_str(folds[i].out)), "%s: %.*s",
			  folds[i].name, SLICE_ARG(buf_slice(&b)));
		buf_free(&b);
	}
}

Test(utf8, nfc_and_limits)
{
	struct buf b = BUF_INIT(4);

	cr_expect_eq(utf8_nfc(SLICE("u\xcc\x88"), &b), ST_OK);
	cr_expect(slice_eq(buf_slice(&b), SLICE("\xc3\xbc")));
	cr_expect_eq(utf8_nfc(SLICE("\xff"), &b), ST_SYNTAX);
	cr_expect_eq(utf8_fold(SLICE("\xff"), &b), ST_SYNTAX);
	cr_expect_eq(utf8_fold(SLICE("abc"), &b), ST_LIMIT);
	cr_expect_eq(utf8_nfc(SLICE("\xc3\xbc\xc3\xbc"), &b), ST_LIMIT);
	cr_expect_eq(b.len, 2);
	buf_free(&b);
}

Test(utf8, code_points)
{
	struct slice s = SLICE("a\xe2\x82\xac\xff");
	struct buf b = BUF_INIT(16);
	uint32_t c;

	cr_expect(utf8_next(&s, &c) && c == 'a');
	cr_expect(utf8_next(&s, &c) && c == 0x20ac);
	cr_expect(utf8_next(&s, &c) && c == 0xfffd);
	cr_expect(!utf8_next(&s, &c));
	cr_expect_eq(utf8_append(&b, 0x20ac), ST_OK);
	cr_expect_eq(utf8_append(&b, 0xd800), ST_SYNTAX);
	cr_expect_eq(utf8_append(&b, 0x110000), ST_SYNTAX);
	cr_expect(slice_eq(buf_slice(&b), SLICE("\xe2\x82\xac")));
	buf_free(&b);
}
