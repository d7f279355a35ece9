#include "mailboxd/deliveries.h"

#include <stdlib.h>

enum status deliveries_of(const struct store_target *targets, size_t count,
			  struct arena *arena, struct store_delivery **deliveries)
{
	struct store_delivery *found = arena_array(arena, count, sizeof *found);

	*deliveries = NULL;
	for (size_t i = 0; found && i < count; i++) {
		struct slice to = arena_copy(arena, targets[i].recipient);

		if (!to.data)
			return ST_NO_MEMORY;
		found[i] = (struct store_delivery){
			.mailbox = targets[i].mailbox,
			.account = targets[i].account, .recipient = to,
		};
	}
	*deliveries = found;
	return found ? ST_OK : ST_NO_MEMORY;
}

static bool has_mailbox(const struct deliveries *d, uint64_t mailbox)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->items[i].mailbox == mailbox)
			return true;
	return false;
}

enum status deliveries_add(struct deliveries *d, const struct store_delivery *one)
{
	if (has_mailbox(d, one->mailbox))
		return ST_OK;
	if (d->count == DELIVERIES_MAX)
		return ST_LIMIT;
	if (d->count == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 4;
		struct store_delivery *grown =
			reallocarray(d->items, cap, sizeof *grown);

		if (!grown)
			return ST_NO_MEMORY;
		d->items = grown;
		d->cap = cap;
	}
	d->items[d->count++] = *one;
	return ST_OK;
}

void deliveries_clear(struct deliveries *d)
{
	free(d->items);
	*d = (struct deliveries){ 0 };
}
