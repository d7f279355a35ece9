#include "linkd/dns_session.h"

#include "common/clock.h"

#include <stdlib.h>
#include <string.h>

#define HELLO_MS 5000

struct dns_session {
	struct engine engine;	/* first */
	bool is_greeted, is_over;
};

static struct dns_session *session_of(struct engine *e)
{
	return (struct dns_session *)e;
}

static enum want settle(struct dns_session *s)
{
	if (s->is_over)
		return WANT_CLOSE;
	return s->engine.out.len > ENGINE_OUT_HIGH ? WANT_ANSWER : WANT_INPUT;
}

static enum status take_hello(struct dns_session *s, const struct ipc_message *m)
{
	struct ipc_message hello = { .type = IPC_TYPE_HELLO };

	if (m->type != IPC_TYPE_HELLO || m->hello.major != IPC_MAJOR)
		return ST_SYNTAX;
	s->is_greeted = true;
	s->engine.deadline_ms = 0;
	hello.hello = (struct ipc_hello){ SLICE("linkd"), IPC_MAJOR, IPC_MINOR,
					  SLICE("dns") };
	return ipc_encode(&s->engine.out, 0, 0, &hello);
}

static enum status take_frame(struct dns_session *s, const struct ipc_frame *frame)
{
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_SYNTAX;
	if (!s->is_greeted)
		return take_hello(s, &m);
	if (m.type == IPC_TYPE_CANCEL || m.type == IPC_TYPE_CREDIT)
		return ST_OK;
	if (m.type != IPC_TYPE_DNS_CLIENT || frame->id == 0)
		return ST_SYNTAX;
	return engine_ask(&s->engine, frame->id, &m);
}

static enum want input(struct engine *e, struct slice in, size_t *used)
{
	struct dns_session *s = session_of(e);
	struct ipc_frame frame;
	size_t octets;
	enum status st = ST_OK;

	*used = 0;
	while (st == ST_OK && e->requests.len <= ENGINE_REQUESTS_HIGH) {
		st = ipc_frame_next(slice_from(in, *used), &frame, &octets);
		if (st != ST_OK)
			break;
		*used += octets;
		st = take_frame(s, &frame);
	}
	s->is_over |= st != ST_OK && st != ST_MORE;
	return settle(s);
}

static enum want reply(struct engine *e, uint32_t id, const struct ipc_message *m,
		       bool last)
{
	struct dns_session *s = session_of(e);

	if (ipc_encode(&e->out, id, last ? IPC_LAST : 0, m) != ST_OK)
		s->is_over = true;
	return settle(s);
}

static enum want event(struct engine *e, const struct ipc_message *m)
{
	session_of(e)->is_over |= m->type == IPC_TYPE_KICK;
	return settle(session_of(e));
}

static enum want drained(struct engine *e)
{
	return settle(session_of(e));
}

static enum want expired(struct engine *e)
{
	session_of(e)->is_over |= !session_of(e)->is_greeted;
	return settle(session_of(e));
}

static void session_free(struct engine *e)
{
	buf_free(&e->out);
	buf_free(&e->requests);
	free(e);
}

struct engine *dns_session_new(const struct peer_info *peer)
{
	static const struct engine_ops ops = {
		.input = input, .reply = reply, .event = event, .drained = drained,
		.expired = expired, .free = session_free,
	};
	struct dns_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->engine.ops = &ops;
	s->engine.peer = peer;
	s->engine.out.max = ENGINE_OUT_MAX;
	s->engine.requests.max = ENGINE_REQUESTS_MAX;
	s->engine.deadline_ms = clock_ms() + HELLO_MS;
	s->engine.sid = SLICE_EMPTY;
	s->engine.login = SLICE_EMPTY;
	return &s->engine;
}

/* ---- the backend --------------------------------------------------------------------- */

struct slot {
	struct dns_backend *backend;
	struct dns_look *look;	/* NULL: it is not begun, or free */
	uint32_t id;		/* 0: free */
	char address[48];
};

struct dns_backend {
	struct backend backend;	/* first */
	struct dns *dns;
	struct dns_rules *rules;
	struct conn *conn;
	struct slot slots[DNS_SESSION_OPEN_MAX];
};

static struct dns_backend *self(struct backend *b)
{
	return (struct dns_backend *)b;
}

static void answer(struct slot *s, const struct ipc_message *m)
{
	struct dns_backend *b = s->backend;
	uint32_t id = s->id;

	s->id = 0;
	b->backend.open--;
	conn_reply(b->conn, id, m, true);
	conn_wake(b->conn);	/* for one that found no place */
}

static void looked(void *arg, const struct dns_client *client)
{
	struct ipc_message m = { .type = IPC_TYPE_DNS_CLIENT_IS };

	m.dns_client_is = (struct ipc_dns_client_is){
		.name_status = (uint32_t)client->name_st,
		.name = slice_str(client->name),
		.list = slice_str(client->list),
		.score = client->score,
	};
	answer(arg, &m);
}

static enum status send_request(struct backend *backend, const struct ipc_frame *frame)
{
	struct dns_backend *b = self(backend);
	struct slot *s = b->slots;
	struct ipc_message m;
	struct slice address;

	while (s < b->slots + DNS_SESSION_OPEN_MAX && s->id)
		s++;
	if (s == b->slots + DNS_SESSION_OPEN_MAX ||
	    ipc_decode(frame, &m) != ST_OK)	/* it was, by the session */
		return ST_MORE;
	address = slice_head(m.dns_client.address, sizeof s->address - 1);
	*s = (struct slot){ .backend = b, .id = frame->id };
	if (address.len)
		memcpy(s->address, address.data, address.len);
	b->backend.open++;
	return ST_OK;
}

static void flush(struct backend *backend)
{
	struct dns_backend *b = self(backend);
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	m.error = (struct ipc_error){ ST_UNAVAILABLE, SLICE_EMPTY,
				      SLICE("not asked") };
	for (struct slot *s = b->slots; s < b->slots + DNS_SESSION_OPEN_MAX; s++)
		if (s->id && !s->look &&
		    !dns_client_look(b->dns, conn_loop_of(b->conn), b->rules,
				     s->address, looked, s, &s->look))
			answer(s, &m);
}

static void resume(struct backend *b)
{
	(void)b;
}

static void close_backend(struct backend *backend)
{
	struct dns_backend *b = self(backend);

	for (size_t i = 0; i < DNS_SESSION_OPEN_MAX; i++)
		if (b->slots[i].look)
			dns_client_forget(b->slots[i].look);
	dns_rules_release(b->rules);
	free(b);
}

struct backend *dns_backend_new(struct dns *d, struct dns_rules *rules,
				struct conn *c)
{
	static const struct backend_ops ops = {
		.send = send_request, .flush = flush, .resume = resume,
		.close = close_backend,
	};
	struct dns_backend *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->backend.ops = &ops;
	b->dns = d;
	b->rules = rules;
	b->conn = c;
	rules->references++;
	return &b->backend;
}
