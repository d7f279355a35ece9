#include "smtpd/backends.h"

#include <stdlib.h>

struct smtp_backend {
	struct backend backend;
	struct backend *lmtp, *auth, *milters;	/* lmtp: of route 0 */
	struct backend *dns;	/* NULL: nobody is asked */
	struct backend *other;		/* of other_route; NULL: none yet */
	unsigned other_route;
	struct backend *current;	/* whose transaction it is */
	const struct smtp_ways *ways;
	struct conn *conn;
	struct engine *engine;
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

/* One is kept: a client sends to the same place again, as a rule. */
static struct backend *backend_of(struct smtp_backend *s, unsigned route)
{
	struct lmtp_client *client;

	if (route == 0)
		return s->lmtp;
	if (s->other && s->other_route == route)
		return s->other;
	if (s->other)
		s->other->ops->close(s->other);
	client = s->ways->client(s->ways->context, route);
	s->other = client ? lmtp_client_backend(client, s->conn, s->engine) : NULL;
	s->other_route = route;
	return s->other;
}

static struct backend *choose(struct smtp_backend *s, const struct ipc_frame *frame)
{
	struct ipc_message m;

	if (is_auth(frame->type))
		return s->auth;
	if (is_milter(frame->type))
		return s->milters;
	if (frame->type == IPC_TYPE_LMTP_TELL)
		return s->lmtp;
	if (frame->type == IPC_TYPE_LMTP_MAIL && ipc_decode(frame, &m) == ST_OK)
		s->current = backend_of(s, m.lmtp_mail.route);
	return s->current;
}

static enum status send_request(struct backend *b, const struct ipc_frame *frame)
{
	struct backend *to = choose(self(b), frame);
	struct ipc_message m;

	if (frame->type == IPC_TYPE_DNS_CLIENT)
		to = self(b)->dns;

	if (frame->type == IPC_TYPE_REFUSED) {
		if (ipc_decode(frame, &m) == ST_OK)
			smtp_refusals_pass(self(b)->refusals, &m);
		return ST_OK;
	}
	/* memory was short: the session waits its time, and says 451 */
	return to ? to->ops->send(to, frame) : ST_OK;
}

static void flush(struct backend *b)
{
	self(b)->auth->ops->flush(self(b)->auth);
	self(b)->lmtp->ops->flush(self(b)->lmtp);
	self(b)->milters->ops->flush(self(b)->milters);
	if (self(b)->dns)
		self(b)->dns->ops->flush(self(b)->dns);
	if (self(b)->other)
		self(b)->other->ops->flush(self(b)->other);
}

static void resume(struct backend *b)
{
	self(b)->auth->ops->resume(self(b)->auth);
	if (self(b)->dns)
		self(b)->dns->ops->resume(self(b)->dns);
}

static bool is_busy(const struct backend *b)
{
	const struct smtp_backend *s = self(b);

	return s->auth->open || s->lmtp->open || (s->other && s->other->open);
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
	if (s->other)
		s->other->ops->close(s->other);
	free(s);
}

struct backend *smtp_backend_new(const struct smtp_ways *ways,
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
	s->ways = ways;
	s->conn = c;
	s->engine = e;
	s->lmtp = s->current = lmtp_client_backend(ways->client(ways->context, 0), c, e);
	s->auth = store_client_new(auth, c, e);
	s->milters = milter_client_backend(places, c);
	if (dns)
		s->dns = store_client_new(dns, c, e);
	if (s->lmtp && s->auth && s->milters && !dns == !s->dns)
		return &s->backend;
	close_all(&s->backend);
	return NULL;
}
