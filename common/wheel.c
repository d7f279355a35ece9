#include "common/wheel.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

void wheel_init(struct wheel *w, int64_t now_ms)
{
	memset(w, 0, sizeof *w);
	w->tick = w->taking = now_ms / WHEEL_TICK_MS;
}

static void entry_remove(struct wheel *w, struct wheel_entry *e)
{
	*e->link = e->next;
	if (e->next)
		e->next->link = e->link;
	e->link = NULL;
	if (!w->slots[e->slot])
		w->used[e->slot / 64] &= ~(UINT64_C(1) << e->slot % 64);
}

static void entry_insert(struct wheel *w, struct wheel_entry *e)
{
	int64_t tick = (e->due_ms + WHEEL_TICK_MS - 1) / WHEEL_TICK_MS;
	struct wheel_entry **head;

	if (tick <= w->taking)
		tick = w->taking + 1;
	if (tick >= w->tick + WHEEL_SLOTS)	/* looked at again a round later */
		tick = w->tick + WHEEL_SLOTS - 1;
	e->slot = (unsigned)(tick % WHEEL_SLOTS);
	head = &w->slots[e->slot];
	e->next = *head;
	if (e->next)
		e->next->link = &e->next;
	e->link = head;
	*head = e;
	w->used[e->slot / 64] |= UINT64_C(1) << e->slot % 64;
}

void wheel_set(struct wheel *w, struct wheel_entry *e, int64_t due_ms)
{
	if (e->link && e->due_ms == due_ms)
		return;
	if (e->link)
		entry_remove(w, e);
	e->due_ms = due_ms;
	if (due_ms)
		entry_insert(w, e);
}

static bool slot_used(const struct wheel *w, unsigned slot)
{
	return w->used[slot / 64] >> slot % 64 & 1;
}

/* The first tick behind w->tick whose slot is used; 0 when none is. */
static int64_t next_tick(const struct wheel *w)
{
	for (int64_t tick = w->tick + 1; tick <= w->tick + WHEEL_SLOTS;) {
		unsigned slot = (unsigned)(tick % WHEEL_SLOTS);

		if (slot % 64 == 0 && w->used[slot / 64] == 0) {
			tick += 64;
			continue;
		}
		if (slot_used(w, slot))
			return tick;
		tick++;
	}
	return 0;
}

struct wheel_entry *wheel_take(struct wheel *w, int64_t now_ms)
{
	int64_t now = now_ms / WHEEL_TICK_MS;

	w->taking = now > w->tick ? now : w->tick;
	while (w->tick < now) {
		int64_t tick = next_tick(w);
		struct wheel_entry *e;

		if (tick == 0 || tick > now) {
			w->tick = now;
			break;
		}
		e = w->slots[tick % WHEEL_SLOTS];
		entry_remove(w, e);
		w->tick = tick - 1;
		if (e->due_ms <= now_ms)
			return e;
		/* it was due later than a round ahead: the next round has it */
		entry_insert(w, e);
	}
	return NULL;
}

int64_t wheel_next(const struct wheel *w)
{
	return next_tick(w) * WHEEL_TICK_MS;
}
