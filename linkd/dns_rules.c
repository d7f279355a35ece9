#include "linkd/dns_client.h"

#include <stdlib.h>

enum status dns_rules_new(const struct config *c, struct dns_rules **rules,
			  struct error *err)
{
	struct dns_rules *r = calloc(1, sizeof *r);
	enum status st = ST_OK;

	if (!r)
		return error_set(err, ST_NO_MEMORY, "no memory for DNS");
	r->references = 1;
	r->threshold = (int)config_number(c, OPTION_DNS_THRESHOLD);
	r->wants_name = config_number(c, OPTION_DNS_NAMES) != DNS_NAMES_NO;
	r->timeout_ms = (int64_t)config_number(c, OPTION_DNS_TIMEOUT);
	for (size_t i = 0; st == ST_OK && i < config_count(c, OPTION_DNS_LISTS); i++) {
		if (r->count == DNS_LISTS_MAX)
			st = error_set(err, ST_LIMIT, "dns.lists: at most %d",
				       DNS_LISTS_MAX);
		else
			st = dns_list_parse(slice_str(config_item(c, OPTION_DNS_LISTS, i)),
					    &r->lists[r->count++], err);
	}
	if (st == ST_OK)
		*rules = r;
	else
		free(r);
	return st;
}

void dns_rules_release(struct dns_rules *r)
{
	if (r && --r->references == 0)
		free(r);
}
