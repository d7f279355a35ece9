/*
 * The server's side of LMTP (RFC 2033) with PIPELINING, 8BITMIME, SMTPUTF8,
 * CHUNKING, ENHANCEDSTATUSCODES and SIZE, and XPOSTROOM for our own smtpd
 * (doc/ipc.md). An engine as common/engine.h says: what it asks for are the
 * LMTP_* messages of common/ipc_messages.h, which mailboxd/lmtp_backend.c
 * answers from the store:
 *
 *	LMTP_MAIL, LMTP_RCPT	one LMTP_REPLY each
 *	LMTP_DATA		CREDIT for the octets taken
 *	LMTP_END		one LMTP_REPLY for each accepted recipient
 *	LMTP_ABORT, LMTP_TELL	nothing
 *	LMTP_ASK		one LMTP_REPLY
 *
 * One transaction is open at a time; all its requests carry the same id.
 */
#ifndef MAILBOXD_LMTP_SESSION_H
#define MAILBOXD_LMTP_SESSION_H

#include "common/engine.h"

/* Octets of body that may wait for the store without CREDIT. */
#define LMTP_WINDOW	UINT64_C(262144)

/* What all sessions share and none changes; lives as long as they do. */
struct lmtp_settings {
	const char *hostname;
	uint64_t message_max;		/* octets, told as SIZE */
	uint32_t recipients_max;	/* of one message */
	int64_t command_ms;		/* wait for a command */
	int64_t data_ms;		/* wait for more of a message */
};

#define LMTP_SETTINGS_DEFAULT \
	{ .hostname = "localhost", .message_max = UINT64_C(50) << 20, \
	  .recipients_max = 1000, .command_ms = 300000, .data_ms = 180000 }

/*
 * A session with its greeting already in out. is_ours: the peer's uid is one
 * that may speak XPOSTROOM. NULL when memory is short. Ended by ops->free.
 */
struct engine *lmtp_session_new(const struct lmtp_settings *settings,
				const struct peer_info *peer, bool is_ours);

#endif
