#include "mailboxd/untold.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384u

struct entry {
	unsigned char key[UNTOLD_KEY_OCTETS];
	struct id mid, sid;	/* sid: "" of those from the store */
	int64_t since_ms;
	bool is_stored;
	struct entry *next_key, *next_mid;	/* of the buckets */
	struct entry *newer, *older;
};

struct untold {
	struct entry *by_key[BUCKETS], *by_mid[BUCKETS];
	struct entry *oldest, *newest;
	size_t count;
	struct id told[UNTOLD_TOLD_MAX];
	size_t told_count;
};

struct untold *untold_new(void)
{
	return calloc(1, sizeof(struct untold));
}

static struct entry **key_bucket(struct untold *u, const unsigned char *key)
{
	return &u->by_key[(key[0] | (size_t)key[1] << 8) % BUCKETS];
}

/* Our own ids: the last characters are random. */
static struct entry **mid_bucket(struct untold *u, struct slice mid)
{
	size_t h = 0;

	for (size_t i = mid.len > 10 ? mid.len - 10 : 0; i < mid.len; i++)
		h = h * 31 + (unsigned char)mid.data[i];
	return &u->by_mid[h % BUCKETS];
}

static void drop(struct untold *u, struct entry *e)
{
	struct entry **at = key_bucket(u, e->key);

	while (*at != e)
		at = &(*at)->next_key;
	*at = e->next_key;
	at = mid_bucket(u, id_slice(&e->mid));
	while (*at != e)
		at = &(*at)->next_mid;
	*at = e->next_mid;
	*(e->older ? &e->older->newer : &u->oldest) = e->newer;
	*(e->newer ? &e->newer->older : &u->newest) = e->older;
	u->count--;
	free(e);
}

void untold_free(struct untold *u)
{
	while (u && u->oldest)
		drop(u, u->oldest);
	free(u);
}

enum untold_state untold_begin(struct untold *u, int64_t now_ms,
			       const unsigned char key[UNTOLD_KEY_OCTETS],
			       struct slice mid, struct slice sid,
			       struct id *first)
{
	struct entry *e;

	while (u->oldest && (u->count >= UNTOLD_MAX ||
			     now_ms - u->oldest->since_ms > UNTOLD_KEEP_MS))
		drop(u, u->oldest);
	for (e = *key_bucket(u, key); e; e = e->next_key)
		if (memcmp(e->key, key, sizeof e->key) == 0 &&
		    (sid.len == 0 || !slice_eq(id_slice(&e->sid), sid))) {
			*first = e->mid;
			return e->is_stored ? UNTOLD_AGAIN : UNTOLD_BUSY;
		}
	e = mid.len == ID_OCTETS ? calloc(1, sizeof *e) : NULL;
	if (!e)
		return UNTOLD_NEW;
	memcpy(e->key, key, sizeof e->key);
	memcpy(e->mid.text, mid.data, ID_OCTETS);
	if (sid.len == ID_OCTETS)
		memcpy(e->sid.text, sid.data, ID_OCTETS);
	e->since_ms = now_ms;
	e->next_key = *key_bucket(u, key);
	*key_bucket(u, key) = e;
	e->next_mid = *mid_bucket(u, mid);
	*mid_bucket(u, mid) = e;
	e->older = u->newest;
	*(u->newest ? &u->newest->newer : &u->oldest) = e;
	u->newest = e;
	u->count++;
	return UNTOLD_NEW;
}

static struct entry *find(struct untold *u, struct slice mid)
{
	struct entry *e = *mid_bucket(u, mid);

	while (e && !slice_eq(id_slice(&e->mid), mid))
		e = e->next_mid;
	return e;
}

void untold_stored(struct untold *u, struct slice mid, bool good)
{
	struct entry *e = find(u, mid);

	if (e && good)
		e->is_stored = true;
	else if (e)
		drop(u, e);
}

void untold_tell(struct untold *u, struct slice mid)
{
	struct entry *e = find(u, mid);

	if (!e || !e->is_stored)
		return;
	/* one that finds no room expires in the store */
	if (u->told_count < UNTOLD_TOLD_MAX)
		u->told[u->told_count++] = e->mid;
	drop(u, e);
}

void untold_load(struct untold *u, int64_t now_ms, int64_t age_ms,
		 const unsigned char key[UNTOLD_KEY_OCTETS], struct slice mid)
{
	struct id first;

	if (age_ms > UNTOLD_KEEP_MS || age_ms < 0 ||
	    untold_begin(u, now_ms - age_ms, key, mid, SLICE_EMPTY,
			 &first) != UNTOLD_NEW)
		return;
	untold_stored(u, mid, true);
}

size_t untold_told_count(const struct untold *u)
{
	return u->told_count;
}

size_t untold_take_told(struct untold *u, struct id *mids, size_t max)
{
	size_t n = u->told_count < max ? u->told_count : max;

	memcpy(mids, u->told + u->told_count - n, n * sizeof *mids);
	u->told_count -= n;
	return n;
}

size_t untold_count(const struct untold *u)
{
	return u->count;
}
