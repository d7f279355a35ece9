/*
 * The way from an engine to mailboxd's store.sock or auth.sock (doc/ipc.md): a
 * backend with one Unix connection for each client session, opened by its first
 * request and bound to the account by the AUTH exchange. Frames pass as they
 * are. Answers are passed on while engine->out has room, and CREDIT goes back as
 * it drains, so that a client that does not read holds nothing in mailboxd.
 *
 * When the connection cannot be made or is lost, every open request is answered
 * by ERROR ST_UNAVAILABLE; where none was open, the engine gets the ERROR as an
 * event. On store.sock the account was bound to the connection: later requests
 * get the same answer, except AUTH, which opens a new one.
 */
#ifndef COMMON_STORE_CLIENT_H
#define COMMON_STORE_CLIENT_H

#include "common/conn.h"

#define STORE_CLIENT_CONNECT_MS	5000	/* until mailboxd's HELLO */

struct store_client_settings {
	const char *path;	/* "store.sock" */
	const char *name;	/* in HELLO: "imapd" */
	/* auth.sock: the connection ends with the last answer. */
	bool is_once;
};

/* For conn_service.backend_new. settings outlive it. NULL: memory is short. */
struct backend *store_client_new(const struct store_client_settings *settings,
				 struct conn *c, struct engine *e);

#endif
