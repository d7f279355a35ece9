#include "linkd/dns_cache.h"

#include "common/siphash.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	int64_t until_ms;
	enum dns_type type;
	char name[DNS_NAME_OCTETS];
	struct dns_answer answer;	/* only its records that are there */
};

struct dns_cache {
	struct siphash_key key;
	struct entry *entries[DNS_CACHE_SETS][DNS_CACHE_WAYS];
};

struct dns_cache *dns_cache_new(void)
{
	struct dns_cache *c = calloc(1, sizeof *c);

	if (c)
		c->key = siphash_key_make();
	return c;
}

void dns_cache_free(struct dns_cache *c)
{
	for (size_t i = 0; c && i < DNS_CACHE_SETS * DNS_CACHE_WAYS; i++)
		free(c->entries[i / DNS_CACHE_WAYS][i % DNS_CACHE_WAYS]);
	free(c);
}

static struct entry **set_of(struct dns_cache *c, const char *name)
{
	return c->entries[siphash(&c->key, slice_str(name)) % DNS_CACHE_SETS];
}

static bool is_of(const struct entry *e, const char *name, enum dns_type type)
{
	return e && e->type == type && strcmp(e->name, name) == 0;
}

static size_t answer_octets(const struct dns_answer *a)
{
	return offsetof(struct dns_answer, records) + a->count * sizeof *a->records;
}

bool dns_cache_find(struct dns_cache *c, const char *name, enum dns_type type,
		    int64_t now_ms, struct dns_answer *answer)
{
	struct entry **set = set_of(c, name);

	for (unsigned i = 0; i < DNS_CACHE_WAYS; i++) {
		if (!is_of(set[i], name, type))
			continue;
		if (set[i]->until_ms <= now_ms)
			return false;
		memcpy(answer, &set[i]->answer, answer_octets(&set[i]->answer));
		return true;
	}
	return false;
}

static int64_t seconds_of(const struct dns_answer *a)
{
	uint32_t most = a->st == ST_OK ? DNS_CACHE_MOST : DNS_CACHE_MOST_NONE;

	if (a->st == ST_UNAVAILABLE)
		return DNS_CACHE_FAILED;
	if (a->ttl < DNS_CACHE_LEAST)
		return DNS_CACHE_LEAST;
	return a->ttl < most ? a->ttl : most;
}

/* Its own place, a free one, or that of the answer that ends first. */
static struct entry **place_for(struct entry **set, const char *name,
				enum dns_type type)
{
	struct entry **best = &set[0];

	for (unsigned i = 0; i < DNS_CACHE_WAYS; i++) {
		if (is_of(set[i], name, type))
			return &set[i];
		if (*best && (!set[i] || set[i]->until_ms < (*best)->until_ms))
			best = &set[i];
	}
	return best;
}

void dns_cache_keep(struct dns_cache *c, const char *name, enum dns_type type,
		    int64_t now_ms, const struct dns_answer *answer)
{
	struct entry **place = place_for(set_of(c, name), name, type);
	struct entry *e = malloc(offsetof(struct entry, answer) + answer_octets(answer));

	free(*place);
	*place = e;
	if (!e)
		return;
	e->until_ms = now_ms + seconds_of(answer) * 1000;
	e->type = type;
	memcpy(e->name, name, strlen(name) + 1);
	memcpy(&e->answer, answer, answer_octets(answer));
}
