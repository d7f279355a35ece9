#include <config.h>

#include "smtpd/route.h"

#include "common/address.h"
#include "common/clock.h"
#include "common/digest.h"
#include "common/siphash.h"

#include <stdlib.h>

/* ---- domains ------------------------------------------------------------------------ */

struct smtp_routes *smtp_routes_new(const enum status *states)
{
	struct smtp_routes *r = calloc(1, sizeof *r);

	if (r)
		r->states = states;
	return r;
}

void smtp_routes_free(struct smtp_routes *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		free(r->domains[i].name);
	free(r->domains);
	free(r);
}

/* Where name stands, or would stand. */
static size_t place_of(const struct smtp_routes *r, const char *name, bool *found)
{
	size_t low = 0, high = r->count;

	*found = false;
	while (low < high && !*found) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, r->domains[middle].name);

		*found = order == 0;
		if (order > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return *found ? high : low;
}

static bool domain_name(struct slice domain, char name[ADDRESS_DOMAIN_MAX + 1])
{
	struct buf ascii = { name, 0, ADDRESS_DOMAIN_MAX, ADDRESS_DOMAIN_MAX };

	if (address_domain_ascii(domain, &ascii) != ST_OK)
		return false;
	name[ascii.len] = '\0';
	return ascii.len > 0;
}

static bool make_room(struct smtp_routes *r)
{
	size_t room = r->room ? 2 * r->room : 16;
	struct smtp_route_domain *grown;

	if (r->count < r->room)
		return true;
	grown = realloc(r->domains, room * sizeof *grown);
	if (!grown)
		return false;
	r->domains = grown;
	r->room = room;
	return true;
}

enum status smtp_routes_add(struct smtp_routes *r, struct slice domain, unsigned route)
{
	char name[ADDRESS_DOMAIN_MAX + 1];
	bool found;
	size_t at;
	char *copy;

	if (!domain_name(domain, name))
		return ST_SYNTAX;
	at = place_of(r, name, &found);
	if (found)
		return r->domains[at].route == route ? ST_OK : ST_EXISTS;
	copy = strdup(name);
	if (!copy || !make_room(r)) {
		free(copy);
		return ST_NO_MEMORY;
	}
	memmove(r->domains + at + 1, r->domains + at,
		(r->count - at) * sizeof *r->domains);
	r->domains[at] = (struct smtp_route_domain){ copy, route };
	r->count++;
	return ST_OK;
}

unsigned smtp_routes_find(const struct smtp_routes *r, struct slice recipient)
{
	const char *at = recipient.len ? memrchr(recipient.data, '@', recipient.len)
				       : NULL;
	char name[ADDRESS_DOMAIN_MAX + 1];
	bool found;
	size_t place;

	if (!r || !r->count || !at ||
	    !domain_name(slice_from(recipient, (size_t)(at - recipient.data) + 1), name))
		return 0;
	place = place_of(r, name, &found);
	return found ? r->domains[place].route : 0;
}

/* ---- who has it already --------------------------------------------------------------- */

struct partial {
	uint64_t key;		/* 0: a free row */
	int64_t until_ms;
	unsigned char digest[DIGEST_OCTETS];
	uint64_t *recipients;	/* their hashes */
	size_t count;
};

struct smtp_partials {
	struct siphash_key secret;
	struct partial rows[SMTP_PARTIALS_MAX];
	size_t used;		/* rows in use, about: none is looked at where 0 */
};

struct smtp_partials *smtp_partials_new(void)
{
	struct smtp_partials *p = calloc(1, sizeof *p);

	if (p)
		p->secret = siphash_key_make();
	return p;
}

static void forget(struct smtp_partials *p, struct partial *row)
{
	free(row->recipients);
	*row = (struct partial){ 0 };
	p->used--;
}

void smtp_partials_free(struct smtp_partials *p)
{
	for (size_t i = 0; p && i < SMTP_PARTIALS_MAX; i++)
		free(p->rows[i].recipients);
	free(p);
}

static uint64_t hash_recipient(const struct smtp_partials *p, struct slice recipient)
{
	return siphash(&p->secret, recipient);
}

/* Never 0. */
static uint64_t hash_key(const struct smtp_partials *p,
			 const struct smtp_partial_key *key)
{
	uint64_t parts[3] = {
		siphash(&p->secret, key->client), siphash(&p->secret, key->sender),
		key->route,
	};

	return siphash(&p->secret, slice_of((const char *)parts, sizeof parts)) | 1;
}

static struct partial *find(struct smtp_partials *p, const struct smtp_partial_key *key)
{
	uint64_t hash = p->used ? hash_key(p, key) : 0;
	int64_t now = p->used ? clock_ms() : 0;

	for (size_t i = 0; p->used && i < SMTP_PARTIALS_MAX; i++) {
		struct partial *row = &p->rows[i];

		if (row->key && row->until_ms <= now)
			forget(p, row);
		else if (row->key == hash)
			return row;
	}
	return NULL;
}

/* A free row, or the oldest. */
static struct partial *choose(struct smtp_partials *p)
{
	struct partial *oldest = &p->rows[0];

	for (size_t i = 0; i < SMTP_PARTIALS_MAX; i++) {
		if (!p->rows[i].key)
			return &p->rows[i];
		if (p->rows[i].until_ms < oldest->until_ms)
			oldest = &p->rows[i];
	}
	return oldest;
}

void smtp_partials_add(struct smtp_partials *p, const struct smtp_partial_key *key,
		       struct slice digest, struct slice recipients)
{
	struct partial *row = find(p, key);
	struct slice rest = recipients, one;
	size_t count = 0;
	uint64_t *hashes;

	while (slice_split(&rest, '\n', &one))
		count += one.len > 0;
	hashes = calloc(count ? count : 1, sizeof *hashes);
	if (!hashes || digest.len != DIGEST_OCTETS) {
		free(hashes);
		return;
	}
	if (!row)
		row = choose(p);
	if (row->key)
		forget(p, row);
	*row = (struct partial){
		.key = hash_key(p, key), .recipients = hashes,
		.until_ms = clock_ms() + SMTP_PARTIAL_MS,
	};
	memcpy(row->digest, digest.data, DIGEST_OCTETS);
	for (rest = recipients; slice_split(&rest, '\n', &one);)
		if (one.len)
			row->recipients[row->count++] = hash_recipient(p, one);
	p->used++;
}

bool smtp_partials_has(struct smtp_partials *p, const struct smtp_partial_key *key,
		       struct slice recipient)
{
	const struct partial *row = p ? find(p, key) : NULL;
	uint64_t hash = row ? hash_recipient(p, recipient) : 0;

	for (size_t i = 0; row && i < row->count; i++)
		if (row->recipients[i] == hash)
			return true;
	return false;
}

bool smtp_partials_match(struct smtp_partials *p, const struct smtp_partial_key *key,
			struct slice digest)
{
	struct partial *row = p ? find(p, key) : NULL;
	bool is_same;

	if (!row)
		return false;
	is_same = digest.len == DIGEST_OCTETS &&
		  memcmp(row->digest, digest.data, DIGEST_OCTETS) == 0;
	if (!is_same)
		forget(p, row);
	return is_same;
}

void smtp_partials_forget(struct smtp_partials *p, const struct smtp_partial_key *key)
{
	struct partial *row = p ? find(p, key) : NULL;

	if (row)
		forget(p, row);
}
