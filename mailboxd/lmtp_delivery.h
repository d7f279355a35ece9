/*
 * What an LMTP session asks for, done: recipients resolved, the message taken
 * in, committed, and answered recipient by recipient. One object serves one
 * session. It knows no libuv; mailboxd/lmtp_backend.c puts it behind a
 * connection, tests call it directly.
 */
#ifndef MAILBOXD_LMTP_DELIVERY_H
#define MAILBOXD_LMTP_DELIVERY_H

#include "common/ipc_codec.h"
#include "mailboxd/service.h"

struct lmtp_delivery;

/* An answer. Often called from inside lmtp_delivery_send(), else from the loop. */
typedef void lmtp_answer_fn(void *arg, uint32_t id,
			    const struct ipc_message *m, bool last);

/* moved(arg): a request that was answered ST_MORE may come again. NULL when
 * memory is short. */
struct lmtp_delivery *lmtp_delivery_new(struct service *service,
					lmtp_answer_fn *answer,
					void (*moved)(void *arg), void *arg);
/* ST_OK: taken; ST_MORE: not now. The frame comes from an engine of ours. */
enum status lmtp_delivery_send(struct lmtp_delivery *d,
			       const struct ipc_frame *frame);
/* Whether something is still to be answered. */
bool lmtp_delivery_is_busy(const struct lmtp_delivery *d);
/* The session ended. A message that is being committed is committed; nothing is
 * answered any more. */
void lmtp_delivery_close(struct lmtp_delivery *d);

#endif
