/*
 * Deadlines of many things, cheaply: setting one is a few pointers, however
 * often it moves. They come due up to WHEEL_TICK_MS late, never early. It knows
 * no timer; who owns it asks for the next tick and calls wheel_take().
 */
#ifndef COMMON_WHEEL_H
#define COMMON_WHEEL_H

#include <stdint.h>

#define WHEEL_TICK_MS	32
#define WHEEL_SLOTS	1024	/* a power of two; what is due later waits a round */

struct wheel_entry {
	struct wheel_entry *next, **link;	/* link is NULL when not in a wheel */
	int64_t due_ms;
	unsigned slot;
};

struct wheel {
	struct wheel_entry *slots[WHEEL_SLOTS];
	uint64_t used[WHEEL_SLOTS / 64];	/* slots that are not empty */
	int64_t tick;		/* the last that was taken whole */
	int64_t taking;		/* up to this one they are being taken */
};

void wheel_init(struct wheel *w, int64_t now_ms);
/*
 * Sets or moves e's deadline; 0 takes it out. e is zeroed before first use. One
 * that has passed already comes with the next tick: wheel_take() in a loop ends,
 * whatever is set meanwhile.
 */
void wheel_set(struct wheel *w, struct wheel_entry *e, int64_t due_ms);
/* An entry whose deadline has passed, taken out; NULL when there is none. */
struct wheel_entry *wheel_take(struct wheel *w, int64_t now_ms);
/* When wheel_take() may next find something; 0: the wheel is empty. */
int64_t wheel_next(const struct wheel *w);

#endif
