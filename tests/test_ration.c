#include "mailboxd/ration.h"

#include <criterion/criterion.h>

Test(ration, burst_then_rate)
{
	struct ration r;
	int64_t now = 5000;

	ration_init(&r, 3, 10, now);
	for (int i = 0; i < 3; i++) {
		cr_expect(ration_has(&r, now), "%d", i);
		ration_take(&r, now);
	}
	cr_expect_not(ration_has(&r, now));
	ration_take(&r, now);	/* nothing is owed */
	cr_expect_not(ration_has(&r, now + 99));
	cr_expect(ration_has(&r, now + 100));
	ration_take(&r, now + 100);
	cr_expect_not(ration_has(&r, now + 100));
	/* a long time fills it, and no more than that; back in time is no time */
	now += INT64_C(1) << 60;
	for (int i = 0; i < 3; i++)
		ration_take(&r, now);
	cr_expect_not(ration_has(&r, now));
	cr_expect_not(ration_has(&r, now - 100000));
}
