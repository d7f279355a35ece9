#include "common/utf8.h"
#include "mailboxd/casemap.h"
#include "mailboxd/charset.h"
#include "mailboxd/encoded_word.h"

#include <criterion/criterion.h>

static const struct { const char *charset, *in, *out; } rows[] = {
	{ "us-ascii", "plain", "plain" },
	{ "utf-8", "\xe2\x82\xac x", "\xe2\x82\xac x" },
	{ "UTF-8", "a\xf0\x9f\x98\x80z", "a\xf0\x9f\x98\x80z" },
	{ "utf-8", "cut \xe2\x82", "cut \xc3\xa2\xe2\x80\x9a" },
	{ "utf-8", "\xed\xa0\x80", "\xc3\xad\xc2\xa0\xe2\x82\xac" },
	{ "us-ascii", "Gr\xfc\xdf" "e", "Gr\xc3\xbc\xc3\x9f" "e" },
	{ "", "\xc0\xaf", "\xc3\x80\xc2\xaf" },
	{ "no-such-charset", "\xfc", "\xc3\xbc" },
	{ "ISO-8859-1", "\xfc\x80", "\xc3\xbc\xe2\x82\xac" },
	{ "latin1", "\x81", "\xc2\x81" },
	{ "iso-8859-15", "\xa4", "\xe2\x82\xac" },
	{ "iso-8859-2", "\xb1", "\xc4\x85" },
	{ "windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80" },
	{ "koi8-r", "\xf0\xd2", "\xd0\x9f\xd1\x80" },
	{ "x-mac-roman", "\x8a", "\xc3\xa4" },
	{ "gb2312", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd" },
	{ "x-gbk", "\xc4\xe3 x", "\xe4\xbd\xa0 x" },
	{ "big5", "\xa7\x41", "\xe4\xbd\xa0" },
	{ "shift_jis", "\x93\xfa\x96\x7b", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "euc-jp", "\xc6\xfc\xcb\xdc", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "iso-2022-jp", "\x1b$BF|K\\\x1b(B x", "\xe6\x97\xa5\xe6\x9c\xac x" },
	{ "ks_c_5601-1987", "\xc7\xd1", "\xed\x95\x9c" },
	{ "utf-7", "+IKw- x", "\xe2\x82\xac x" },
	{ "gb2312", "a\xff\xff z", "a\xef\xbf\xbd\xef\xbf\xbd z" },
	{ "gb2312", "cut \xc4", "cut \xef\xbf\xbd" },
};

Test(charset, table_at_every_chunk_size)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice in = slice_str(rows[i].in);

		for (size_t chunk = 1; chunk <= in.len; chunk++) {
			struct buf out = BUF_INIT(4096);
			struct charset_decoder d;

			charset_open(&d, charset_find(slice_str(rows[i].charset)));
			for (size_t at = 0; at < in.len; at += chunk)
				cr_expect_eq(charset_feed(&d, slice_head(slice_from(in, at), chunk), &out), ST_OK);
			cr_expect_eq(charset_end(&d, &out), ST_OK);
			charset_close(&d);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s '%s' in chunks of %zu: '%.*s'", rows[i].charset, rows[i].in,
				  chunk, SLICE_ARG(buf_slice(&out)));
			buf_free(&out);
		}
	}
}

/* Any octets in any charset give UTF-8. */
Test(charset, all_octets)
{
	static const char *const names[] = { "utf-8", "cp1255", "tis-620", "gb18030", "big5",
		"sjis", "euc-kr", "iso-2022-jp", "iso-2022-jp-2", "iso-2022-kr", "utf-7",
		"utf-16", "utf-16le", "utf-32", "iso-8859-6" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct charset_decoder d;
		struct buf out = BUF_INIT(1 << 20);
		char octets[2048];

		for (size_t j = 0; j < sizeof octets; j++)
			octets[j] = (char)(j * 37 + j / 256);
		charset_open(&d, charset_find(slice_str(names[i])));
		cr_expect_eq(charset_feed(&d, slice_of(octets, sizeof octets), &out), ST_OK, "%s", names[i]);
		cr_expect_eq(charset_end(&d, &out), ST_OK);
		charset_close(&d);
		cr_expect(utf8_is_valid(buf_slice(&out)), "%s", names[i]);
		buf_free(&out);
	}
}

static const struct { const char *in, *out; } words[] = {
	{ " plain ", "plain" },
	{ "=?utf-8?q?J=C3=B6rg_M?=", "J\xc3\xb6rg M" },
	{ "=?UTF-8?B?R3LDvMOfZQ==?=", "Gr\xc3\xbc\xc3\x9f" "e" },
	{ "=?iso-8859-1?Q?a?= =?iso-8859-1?Q?b?=", "ab" },
	{ "=?iso-8859-1?Q?a?=\r\n =?utf-8?Q?b?=", "ab" },
	{ "=?utf-8?q?a?= b =?utf-8?q?c?= ", "a b c" },
	{ "=?utf-8?q?a?=b", "ab" },
	{ "(=?utf-8?q?a?=)", "(a)" },
	{ "\"=?utf-8?q?a?=\" <x@y>", "\"a\" <x@y>" },
	{ "=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "\xe2\x82\xac" },
	{ "=?utf-8*en?q?a?=", "a" },
	{ "=?utf-8?q?with space?=", "with space" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?a?", "=?utf-8?q?a?" },
	{ "=??q?a?=", "=??q?a?=" },
	{ "=?=?=?utf-8?q?a?=", "=?=?a" },
	{ "=?utf-8?q?" "?=x", "x" },
	{ "a\r\n b\r\n\tc", "a b\tc" },
	{ "raw \xc3\xbc and \xfc", "raw \xc3\xbc and \xc3\xbc" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?utf-8?q?a=0D=0Ab=00c?=", "a  b c" },
	{ "=?utf-8?b?Y?=z", "z" },
	{ "=", "=" },
	{ "", "" },
};

Test(charset, encoded_words)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct buf out = BUF_INIT(4096);

		cr_expect_eq(encoded_word_decode(slice_str(words[i].in), &out), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), slice_str(words[i].out)), "'%s': '%.*s'",
			  words[i].in, SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
	}
}

static const struct { const char *in, *out; } maps[] = {
	{ "aZ09", "AZ09" },
	{ "\xc3\xa4", "A\xcc\x88" },
	{ "\xc3\x84", "A\xcc\x88" },
	{ "\xd0\xbf", "\xd0\x9f" },
	{ "\xcf\x83\xcf\x82\xce\xa3", "\xce\xa3\xce\xa3\xce\xa3" },
	{ "\xef\xac\x81", "fi" },		/* a ligature has no titlecase */
	{ "\xc7\x86", "Dz\xcc\x8c" },
	{ "\xe2\x91\xa0", "1" },
	{ "\xe6\x97\xa5", "\xe6\x97\xa5" },
	{ "\xff", "\xef\xbf\xbd" },
};

Test(charset, casemap)
{
	for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
		struct buf out = BUF_INIT(4096);

		cr_expect_eq(casemap_append(&out, slice_str(maps[i].in)), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), slice_str(maps[i].out)), "'%s': '%.*s'",
			  maps[i].in, SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
	}
}
