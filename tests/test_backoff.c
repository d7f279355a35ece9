#include "postroom/backoff.h"

#include <criterion/criterion.h>

/* Each step of a row: how long it served, and the pause that follows. */
struct step {
	int64_t served_ms, pause_ms;
};

static void play(const char *name, const struct step *steps, size_t count,
		 int64_t most_ms)
{
	struct backoff b = { 0 };

	for (size_t i = 0; i < count; i++)
		cr_expect_eq(backoff_pause(&b, steps[i].served_ms, most_ms),
			     steps[i].pause_ms, "%s, end %zu", name, i);
}

Test(backoff, grows_while_it_cannot_start)
{
	static const struct step steps[] = {
		{ -1, 100 }, { -1, 200 }, { -1, 400 }, { -1, 800 }, { -1, 1600 },
		{ -1, 3200 }, { -1, 6400 }, { -1, 12800 }, { -1, 25600 },
		{ -1, 30000 }, { -1, 30000 }, { -1, 30000 },
	};

	play("never ready", steps, sizeof steps / sizeof *steps, BACKOFF_MOST_MS);
}

Test(backoff, is_short_where_it_was_ready)
{
	static const struct step steps[] = {
		{ 0, 100 }, { 1, 200 }, { 0, 400 }, { 999, 800 }, { 0, 1000 },
		{ 0, 1000 }, { -1, 1000 }, { -1, 2000 }, { -1, 4000 }, { 0, 1000 },
	};

	play("killed at once", steps, sizeof steps / sizeof *steps, BACKOFF_MOST_MS);
}

Test(backoff, begins_anew_behind_one_that_served)
{
	static const struct step steps[] = {
		{ -1, 100 }, { 999, 200 }, { -1, 400 }, { 1000, 100 }, { -1, 200 },
		{ 86400000, 100 }, { 1, 200 },
	};

	play("served", steps, sizeof steps / sizeof *steps, BACKOFF_MOST_MS);
}

Test(backoff, has_another_ceiling_in_the_test_profile)
{
	static const struct step steps[] = { { -1, 100 }, { -1, 200 }, { 0, 200 } };

	play("test", steps, sizeof steps / sizeof *steps, BACKOFF_TEST_MS);
}
