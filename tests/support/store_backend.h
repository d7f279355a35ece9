/*
 * mailboxd in the test's own process, without threads and sockets: a temporary
 * store, the same request handlers as mailboxd/peer.c uses, every job run at
 * once. An engine's requests go in, replies and events come back to it.
 *
 *	struct store_backend *b = store_backend_new(false);
 *	struct store_link *l;
 *
 *	store_backend_user(b, "ann@example.test", "secret");
 *	l = store_link_new(b, SESSION_STORE);
 *	want = engine->ops->input(engine, octets, &used);
 *	want = store_link_serve(l, engine, want);
 *
 * Whatever cannot be done ends the test (cr_assert).
 */
#ifndef TESTS_SUPPORT_STORE_BACKEND_H
#define TESTS_SUPPORT_STORE_BACKEND_H

#include "common/engine.h"
#include "mailboxd/service.h"
#include "mailboxd/session.h"

struct store_backend;
struct store_link;

/* first_use: any recipient and any password, as in profile test. */
struct store_backend *store_backend_new(bool first_use);
/* Links are closed by now. The directory goes. */
void store_backend_free(struct store_backend *b);
struct service *store_backend_service(struct store_backend *b);

/* Adds the domain where it is not there, the account and its password. */
void store_backend_user(struct store_backend *b, const char *address,
			const char *password);
/* It may set quotas; once. */
void store_backend_admin(struct store_backend *b, struct slice address);
/* Delivers a message (LF becomes CRLF) to the INBOX of an address; gives its
 * UID. */
uint32_t store_backend_deliver(struct store_backend *b, const char *address,
			       const char *message);
/* Runs f in a transaction of its own. */
enum status store_backend_do(struct store_backend *b, enum tx_mode mode,
			     enum status (*f)(struct tx *tx, void *arg),
			     void *arg);
/* Runs what was submitted until nothing is left, and tells the news. */
void store_backend_run(struct store_backend *b);
/* One job of it, the oldest; false: there is none. */
bool store_backend_step(struct store_backend *b);

/* One connection, HELLO said. */
struct store_link *store_link_new(struct store_backend *b,
				  enum session_socket socket);
/* The service connection of a daemon of that name. */
struct store_link *store_link_new_service(struct store_backend *b,
					  enum session_socket socket,
					  const char *name);
void store_link_free(struct store_link *l);
struct session *store_link_session(struct store_link *l);
/*
 * Takes the engine's requests, runs them, gives it the answers and events (also
 * those that other links caused), and goes on until nothing moves. want is what
 * the engine wanted last; returns what it wants now.
 */
enum want store_link_serve(struct store_link *l, struct engine *e,
			   enum want want);
/* Raw frames in, nothing is run: store_backend_step() does that. */
enum status store_link_give(struct store_link *l, struct slice frames);
/* Raw frames in; those that came out are appended to out. Without an engine. */
enum status store_link_feed(struct store_link *l, struct slice frames,
			    struct buf *out);

#endif
