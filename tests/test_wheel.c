#include "common/wheel.h"

#include <criterion/criterion.h>
#include <stdbool.h>

#define COUNT 500

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Never early, at most a tick late, whatever moves and however far away. */
Test(wheel, random_deadlines)
{
	static struct wheel w;
	static struct wheel_entry entries[COUNT];
	uint32_t seed = 7;
	int64_t now = 1000003;
	unsigned taken = 0;

	wheel_init(&w, now);
	for (int step = 0; step < 20000; step++) {
		struct wheel_entry *e = &entries[next_random(&seed) % COUNT];

		wheel_set(&w, e, next_random(&seed) % 8 == 0 ? 0
			: now + next_random(&seed) % 200000);
		now += next_random(&seed) % 20;
		while ((e = wheel_take(&w, now))) {
			cr_assert_leq(e->due_ms, now, "early");
			cr_assert_gt(e->due_ms, now - 20 - 2 * WHEEL_TICK_MS, "late");
			cr_assert_null(e->link);
			taken++;
		}
	}
	cr_expect_gt(taken, 100);
	for (int i = 0; i < COUNT; i++)
		wheel_set(&w, &entries[i], 0);
	cr_expect_eq(wheel_next(&w), 0);
	cr_expect_null(wheel_take(&w, now + 10000000));
}

Test(wheel, next_is_when_something_comes_due)
{
	static struct wheel w;
	struct wheel_entry near = { 0 }, far = { 0 };

	wheel_init(&w, 0);
	cr_expect_eq(wheel_next(&w), 0);
	wheel_set(&w, &far, 100000);
	wheel_set(&w, &near, 500);
	cr_expect_geq(wheel_next(&w), 500);
	cr_expect_lt(wheel_next(&w), 500 + WHEEL_TICK_MS);
	cr_expect_null(wheel_take(&w, 499));
	cr_expect_eq(wheel_take(&w, 500 + WHEEL_TICK_MS), &near);
	cr_expect_null(wheel_take(&w, 99999));
	cr_expect_eq(wheel_take(&w, 100000 + WHEEL_TICK_MS), &far);
	/* what is due already comes with the next tick */
	wheel_set(&w, &near, 1);
	cr_expect_eq(wheel_take(&w, 100000 + 3 * WHEEL_TICK_MS), &near);
}

/* A handler that sets a deadline in the past again does not keep the loop. */
Test(wheel, what_is_set_meanwhile_comes_later)
{
	static const int64_t late[] = { 0, 1, 31, 32, 5000, 40000, 100000 };

	for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
		static struct wheel w;
		struct wheel_entry e = { 0 };
		int64_t now = 300000 + late[i];
		int turns = 0;

		wheel_init(&w, 0);
		wheel_set(&w, &e, 300000);
		while (wheel_take(&w, now) && ++turns < 1000)
			wheel_set(&w, &e, 300000);
		cr_expect_lt(turns, 20, "%lld ms late: %d", (long long)late[i], turns);
		cr_expect_eq(wheel_take(&w, now + 2 * WHEEL_TICK_MS), &e);
	}
}
