#include "mailboxd/refusals.h"

#include "common/siphash.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_MS	60000
/* Addresses stand in sets that share a hash value; within one the oldest goes. */
#define SETS		128u
#define WAYS		4u
#define FIELD_OCTETS	((size_t)320)

struct client {
	char address[48];	/* "": a free place */
	int64_t since;		/* when its minute began */
	unsigned rows;
	uint64_t left_out;	/* in this minute */
};

struct refusals {
	struct siphash_key key;
	struct client clients[SETS][WAYS];
	struct refused *first, **end;
	unsigned count;		/* rows that wait */
	uint64_t left_out;	/* because there were too many */
};

struct refusals *refusals_new(void)
{
	struct refusals *r = calloc(1, sizeof *r);

	if (r) {
		r->key = siphash_key_make();
		r->end = &r->first;
	}
	return r;
}

void refused_free(struct refused *first)
{
	while (first) {
		struct refused *next = first->next;

		free(first);
		first = next;
	}
}

void refusals_free(struct refusals *r)
{
	if (r)
		refused_free(r->first);
	free(r);
}

/* ---- rows ------------------------------------------------------------------------ */

static struct slice put(char **at, struct slice text)
{
	struct slice copy = slice_of(*at, text.len < FIELD_OCTETS ? text.len
								  : FIELD_OCTETS);

	if (copy.len)
		memcpy(*at, text.data, copy.len);
	*at += copy.len;
	return copy;
}

static bool append(struct refusals *r, int64_t wall, const struct ipc_refused *m)
{
	const struct slice fields[] = { m->sid, m->address, m->helo, m->login,
					m->sender, m->recipient, m->reason };
	size_t octets = 0;
	struct refused *row;
	char *at;

	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		octets += fields[i].len < FIELD_OCTETS ? fields[i].len
						       : FIELD_OCTETS;
	row = malloc(sizeof *row + octets + 1);
	if (!row)
		return false;
	at = row->text;
	row->next = NULL;
	row->row = (struct store_refusal){
		.at_ms = wall, .count = m->count, .code = m->code,
		.sid = put(&at, m->sid), .client = put(&at, m->address),
		.helo = put(&at, m->helo), .login = put(&at, m->login),
		.sender = put(&at, m->sender),
		.recipient = put(&at, m->recipient),
		.reason = put(&at, m->reason),
	};
	*r->end = row;
	r->end = &row->next;
	return true;
}

/* A row that says how many were left out. */
static void append_count(struct refusals *r, int64_t wall, struct slice address,
			 uint64_t count)
{
	const struct ipc_refused m = {
		.sid = SLICE_EMPTY, .address = address, .helo = SLICE_EMPTY,
		.login = SLICE_EMPTY, .sender = SLICE_EMPTY,
		.recipient = SLICE_EMPTY, .reason = SLICE_EMPTY,
		.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX,
	};

	append(r, wall, &m);
}

/* ---- clients ---------------------------------------------------------------------- */

static void close_minute(struct refusals *r, struct client *c, int64_t wall)
{
	if (c->left_out)
		append_count(r, wall, slice_str(c->address), c->left_out);
	c->rows = 0;
	c->left_out = 0;
}

static struct client *find(struct refusals *r, int64_t now, int64_t wall,
			   struct slice address)
{
	struct client *set = r->clients[siphash(&r->key, address) % SETS];
	struct client *oldest = set;

	address = slice_head(address, sizeof set->address - 1);
	for (unsigned i = 0; i < WAYS; i++) {
		if (slice_eq(slice_str(set[i].address), address))
			return &set[i];
		if (set[i].address[0] == '\0' || set[i].since < oldest->since)
			oldest = &set[i];
	}
	close_minute(r, oldest, wall);
	memcpy(oldest->address, address.data, address.len);
	oldest->address[address.len] = '\0';
	oldest->since = now;
	return oldest;
}

/* Whether one more row of the address may be written. */
static bool may_add(struct refusals *r, int64_t now, int64_t wall,
		    struct slice address)
{
	struct client *c;

	if (address.len == 0)
		return true;
	c = find(r, now, wall, address);
	if (now - c->since >= MINUTE_MS) {
		close_minute(r, c, wall);
		c->since = now;
	}
	if (c->rows < REFUSALS_MINUTE) {
		c->rows++;
		return true;
	}
	c->left_out++;
	return false;
}

void refusals_add(struct refusals *r, int64_t now, int64_t wall,
		  const struct ipc_refused *m)
{
	if (m->address.len == 0) {	/* smtpd itself left some out */
		r->left_out += m->count;
		return;
	}
	if (!may_add(r, now, wall, m->address))
		return;
	if (r->count >= REFUSALS_SECOND || !append(r, wall, m))
		r->left_out++;
	else
		r->count++;
}

struct refused *refusals_take(struct refusals *r, int64_t now, int64_t wall)
{
	struct refused *first;

	for (unsigned i = 0; i < SETS * WAYS; i++) {
		struct client *c = &r->clients[i / WAYS][i % WAYS];

		if (c->left_out && now - c->since >= MINUTE_MS)
			close_minute(r, c, wall);
	}
	if (r->left_out)
		append_count(r, wall, SLICE_EMPTY, r->left_out);
	first = r->first;
	r->first = NULL;
	r->end = &r->first;
	r->count = 0;
	r->left_out = 0;
	return first;
}
