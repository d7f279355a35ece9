/*
 * Time, in one place so that tests can fake it.
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds since some start: for deadlines and durations. */
int64_t clock_ms(void);
/* Milliseconds since 1970-01-01 UTC: for ids, logs and dates. It may jump. */
int64_t clock_wall_ms(void);
int64_t clock_wall_seconds(void);

static inline int64_t clock_earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The same of two deadlines, where 0 is none. */
static inline int64_t clock_sooner(int64_t a, int64_t b)
{
	return a && b ? clock_earlier(a, b) : a ? a : b;
}

/* For tests: both clocks stand still at these values until clock_real(). Not
 * to be called while other threads read the clock. */
void clock_fake(int64_t ms, int64_t wall_ms);
/* Moves both faked clocks on. */
void clock_fake_advance(int64_t ms);
void clock_real(void);

#endif
