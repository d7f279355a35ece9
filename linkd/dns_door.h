/*
 * dns.sock: smtpd asks, linkd looks (linkd(8)). There where the configuration has
 * lists or names; name servers of /etc/resolv.conf are those of the start, for no
 * file is opened later.
 */
#ifndef LINKD_DNS_DOOR_H
#define LINKD_DNS_DOOR_H

#include "common/daemon.h"
#include "linkd/dns_client.h"

struct dns_door {
	struct dns *dns;		/* NULL: nobody asks */
	struct dns_rules *rules;
	uid_t uids[2];			/* who may: found at the start */
	size_t uid_count;
};

/* Takes a configuration up; at the start (is_start) before the sandbox. What was not
 * wanted then is not there before the next one. ST_SYNTAX, ST_LIMIT: err names what is
 * wrong; ST_NO_MEMORY. Then all is as before. */
enum status dns_door_configure(struct dns_door *d, const struct config *c,
			       bool is_start, struct error *err);
/* Listens, or has new connections be asked by the new rules. */
enum status dns_door_serve(struct dns_door *d, struct daemon *daemon,
			   struct error *err);
void dns_door_counters(const struct dns_door *d, struct buf *cells);
void dns_door_close(struct dns_door *d);
void dns_door_free(struct dns_door *d);

#endif
