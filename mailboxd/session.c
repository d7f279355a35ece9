#include "mailboxd/session.h"

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "common/log.h"
#include "mailboxd/fronts.h"
#include "mailboxd/requests.h"
#include "mailboxd/service.h"

#include <stdio.h>
#include <stdlib.h>

static void wake(struct session *s)
{
	if (s->wake)
		s->wake(s);
}

static void put(struct session *s, uint32_t id, unsigned flags,
		const struct ipc_message *m)
{
	if (ipc_encode(s->out, id, flags, m) != ST_OK)
		s->state = SESSION_DEAD;
}

struct session *session_new(struct service *service,
			    enum session_socket socket, bool is_root,
			    struct buf *out)
{
	struct session *s = calloc(1, sizeof *s);
	struct ipc_message hello = { .type = IPC_TYPE_HELLO };

	if (!s)
		return NULL;
	s->service = service;
	s->socket = socket;
	s->is_root = is_root;
	s->out = out;
	s->login = (struct buf)BUF_INIT(ADDRESS_OCTETS_MAX);
	s->next = service->sessions;
	s->at = &service->sessions;
	if (s->next)
		s->next->at = &s->next;
	service->sessions = s;
	hello.hello = (struct ipc_hello){
		SLICE("mailboxd"), IPC_MAJOR, IPC_MINOR, SLICE_EMPTY,
	};
	put(s, 0, 0, &hello);
	return s;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	if (s->account)
		log_event("session.end", log_str("sid", s->sid),
			  log_slice("user", buf_slice(&s->login)));
	fronts_leave(s->front);
	while (s->requests)
		request_orphan(s->requests);
	for (size_t i = 0; i < SESSION_HANDLES_MAX; i++)
		if (s->handles[i])
			session_handle_close(s, s->handles[i]);
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	buf_free(&s->login);
	free(s);
}

/* ---- frames in ------------------------------------------------------------------ */

static struct request *request_find(struct session *s, uint32_t id)
{
	struct request *r = s->requests;

	while (r && r->id != id)
		r = r->next;
	return r;
}

static void refuse(struct session *s, uint32_t id, enum status st,
		   const char *text)
{
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	m.error = (struct ipc_error){ (uint32_t)st, SLICE_EMPTY, slice_str(text) };
	put(s, id, IPC_LAST, &m);
	wake(s);
}

/* Only those that serve clients have anything to tell. */
static enum status join(struct session *s)
{
	if (s->socket == SESSION_CONTROL)
		return ST_SYNTAX;
	s->front = fronts_join(s->service->fronts, s, clock_ms());
	s->state = SESSION_SERVICE;
	return s->front ? ST_OK : ST_NO_MEMORY;
}

static enum status take_hello(struct session *s, const struct ipc_frame *f)
{
	struct ipc_message m;

	if (f->type != IPC_TYPE_HELLO || ipc_decode(f, &m) != ST_OK ||
	    m.hello.major != IPC_MAJOR)
		return ST_SYNTAX;
	snprintf(s->peer_name, sizeof s->peer_name, "%.*s",
		 (int)(m.hello.name.len < 31 ? m.hello.name.len : 31),
		 m.hello.name.data);
	s->state = SESSION_NEW;
	return slice_eq(m.hello.features, SLICE("service")) ? join(s) : ST_OK;
}

/* Events of a whole daemon. */
static enum status take_event(struct session *s, const struct ipc_frame *f)
{
	struct ipc_message m;

	if (f->flags != IPC_EVENT || f->id != 0 || ipc_decode(f, &m) != ST_OK)
		return ST_SYNTAX;
	return fronts_take(s->front, &m);
}

/* Messages that belong to an open request. */
static enum status take_more(struct session *s, const struct ipc_frame *f)
{
	struct request *r = request_find(s, f->id);
	struct ipc_message m;

	if (ipc_decode(f, &m) != ST_OK)
		return ST_SYNTAX;
	if (!r)
		return ST_OK;	/* it was answered while this was on its way */
	switch (m.type) {
	case IPC_TYPE_CREDIT:
		if (r->credit < INT32_MAX)
			r->credit += m.credit.octets;
		request_resume(r);
		return ST_OK;
	case IPC_TYPE_CANCEL:
		request_cancel(r);
		return ST_OK;
	default:
		return r->type->more && !r->is_ending ? r->type->more(r, &m)
		     : r->is_ending ? ST_OK : ST_SYNTAX;
	}
}

static bool belongs_to_request(unsigned type)
{
	return type == IPC_TYPE_CREDIT || type == IPC_TYPE_CANCEL ||
	       type == IPC_TYPE_AUTH_CONTINUE ||
	       type == IPC_TYPE_APPEND_MESSAGE ||
	       type == IPC_TYPE_APPEND_DATA ||
	       type == IPC_TYPE_APPEND_COMMIT || type == IPC_TYPE_PIECE ||
	       type == IPC_TYPE_MAIL_BOX || type == IPC_TYPE_MAIL ||
	       type == IPC_TYPE_MAIL_END;
}

static enum status take_request(struct session *s, const struct ipc_frame *f)
{
	const struct request_type *type = request_type_find(f->type);

