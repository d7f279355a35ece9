/*
 * Answers of name servers that still hold. Bounded: an answer stands in one of few
 * places that its question chooses (keyed, so that nobody outside does), and one that
 * comes takes the place of that which ends first.
 */
#ifndef LINKD_DNS_CACHE_H
#define LINKD_DNS_CACHE_H

#include "linkd/dns_reply.h"

#define DNS_CACHE_SETS		1024u
#define DNS_CACHE_WAYS		4u
/* Seconds that an answer is kept, whatever its zone says. */
#define DNS_CACHE_LEAST		10u
#define DNS_CACHE_MOST		3600u
#define DNS_CACHE_MOST_NONE	600u	/* that there is nothing */
#define DNS_CACHE_FAILED	10u	/* that no server could say */

struct dns_cache;

/* NULL: memory is short. */
struct dns_cache *dns_cache_new(void);
void dns_cache_free(struct dns_cache *c);
/* False: ask. */
bool dns_cache_find(struct dns_cache *c, const char *name, enum dns_type type,
		    int64_t now_ms, struct dns_answer *answer);
/* Where memory is short it is not kept. */
void dns_cache_keep(struct dns_cache *c, const char *name, enum dns_type type,
		    int64_t now_ms, const struct dns_answer *answer);

#endif
