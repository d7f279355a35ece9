/*
 * The header with which a balancer tells whose connection it carries: the PROXY
 * protocol of HAProxy, versions 1 (a line) and 2 (octets), as
 * doc/proxy-protocol.txt of HAProxy describes it. It stands in front of
 * everything else, TLS included. No I/O.
 */
#ifndef COMMON_PROXY_HEADER_H
#define COMMON_PROXY_HEADER_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A header of version 2 may have so many octets, what stands behind its
 * addresses included; that is passed over. One of version 1 has at most 107. */
#define PROXY_HEADER_MAX 4096

struct proxy_header {
	/* False: LOCAL, UNKNOWN, or no TCP: the connection is the balancer's own */
	bool has_client;
	char address[48], local_address[48];	/* as in struct peer_info */
	uint16_t port, local_port;
};

/*
 * ST_OK: *used octets of in were the header. ST_MORE: it goes on behind the end
 * of in. ST_SYNTAX: in begins with none, or with one that is malformed; the
 * connection must end.
 */
enum status proxy_header_read(struct slice in, size_t *used,
			      struct proxy_header *header);

#endif
