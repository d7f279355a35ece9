#include "common/clock.h"
#include "common/id.h"

#include <criterion/criterion.h>

Test(id, shape)
{
	struct id id = id_make(ID_MESSAGE);

	cr_expect(id_is_valid(id_slice(&id), ID_MESSAGE), "%s", id.text);
	cr_expect(!id_is_valid(id_slice(&id), ID_SESSION));
	cr_expect(!id_is_valid(slice_head(id_slice(&id), 20), ID_MESSAGE));
	id.text[7] = 'w';
	cr_expect(!id_is_valid(id_slice(&id), ID_MESSAGE));
}

Test(id, ascend_whatever_the_clock_does)
{
	struct id before = id_make(ID_SESSION);

	for (int i = 0; i < 3000; i++) {
		struct id id;

		/* stands still, jumps back, goes on */
		clock_fake(i, i < 1000 ? 1800000000000 : i < 2000 ? 5 :
			   1800000000000 + i);
		id = id_make(ID_SESSION);
		cr_expect_lt(strcmp(before.text, id.text), 0, "%d: %s, then %s", i,
			     before.text, id.text);
		before = id;
	}
	clock_real();
}

Test(id, carries_the_time)
{
	struct id id;

	clock_fake(0, (INT64_C(1) << 48) - 1);	/* last: it stays the highest */
	id = id_make(ID_MESSAGE);
	cr_expect_eq(strncmp(id.text, "mvvvvvvvvv", 10), 0, "%s", id.text);
	clock_real();
}

Test(id, numbers)
{
	static const struct { uint64_t number; const char *text; } rows[] = {
		{ 0, "0000000000000" }, { 1, "0000000000001" },
		{ 32, "0000000000010" }, { UINT64_MAX, "fvvvvvvvvvvvv" },
	};
	static const char *const bad[] = {
		"", "1", "00000000000001", "gvvvvvvvvvvvv", "000000000000w",
		"000000000000A",
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[ID_NUMBER_OCTETS];

		id_number_render(rows[i].number, text);
		cr_expect(slice_eq(slice_of(text, sizeof text),
				   slice_str(rows[i].text)));
		cr_expect(id_number_parse(slice_str(rows[i].text), &number));
		cr_expect_eq(number, rows[i].number);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		cr_expect(!id_number_parse(slice_str(bad[i]), &number), "%s", bad[i]);
}
