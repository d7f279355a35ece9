#include "common/limits.h"

#include "common/siphash.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SLOTS_FIRST	((size_t)256)
#define SLOTS_MAX	((size_t)1024 * 1024)
#define MINUTE_MS	60000

struct slot {
	uint64_t key;
	unsigned count;		/* connections now */
	unsigned recent;	/* new ones since minute_ms */
	int64_t minute_ms;
	int64_t spent_ms;	/* the minute of spent began */
	unsigned spent[LIMITS_KIND_COUNT];
	bool is_used;
};

/* Open addressing. A slot without connections, whose minute is over, is free
 * for another key. */
struct table {
	struct slot *slots;
	size_t size, used;
};

struct limits {
	struct limits_settings settings;
	struct siphash_key key;
	struct table addresses, networks;
	unsigned count;
};

struct limits *limits_new(const struct limits_settings *settings)
{
	struct limits *l = calloc(1, sizeof *l);

	if (l) {
		l->settings = *settings;
		l->key = siphash_key_make();
	}
	return l;
}

void limits_free(struct limits *l)
{
	if (!l)
		return;
	free(l->addresses.slots);
	free(l->networks.slots);
	free(l);
}

void limits_set(struct limits *l, const struct limits_settings *settings)
{
	l->settings = *settings;
}

static bool is_stale(const struct slot *s, int64_t now)
{
	return s->count == 0 && now - s->minute_ms >= MINUTE_MS &&
	       now - s->spent_ms >= MINUTE_MS;
}

static size_t first_place(const struct limits *l, const struct table *t,
			  uint64_t key)
{
	return siphash(&l->key, slice_of((const char *)&key, sizeof key)) &
	       (t->size - 1);
}

static struct slot *find(const struct limits *l, const struct table *t,
			 uint64_t key)
{
	if (t->size == 0)
		return NULL;
	for (size_t at = first_place(l, t, key); t->slots[at].is_used;
	     at = (at + 1) & (t->size - 1))
		if (t->slots[at].key == key)
			return &t->slots[at];
	return NULL;
}

/* Puts what is not stale into a larger table. False: memory is short. */
static bool grow(const struct limits *l, struct table *t, int64_t now)
{
	struct table next = { .size = t->size ? t->size : SLOTS_FIRST };
	size_t alive = 0;

	for (size_t i = 0; i < t->size; i++)
		alive += t->slots[i].is_used && !is_stale(&t->slots[i], now);
	while (next.size / 2 <= alive)
		next.size *= 2;
	if (next.size > SLOTS_MAX)
		return false;
	next.slots = calloc(next.size, sizeof *next.slots);
	if (!next.slots)
		return false;
	for (size_t i = 0; i < t->size; i++) {
		size_t at;

		if (!t->slots[i].is_used || is_stale(&t->slots[i], now))
			continue;
		at = first_place(l, &next, t->slots[i].key);
		while (next.slots[at].is_used)
			at = (at + 1) & (next.size - 1);
		next.slots[at] = t->slots[i];
		next.used++;
	}
	free(t->slots);
	*t = next;
	return true;
}

/* The slot of key, made where there is none. NULL: there is no room, which
 * lets the client in uncounted. */
static struct slot *obtain(const struct limits *l, struct table *t, uint64_t key,
			   int64_t now)
{
	struct slot *s = find(l, t, key);
	size_t at;

	if (s)
		return s;
	if (t->used >= t->size / 4 * 3 && !grow(l, t, now))
		return NULL;
	at = first_place(l, t, key);
	while (t->slots[at].is_used)
		at = (at + 1) & (t->size - 1);
	t->used++;
	t->slots[at] = (struct slot){ .key = key, .is_used = true,
				      .minute_ms = now, .spent_ms = now };
	return &t->slots[at];
}

