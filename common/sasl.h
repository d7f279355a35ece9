/*
 * The server's side of PLAIN (RFC 4616) and LOGIN (draft-murchison-sasl-login),
 * without I/O and without base64. Whichever it was, the outcome is one PLAIN
 * message, which mailboxd verifies. Other mechanisms are passed through to
 * mailboxd step by step and never come here.
 */
#ifndef COMMON_SASL_H
#define COMMON_SASL_H

#include "common/buf.h"

#include <stdbool.h>

/* Of user name and password each; and of a PLAIN message. */
#define SASL_NAME_MAX		255
#define SASL_PASSWORD_MAX	1000
#define SASL_MESSAGE_MAX	((size_t)2 * SASL_NAME_MAX + SASL_PASSWORD_MAX + 2)

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

enum sasl_mechanism {
	SASL_NONE,	/* not one of these two */
	SASL_PLAIN,
	SASL_LOGIN,
};

/* In any case. */
enum sasl_mechanism sasl_mechanism_find(struct slice name);

/* One exchange. Begin with SASL_INIT(mechanism), end with sasl_clear(). */
struct sasl {
	enum sasl_mechanism mechanism;
	unsigned step;
	struct buf name;	/* LOGIN: between its two steps */
};

#define SASL_INIT(which) \
	{ .mechanism = (which), .name = BUF_INIT(SASL_NAME_MAX) }

/* The challenge before any response came: "" for PLAIN, "Username:" for LOGIN.
 * Not needed where the client sent an initial response. */
struct slice sasl_first_challenge(const struct sasl *s);
/*
 * Takes the client's next response, decoded. ST_MORE: *challenge (static) goes
 * to the client. ST_OK: the PLAIN message was appended to message, which should
 * be ended with buf_wipe(). ST_SYNTAX, ST_LIMIT, ST_NO_MEMORY: the exchange
 * failed.
 */
enum status sasl_feed(struct sasl *s, struct slice response,
		      struct slice *challenge, struct buf *message);
/* Wipes what it held. */
void sasl_clear(struct sasl *s);

#endif
