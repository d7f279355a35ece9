/* Where a message goes: what addresses resolved to, as store_deliver() wants it. */
#ifndef MAILBOXD_DELIVERIES_H
#define MAILBOXD_DELIVERIES_H

#include "common/arena.h"
#include "mailboxd/store.h"

/* A delivery for each target. They and their recipients are in the arena, so that they
 * outlive the transaction in which the address was resolved. ST_NO_MEMORY. */
enum status deliveries_of(const struct store_target *targets, size_t count,
			  struct arena *arena, struct store_delivery **deliveries);

/* Mailboxes, each once. Zeroed at first; deliveries_clear() at the end. */
struct deliveries {
	struct store_delivery *items;
	size_t count, cap;
};
#define DELIVERIES_MAX 10000u
/* An address that leads to a mailbox already in counts, and adds nothing. ST_LIMIT,
 * ST_NO_MEMORY. */
enum status deliveries_add(struct deliveries *d, const struct store_delivery *one);
void deliveries_clear(struct deliveries *d);

#endif
