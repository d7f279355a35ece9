/*
 * Puts lmtp_delivery behind a connection (common/conn.h): the backend of
 * lmtp.sock.
 */
#ifndef MAILBOXD_LMTP_BACKEND_H
#define MAILBOXD_LMTP_BACKEND_H

#include "common/conn.h"
#include "mailboxd/service.h"

/* For conn_service.backend_new. NULL: memory is short. */
struct backend *lmtp_backend_new(struct service *service, struct conn *c);

#endif
