/*
 * Carries connections: the octets of one stream socket to another and back, over
 * TLS where the target has it. Buffers are bounded (CARRY_HIGH a direction), and
 * who does not take its octets is not sent more of the other's. A closed half is
 * passed on behind the last octet; a connection that breaks, or that ends over TLS
 * without saying so (RFC 8446 section 6.1), ends the other at once.
 *
 * A target that cannot be reached is away for CARRY_AWAY_MS: who connects then is
 * closed at once, and the log says it once, as it does that it is back.
 *
 * Deadlines: times.connect, times.handshake, and times.send for octets that are
 * not taken. A connection that is silent goes on; TCP asks for the other host
 * after CARRY_KEEPALIVE_S, and gives it up after CARRY_LOST_S in all.
 */
#ifndef LINKD_CARRY_H
#define LINKD_CARRY_H

#include "common/conn.h"
#include "linkd/targets.h"

#define CARRY_HIGH		((size_t)64 * 1024)
#define CARRY_OUT_MAX		((size_t)256 * 1024)
/* Other hosts whose handshake is not done, and at most half of the connections: the
 * one that came first goes, so that they keep nobody out who is known. */
#define CARRY_STRANGERS_MAX	256u
#define CARRY_AWAY_MS		1000
#define CARRY_KEEPALIVE_S	15
#define CARRY_LOST_S		45

struct carrier;

struct carrier_figures {
	unsigned carried;	/* now */
	uint64_t opened, refused, failed;
	uint64_t octets;
};

/* idle is called when the last connection ended. NULL: memory is short. */
struct carrier *carrier_new(struct conn_loop *l, void (*idle)(void *context),
			    void *context);
/* Takes fd (accepted, non-blocking), which is to be carried to the target of t. */
void carrier_outgoing(struct carrier *c, struct targets *t, struct target *target,
		      int fd);
/* Takes fd, over which another host wants one of our sockets. */
void carrier_incoming(struct carrier *c, struct targets *t, int fd,
		      const struct peer_info *peer);
const struct carrier_figures *carrier_figures(const struct carrier *c);
/* Ends all at once; their handles close when the loop runs. */
void carrier_close(struct carrier *c);
/* The loop has ended. NULL is fine. */
void carrier_free(struct carrier *c);

#endif
