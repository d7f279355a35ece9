/*
 * Carries a session (mailboxd/session.h) over a connection: an engine for
 * common/conn.h, so that back-pressure, deadlines and the end of a connection
 * are those of every other one.
 */
#ifndef MAILBOXD_PEER_H
#define MAILBOXD_PEER_H

#include "common/conn.h"
#include "mailboxd/service.h"
#include "mailboxd/session.h"

/* What listens on one of the sockets. */
struct peer_context {
	struct service *service;
	enum session_socket socket;
};

/* For conn_service; context is a struct peer_context. */
struct engine *peer_engine_new(void *context, const struct peer_info *info);
/* Learns the connection; there is no backend. */
struct backend *peer_backend_new(void *context, struct conn *c,
				 struct engine *e);

#endif
