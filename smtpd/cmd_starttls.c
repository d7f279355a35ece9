#include "smtpd/session_priv.h"

/* STARTTLS (RFC 3207). What the client sent behind it in clear is dropped by
 * whoever carries the engine; the state is forgotten when TLS is there. */
void smtp_cmd_starttls(struct smtp_session *s, struct slice arguments)
{
	(void)arguments;
	if (smtp_is_secure(s)) {
		smtp_reply(s, SMTP_REPLY_ALREADY_SECURE);
	} else if (!s->listener->has_starttls) {
		smtp_reply(s, SMTP_REPLY_NOT_OFFERED);
	} else {
		smtp_reply(s, SMTP_REPLY_READY_TLS);
		s->wait = SMTP_WAIT_TLS;
	}
}
