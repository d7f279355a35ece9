/*
 * A transaction whose route is not mailboxd's (smtpd/route.h): which recipients it
 * has, what each was answered, and what that comes to for the client.
 */
#ifndef SMTPD_ROUTED_H
#define SMTPD_ROUTED_H

#include "smtpd/session_priv.h"

/* Before a recipient is asked for. False: it is answered already, because it goes
 * another way, has the message, or its server is away. */
bool smtp_routed_rcpt(struct smtp_session *s, struct slice recipient);
/* It is asked for, with these bits of enum dsn_notify: 0 where none was said. Without
 * FAILURE a report to the sender leaves it out. */
void smtp_routed_asked(struct smtp_session *s, struct slice recipient, unsigned notify);
/* It was accepted. */
void smtp_routed_accepted(struct smtp_session *s, struct slice recipient);
/* The server is asked anew, for recipients that need not be the same: none is
 * accepted. */
void smtp_routed_reopened(struct smtp_session *s);
/* Goes the way of this recipient from now on, whatever way it went before. */
void smtp_routed_to(struct smtp_session *s, struct slice recipient);

enum smtp_routed_end {
	SMTP_ROUTED_GO_ON,	/* the server is to say what becomes of it */
	SMTP_ROUTED_STORED,	/* everybody had it: answer as stored */
	SMTP_ROUTED_REFUSED,	/* t->failure says it */
};

/* The message is whole. */
enum smtp_routed_end smtp_routed_end(struct smtp_session *s, struct slice digest);
/* What the next recipients, so many of them, were answered after the data. */
void smtp_routed_outcome(struct smtp_session *s, const struct smtp_passed *passed,
			 unsigned count);
/* All were answered: fills *reply. False: a report to the sender is on its way, and
 * smtp_transaction_concluded() will be called. */
bool smtp_routed_conclude(struct smtp_session *s, struct smtp_passed *reply);
/* An answer to that report. False: none is on its way. */
bool smtp_routed_answer(struct smtp_session *s, const struct ipc_message *m, bool last);
/* It took too long. False: none is on its way. */
bool smtp_routed_expired(struct smtp_session *s);
void smtp_routed_free(struct smtp_session *s);

#endif
