/*
 * Hands messages over (RFC 2033, 3030): a pool of connections to one LMTP
 * server, and for each SMTP session a backend that turns IPC_LMTP_* requests
 * into its dialogue (common/lmtp_dialogue.h). With a server that offers
 * XPOSTROOM 1 (doc/lmtp.md) it tells ids and digest, and asks by XDONE what
 * became of a message whose reply was lost; others get plain LMTP, DATA where
 * CHUNKING is missing.
 *
 * A transaction that cannot be carried is answered 451 "4.3.0". The server is
 * tried again after 50 ms to 2 s.
 */
#ifndef COMMON_LMTP_CLIENT_H
#define COMMON_LMTP_CLIENT_H

#include "common/conn.h"
#include "common/lmtp_dialogue.h"

struct lmtp_client;

struct lmtp_client_settings {
	const char *path;	/* a Unix socket: "lmtp.sock" */
	const char *hostname;	/* in LHLO */
	enum lmtp_way way;	/* how the server is reached */
	bool is_foreign;	/* no mailboxd of ours: XPOSTROOM is not spoken */
	unsigned connections;	/* at most so many; 0: 64 */
	unsigned idle;		/* kept open when not in use; 0: 8 */
	int64_t reply_ms;	/* a reply; 0: 60 s */
	int64_t stored_ms;	/* replies after the data; 0: 300 s */
	int64_t done_ms;	/* until XDONE must have been answered; 0: 5 s */
	/* Called when what is known of the server changed: ST_OK,
	 * ST_UNAVAILABLE, ST_FULL (452 at RCPT or data). May be NULL. */
	void (*state_changed)(void *context, enum status state);
	void *context;
};

/* Strings are copied. One connection is opened at once, so that state_changed
 * tells soon. NULL: memory is short. */
struct lmtp_client *lmtp_client_new(struct conn_loop *l,
				    const struct lmtp_client_settings *settings);
/* Backends end before; TELLs still queued are given a moment. The memory goes in
 * the close callbacks. */
void lmtp_client_close(struct lmtp_client *client);
/* For conn_service.backend_new. NULL: memory is short. */
struct backend *lmtp_client_backend(struct lmtp_client *client, struct conn *c,
				    struct engine *e);
enum status lmtp_client_state(const struct lmtp_client *client);

#endif
