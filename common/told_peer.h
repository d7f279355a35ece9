/*
 * Whom a trusted client speaks for, in IMAP (ID with "x-originating-ip") and POP3
 * (XCLIENT): what Dovecot's documentation calls forwarded parameters. Once an address
 * is told, the session is that client's: its address counts for the throttle, and what
 * the TLS of the connection proves is not the client's. No session and no I/O.
 */
#ifndef COMMON_TOLD_PEER_H
#define COMMON_TOLD_PEER_H

#include "common/engine.h"

#define TOLD_SESSION_MAX 64

struct told_peer {
	bool is_told;		/* an address was */
	char address[48];
	uint16_t port;		/* 0: not told */
	char session[TOLD_SESSION_MAX + 1];	/* the other side's, for the log */
};

/* Each takes a value; false: it is none, and nothing has changed. An address may have
 * "IPv6:" in front and comes out in its shortest form; what of a session id is not
 * printable ASCII makes it none. */
bool told_peer_address(struct told_peer *t, struct slice value);
bool told_peer_port(struct told_peer *t, struct slice value);
bool told_peer_session(struct told_peer *t, struct slice value);
/* The peer that a login is to be counted for: actual, or who was told in its place. */
struct peer_info told_peer_of(const struct told_peer *t, const struct peer_info *actual);

#endif
