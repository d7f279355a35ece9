/*
 * What every protocol engine offers: octets in, octets and typed requests out.
 * An engine owns no socket, no timer and no thread. common/conn.c carries it
 * over libuv; tests, fuzzers and benchmarks drive it by hand.
 *
 * The face:
 *   input    octets came from the client
 *   reply    a message came in answer to a request (last: no more for that id)
 *   event    news that nobody asked for (mailbox changed, session to end)
 *   drained  engine->out was sent whole: more may be put there
 *   expired  engine->deadline_ms has passed
 *   secured  a TLS handshake is done
 *   deflated what is said and heard from now on is compressed
 *   told     the client has certainly seen what was sent
 * Each returns what the engine wants next. input is only called while the last
 * answer was WANT_INPUT; reply, event, drained and expired may come at any time
 * before free.
 */
#ifndef COMMON_ENGINE_H
#define COMMON_ENGINE_H

#include "common/buf.h"
#include "common/ipc_messages.h"

#include <stdbool.h>

enum want {
	WANT_INPUT,	/* more octets from the client */
	WANT_ANSWER,	/* nothing from the client until a reply or an event; what
			 * arrives is kept, up to the input bound */
	WANT_TLS,	/* a handshake, once engine->out is flushed. What was
			 * already received in clear is dropped (RFC 3207) */
	WANT_DEFLATE,	/* compression both ways (RFC 4978), once engine->out is
			 * flushed; nothing may be put there before deflated().
			 * What was already received is taken as compressed */
	WANT_CLOSE,	/* flush engine->out, then close */
};

/* Who is at the other end; fixed before the first input, except that the tls
 * fields are filled by the handshake that WANT_TLS asked for. */
struct peer_info {
	char address[48];	/* numeric, no port; "" on a Unix socket */
	uint16_t port;
	char local_address[48];
	uint16_t local_port;
	bool is_trusted;	/* in `trusted`: no limits by address */
	bool is_secure;		/* TLS, or a Unix socket */
	const char *tls_version;	/* "TLSv1.3"; NULL without TLS */
	const char *tls_cipher;		/* "TLS_AES_256_GCM_SHA384" */
	int tls_bits;
	struct slice tls_exporter;	/* RFC 9266, 32 octets; empty below 1.3 */
	struct slice tls_end_point;	/* RFC 5929 tls-server-end-point */
	struct slice client_certificate;	/* of a verified one: the SHA-256
					 * of its SubjectPublicKeyInfo */
	/* A Unix socket: who connected, by SO_PEERCRED. */
	bool is_local;
	uint32_t uid;
	int32_t pid;
};

struct engine;

struct engine_ops {
	/* Takes octets from in and counts them in *used; the rest comes again
	 * with more behind it. Taking none and WANT_INPUT: more is needed. */
	enum want (*input)(struct engine *e, struct slice in, size_t *used);
	enum want (*reply)(struct engine *e, uint32_t id,
			   const struct ipc_message *m, bool last);
	enum want (*event)(struct engine *e, const struct ipc_message *m);
	enum want (*drained)(struct engine *e);
	enum want (*expired)(struct engine *e);
	/* After a WANT_TLS handshake went well; e->peer has the details. */
	enum want (*secured)(struct engine *e);
	/* After WANT_DEFLATE. May be NULL for an engine that never wants it. */
	enum want (*deflated)(struct engine *e);
	/* After wants_told was set and out was sent whole: the client's TCP has
	 * acknowledged it, and then came octets that had not arrived before, or
	 * an orderly close (decisions.md, exactly once). wants_told is false
	 * again. May be NULL; the answer is taken as input's is. */
	enum want (*told)(struct engine *e);
	/* Whether the engine keeps answers to this id because it cannot use them
	 * yet: then mailboxd gets no credit for more. May be NULL: it never does. */
	bool (*holds)(const struct engine *e, uint32_t id);
	void (*free)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
	const struct peer_info *peer;
	struct buf out;		/* octets for the client */
	struct buf requests;	/* ipc frames for the backend, see engine_ask() */
	int64_t deadline_ms;	/* clock_ms() at which expired() is due; 0: none */
	bool wants_told;	/* what is in out now has to be told, see told() */
	bool is_authenticated;	/* logged in: no longer counted among those who
				 * may be dropped when connections run short */
	/* Who it is, for the service connection (common/front.h). sid and login
	 * borrow from the engine; sid is there from the beginning. since_ms (wall
	 * clock) and door (title of the `listen` section) are set by who carries
	 * it. */
	struct slice sid;
	struct slice login;	/* canonical address of the account */
	uint64_t account;	/* its number; 0 before the login */
	uint64_t credential;	/* the password it logged in with; or 0 */
	int64_t since_ms;
	const char *door;
};

/* Ceilings of the two buffers. An engine stops taking input while out holds
 * more than ENGINE_OUT_HIGH, and goes on when drained() is called. */
#define ENGINE_OUT_MAX		((size_t)1024 * 1024)
#define ENGINE_OUT_HIGH		((size_t)256 * 1024)
#define ENGINE_REQUESTS_MAX	((size_t)512 * 1024)
#define ENGINE_REQUESTS_HIGH	((size_t)128 * 1024)

/*
 * Queues a typed request under an id of the engine's choosing (not 0, not in
 * use). m's octets are copied. ST_LIMIT: the queue is full; ST_NO_MEMORY.
 */
enum status engine_ask(struct engine *e, uint32_t id,
		       const struct ipc_message *m);

/* Whether a kick (the event SERVICE_KICK) names this session, by its sid, by the
 * account it is logged in to and the password it used, or because it names nobody
 * and so all. */
bool engine_is_kicked(const struct engine *e, const struct ipc_message *m);

#endif