	if (f->id == 0 || request_find(s, f->id))
		return ST_SYNTAX;
	if (!type || !(type->sockets & s->socket)) {
		refuse(s, f->id, ST_DENIED, ipc_type_known(f->type)
					    ? "not on this socket"
					    : "unknown request");
		return ST_OK;
	}
	if (type->bound && s->state != SESSION_BOUND) {
		refuse(s, f->id, ST_DENIED, "not logged in");
		return ST_OK;
	}
	return request_new(s, type, f);
}

static enum status take_frame(struct session *s, const struct ipc_frame *f)
{
	if (s->state == SESSION_SERVICE)
		return take_event(s, f);
	if (f->flags)
		return ST_SYNTAX;
	if (s->state == SESSION_HELLO)
		return take_hello(s, f);
	if (f->type == IPC_TYPE_HELLO)
		return ST_SYNTAX;
	if (belongs_to_request(f->type))
		return take_more(s, f);
	return take_request(s, f);
}

enum status session_input(struct session *s, struct slice in, size_t *used)
{
	*used = 0;
	while (s->state != SESSION_DEAD) {
		struct ipc_frame frame;
		size_t octets;
		enum status st = ipc_frame_next(slice_from(in, *used), &frame,
						&octets);

		if (st == ST_MORE)
			return ST_OK;
		/* what frees room is always taken, the rest waits for it */
		if (st == ST_OK && !belongs_to_request(frame.type) &&
		    (s->open >= SESSION_OPEN_MAX ||
		     s->out->len >= SESSION_OUT_HIGH))
			return ST_MORE;
		if (st == ST_OK)
			st = take_frame(s, &frame);
		if (st != ST_OK) {
			s->service->counts.dropped_peers++;
			log_warning("peer.dropped", log_str("daemon", s->peer_name),
				    log_status(st));
			s->state = SESSION_DEAD;
			return ST_SYNTAX;
		}
		*used += octets;
	}
	return ST_OK;
}

/* ---- room ------------------------------------------------------------------------- */

static void news_send(struct handle *h)
{
	struct ipc_message m = { .type = IPC_TYPE_CHANGED };

	h->has_news = false;
	m.changed.handle = h->id;
	m.changed.highestmodseq = h->told_modseq;
	put(h->session, 0, IPC_EVENT, &m);
	wake(h->session);
}

/* Whether h may be told by number what changed. */
static bool may_be_told(struct handle *h, bool *may_ask)
{
	uint64_t now;

	*may_ask = true;
	if (store_access_is_owners(&h->access))
		return true;
	now = store_rights_generation(h->session->service->store);
	if (now == h->access.generation)
		return true;
	*may_ask = h->warned != now;
	h->warned = now;
	return false;
}

void session_news(struct handle *h, uint64_t highestmodseq)
{
	bool may_ask;

	if (!h->watch.wants_news || highestmodseq <= h->told_modseq)
		return;
	if (may_be_told(h, &may_ask))
		h->told_modseq = highestmodseq;
	else if (!may_ask)
		return;
	/* a peer that does not read gets one event for all that happened */
	h->has_news = true;
	if (h->session->out->len < SESSION_OUT_HIGH &&
	    h->session->state == SESSION_BOUND)
		news_send(h);
}

void session_drained(struct session *s)
{
	struct request *r, *next;

	for (size_t i = 0; i < SESSION_HANDLES_MAX; i++)
		if (s->handles[i] && s->handles[i]->has_news)
			news_send(s->handles[i]);
	for (r = s->requests; r; r = next) {
		next = r->next;
		request_resume(r);
	}
}

void session_event(struct session *s, const struct ipc_message *m)
{
	put(s, 0, IPC_EVENT, m);
	wake(s);
}

void session_kick(struct session *s, struct slice reason)
{
	struct ipc_message m = { .type = IPC_TYPE_KICK, .kick = { reason } };

	put(s, 0, IPC_EVENT, &m);
	s->state = SESSION_DEAD;
	wake(s);
}

/* ---- open mailboxes ------------------------------------------------------------------ */

uint32_t session_handle_next(struct session *s)
{
	s->last_handle = s->last_handle == UINT32_MAX ? 1 : s->last_handle + 1;
	return s->last_handle;
}

enum status session_handle_open(struct session *s, uint32_t id,
				const struct store_access *access, bool read_only,
				bool exclusive, struct handle **handle)
{
	struct handle *h;
	size_t slot = 0;
	enum status st;

	while (slot < SESSION_HANDLES_MAX && s->handles[slot])
		slot++;
	if (slot == SESSION_HANDLES_MAX)
		return ST_LIMIT;
	h = malloc(sizeof *h);
	if (!h)
		return ST_NO_MEMORY;
	*h = (struct handle){
		.id = id,
		.watch = { .mailbox = access->mailbox, .is_exclusive = exclusive },
		.session = s, .access = *access, .read_only = read_only,
	};
	st = watch_add(&s->service->watch, &h->watch);
	if (st != ST_OK) {
		free(h);
		return st;
	}
	*handle = s->handles[slot] = h;
	return ST_OK;
}

struct handle *session_handle_find(struct session *s, uint32_t id)
{
	for (size_t i = 0; id && i < SESSION_HANDLES_MAX; i++)
		if (s->handles[i] && s->handles[i]->id == id)
			return s->handles[i];
	return NULL;
}

void session_handle_close(struct session *s, struct handle *h)
{
	watch_remove(&s->service->watch, &h->watch);
	for (size_t i = 0; i < SESSION_HANDLES_MAX; i++)
		if (s->handles[i] == h)
			s->handles[i] = NULL;
	free(h);
}