/* IPv4: the address behind a mark, and its /24. IPv6: the /64 and the /48. */
static bool keys_of(const char *address, uint64_t *key, uint64_t *network)
{
	unsigned char v6[16], v4[4];
	uint64_t high = 0;

	if (inet_pton(AF_INET, address, v4) == 1) {
		for (int i = 0; i < 4; i++)
			high = high << 8 | v4[i];
		*key = UINT64_C(0xffff) << 32 | high;
		*network = *key & ~UINT64_C(0xff);
		return true;
	}
	if (inet_pton(AF_INET6, address, v6) != 1)
		return false;
	for (int i = 0; i < 8; i++)
		high = high << 8 | v6[i];
	*key = high;
	*network = high & ~UINT64_C(0xffff);
	return true;
}

static bool is_over(unsigned count, unsigned limit)
{
	return limit && count >= limit;
}

enum limits_verdict limits_enter(struct limits *l, const char *address,
				 bool is_trusted, int64_t now_ms,
				 struct limits_entry *entry)
{
	const struct limits_settings *max = &l->settings;
	struct slot *host, *network;

	if (is_over(l->count, max->connections))
		return LIMITS_ALL;
	if (is_trusted || !keys_of(address, &entry->address, &entry->network))
		goto counted;
	host = obtain(l, &l->addresses, entry->address, now_ms);
	network = obtain(l, &l->networks, entry->network, now_ms);
	if (!host || !network)
		goto counted;
	if (now_ms - host->minute_ms >= MINUTE_MS) {
		host->minute_ms = now_ms;
		host->recent = 0;
	}
	if (is_over(host->count, max->per_address))
		return LIMITS_ADDRESS;
	if (is_over(network->count, max->per_network))
		return LIMITS_NETWORK;
	if (is_over(host->recent, max->new_per_minute))
		return LIMITS_RATE;
	host->recent++;
	host->count++;
	network->count++;
	entry->has_address = true;
counted:
	l->count++;
	entry->is_counted = true;
	return LIMITS_OK;
}

static void leave(struct limits *l, struct table *t, uint64_t key)
{
	struct slot *s = find(l, t, key);

	if (s && s->count)
		s->count--;
}

void limits_leave(struct limits *l, struct limits_entry *entry)
{
	if (!entry->is_counted)
		return;
	l->count--;
	if (entry->has_address) {
		leave(l, &l->addresses, entry->address);
		leave(l, &l->networks, entry->network);
	}
	*entry = (struct limits_entry){ 0 };
}

/* Whether one more is within the allowance. */
static bool has_left(struct slot *s, enum limits_kind kind, uint64_t most, int64_t now)
{
	if (now - s->spent_ms >= MINUTE_MS) {
		s->spent_ms = now;
		memset(s->spent, 0, sizeof s->spent);
	}
	return s->spent[kind] < most;
}

bool limits_spend(struct limits *l, const char *address, enum limits_kind kind,
		  int64_t now_ms)
{
	uint64_t most = l->settings.per_minute[kind], one, all;
	struct slot *host, *network;

	if (most == 0 || !keys_of(address, &one, &all))
		return true;
	host = obtain(l, &l->addresses, one, now_ms);
	network = obtain(l, &l->networks, all, now_ms);
	if (!host || !network)
		return true;
	if (!has_left(host, kind, most, now_ms) ||
	    !has_left(network, kind, most * LIMITS_NETWORK_TIMES, now_ms))
		return false;
	host->spent[kind]++;
	network->spent[kind]++;
	return true;
}

unsigned limits_allowance(const struct limits *l, enum limits_kind kind)
{
	return l->settings.per_minute[kind];
}

unsigned limits_count(const struct limits *l)
{
	return l->count;
}

bool limits_crowded(const struct limits *l, size_t unauthenticated)
{
	return l->settings.unauthenticated &&
	       unauthenticated > l->settings.unauthenticated;
}

const char *limits_verdict_name(enum limits_verdict verdict)
{
	static const char *const names[LIMITS_VERDICT_COUNT] = {
		[LIMITS_OK] = "ok",
		[LIMITS_ALL] = "all",
		[LIMITS_ADDRESS] = "address",
		[LIMITS_NETWORK] = "network",
		[LIMITS_RATE] = "rate",
	};

	return names[verdict];
}
