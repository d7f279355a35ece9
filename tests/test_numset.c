#include "imapd/numset.h"

#include <criterion/criterion.h>

/* last: what "*" stands for */
static const struct { const char *in; uint32_t last; const char *out; enum status status; } rows[] = {
	{ "1",			9,	"1",		ST_OK },
	{ "2,4:7,9,12:*",	15,	"2,4:7,9,12:15", ST_OK },
	{ "*:4,5:7",		10,	"4:10",		ST_OK },
	{ "*",			3,	"3",		ST_OK },
	{ "*",			0,	"",		ST_OK },
	{ "*:*",		7,	"7",		ST_OK },
	{ "5:*,2:*",		3,	"2:5",		ST_OK },
	{ "9:*",		4,	"4:9",		ST_OK },
	{ "7:4,1:3,2",		9,	"1:7",		ST_OK },
	{ "3,1,2",		9,	"1:3",		ST_OK },
	{ "4294967295:1",	9,	"1:4294967295",	ST_OK },
	{ "",			9,	"",		ST_SYNTAX },
	{ "0",			9,	"",		ST_SYNTAX },
	{ "1:0",		9,	"",		ST_SYNTAX },
	{ "1,",			9,	"",		ST_SYNTAX },
	{ ",1",			9,	"",		ST_SYNTAX },
	{ "1::2",		9,	"",		ST_SYNTAX },
	{ "1:2:3",		9,	"",		ST_SYNTAX },
	{ "4294967296",		9,	"",		ST_SYNTAX },
	{ "18446744073709551617", 9,	"",		ST_SYNTAX },
	{ "1*",			9,	"",		ST_SYNTAX },
	{ "a",			9,	"",		ST_SYNTAX },
};

Test(numset, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct numset set = NUMSET_INIT;
		struct ranges out = RANGES_INIT(100);
		struct buf text = BUF_INIT(256);

		cr_expect_eq(numset_parse(slice_str(rows[i].in), &set), rows[i].status,
			     "%s", rows[i].in);
		if (rows[i].status == ST_OK) {
			cr_expect_eq(numset_resolve(&set, rows[i].last, &out), ST_OK);
			cr_expect_eq(numset_render(&out, &text), ST_OK);
			cr_expect(slice_eq(buf_slice(&text), slice_str(rows[i].out)),
				  "%s: %.*s", rows[i].in, SLICE_ARG(buf_slice(&text)));
		}
		numset_clear(&set);
		ranges_free(&out);
		buf_free(&text);
	}
}

static enum status parse_many(size_t count, unsigned step)
{
	struct numset set = NUMSET_INIT;
	struct buf text = BUF_INIT(1024 * 1024);
	enum status st;

	/* backwards, as costs most */
	for (size_t i = count; i > 0; i--)
		cr_assert_eq(buf_append_fmt(&text, "%s%zu", i == count ? "" : ",",
					    i * step), ST_OK);
	st = numset_parse(buf_slice(&text), &set);
	numset_clear(&set);
	buf_free(&text);
	return st;
}

Test(numset, limits)
{
	cr_expect_eq(parse_many(NUMSET_WRITTEN_MAX, 1), ST_OK);
	cr_expect_eq(parse_many(NUMSET_WRITTEN_MAX + 1, 1), ST_LIMIT);
	cr_expect_eq(parse_many(NUMSET_MAX - 1, 2), ST_OK);
	cr_expect_eq(parse_many(NUMSET_MAX, 2), ST_LIMIT);
}
