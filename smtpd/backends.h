/*
 * Where the requests of an SMTP session go: AUTH, MAY_SEND, VERIFY and GREYLIST to
 * mailboxd's auth.sock, DNS_CLIENT to linkd's dns.sock, REFUSED to the service
 * connection, MILTER_OPEN and what follows it to the milters, everything else to LMTP:
 * what LMTP_MAIL begins to the server of its route.
 */
#ifndef SMTPD_BACKENDS_H
#define SMTPD_BACKENDS_H

#include "common/lmtp_client.h"
#include "common/store_client.h"
#include "smtpd/milter_client.h"
#include "smtpd/refusals.h"

/* The client of a route; NULL: there is none. */
struct smtp_ways {
	struct lmtp_client *(*client)(void *context, unsigned route);
	void *context;
};

/* ways, auth, dns, refusals and places outlive the backend; dns NULL: it is not asked.
 * NULL: memory is short. */
struct backend *smtp_backend_new(const struct smtp_ways *ways,
				 const struct store_client_settings *auth,
				 const struct store_client_settings *dns,
				 struct smtp_refusals *refusals,
				 const struct milter_places *places,
				 struct conn *c,
				 struct engine *e);

#endif
