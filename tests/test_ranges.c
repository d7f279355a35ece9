#include "common/ranges.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* A set as "1-3 7 9-9" would be written, added in that order; or, raw, put into
 * the items as it stands. */
static struct ranges make(const char *text, bool raw)
{
	struct ranges r = RANGES_INIT(1000);
	char *at = (char *)(uintptr_t)text;

	r.items = calloc(100, sizeof *r.items);
	r.cap = 100;
	while (*at) {
		uint32_t low = (uint32_t)strtoul(at, &at, 10), high = low;

		if (*at == '-')
			high = (uint32_t)strtoul(at + 1, &at, 10);
		if (raw)
			r.items[r.count++] = (struct range){ low, high };
		else
			cr_assert_eq(ranges_add(&r, low, high), ST_OK);
		while (*at == ' ')
			at++;
	}
	return r;
}

static void expect(const struct ranges *r, const char *text, const char *what)
{
	struct buf b = BUF_INIT(4096);

	for (size_t i = 0; i < r->count; i++) {
		if (i)
			buf_append_char(&b, ' ');
		buf_append_u64(&b, r->items[i].low);
		if (r->items[i].high != r->items[i].low) {
			buf_append_char(&b, '-');
			buf_append_u64(&b, r->items[i].high);
		}
	}
	cr_expect(slice_eq(buf_slice(&b), slice_str(text)), "%s: %.*s, not %s", what,
		  SLICE_ARG(buf_slice(&b)), text);
	buf_free(&b);
}

static const struct { const char *in, *set; } additions[] = {
	{ "",				"" },
	{ "1",				"1" },
	{ "1 2 3",			"1-3" },
	{ "3 2 1",			"1-3" },
	{ "9-5",			"5-9" },
	{ "1 3 5 2",			"1-3 5" },
	{ "10-20 1-5 7 6",		"1-7 10-20" },
	{ "10-20 30-40 15-35",		"10-40" },
	{ "10 20 30 5-50",		"5-50" },
	{ "10-20 12-13",		"10-20" },
	{ "5 5 5",			"5" },
	{ "0 4294967295",		"0 4294967295" },
	{ "4294967295 4294967294",	"4294967294-4294967295" },
	{ "0-4294967295 7",		"0-4294967295" },
	{ "20 10 15 11 14",		"10-11 14-15 20" },
};

Test(ranges, add)
{
	for (size_t i = 0; i < sizeof additions / sizeof *additions; i++) {
		struct ranges r = make(additions[i].in, false);

		expect(&r, additions[i].set, additions[i].in);
		ranges_free(&r);
	}
}

Test(ranges, normalise)
{
	for (size_t i = 0; i < sizeof additions / sizeof *additions; i++) {
		struct ranges r = make(additions[i].in, true);

		cr_expect_eq(ranges_normalise(&r), ST_OK);
		expect(&r, additions[i].set, additions[i].in);
		ranges_free(&r);
	}
}

static const struct { const char *a, *b, *both, *rest; } pairs[] = {
	{ "1-10",	"5",		"5",		"1-4 6-10" },
	{ "1-10",	"",		"",		"1-10" },
	{ "",		"1-10",		"",		"" },
	{ "1-10",	"0-20",		"1-10",		"" },
	{ "1-5 8-12",	"4-9",		"4-5 8-9",	"1-3 10-12" },
	{ "1-5 8-12",	"1 3 5 12",	"1 3 5 12",	"2 4 8-11" },
	{ "1 3 5",	"2 4",		"",		"1 3 5" },
	{ "0-4294967295", "4294967295",	"4294967295",	"0-4294967294" },
	{ "0-4294967295", "0-4294967295", "0-4294967295", "" },
};

Test(ranges, intersect_and_subtract)
{
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		struct ranges a = make(pairs[i].a, false), b = make(pairs[i].b, false);
		struct ranges out = RANGES_INIT(100);

		cr_expect_eq(ranges_intersect(&a, &b, &out), ST_OK);
		expect(&out, pairs[i].both, "both");
		cr_expect_eq(ranges_subtract(&a, &b, &out), ST_OK);
		expect(&out, pairs[i].rest, "rest");
		ranges_free(&a);
		ranges_free(&b);
		ranges_free(&out);
	}
}

Test(ranges, positions)
{
	struct ranges r = make("2-4 10 20-21", false);

	cr_expect_eq(ranges_size(&r), 6);
	cr_expect_eq(ranges_at(&r, 0), 2);
	cr_expect_eq(ranges_at(&r, 3), 10);
	cr_expect_eq(ranges_at(&r, 5), 21);
	cr_expect_eq(ranges_at(&r, 6), 0);
	cr_expect_eq(ranges_rank(&r, 2), 0);
	cr_expect_eq(ranges_rank(&r, 4), 2);
	cr_expect_eq(ranges_rank(&r, 10), 3);
	cr_expect_eq(ranges_rank(&r, 100), 6);
	cr_expect(ranges_has(&r, 3));
	cr_expect(ranges_has(&r, 21));
	cr_expect(!ranges_has(&r, 5));
	cr_expect(!ranges_has(&r, 22));
	ranges_free(&r);
}

Test(ranges, wire)
{
	struct ranges r = make("2-4 10 20-21", false), back = RANGES_INIT(3);
	struct buf b = BUF_INIT(100);
	struct slice wire;

	cr_expect_eq(ranges_encode(&r, &b), ST_OK);
	wire = buf_slice(&b);
	cr_expect_eq(ranges_decode(wire, &back), ST_OK);
	expect(&back, "2-4 10 20-21", "decoded");
	cr_expect_eq(ranges_decode(slice_head(wire, 23), &back), ST_SYNTAX);
	cr_expect_eq(ranges_decode(SLICE("\2\0\0\0\1\0\0\0"), &back), ST_SYNTAX);
	cr_expect_eq(ranges_decode(SLICE("\2\0\0\0\5\0\0\0\5\0\0\0\6\0\0\0"), &back),
		     ST_SYNTAX);
	back.max = 2;
	cr_expect_eq(ranges_decode(wire, &back), ST_LIMIT);
	ranges_free(&r);
	ranges_free(&back);
	buf_free(&b);
}

Test(ranges, copy_and_limit)
{
	struct ranges r = make("1 3 5", false), to = RANGES_INIT(2);

	cr_expect_eq(ranges_copy(&to, &r), ST_LIMIT);
	to.max = 3;
	cr_expect_eq(ranges_copy(&to, &r), ST_OK);
	expect(&to, "1 3 5", "copy");
	cr_expect_eq(ranges_add(&to, 7, 7), ST_LIMIT);
	cr_expect_eq(ranges_add(&to, 2, 2), ST_OK);
	expect(&to, "1-3 5", "joined");
	ranges_free(&r);
	ranges_free(&to);
}
