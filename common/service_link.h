/*
 * The *service* connection of a network daemon to mailboxd (doc/ipc.md): one a
 * process, for what belongs to no single client. Events go up (sessions that
 * begin, log in and end, figures, refusals) and down (kicks); nothing is asked
 * and nothing answered.
 *
 * It is opened at once and again whenever it is lost, after 50 ms to 2 s. What
 * was told before a loss is forgotten by mailboxd: up() tells it anew.
 */
#ifndef COMMON_SERVICE_LINK_H
#define COMMON_SERVICE_LINK_H

#include "common/conn.h"

/* Octets that may wait for mailboxd: every session of a full daemon, told anew. */
#define SERVICE_LINK_OUT_MAX	((size_t)16 * 1024 * 1024)
/* Beyond this much waiting, what may be left out is (see is_pressed). */
#define SERVICE_LINK_OUT_HIGH	((size_t)128 * 1024)
/* Events are gathered for at most this long, and then leave in one write. */
#define SERVICE_LINK_GATHER_MS	20

struct service_link;

struct service_link_settings {
	const char *path;	/* "auth.sock"; relative to the working directory */
	const char *name;	/* in HELLO: "smtpd" */
	/* mailboxd has said HELLO and knows nothing of this process yet. */
	void (*up)(void *context);
	/* It sent an event. m borrows, and goes when this returns. */
	void (*event)(void *context, const struct ipc_message *m);
	void *context;
};

/* Never waits; settings and what they point to outlive it. NULL: memory is
 * short. */
struct service_link *service_link_open(struct conn_loop *l,
				       const struct service_link_settings *settings);
/* What was told lately is still sent where the socket takes it. NULL is fine. */
void service_link_close(struct service_link *l);
/* Between up() and the loss of the connection. */
bool service_link_is_up(const struct service_link *l);
/* mailboxd does not keep up: what is not needed should not be told. */
bool service_link_is_pressed(const struct service_link *l);
/*
 * Sends m as an event. ST_OK; ST_UNAVAILABLE: the link is not up, up() will come;
 * ST_LIMIT, ST_NO_MEMORY: the link is given up and opened again, up() will come.
 */
enum status service_link_tell(struct service_link *l,
			      const struct ipc_message *m);

#endif
