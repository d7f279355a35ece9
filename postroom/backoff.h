/*
 * How long to wait before a daemon that ended is started again. One that cannot start
 * (its configuration, a full disk) is tried less and less often, and for ever: trying
 * costs, and only a person helps. One that served is wanted back, whatever keeps
 * killing it. No I/O, no clock.
 */
#ifndef POSTROOM_BACKOFF_H
#define POSTROOM_BACKOFF_H

#include <stdint.h>

#define BACKOFF_LEAST_MS	100
#define BACKOFF_MOST_MS		30000
/* The most where it was ready, however short: about one start a second. */
#define BACKOFF_READY_MS	1000
/* In the test profile: whoever kills a daemon there wants it back. */
#define BACKOFF_TEST_MS		200
/* Whoever served so long has started well: the pauses begin anew. */
#define BACKOFF_SERVED_MS	1000

struct backoff {
	int64_t next_ms;	/* 0 at first */
};

/* The pause before the next start. served_ms: from READY to the end; negative: it never
 * was ready. most_ms: the ceiling of this profile. */
int64_t backoff_pause(struct backoff *b, int64_t served_ms, int64_t most_ms);

#endif
