/*
 * SASL as the daemons that speak to clients see it, without I/O and without
 * base64. PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login) are read here:
 * whichever it was, one PLAIN message goes to mailboxd. SCRAM-SHA-256 and
 * SCRAM-SHA-256-PLUS (RFC 5802, 7677) pass through step by step: mailboxd alone
 * makes and reads their messages. EXTERNAL (RFC 4422 appendix A) is one message,
 * the identity to act as; the certificate goes with it.
 */
#ifndef COMMON_SASL_H
#define COMMON_SASL_H

#include "common/engine.h"

#include <stdbool.h>

/* Of user name and password each; and of a message of the client, which is that
 * of PLAIN or one of SCRAM. */
#define SASL_NAME_MAX		255
#define SASL_PASSWORD_MAX	1000
#define SASL_MESSAGE_MAX	((size_t)2048)

struct sasl_plain {
	struct slice authzid;	/* often empty */
	struct slice authcid;
	struct slice password;
};

/*
 * Takes a PLAIN message apart; the slices borrow from it. ST_SYNTAX: not two
 * NULs, an empty name or password, not UTF-8; ST_LIMIT: a part is too long.
 */
enum status sasl_plain_parse(struct slice message, struct sasl_plain *plain);
/* Appends the message; the parts are checked the same way. */
enum status sasl_plain_build(const struct sasl_plain *plain, struct buf *out);

/* ---- mechanisms ----------------------------------------------------------- */

enum sasl_mechanism {
	SASL_NONE,	/* not one of these */
	SASL_EXTERNAL,
	SASL_SCRAM_PLUS,
	SASL_SCRAM,
	SASL_PLAIN,
	SASL_LOGIN,
};
#define SASL_MECHANISMS	(SASL_LOGIN + 1)

/* In any case. */
enum sasl_mechanism sasl_mechanism_find(struct slice name);
/* "SCRAM-SHA-256". */
const char *sasl_name(enum sasl_mechanism mechanism);
/* has_scram: accounts have passwords, as all but those of the test profile do.
 * -PLUS wants a TLS session that can be bound to, EXTERNAL one in which the client
 * has shown a certificate that was verified. */
bool sasl_is_offered(enum sasl_mechanism mechanism, bool has_scram,
		     const struct peer_info *peer);
/* Appends before, name, after for each that is offered, the strongest first. */
enum status sasl_list(bool has_scram, const struct peer_info *peer,
		      const char *before, const char *after, struct buf *out);

/* ---- one exchange --------------------------------------------------------- */

/* Begin with SASL_INIT(mechanism), end with sasl_clear(). */
struct sasl {
	enum sasl_mechanism mechanism;
	unsigned step;
	bool is_asked;		/* mailboxd has the first message */
	bool is_over;		/* it gave up while the client was to speak */
	struct buf name;	/* LOGIN: between its two steps */
};

#define SASL_INIT(which) \
	{ .mechanism = (which), .name = BUF_INIT(SASL_NAME_MAX) }

/* The challenge before any response came: "Username:" for LOGIN, else "". Not
 * needed where the client sent an initial response. */
struct slice sasl_first_challenge(const struct sasl *s);
/*
 * Takes the client's next response, decoded. ST_MORE: *challenge (static) goes
 * to the client. ST_OK: a message for mailboxd was appended to message, which
 * should be ended with buf_wipe(). ST_SYNTAX, ST_LIMIT, ST_NO_MEMORY: the
 * exchange failed.
 */
enum status sasl_feed(struct sasl *s, struct slice response,
		      struct slice *challenge, struct buf *message);
/* Fills m with what mailboxd is asked: AUTH, or from the second message on
 * AUTH_CONTINUE under the same request id. service: "imap". m borrows. */
void sasl_ask(struct sasl *s, const struct peer_info *peer,
	      struct slice service, struct slice sid, struct slice message,
	      struct ipc_message *m);
/* mailboxd shall forget the exchange under this id; its ERROR is of no interest. */
void sasl_cancel(struct engine *e, uint32_t id);
/* Wipes what it held. */
void sasl_clear(struct sasl *s);

#endif
