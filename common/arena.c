#include "common/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#define BLOCK_OCTETS ((size_t)4096)

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *block = a->blocks;
	void *at;

	if (n > a->max - a->used)
		return NULL;
	n = n ? (n + align - 1) / align * align : align;
	if (!block || n > block->cap - block->used) {
		size_t cap = n > BLOCK_OCTETS ? n : BLOCK_OCTETS;

		block = malloc(sizeof *block + cap);
		if (!block)
			return NULL;
		block->used = 0;
		block->cap = cap;
		block->next = a->blocks;
		a->blocks = block;
	}
	at = block->data + block->used;
	block->used += n;
	a->used = n < a->max - a->used ? a->used + n : a->max;
	return memset(at, 0, n);
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, count * size);
}

struct slice arena_copy(struct arena *a, struct slice s)
{
	char *data = arena_alloc(a, s.len);

	if (data && s.len)
		memcpy(data, s.data, s.len);
	return slice_of(data, data ? s.len : 0);
}

char *arena_str(struct arena *a, struct slice s)
{
	char *data = s.len < SIZE_MAX ? arena_alloc(a, s.len + 1) : NULL;

	if (data && s.len)
		memcpy(data, s.data, s.len);
	return data;
}

void arena_clear(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}
