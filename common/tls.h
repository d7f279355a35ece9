/*
 * TLS (1.2 and up), server side; the only user of SSL_*. Octets in and out, no
 * socket: common/conn.c carries them. A context has the certificates of a
 * daemon and can be given new ones; sessions that are open keep theirs, and
 * tickets given out before stay good.
 */
#ifndef COMMON_TLS_H
#define COMMON_TLS_H

#include "common/buf.h"
#include "common/engine.h"

/* Octets of plaintext one tls_write() takes, and one tls_read() may give. */
#define TLS_RECORD_MAX	((size_t)16384)

/* ---- certificates ---------------------------------------------------------- */

struct tls_context;

/* Without a certificate yet. NULL: memory is short. */
struct tls_context *tls_context_new(void);
void tls_context_free(struct tls_context *t);
/* New sessions are TLS 1.3 at least. */
void tls_context_set_strict(struct tls_context *t, bool strict);
/*
 * New certificates are gathered by tls_context_add() and taken into use all at
 * once by tls_context_commit(); tls_context_discard() forgets them. name: "" for
 * the default, else the name a client asks for by SNI ("*.example.org" covers
 * one label). chain and key are PEM.
 * ST_SYNTAX: not PEM, key and certificate do not match, expired (told in err;
 * an expired one is still taken, with a warning in the log). ST_NO_MEMORY.
 */
enum status tls_context_add(struct tls_context *t, struct slice name,
			    struct slice chain, struct slice key,
			    struct error *err);
enum status tls_context_commit(struct tls_context *t, struct error *err);
void tls_context_discard(struct tls_context *t);
/*
 * The authorities whose certificates clients may show, as PEM; they are gathered
 * and taken into use with the certificates. ST_SYNTAX: there is none, or what
 * follows is no PEM. ST_NO_MEMORY.
 */
enum status tls_context_add_client_ca(struct tls_context *t, struct slice pem,
				      struct error *err);
/* Whether there are any. */
bool tls_context_has_client_ca(const struct tls_context *t);
/* Whether there is a certificate, so that TLS can be offered. */
bool tls_context_ready(const struct tls_context *t);

/* ---- one session ------------------------------------------------------------ */

struct tls;

/* alpn: the one protocol served here, or NULL; a client that offers others only
 * is refused (ALPACA). NULL: no certificate, or memory is short. */
struct tls *tls_new(struct tls_context *t, const char *alpn);
void tls_free(struct tls *s);
/*
 * Before the handshake: the client is asked for a certificate. One that does not
 * verify is as none. Nothing is resumed: what a ticket says of a certificate
 * would outlive what is known of it now.
 */
void tls_ask_certificate(struct tls *s);
/*
 * Goes on with the handshake: in is what came from the network, all of it is
 * taken (what follows the handshake is kept for tls_read()); octets for the
 * network are appended to out, also on failure (an alert).
 * ST_OK: done. ST_MORE: more is needed. ST_SYNTAX: it failed, err says why.
 */
enum status tls_handshake(struct tls *s, struct slice in, struct buf *out,
			  struct error *err);
/*
 * Decrypts: takes *in from the network bit by bit and puts at most
 * TLS_RECORD_MAX octets of plaintext at `at`, which has that much room; *in is
 * advanced behind what was taken. Call it until *octets is 0.
 * ST_OK: *octets are there. ST_MORE: *octets is 0 and *in is empty.
 * ST_CLOSED: the client ended the session (close_notify). ST_SYNTAX: a bad
 * record; err says why. out may get an alert or an answer to a key update.
 */
enum status tls_read(struct tls *s, struct slice *in, char *at, size_t *octets,
		     struct buf *out, struct error *err);
/* Encrypts all of plain and appends it to out. ST_LIMIT, ST_NO_MEMORY,
 * ST_SYNTAX: the session is over. */
enum status tls_write(struct tls *s, struct slice plain, struct buf *out);
/* Appends close_notify. */
void tls_shutdown(struct tls *s, struct buf *out);
/* Fills version, cipher, bits, bindings and the client's certificate; they borrow
 * from s. */
void tls_describe(struct tls *s, struct peer_info *peer);

#endif
