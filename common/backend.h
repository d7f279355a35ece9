/*
 * Where the requests of an engine go: mailboxd over store.sock or auth.sock
 * (store_client), an LMTP server (lmtp_client), or, in mailboxd itself, the
 * store. One backend object serves one connection; common/conn.c hands it the
 * frames that the engine put on engine->requests and closes it.
 *
 * A backend answers by conn_reply() and conn_event(), from the loop or from
 * inside flush() and resume(), never from inside send() and close().
 */
#ifndef COMMON_BACKEND_H
#define COMMON_BACKEND_H

#include "common/ipc_codec.h"

#include <stdbool.h>

struct backend;

struct backend_ops {
	/*
	 * Takes one request; the frame's octets are copied. ST_OK: taken.
	 * ST_MORE: not now; it stays in engine->requests and comes again after
	 * conn_wake(). Nothing else is returned: what cannot be done is answered
	 * by an ERROR message.
	 */
	enum status (*send)(struct backend *b, const struct ipc_frame *frame);
	/* The frames that belong together were given: write them now. */
	void (*flush)(struct backend *b);
	/* engine->out has room again: answers held back may come. */
	void (*resume)(struct backend *b);
	/* Whether requests lack their last answer; NULL: backend->open says. */
	bool (*is_busy)(const struct backend *b);
	/* The connection ends: requests in flight are cancelled, b and the
	 * engine are not touched again by the caller or by b. */
	void (*close)(struct backend *b);
};

/* The first member of every backend. */
struct backend {
	const struct backend_ops *ops;
	/* Requests without their last answer: a client that has closed its
	 * half still gets what it asked for. Kept by the backend. */
	unsigned open;
};

#endif
