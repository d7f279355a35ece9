#include "smtpd/backends.h"

#include <stdlib.h>

struct smtp_backend {
	struct backend backend;
	struct backend *lmtp, *auth, *milters;
	struct backend *dns;	/* NULL: nobody is asked */
	struct smtp_refusals *refusals;
};

static struct smtp_backend *self(const struct backend *b)
{
	return (struct smtp_backend *)b;
}

/* CANCEL is of AUTH: transactions have LMTP_ABORT. */
static bool is_auth(unsigned type)
{
	return type == IPC_TYPE_AUTH || type == IPC_TYPE_AUTH_CONTINUE ||
	       type == IPC_TYPE_MAY_SEND || type == IPC_TYPE_VERIFY ||
	       type == IPC_TYPE_GREYLIST ||
	       type == IPC_TYPE_CANCEL;
}

static bool is_milter(unsigned type)
{
	return type == IPC_TYPE_MILTER_OPEN || type == IPC_TYPE_MILTER_OCTETS ||
	       type == IPC_TYPE_MILTER_CLOSE;
}

static enum status send_request(struct backend *b, const struct ipc_frame *frame)
{
	struct backend *to = is_auth(frame->type) ? self(b)->auth
			   : is_milter(frame->type) ? self(b)->milters : self(b)->lmtp;
	struct ipc_message m;

	if (frame->type == IPC_TYPE_DNS_CLIENT)
		to = self(b)->dns;

	if (frame->type == IPC_TYPE_REFUSED) {
		if (ipc_decode(frame, &m) == ST_OK)
			smtp_refusals_pass(self(b)->refusals, &m);
		return ST_OK;
	}
	return to->ops->send(to, frame);
}

static void flush(struct backend *b)
{
	self(b)->auth->ops->flush(self(b)->auth);
	self(b)->lmtp->ops->flush(self(b)->lmtp);
	self(b)->milters->ops->flush(self(b)->milters);
	if (self(b)->dns)
		self(b)->dns->ops->flush(self(b)->dns);
}

static void resume(struct backend *b)
{
	self(b)->auth->ops->resume(self(b)->auth);
	if (self(b)->dns)
		self(b)->dns->ops->resume(self(b)->dns);
}

static bool is_busy(const struct backend *b)
{
	return self(b)->auth->open || self(b)->lmtp->open;
}

static void close_all(struct backend *b)
{
	struct smtp_backend *s = self(b);

	if (s->auth)
		s->auth->ops->close(s->auth);
	if (s->lmtp)
		s->lmtp->ops->close(s->lmtp);
	if (s->milters)
		s->milters->ops->close(s->milters);
	if (s->dns)
		s->dns->ops->close(s->dns);
	free(s);
}

struct backend *smtp_backend_new(struct lmtp_client *lmtp,
				 const struct store_client_settings *auth,
				 const struct store_client_settings *dns,
				 struct smtp_refusals *refusals,
				 const struct milter_places *places,
				 struct conn *c,
				 struct engine *e)
{
	static const struct backend_ops ops = {
		.send = send_request, .flush = flush, .resume = resume,
		.is_busy = is_busy, .close = close_all,
	};
	struct smtp_backend *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->backend.ops = &ops;
	s->refusals = refusals;
	s->lmtp = lmtp_client_backend(lmtp, c, e);
	s->auth = store_client_new(auth, c, e);
	s->milters = milter_client_backend(places, c);
	if (dns)
		s->dns = store_client_new(dns, c, e);
	if (s->lmtp && s->auth && s->milters && !dns == !s->dns)
		return &s->backend;
	close_all(&s->backend);
	return NULL;
}
