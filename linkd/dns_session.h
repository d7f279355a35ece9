/*
 * The other end of dns.sock (doc/ipc.md): smtpd asks what the DNS says of a client,
 * DNS_CLIENT, and is answered by DNS_CLIENT_IS. An engine that knows HELLO and passes
 * questions on to its backend, which looks.
 */
#ifndef LINKD_DNS_SESSION_H
#define LINKD_DNS_SESSION_H

#include "linkd/dns_client.h"

/* Questions of one connection at once; the others wait. */
#define DNS_SESSION_OPEN_MAX 8

/* NULL: memory is short. */
struct engine *dns_session_new(const struct peer_info *peer);
/* dns outlives it; rules are held. NULL: memory is short. */
struct backend *dns_backend_new(struct dns *d, struct dns_rules *rules,
				struct conn *c);

#endif
