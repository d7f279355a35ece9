/*
 * Parameters of MAIL and RCPT (RFC 5321 section 4.1.2, esmtp-param): a table
 * says which there are.
 */
#ifndef SMTPD_PARAMS_H
#define SMTPD_PARAMS_H

#include "common/dsn.h"
#include "smtpd/session_priv.h"

struct smtp_params {
	uint64_t size;		/* SIZE (RFC 1870), 0 when not given */
	bool is_8bit;		/* BODY=8BITMIME (RFC 6152) */
	bool is_utf8;
	bool requires_tls;		/* SMTPUTF8 (RFC 6531) */
	/* RFC 3461; decoded, in the session's arena */
	enum dsn_ret ret;
	unsigned notify;
	struct slice envid, orcpt;
};

enum smtp_params_for { SMTP_PARAMS_MAIL, SMTP_PARAMS_RCPT };

/*
 * Takes what follows the path. OK when all is well; else the reply, and in *bad
 * the parameter that it names.
 */
enum smtp_reply smtp_params_parse(struct smtp_session *s,
				  enum smtp_params_for whose,
				  struct slice text, struct smtp_params *params,
				  struct slice *bad);

#endif
