#include "mailboxd/resolve_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct slot {
	char *key;
	size_t octets;
	uint64_t directory;
	int64_t until_ms;
	struct resolved *resolved;
};

struct resolve_cache {
	struct slot slots[RESOLVE_CACHE_SLOTS];
};

struct resolve_cache *resolve_cache_new(void)
{
	return calloc(1, sizeof(struct resolve_cache));
}

void resolve_cache_free(struct resolve_cache *c)
{
	for (size_t i = 0; c && i < RESOLVE_CACHE_SLOTS; i++) {
		free(c->slots[i].key);
		free(c->slots[i].resolved);
	}
	free(c);
}

/* FNV-1a. One slot a value: whoever makes many names meet in one only makes
 * them be looked up. */
static struct slot *slot_of(struct resolve_cache *c, struct slice recipient)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < recipient.len; i++)
		h = (h ^ (unsigned char)recipient.data[i]) *
		    UINT64_C(1099511628211);
	return &c->slots[(h ^ h >> 32) % RESOLVE_CACHE_SLOTS];
}

const struct resolved *resolve_cache_find(struct resolve_cache *c,
					  struct slice recipient,
					  uint64_t directory, int64_t now_ms)
{
	const struct slot *s = slot_of(c, recipient);

	if (!s->key || s->directory != directory || now_ms > s->until_ms ||
	    !slice_eq(recipient, slice_of(s->key, s->octets)))
		return NULL;
	return s->resolved;
}

void resolve_cache_keep(struct resolve_cache *c, struct slice recipient,
			uint64_t directory, int64_t now_ms,
			const struct resolved *resolved)
{
	struct slot *s = slot_of(c, recipient);

	if (!s->key || !slice_eq(recipient, slice_of(s->key, s->octets))) {
		char *key = malloc(recipient.len + 1);

		if (!key)
			return;
		memcpy(key, recipient.data, recipient.len);
		free(s->key);
		s->key = key;
		s->octets = recipient.len;
	}
	if (!s->resolved)
		s->resolved = malloc(sizeof *s->resolved);
	if (!s->resolved) {
		s->until_ms = INT64_MIN;
		return;
	}
	*s->resolved = *resolved;
	s->directory = directory;
	s->until_ms = now_ms + RESOLVE_CACHE_MS;
}
