/* Which of several names somebody may have meant. */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include "common/slice.h"

#include <stdbool.h>

#define NEAREST_NAME_MAX 64

/*
 * Letters to insert, remove, change or swap with a neighbour to make b of a;
 * case is ignored. Names longer than NEAREST_NAME_MAX are as far as can be.
 */
unsigned nearest_distance(struct slice a, struct slice b);

/* The best of the names seen so far; {0} before the first. */
struct nearest {
	struct slice name;
	unsigned distance;
	bool is_found;
};

/* Offers one name; it is kept if it is near enough to wanted and nearer than
 * what was kept. */
void nearest_offer(struct nearest *n, struct slice wanted, struct slice name);

#endif
