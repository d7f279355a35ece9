/*
 * One SMTP session (RFC 5321), without its socket: an engine as
 * common/engine.h describes it.
 *
 * Requests it puts on engine->requests, and the answers it takes:
 *
 *   AUTH, AUTH_CONTINUE   AUTH_CHALLENGE, AUTH_OK (last), ERROR (last).
 *	ST_DENIED is 535 5.7.8; anything else 454 4.7.0.
 *   LMTP_MAIL             with the first RCPT of a transaction, and under one
 *	id that all messages of the transaction carry. One LMTP_REPLY. When it
 *	is no 2xx, it is also the answer to the recipients.
 *   LMTP_RCPT             one LMTP_REPLY each, in order; several may wait.
 *   LMTP_DATA             pieces of at most IPC_PIECE_MAX; CREDIT with the
 *	octets that left. At most SMTP_DATA_UNACKNOWLEDGED octets are out; the
 *	engine then stops taking input. The first piece begins with the
 *	Received field. A backend that wants to send a small message in one
 *	write may therefore keep up to 64 KiB back until LMTP_END.
 *   LMTP_END              one LMTP_REPLY for each recipient that had a 2xx, in
 *	order, the last one with IPC_LAST.
 *   LMTP_ABORT            none, and nothing more for that id may be sent.
 *
 *   REFUSED               none; where settings->tells_refusals.
 *
 * An answer with IPC_LAST, or an ERROR, ends the transaction at any time: a
 * lost connection is LMTP_REPLY 451 "4.3.0" with IPC_LAST, for everything that
 * still waited for an answer. Answers to an id that is over are passed by.
 */
#ifndef SMTPD_SESSION_H
#define SMTPD_SESSION_H

#include "common/engine.h"
#include "smtpd/settings.h"

#define SMTP_DATA_UNACKNOWLEDGED	((size_t)96 * 1024)
/* The same once the message is longer than SMTP_DATA_FIRST, when its first chunk
 * (LMTP_CHUNK_MAX) has gone for certain. */
#define SMTP_DATA_UNACKNOWLEDGED_LATER	((size_t)15 * 1024)
#define SMTP_DATA_FIRST			((size_t)128 * 1024)

/*
 * A session whose greeting is in engine->out and which wants input. With
 * implicit TLS it is made after the handshake. What it is given is borrowed
 * and outlives it. The caller ends it with engine->ops->free(). NULL when memory
 * is short.
 */
struct engine *smtp_session_new(const struct smtp_settings *settings,
				const struct smtp_listener *listener,
				const struct peer_info *peer);

/* The session's id, for the log lines of the connection. */
struct slice smtp_session_sid(const struct engine *e);

#endif
