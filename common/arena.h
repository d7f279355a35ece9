/*
 * Memory of one command, freed at once. It has a ceiling like every buffer;
 * what does not fit gives NULL.
 */
#ifndef COMMON_ARENA_H
#define COMMON_ARENA_H

#include "common/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
	size_t used;	/* octets given out */
	size_t max;
};

#define ARENA_INIT(limit) { .max = (limit) }

/* n zeroed octets, aligned for any type, until arena_clear(); or NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* An array of count elements; NULL also where the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy in the arena; its data is NULL when memory is short. */
struct slice arena_copy(struct arena *a, struct slice s);
/* The same with a NUL behind it, as a C string; NULL when memory is short. */
char *arena_str(struct arena *a, struct slice s);
/* Frees all of it; the arena can be used again. */
void arena_clear(struct arena *a);

#endif
