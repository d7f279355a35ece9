#include "mailboxd/given.h"

#include "common/digest.h"
#include "common/sasl.h"

#include <stdlib.h>

struct entry {
	struct buf name, password;
};

struct given {
	struct entry entries[GIVEN_MAX];
	size_t count;
};

struct given *given_new(void)
{
	return calloc(1, sizeof(struct given));
}

void given_free(struct given *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++) {
		buf_free(&g->entries[i].name);
		buf_wipe(&g->entries[i].password);
	}
	free(g);
}

static struct entry *find(const struct given *g, struct slice name)
{
	for (size_t i = 0; i < g->count; i++)
		if (slice_case_eq(buf_slice(&g->entries[i].name), name))
			return (struct entry *)&g->entries[i];
	return NULL;
}

enum status given_keep(struct given *g, struct slice name, struct slice password)
{
	struct entry *e = find(g, name);
	enum status st;

	if (e) {
		buf_wipe(&e->password);
		e->password.max = SASL_PASSWORD_MAX;
		return buf_append(&e->password, password);
	}
	if (g->count == GIVEN_MAX)
		return ST_LIMIT;
	e = &g->entries[g->count];
	*e = (struct entry){ BUF_INIT(SASL_NAME_MAX), BUF_INIT(SASL_PASSWORD_MAX) };
	st = buf_append(&e->name, name);
	if (st == ST_OK)
		st = buf_append(&e->password, password);
	if (st == ST_OK) {
		g->count++;
		return ST_OK;
	}
	buf_free(&e->name);
	buf_wipe(&e->password);
	return st;
}

enum status given_check(const struct given *g, struct slice name,
			struct slice challenge, struct slice digest, struct buf *out)
{
	struct buf both = BUF_INIT(1024 + SASL_PASSWORD_MAX);
	const struct entry *e = find(g, name);
	char right[33];
	enum status st = ST_DENIED;

	if (e && buf_append(&both, challenge) == ST_OK &&
	    buf_append(&both, buf_slice(&e->password)) == ST_OK &&
	    digest_md5_hex(buf_slice(&both), right) &&
	    slice_eq(digest, slice_of(right, 32)))
		st = buf_append(out, buf_slice(&e->password));
	buf_wipe(&both);
	return st;
}
