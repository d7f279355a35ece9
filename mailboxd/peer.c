#include "mailboxd/peer.h"

#include "common/log.h"

#include <stdlib.h>
#include <unistd.h>

struct peer {
	struct engine engine;	/* first */
	struct session *session;
	struct conn *conn;
	bool is_inside;		/* of an operation: conn looks by itself after */
	bool is_ending;		/* KICK: closes when nothing is open */
};

static enum want want_of(const struct peer *p)
{
	if (p->session->state == SESSION_DEAD ||
	    (p->is_ending && p->session->open == 0))
		return WANT_CLOSE;
	return WANT_INPUT;
}

static void wake(struct session *s)
{
	struct peer *p = s->owner;

	if (p->is_inside || !p->conn)
		return;
	if (want_of(p) == WANT_CLOSE)
		conn_take(p->conn, WANT_CLOSE);
	else
		conn_wake(p->conn);
}

static enum want peer_input(struct engine *e, struct slice in, size_t *used)
{
	struct peer *p = (struct peer *)e;
	bool was_bound = p->session->state == SESSION_BOUND;

	*used = 0;
	p->is_inside = true;
	if (p->session->state != SESSION_DEAD)
		session_input(p->session, in, used);
	p->is_inside = false;
	/* a password was in there */
	if (!was_bound && *used > 0)
		explicit_bzero((char *)in.data, *used);
	return want_of(p);
}

static enum want peer_reply(struct engine *e, uint32_t id,
			    const struct ipc_message *m, bool last)
{
	(void)id;	/* a peer asks nobody */
	(void)m;
	(void)last;
	return want_of((struct peer *)e);
}

static enum want peer_event(struct engine *e, const struct ipc_message *m)
{
	struct peer *p = (struct peer *)e;

	if (m->type == IPC_TYPE_KICK)
		p->is_ending = true;
	return want_of(p);
}

static enum want peer_drained(struct engine *e)
{
	struct peer *p = (struct peer *)e;

	p->is_inside = true;
	session_drained(p->session);
	p->is_inside = false;
	return want_of(p);
}

static enum want peer_expired(struct engine *e)
{
	return want_of((struct peer *)e);
}

static void peer_free(struct engine *e)
{
	struct peer *p = (struct peer *)e;

	p->conn = NULL;
	session_free(p->session);
	buf_free(&e->out);
	buf_free(&e->requests);
	free(p);
}

static const struct engine_ops ops = {
	.input = peer_input,
	.reply = peer_reply,
	.event = peer_event,
	.drained = peer_drained,
	.expired = peer_expired,
	.free = peer_free,
};

struct engine *peer_engine_new(void *context, const struct peer_info *info)
{
	const struct peer_context *c = context;
	struct peer *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->engine = (struct engine){
		.ops = &ops, .peer = info,
		.out = BUF_INIT(ENGINE_OUT_MAX),
		.is_authenticated = true,
	};
	p->session = session_new(c->service, c->socket,
				 info->uid == 0 || info->uid == geteuid(),
				 &p->engine.out);
	if (!p->session) {
		free(p);
		return NULL;
	}
	p->session->wake = wake;
	p->session->owner = p;
	return &p->engine;
}

struct backend *peer_backend_new(void *context, struct conn *c,
				 struct engine *e)
{
	(void)context;
	((struct peer *)e)->conn = c;
	return NULL;
}
