/*
 * What a message needs of the next LMTP server, and what is answered in its place
 * where the server does not offer that: a message is refused, and never altered (RFC
 * 6531 section 3.5, RFC 6152 section 3, RFC 3461 section 5.3, RFC 8689 section 4.2).
 */
#ifndef COMMON_LMTP_OFFER_H
#define COMMON_LMTP_OFFER_H

#include "common/lmtp_dialogue.h"

/* NULL: it may go. */
const struct lmtp_reply *lmtp_offer_mail(const struct lmtp_dialogue *d,
					 const struct ipc_lmtp_mail *mail);
/* A recipient asks for a report that the server would not make; and what is
 * answered then. */
bool lmtp_offer_lacks_rcpt(const struct lmtp_dialogue *d,
			   const struct ipc_lmtp_rcpt *rcpt);
const struct lmtp_reply *lmtp_offer_no_dsn(void);
/* Whether REQUIRETLS is said to the server (RFC 8689 section 2). */
bool lmtp_offer_says_requiretls(const struct lmtp_dialogue *d,
				const struct ipc_lmtp_mail *mail);

#endif
