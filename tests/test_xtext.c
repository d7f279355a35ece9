#include "common/xtext.h"

#include <criterion/criterion.h>

static const struct {
	const char *text, *octets;
	enum status status;
	bool is_strict;		/* encoding gives text again */
} rows[] = {
	{ "", "", ST_OK, true },
	{ "abc.example", "abc.example", ST_OK, true },
	{ "+2B+3Da+20b", "+=a b", ST_OK, true },
	{ "+C3+A4", "\xc3\xa4", ST_OK, true },
	{ "\xc3\xa4=b", "\xc3\xa4=b", ST_OK, false },
	{ "+41", "A", ST_OK, false },
	{ "+4", "", ST_SYNTAX, false },
	{ "a+", "", ST_SYNTAX, false },
	{ "+2b", "", ST_SYNTAX, false },
	{ "+00", "", ST_SYNTAX, false },
	{ "+G0", "", ST_SYNTAX, false },
};

Test(xtext, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = BUF_INIT(100);
		struct slice octets = slice_str(rows[i].octets);

		cr_expect_eq(xtext_decode(slice_str(rows[i].text), &out),
			     rows[i].status, "%s", rows[i].text);
		if (rows[i].status == ST_OK)
			cr_expect(slice_eq(buf_slice(&out), octets), "%s",
				  rows[i].text);
		out.len = 0;
		cr_expect_eq(xtext_encode(octets, &out), ST_OK);
		if (rows[i].is_strict)
			cr_expect(slice_eq(buf_slice(&out),
					   slice_str(rows[i].text)), "%s",
				  rows[i].text);
		buf_free(&out);
	}
}

Test(xtext, limit)
{
	struct buf out = BUF_INIT(4);

	cr_expect_eq(xtext_encode(SLICE("a++"), &out), ST_LIMIT);
	out.len = 0;
	cr_expect_eq(xtext_decode(SLICE("abcde"), &out), ST_LIMIT);
	buf_free(&out);
}
