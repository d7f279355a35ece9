/* What transaction.c, transaction_rcpt.c and transaction_data.c share; the rest of smtpd
 * has smtpd/session_priv.h. */
#ifndef SMTPD_TRANSACTION_PRIV_H
#define SMTPD_TRANSACTION_PRIV_H

#include "smtpd/session_priv.h"

/* transaction.c */
/* A request under the transaction's id; without room the session ends. */
void smtp_transaction_ask(struct smtp_session *s, struct ipc_message *m);
/* A reply of ours that is kept. */
void smtp_passed_keep_row(struct smtp_passed *passed, enum smtp_reply reply);

/* transaction_rcpt.c */
/* Nothing more comes of the transaction: what waits is answered with t.failure. */
void smtp_transaction_fail_recipients(struct smtp_session *s);
/* The answer to MAIL, and to the oldest RCPT without one. */
void smtp_transaction_mail_answered(struct smtp_session *s, const struct ipc_message *m,
				    bool last);
void smtp_transaction_rcpt_answered(struct smtp_session *s, const struct ipc_message *m,
				    bool last);

/* transaction_data.c */
/* The trace field, and what looks at the octets. ST_NO_MEMORY. */
enum status smtp_transaction_begin_message(struct smtp_session *s);
/* Octets that the header filter let through; arg is the session. */
void smtp_transaction_filtered(void *arg, struct slice octets);
/* What was gathered goes. */
void smtp_transaction_send_piece(struct smtp_session *s);

#endif
