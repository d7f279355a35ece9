#include "common/clock.h"

#include <criterion/criterion.h>

Test(clock, real_and_faked)
{
	int64_t before = clock_ms();

	cr_expect_geq(clock_ms(), before);
	cr_expect_gt(clock_wall_seconds(), 1700000000);
	clock_fake(10, -1);
	cr_expect_eq(clock_ms(), 10);
	cr_expect_eq(clock_wall_seconds(), -1);
	clock_fake_advance(1001);
	cr_expect_eq(clock_ms(), 1011);
	cr_expect_eq(clock_wall_ms(), 1000);
	cr_expect_eq(clock_wall_seconds(), 1);
	clock_real();
	cr_expect_geq(clock_ms(), before);
}
