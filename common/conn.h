/*
 * Carries one engine (common/engine.h) over libuv: a stream socket of any kind
 * below, TLS between where the engine asks for it, a backend behind.
 *
 * Every callback only stores what came and marks the connection; once a turn
 * of the loop each marked connection is settled: input to the engine, requests
 * to the backend, one write for all replies of the turn.
 *
 * Back-pressure: the socket is not read while engine->out holds more than
 * ENGINE_OUT_HIGH, engine->requests more than ENGINE_REQUESTS_HIGH, or
 * CONN_IN_MAX octets wait for an engine that is busy. A client that takes
 * nothing for CONN_STALLED_MS, with output waiting, is closed. An idle
 * connection holds no buffer: the octets read go through one that all
 * connections of a loop share.
 *
 * Compressed input is unpacked as far as the engine takes it, CONN_READ_MAX
 * octets a step at most, so that a bomb costs its sender's turn and no memory.
 *
 * End: WANT_CLOSE flushes, shuts the writing side and discards input for at
 * most CONN_LINGER_MS, so that the last reply is not lost to a reset. When the
 * client closes its half, what it sent before is still answered.
 */
#ifndef COMMON_CONN_H
#define COMMON_CONN_H

#include "common/backend.h"
#include "common/engine.h"
#include "common/wheel.h"

#include <uv.h>

#define CONN_IN_MAX		((size_t)128 * 1024)
/* With more connections than this each reads, and keeps unread, less. */
#define CONN_MANY		256
#define CONN_IN_MANY		((size_t)8 * 1024)
#define CONN_STALLED_MS		60000
#define CONN_HANDSHAKE_MS	30000
#define CONN_LINGER_MS		2000

struct conn;
struct tls_context;

/* ---- the loop ------------------------------------------------------------- */

/* What the connections of one libuv loop share: read buffer, deadlines (one
 * libuv timer for all), the list of marked connections. */
struct conn_loop;

/* NULL when memory is short. */
struct conn_loop *conn_loop_new(uv_loop_t *loop);
/* Closes every connection at once (no flush) and the handles; the memory goes
 * when uv_run() has run the close callbacks. */
void conn_loop_close(struct conn_loop *l);
uv_loop_t *conn_loop_uv(struct conn_loop *l);
/* How many connections are open. */
size_t conn_loop_count(const struct conn_loop *l);
/* Those whose engine is not is_authenticated. */
size_t conn_loop_unauthenticated(const struct conn_loop *l);
/* Aborts the one of them that was opened first. False: there is none. */
bool conn_loop_evict(struct conn_loop *l);

/*
 * A deadline in the loop's wheel, for backends: due() is called once, from the
 * loop, up to WHEEL_TICK_MS late. Zeroed but for due before first use; set to 0
 * before its memory goes.
 */
struct conn_timer {
	struct wheel_entry entry;
	void (*due)(struct conn_timer *t, int64_t now_ms);
};
void conn_timer_set(struct conn_loop *l, struct conn_timer *t, int64_t due_ms);
/* For tests that fake the clock: calls what is due by it now. */
void conn_loop_expire(struct conn_loop *l);

/* Octets that one callback of the loop may read into and has to be done with
 * when it returns. */
#define CONN_READ_MAX		((size_t)64 * 1024)
char *conn_loop_scratch(struct conn_loop *l);

/* ---- what the connections of one listener are ----------------------------- */

struct conn_service {
	const char *protocol;	/* "imap": log lines and ALPN; a literal */
	struct tls_context *tls;	/* NULL: WANT_TLS closes. Borrowed */
	bool tls_implicit;	/* handshake first, engine after it */
	bool asks_certificate;	/* of the client, in the handshake */
	/* A trusted client begins with a PROXY header, in front of TLS too. */
	bool is_proxied;
	/* peer is now who the header names; is_trusted is to be set. False: c is
	 * closed. Called where is_proxied is set. */
	bool (*proxied)(void *context, struct conn *c, int fd,
			struct peer_info *peer);
	int64_t handshake_ms;	/* 0: CONN_HANDSHAKE_MS */
	int64_t stalled_ms;	/* 0: CONN_STALLED_MS */
	/* Makes the engine; peer lives as long as the connection. conn sets
	 * engine->peer. NULL closes the connection. */
	struct engine *(*engine_new)(void *context, const struct peer_info *peer);
	/* Makes the backend of c; NULL, as member or result: the engine's
	 * requests are dropped. */
	struct backend *(*backend_new)(void *context, struct conn *c,
				       struct engine *e);
	/* The engine has logged in (is_authenticated). May be NULL. */
	void (*authenticated)(void *context, struct conn *c);
	/* Its session is over: the engine goes when this returns, c may yet wait
	 * for the client to hang up. May be NULL. */
	void (*released)(void *context, struct conn *c);
	/* c ends; called once, before its engine is freed. May be NULL. */
	void (*closed)(void *context, struct conn *c);
	/* c's memory is gone, and nothing looks at this service for its sake.
	 * May be NULL. */
	void (*ended)(void *context);
	void *context;
};

/* ---- one connection ------------------------------------------------------- */

/*
 * Takes fd (a connected stream socket, non-blocking) and serves it until it
 * closes. service is borrowed until service->ended(); peer is copied; user is
 * what conn_user() gives. The engine's input is called once with no octets, to
 * learn what it wants.
 * ST_NO_MEMORY, ST_IO: nothing was made, fd is closed. After ST_OK closed() and
 * ended() are called in any case, perhaps already.
 */
enum status conn_open(struct conn_loop *l, int fd,
		      const struct conn_service *service,
		      const struct peer_info *peer, void *user);

struct engine *conn_engine(struct conn *c);	/* NULL before implicit TLS */
struct backend *conn_backend(struct conn *c);
const struct peer_info *conn_peer(const struct conn *c);
struct conn_loop *conn_loop_of(struct conn *c);
void *conn_user(const struct conn *c);

/*
 * For backends, and for whatever in a daemon knows an engine: passes an answer
 * or news to the engine and marks c. The octets of m may go when this returns.
 * Safe to call at any time but from inside an engine's or backend's own calls.
 */
void conn_reply(struct conn *c, uint32_t id, const struct ipc_message *m,
		bool last);
void conn_event(struct conn *c, const struct ipc_message *m);
/* Something changed outside (a backend takes requests again, the engine's own
 * state): settle c in this turn of the loop. */
void conn_wake(struct conn *c);
/* The same after an engine operation that was called from outside. */
void conn_take(struct conn *c, enum want want);

/* As if the client were gone: nothing more is sent. */
void conn_abort(struct conn *c);
/* Calls f for each open connection; f may close them. */
void conn_each(struct conn_loop *l, void (*f)(struct conn *c, void *data),
	       void *data);

#endif
