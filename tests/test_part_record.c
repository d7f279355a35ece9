#include "common/part_record.h"

#include <criterion/criterion.h>

/* A mixed with a text and a forwarded message. */
static const struct part parts[] = {
	{ PART_NONE, PART_MULTIPART, PART_7BIT, 2, 0, 100, 900, 40,
	  { "multipart", 9 }, { "mixed", 5 }, { "", 0 } },
	{ 0, PART_LEAF, PART_QUOTED_PRINTABLE, 0, 110, 150, 300, 5,
	  { "text", 4 }, { "plain", 5 }, { "utf-8", 5 } },
	{ 0, PART_MESSAGE, PART_8BIT, 1, 310, 350, 800, 9,
	  { "message", 7 }, { "rfc822", 6 }, { "", 0 } },
	{ 2, PART_LEAF, PART_BASE64, 0, 350, 400, 800, 7,
	  { "text", 4 }, { "html", 4 }, { "us-ascii", 8 } },
};
#define COUNT (sizeof parts / sizeof *parts)

Test(part_record, both_ways)
{
	struct arena arena = ARENA_INIT(65536);
	struct buf b = BUF_INIT(1000);
	struct part *back;
	size_t count;

	cr_assert_eq(part_record_encode(&b, parts, COUNT), ST_OK);
	cr_assert_eq(part_record_decode(buf_slice(&b), 900, &arena, &back, &count),
		     ST_OK);
	cr_assert_eq(count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		cr_expect_eq(back[i].parent, parts[i].parent);
		cr_expect_eq(back[i].kind, parts[i].kind);
		cr_expect_eq(back[i].encoding, parts[i].encoding);
		cr_expect_eq(back[i].children, parts[i].children);
		cr_expect_eq(back[i].header, parts[i].header);
		cr_expect_eq(back[i].body, parts[i].body);
		cr_expect_eq(back[i].end, parts[i].end);
		cr_expect_eq(back[i].lines, parts[i].lines);
		cr_expect(slice_eq(back[i].type, parts[i].type));
		cr_expect(slice_eq(back[i].subtype, parts[i].subtype));
		cr_expect(slice_eq(back[i].charset, parts[i].charset));
	}
	for (size_t n = 0; n < b.len; n++)
		cr_expect_eq(part_record_decode(slice_head(buf_slice(&b), n), 900,
						&arena, &back, &count), ST_SYNTAX);
	cr_expect_eq(part_record_decode(buf_slice(&b), 899, &arena, &back, &count),
		     ST_SYNTAX, "beyond the message");
	arena_clear(&arena);
	buf_free(&b);
}

/* One field of one part changed, each time to something that cannot be. */
Test(part_record, refused)
{
	static const struct {
		const char *name;
		size_t part;
		struct part change;
	} rows[] = {
		{ "parent behind",	1, { .parent = 2, .header = 110, .body = 150,
					     .end = 300 } },
		{ "second root",	1, { .parent = PART_NONE, .header = 110,
					     .body = 150, .end = 300 } },
		{ "body before header",	1, { .header = 160, .body = 150, .end = 300 } },
		{ "end before body",	1, { .header = 110, .body = 150, .end = 149 } },
		{ "outside the parent",	3, { .parent = 2, .header = 349, .body = 400,
					     .end = 800 } },
		{ "child of a leaf",	3, { .parent = 1, .header = 150, .body = 160,
					     .end = 170 } },
		{ "too few children",	0, { .parent = PART_NONE,
					     .kind = PART_MULTIPART, .children = 3,
					     .body = 100, .end = 900 } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = ARENA_INIT(65536);
		struct buf b = BUF_INIT(1000);
		struct part changed[COUNT], *back;
		size_t count;

		memcpy(changed, parts, sizeof parts);
		changed[rows[i].part] = rows[i].change;
		cr_expect_eq(part_record_encode(&b, changed, COUNT), ST_OK);
		cr_expect_eq(part_record_decode(buf_slice(&b), 900, &arena, &back,
						&count), ST_SYNTAX, "%s", rows[i].name);
		arena_clear(&arena);
		buf_free(&b);
	}
}
