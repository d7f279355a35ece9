/*
 * Where recipients went a moment ago, so that RCPT needs no transaction while
 * mail pours in. Only good answers are kept, for a second, and only while no
 * domain, account or alias changed, and only of accounts whose quota is far.
 */
#ifndef MAILBOXD_RESOLVE_CACHE_H
#define MAILBOXD_RESOLVE_CACHE_H

#include "common/slice.h"

#include <stdint.h>

#define RESOLVE_CACHE_SLOTS	8192u
#define RESOLVE_CACHE_MS	1000

struct resolve_cache;

/* One mailbox a recipient leads to. */
struct resolved {
	uint64_t account, mailbox;
	char recipient[512];	/* canonical, for Delivered-To */
	size_t recipient_octets;
};

struct resolve_cache *resolve_cache_new(void);
void resolve_cache_free(struct resolve_cache *c);
/* What one recipient with a single target leads to; NULL: look it up. */
const struct resolved *resolve_cache_find(struct resolve_cache *c,
					  struct slice recipient,
					  uint64_t directory, int64_t now_ms);
void resolve_cache_keep(struct resolve_cache *c, struct slice recipient,
			uint64_t directory, int64_t now_ms,
			const struct resolved *resolved);

#endif
