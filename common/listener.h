/*
 * Accepts on inherited listening sockets, TCP or Unix, and opens connections
 * (common/conn.h) within the limits (common/limits.h). When descriptors or
 * memory run out it rests for LISTENER_REST_MS, or until a connection closes,
 * and does not spin.
 */
#ifndef COMMON_LISTENER_H
#define COMMON_LISTENER_H

#include "common/conn.h"
#include "common/limits.h"
#include "common/netset.h"

#include <sys/types.h>

#define LISTENER_REST_MS 250

struct listener;

struct listener_settings {
	struct conn_service service;
	/* Called when a listener takes these settings into use, and when neither
	 * it nor one of its connections uses them any more, with
	 * service.context. May be NULL. */
	void (*hold)(void *context);
	void (*release)(void *context);
	/* Who may connect to a Unix socket, by SO_PEERCRED; none: anybody. The
	 * uid of this process and root always may. Borrowed. */
	const uid_t *uids;
	size_t uid_count;
	const struct netset *trusted;	/* exempt from limits by address. Borrowed */
	struct limits *limits;	/* borrowed, shared by listeners; NULL: none */
	/* The line with which each refusal is told, by enum limits_verdict, at
	 * once and without TLS: "421 4.7.0 ...\r\n". NULL: just closed. */
	const char *const *refusals;
	/* Instead of a conn: takes fd and serves it. peer->uid, pid are those of
	 * a Unix socket's other end. Not counted by limits. NULL as a rule. */
	void (*accepted)(void *context, int fd, const struct peer_info *peer);
};

/*
 * fd is a socket that listens already; it is taken. settings are copied, what
 * they point to outlives the listener and its connections. NULL: ST_NO_MEMORY
 * or a libuv error, told in err.
 */
struct listener *listener_open(struct conn_loop *l, int fd,
			       const struct listener_settings *settings,
			       struct error *err);
/* New settings for what is accepted from now on; connections that are open keep
 * theirs. ST_NO_MEMORY. */
enum status listener_set(struct listener *ls,
			 const struct listener_settings *settings);
/* Accepts no more; connections go on, and what settings point to lives as long
 * as they. The memory goes with the last of them. */
void listener_close(struct listener *ls);

#endif
