/*
 * One POP3 session (RFC 1939), without its socket: an engine as
 * common/engine.h describes it. It speaks to mailboxd with AUTH, OPEN, FETCH,
 * SENT and EXPUNGE; the connection to the store is the session's own and is
 * opened by its first request.
 */
#ifndef POPD_SESSION_H
#define POPD_SESSION_H

#include "common/engine.h"
#include "popd/settings.h"

/*
 * A session whose greeting is in engine->out and which wants input. With
 * implicit TLS it is made after the handshake. What it is given is borrowed
 * and outlives it. The caller ends it with engine->ops->free(). NULL when memory
 * is short.
 */
struct engine *pop_session_new(const struct pop_settings *settings,
			       const struct pop_listener *listener,
			       const struct peer_info *peer);

/* The session's id, for the log lines of the connection. */
struct slice pop_session_sid(const struct engine *e);

#endif
