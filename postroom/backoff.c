#include "postroom/backoff.h"

#include "common/clock.h"

int64_t backoff_pause(struct backoff *b, int64_t served_ms, int64_t most_ms)
{
	int64_t pause = b->next_ms;

	if (!pause || served_ms >= BACKOFF_SERVED_MS)
		pause = BACKOFF_LEAST_MS;
	if (served_ms >= 0)
		most_ms = clock_earlier(most_ms, BACKOFF_READY_MS);
	pause = clock_earlier(pause, most_ms);
	b->next_ms = clock_earlier(pause * 2, most_ms);
	return pause;
}
