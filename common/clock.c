#include "common/clock.h"

#include <stdbool.h>
#include <time.h>

static bool is_faked;
static int64_t faked_ms, faked_wall_ms;

static int64_t read_clock(clockid_t which)
{
	struct timespec now;

	clock_gettime(which, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return is_faked ? faked_ms : read_clock(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
	return is_faked ? faked_wall_ms : read_clock(CLOCK_REALTIME);
}

int64_t clock_wall_seconds(void)
{
	int64_t ms = clock_wall_ms();

	return ms / 1000 - (ms % 1000 < 0);
}

void clock_fake(int64_t ms, int64_t wall_ms)
{
	is_faked = true;
	faked_ms = ms;
	faked_wall_ms = wall_ms;
}

void clock_fake_advance(int64_t ms)
{
	faked_ms += ms;
	faked_wall_ms += ms;
}

void clock_real(void)
{
	is_faked = false;
}
