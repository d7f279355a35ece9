/*
 * What carry.c (steps of a connection) and carry_end.c (its two sockets) share.
 */
#ifndef LINKD_CARRY_PRIV_H
#define LINKD_CARRY_PRIV_H

#include "linkd/carry.h"

struct carry;

/* One of the two sockets. */
struct end {
	struct carry *carry;
	uv_poll_t poll;
	bool is_open;
	int fd;
	int events;
	struct tls *tls;	/* NULL: in clear */
	bool is_secured;	/* its handshake is done */
	struct buf out;		/* for this socket, encrypted where it has TLS */
	bool is_blocked;	/* it takes no more for now */
	bool at_eof;		/* nothing more comes from it */
	bool is_shut;		/* nothing more goes to it */
};

enum carry_step {
	CARRY_ACCEPT,	/* the handshake of who connected */
	CARRY_CONNECT,
	CARRY_GREET,	/* our handshake with the target */
	CARRY_OPEN,
	CARRY_CLOSED,
};

struct carry {
	struct carrier *carrier;
	struct carry *next, *prev;
	struct targets *targets;
	struct target *target;	/* NULL until it is known */
	struct end near, far;	/* who connected; where it leads */
	unsigned handles;	/* not yet closed */
	enum carry_step step;
	struct conn_timer timer;
	int64_t due_ms;		/* of the step, but the open one */
	bool is_stranger;	/* another host whose handshake is not done */
	bool is_heard;	/* an octet came from the target */
	int64_t moved_ms;	/* when octets were last taken, while some wait */
	char client[64];	/* for the log; "": on this host */
};

struct carrier {
	struct conn_loop *loop;
	struct carry *first;
	struct carrier_figures figures;
	unsigned strangers;
	bool is_closing;
	void (*idle)(void *context);
	void *context;
};

/* carry_end.c */
/* fd is the end's from here on. ST_NO_MEMORY: it is closed. */
enum status end_open(struct end *e, int fd);
void end_close(struct end *e);
struct end *end_other(struct end *e);
/* Appends plaintext for this end. ST_LIMIT, ST_NO_MEMORY, ST_SYNTAX: it is over. */
enum status end_put(struct end *e, struct slice plain);
/* Sends what there is, and shuts its half where the other end is at its end. False:
 * the carry closed. */
bool end_flush(struct end *e);
/* Goes on with the handshake; in came from the socket. False: the carry closed. */
bool end_handshake(struct end *e, struct slice in);
/* Takes what came behind the handshake. */
void end_go_on(struct end *e);
/* Polls for what the step asks for. */
void end_poll(struct end *e);

/* carry.c */
/* The socket of the far end is connected, or is not. */
void carry_connected(struct carry *c);
/* The handshake of e is done. */
void carry_secured(struct end *e);
/* Octets came from e. */
void carry_heard(struct end *e);
/* Octets moved, or an end closed its half: looks whether it is over. */
void carry_settle(struct carry *c);
/* Its handles are closed. */
void carry_free(struct carry *c);
/* It is over; err: why, for the log, or NULL where it ended well. */
void carry_end(struct carry *c, const struct error *err);

#endif
