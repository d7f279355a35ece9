#include "common/search_program.h"

#include <criterion/criterion.h>

static const struct search_step steps[] = {
	{ .op = SEARCH_OP_UID, .text = { "\1\0\0\0\5\0\0\0", 8 } },
	{ .op = SEARCH_OP_FLAG, .number = 9 },
	{ .op = SEARCH_OP_LARGER, .number = UINT64_MAX },
	{ .op = SEARCH_OP_BEFORE, .day = -3 },
	{ .op = SEARCH_OP_HEADER, .text = { "subject", 7 }, .value = { "a\0b", 3 } },
	{ .op = SEARCH_OP_NOT },
	{ .op = SEARCH_OP_OR, .number = 2 },
	{ .op = SEARCH_OP_AND, .number = 4 },
};
#define COUNT (sizeof steps / sizeof *steps)

Test(search_program, both_ways)
{
	struct buf b = BUF_INIT(1000);
	struct slice program;
	struct search_step step;

	for (size_t i = 0; i < COUNT; i++)
		cr_assert_eq(search_program_append(&b, &steps[i]), ST_OK);
	program = buf_slice(&b);
	cr_expect_eq(search_program_check(program), ST_OK);
	for (size_t i = 0; i < COUNT; i++) {
		cr_assert_eq(search_program_next(&program, &step), ST_OK);
		cr_expect_eq(step.op, steps[i].op);
		cr_expect_eq(step.number, steps[i].number);
		cr_expect_eq(step.day, steps[i].day);
		cr_expect(slice_eq(step.text, steps[i].text));
		cr_expect(slice_eq(step.value, steps[i].value));
	}
	cr_expect_eq(search_program_next(&program, &step), ST_MORE);
	/* the first step alone is a program too, all longer ones lack their end */
	for (size_t n = 14; n < b.len; n++)
		cr_expect_neq(search_program_check(slice_head(buf_slice(&b), n)), ST_OK);
	buf_free(&b);
}

/* a ALL, n NOT, 2 AND of two, o OR of three, z AND of none, x no such code */
static const struct { const char *program; enum status status; } rows[] = {
	{ "a", ST_OK }, { "an", ST_OK }, { "aa2", ST_OK }, { "aaao", ST_OK },
	{ "aan2n", ST_OK },
	{ "", ST_SYNTAX }, { "aa", ST_SYNTAX }, { "n", ST_SYNTAX },
	{ "a2", ST_SYNTAX }, { "aao", ST_SYNTAX }, { "az", ST_SYNTAX },
	{ "z", ST_SYNTAX }, { "x", ST_SYNTAX }, { "ax", ST_SYNTAX },
};

Test(search_program, check)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf b = BUF_INIT(1000);

		for (const char *p = rows[i].program; *p; p++) {
			struct search_step step = {
				.op = *p == 'a' ? SEARCH_OP_ALL
				    : *p == 'n' ? SEARCH_OP_NOT
				    : *p == 'o' ? SEARCH_OP_OR : SEARCH_OP_AND,
				.number = *p == '2' ? 2 : *p == 'o' ? 3 : 0,
			};

			if (*p == 'x')
				buf_append_char(&b, '\xee');
			else
				search_program_append(&b, &step);
		}
		cr_expect_eq(search_program_check(buf_slice(&b)), rows[i].status, "%s",
			     rows[i].program);
		buf_free(&b);
	}
}

Test(search_program, limits)
{
	struct buf b = BUF_INIT(10000);
	struct search_step all = { .op = SEARCH_OP_ALL };
	struct search_step not = { .op = SEARCH_OP_NOT };

	search_program_append(&b, &all);
	for (int i = 1; i < SEARCH_OPS_MAX; i++)
		search_program_append(&b, &not);
	cr_expect_eq(search_program_check(buf_slice(&b)), ST_OK);
	search_program_append(&b, &not);
	cr_expect_eq(search_program_check(buf_slice(&b)), ST_LIMIT);
	b.max = b.len + 3;
	cr_expect_eq(search_program_append(&b, &steps[1]), ST_LIMIT);
	cr_expect_eq(b.len, SEARCH_OPS_MAX + 1);
	buf_free(&b);
}
