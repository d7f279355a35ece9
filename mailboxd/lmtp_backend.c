#include "mailboxd/lmtp_backend.h"

#include "mailboxd/lmtp_delivery.h"

#include <stdlib.h>

struct lmtp_backend {
	struct backend backend;	/* first */
	struct conn *conn;
	struct lmtp_delivery *delivery;
	/* What was answered at once waits here for flush(): a backend answers
	 * from there or from the loop. */
	struct buf answers;
	bool is_sending;
};

/* All answers that one group of requests can have at once are small. */
#define ANSWERS_MAX ((size_t)4 * 1024 * 1024)

static void answer(void *arg, uint32_t id, const struct ipc_message *m,
		   bool last)
{
	struct lmtp_backend *b = arg;

	if (!b->is_sending)
		conn_reply(b->conn, id, m, last);
	else if (ipc_encode(&b->answers, id, last ? IPC_LAST : 0, m) != ST_OK)
		conn_abort(b->conn);
	b->backend.open = lmtp_delivery_is_busy(b->delivery);
}

static void moved(void *arg)
{
	struct lmtp_backend *b = arg;

	conn_wake(b->conn);
}

static enum status backend_send(struct backend *backend,
				const struct ipc_frame *frame)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;
	enum status st;

	b->is_sending = true;
	st = lmtp_delivery_send(b->delivery, frame);
	b->is_sending = false;
	b->backend.open = lmtp_delivery_is_busy(b->delivery);
	return st;
}

static void backend_flush(struct backend *backend)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;
	struct buf answers = b->answers;
	struct slice rest = buf_slice(&answers);
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used;

	b->answers = (struct buf)BUF_INIT(ANSWERS_MAX);
	while (ipc_frame_next(rest, &frame, &used) == ST_OK &&
	       ipc_decode(&frame, &m) == ST_OK) {
		rest = slice_from(rest, used);
		conn_reply(b->conn, frame.id, &m, frame.flags & IPC_LAST);
	}
	buf_free(&answers);
}

static void backend_close(struct backend *backend)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;

	lmtp_delivery_close(b->delivery);
	buf_free(&b->answers);
	free(b);
}

static const struct backend_ops ops = {
	.send = backend_send,
	.flush = backend_flush,
	.close = backend_close,
};

struct backend *lmtp_backend_new(struct service *service, struct conn *c)
{
	struct lmtp_backend *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->backend.ops = &ops;
	b->conn = c;
	b->answers = (struct buf)BUF_INIT(ANSWERS_MAX);
	b->delivery = lmtp_delivery_new(service, answer, moved, b);
	if (!b->delivery) {
		free(b);
		return NULL;
	}
	return &b->backend;
}
