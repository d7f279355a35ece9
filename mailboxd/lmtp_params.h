/*
 * The words behind the path of MAIL: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8
 * (RFC 6531) and the XPOSTROOM words of doc/ipc.md, whose values are xtext
 * (RFC 3461 section 4).
 */
#ifndef MAILBOXD_LMTP_PARAMS_H
#define MAILBOXD_LMTP_PARAMS_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/dsn.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct lmtp_params {
	uint64_t size;		/* 0: not told */
	bool is_8bit, is_utf8;
	enum dsn_ret ret;	/* RFC 3461 */
	struct slice envid;	/* decoded */
	struct slice mid, sid, address, helo, login, tls;	/* "" not told */
};

/*
 * Takes all of text. ours: the XPOSTROOM words are known. Values live in the
 * arena. ST_SYNTAX, also where the arena is full: *reply is what to say.
 */
enum status lmtp_params_parse(struct slice text, bool ours,
			      struct arena *arena, struct lmtp_params *params,
			      const char **reply);

/*
 * The words behind the path of RCPT: NOTIFY and ORCPT (RFC 3461). *notify is 0 and
 * *orcpt empty where they were not said. As above.
 */
enum status lmtp_params_rcpt(struct slice text, struct arena *arena,
			     unsigned *notify, struct slice *orcpt,
			     const char **reply);

#endif
