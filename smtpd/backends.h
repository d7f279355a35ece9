/*
 * Where the requests of an SMTP session go: AUTH and MAY_SEND to mailboxd's
 * auth.sock, everything else to LMTP.
 */
#ifndef SMTPD_BACKENDS_H
#define SMTPD_BACKENDS_H

#include "common/lmtp_client.h"
#include "common/store_client.h"

/* auth outlives the backend. NULL: memory is short. */
struct backend *smtp_backend_new(struct lmtp_client *lmtp,
				 const struct store_client_settings *auth,
				 struct conn *c, struct engine *e);

#endif
