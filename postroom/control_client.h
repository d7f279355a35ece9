/*
 * The command line's side of control.sock: asks mailboxd and waits. Blocking;
 * several requests may be sent before the first answer is read.
 */
#ifndef POSTROOM_CONTROL_CLIENT_H
#define POSTROOM_CONTROL_CLIENT_H

#include "common/ipc_codec.h"

struct control_client;

/* Connects to RUN/control.sock and exchanges HELLO. ST_CLOSED: nobody listens
 * there; ST_IO, ST_SYNTAX (it speaks another version), ST_NO_MEMORY. timeout_ms
 * bounds each wait; 0: none. */
enum status control_client_open(const char *run, unsigned timeout_ms,
				struct control_client **out, struct error *err);
void control_client_close(struct control_client *c);

/* Sends CONTROL verb with these words under a new id, which goes to *id. */
enum status control_client_ask(struct control_client *c, const char *verb,
			       const struct slice *args, size_t count,
			       uint32_t *id, struct error *err);
/*
 * The next message to come, whatever request it answers. Its slices live until
 * the next call. *last: the request is done. Returns credit.
 * ST_CLOSED: mailboxd is gone.
 */
enum status control_client_next(struct control_client *c, struct ipc_message *m,
				uint32_t *id, bool *last, struct error *err);
/* More of the answer to id may come before it is read: for what is large. */
#define CONTROL_CLIENT_WINDOW ((size_t)1 << 20)
enum status control_client_widen(struct control_client *c, uint32_t id,
				 struct error *err);
/* Sends one message of a request that is open (PIECE, CREDIT). */
enum status control_client_send(struct control_client *c, uint32_t id, bool last,
				const struct ipc_message *m, struct error *err);
/* The same, but it may wait for others, at the latest until control_client_next(). */
enum status control_client_put(struct control_client *c, uint32_t id,
			       const struct ipc_message *m, struct error *err);

#endif
