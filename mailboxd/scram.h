/*
 * The server's side of SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677)
 * without I/O and without base64 of the protocol around it: messages in,
 * messages out. It knows no account: the caller brings the keys.
 *
 *	scram_first()		client-first: who, and by which channel binding
 *	scram_challenge()	server-first: nonce, salt, rounds
 *	scram_final()		client-final: nonce and binding are checked, the
 *				proof is the caller's to check against the keys
 *				(password_proof_check())
 *	scram_signature()	server-final, for the signature of those keys
 *
 * Channel bindings are tls-exporter (RFC 9266) and tls-server-end-point (RFC
 * 5929), given by the daemon that ends TLS. A client that says "y" (it could
 * bind, but believes we cannot) where we can is refused: somebody took -PLUS off
 * the list (RFC 5802 section 6). Mandatory extensions ("m=") are refused, others
 * are passed over.
 */
#ifndef MAILBOXD_SCRAM_H
#define MAILBOXD_SCRAM_H

#include "common/buf.h"
#include "mailboxd/password.h"

#include <stdbool.h>

#define SCRAM_FIRST_MAX		((size_t)2048)	/* octets of client-first */
#define SCRAM_FINAL_MAX		((size_t)2048)
#define SCRAM_NONCE_MAX		((size_t)128)	/* of the client's part */
#define SCRAM_NONCE_OCTETS	((size_t)24)	/* random ones of ours */

/* What the exchange can be bound to; empty: no such binding here. */
struct scram_channel {
	struct slice exporter, end_point;
};

struct scram {
	struct buf name;	/* of the user, unescaped, not prepared */
	struct buf nonce;	/* the client's, then the client's and ours */
	struct buf binding;	/* GS2 header and channel binding data: of c= */
	struct buf text;	/* AuthMessage (section 3), as far as it goes */
};

#define SCRAM_INIT { \
	.name = BUF_INIT(SCRAM_FIRST_MAX), \
	.nonce = BUF_INIT(SCRAM_NONCE_MAX + 64), \
	.binding = BUF_INIT(SCRAM_FIRST_MAX), \
	.text = BUF_INIT(SCRAM_FIRST_MAX + SCRAM_FINAL_MAX + 1024) }

/*
 * is_plus: the mechanism was -PLUS. ST_OK: s->name is there. ST_SYNTAX: no such
 * message; ST_DENIED: it acts for somebody else, binding and mechanism do not go
 * together, or a downgrade; ST_LIMIT, ST_NO_MEMORY.
 */
enum status scram_first(struct scram *s, struct slice message, bool is_plus,
			const struct scram_channel *channel);
/* nonce: our part, printable without ",". Appends the message to out. */
enum status scram_challenge(struct scram *s, const struct password_keys *keys,
			    struct slice nonce, struct buf *out);
/*
 * ST_OK: proof is filled, and s->text is the whole AuthMessage. ST_SYNTAX;
 * ST_DENIED: another nonce, or another channel; ST_NO_MEMORY, ST_LIMIT.
 */
enum status scram_final(struct scram *s, struct slice message,
			unsigned char proof[PASSWORD_KEY_OCTETS]);
enum status scram_signature(const unsigned char signature[PASSWORD_KEY_OCTETS],
			    struct buf *out);
/* Ends s, wiped. */
void scram_clear(struct scram *s);

#endif
