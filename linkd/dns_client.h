/*
 * What the DNS says of a client of smtpd: its name, where that leads back to its
 * address, and the lists that it is on (RFC 5782). All is asked at once; when the
 * time is over, what came counts. What could not be found out is held against nobody.
 */
#ifndef LINKD_DNS_CLIENT_H
#define LINKD_DNS_CLIENT_H

#include "common/config.h"
#include "linkd/dns.h"
#include "linkd/dns_list.h"

/* Names of one address that are looked at. */
#define DNS_CLIENT_NAMES_MAX 4

/* What is asked of each client; one a configuration. */
struct dns_rules {
	unsigned references;	/* of the configuration, and of connections */
	struct dns_list lists[DNS_LISTS_MAX];
	size_t count;
	int threshold;		/* weights from which on it is listed */
	bool wants_name;
	int64_t timeout_ms;
};

/* As the configuration has them, with one reference. ST_SYNTAX, ST_LIMIT: err names
 * the list; ST_NO_MEMORY. */
enum status dns_rules_new(const struct config *c, struct dns_rules **rules,
			  struct error *err);
void dns_rules_release(struct dns_rules *r);

struct dns_client {
	enum status name_st;	/* ST_OK: name; ST_NOT_FOUND: none that leads back;
				 * ST_UNAVAILABLE: not known, or not asked */
	char name[DNS_NAME_OCTETS];
	int score;
	const char *list;	/* the heaviest of those it is on, when their weights
				 * reach the threshold; else NULL */
};

struct dns_look;
typedef void dns_client_done(void *arg, const struct dns_client *client);

/*
 * Calls done once, perhaps from in here; rules outlive that. Until then *look is the
 * look, for dns_client_forget(), and NULL from then on. False: memory is short, or the
 * address is none, and nothing was begun.
 */
bool dns_client_look(struct dns *d, struct conn_loop *l, const struct dns_rules *rules,
		     const char *address, dns_client_done *done, void *arg,
		     struct dns_look **look);
/* done is not called any more. */
void dns_client_forget(struct dns_look *k);

#endif
