#include <config.h>

#include "common/store_client.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX	16
/* Requests wait in the engine while more than this is not sent. */
#define OUT_HIGH	((size_t)128 * 1024)
/* So many octets are credited together. */
#define CREDIT_STEP	UINT32_C(16384)
/* mailboxd's queue of connections is full: again after this. */
#define RETRY_MS	50

struct request {
	uint32_t id;		/* 0: the row is free */
	uint32_t uncredited;	/* octets of answers passed on */
};

/* One Unix connection; its memory goes in the handle's close callback. */
struct link {
	uv_poll_t poll;
	struct store_client *client;	/* NULL once it is given up */
	int fd;
	int events;
	bool is_blocked;
	struct buf in, out;
};

struct store_client {
	struct backend backend;
	const struct store_client_settings *settings;
	struct conn *conn;
	struct engine *engine;
	struct link *link;	/* NULL: none yet, or lost */
	struct buf waiting;	/* requests while the socket cannot be reached */
	struct conn_timer timer;	/* until HELLO; a retry; failed answers */
	int64_t give_up_ms;	/* HELLO must have come; 0: it has */
	bool is_bound;		/* AUTH_OK came over link */
	bool is_lost;		/* what it was bound to is gone */
	struct request requests[REQUESTS_MAX];
};

static struct store_client *self(struct backend *b)
{
	return (struct store_client *)b;
}

/* ---- the link ------------------------------------------------------------------- */

static void link_ready(uv_poll_t *poll, int status, int events);

static void link_poll(struct link *l)
{
	bool has_room = l->client->engine->out.len <= ENGINE_OUT_HIGH;
	int events = (has_room ? UV_READABLE : 0) |
		     (l->is_blocked ? UV_WRITABLE : 0);

	if (events == l->events)
		return;
	l->events = events;
	if (events)
		uv_poll_start(&l->poll, events, link_ready);
	else
		uv_poll_stop(&l->poll);
}

static void link_closed(uv_handle_t *handle)
{
	struct link *l = handle->data;

	buf_wipe(&l->in);
	buf_wipe(&l->out);
	free(l);
}

static void link_close(struct store_client *s)
{
	struct link *l = s->link;

	if (!l)
		return;
	s->link = NULL;
	l->client = NULL;
	uv_close((uv_handle_t *)&l->poll, link_closed);
	close(l->fd);
}

/* ST_OK; ST_MORE: mailboxd's queue is full; else it is not there. */
static enum status link_open(struct store_client *s)
{
	struct ipc_message hello = { .type = IPC_TYPE_HELLO };
	struct link *l;
	int fd;
	enum status st = unix_socket_connect(s->settings->path, &fd);

	if (st != ST_OK)
		return st;
	l = calloc(1, sizeof *l);
	if (!l || uv_poll_init(conn_loop_uv(conn_loop_of(s->conn)), &l->poll, fd)) {
		free(l);
		close(fd);
		return ST_NO_MEMORY;
	}
	l->poll.data = l;
	l->client = s;
	l->fd = fd;
	l->in.max = 2 * IPC_FRAME_MAX + CONN_READ_MAX;
	l->out.max = OUT_HIGH + 2 * IPC_FRAME_MAX + s->waiting.max;
	s->link = l;
	hello.hello.name = slice_str(s->settings->name);
	hello.hello.major = IPC_MAJOR;
	hello.hello.minor = IPC_MINOR;
	hello.hello.features = SLICE_EMPTY;
	st = ipc_encode(&l->out, 0, 0, &hello);
	return st == ST_OK ? buf_append(&l->out, buf_slice(&s->waiting)) : st;
}

/* ---- answers that are our own ------------------------------------------------------ */

static void fail(struct store_client *s)
{
	struct ipc_message m = { .type = IPC_TYPE_ERROR };
	bool was_bound = s->is_bound;

	s->is_lost = s->is_lost || was_bound;
	s->is_bound = false;
	s->give_up_ms = 0;
	link_close(s);
	buf_wipe(&s->waiting);
	conn_timer_set(conn_loop_of(s->conn), &s->timer, 0);
	m.error.code = ST_UNAVAILABLE;
	m.error.detail = SLICE_EMPTY;
	m.error.text = SLICE("no connection to mailboxd");
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		uint32_t id = s->requests[i].id;

		if (!id)
			continue;
		s->requests[i].id = 0;
		s->backend.open--;
		conn_reply(s->conn, id, &m, true);
	}
	if (was_bound)
		conn_event(s->conn, &m);
}

/* From inside send() nothing may be answered: in the next turn, then. */
static void fail_soon(struct store_client *s)
{
	s->give_up_ms = clock_ms();
	conn_timer_set(conn_loop_of(s->conn), &s->timer, s->give_up_ms);
}

static void try_open(struct store_client *s, int64_t now)
{
	enum status st = link_open(s);

	if (st == ST_OK) {
		buf_wipe(&s->waiting);
		conn_timer_set(conn_loop_of(s->conn), &s->timer, s->give_up_ms);
	} else if (st == ST_MORE) {
		conn_timer_set(conn_loop_of(s->conn), &s->timer, now + RETRY_MS);
	} else {
		fail_soon(s);
	}
}

static void timer_due(struct conn_timer *t, int64_t now)
{
	struct store_client *s = (struct store_client *)
		((char *)t - offsetof(struct store_client, timer));

	if (s->give_up_ms && now >= s->give_up_ms) {
		log_warning("store.unreachable",
			    log_str("socket", s->settings->path));
		fail(s);
	} else if (!s->link) {
		try_open(s, now);
		if (s->link)
			s->backend.ops->flush(&s->backend);
	}
}

/* ---- requests ------------------------------------------------------------------------ */

static struct request *find_request(struct store_client *s, uint32_t id)
{
	for (size_t i = 0; i < REQUESTS_MAX; i++)
		if (s->requests[i].id == id)
			return &s->requests[i];
	return NULL;
}

/* Whether a message goes with a request that is open already, or is answered by
 * nothing. */
static bool is_follow_up(unsigned type)
{
	switch (type) {
	case IPC_TYPE_AUTH_CONTINUE:
	case IPC_TYPE_APPEND_MESSAGE:
	case IPC_TYPE_APPEND_DATA:
	case IPC_TYPE_APPEND_COMMIT:
	case IPC_TYPE_CREDIT:
	case IPC_TYPE_CANCEL:
		return true;
	default:
		return false;
	}
}

/* The first request opens the link; after a loss only AUTH does. */
static void begin(struct store_client *s, unsigned type)
{
	if (type == IPC_TYPE_AUTH)
		s->is_lost = false;
	if (s->is_lost) {
		fail_soon(s);
		return;
	}
	s->give_up_ms = clock_ms() + STORE_CLIENT_CONNECT_MS;
	try_open(s, clock_ms());
}

static enum status send_request(struct backend *b, const struct ipc_frame *frame)
{
	struct store_client *s = self(b);
	struct buf *out = s->link ? &s->link->out : &s->waiting;
	struct request *row;

	if (is_follow_up(frame->type) && !find_request(s, frame->id))
		return ST_OK;	/* it ended meanwhile */
	if (frame->type == IPC_TYPE_SENT && !s->link)
		return ST_OK;
	if (out->len > OUT_HIGH)
		return ST_MORE;
	if (is_follow_up(frame->type) || frame->type == IPC_TYPE_SENT)
		return ipc_frame_put(out, frame) ? ST_MORE : ST_OK;
	row = find_request(s, 0);
	if (!row)
		return ST_MORE;
	if (!s->link && !s->give_up_ms) {
		begin(s, frame->type);
		out = s->link ? &s->link->out : &s->waiting;
	}
	if (ipc_frame_put(out, frame))
		return ST_MORE;
	*row = (struct request){ .id = frame->id };
	b->open++;
	return ST_OK;
}

static void flush(struct backend *b)
{
	struct link *l = self(b)->link;

	while (l && l->out.len && !l->is_blocked) {
		ssize_t n = send(l->fd, l->out.data, l->out.len, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(&l->out, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			l->is_blocked = true;
		else if (errno != EINTR)
			break;	/* reading finds the end */
	}
	if (l && l->out.len == 0 && l->out.cap > 4096)
		buf_free(&l->out);
	if (l)
		link_poll(l);
}

/* ---- answers --------------------------------------------------------------------------- */

static void give_credit(struct store_client *s, struct request *r)
{
	struct ipc_message m = { .type = IPC_TYPE_CREDIT };

	m.credit.octets = r->uncredited;
	if (ipc_encode(&s->link->out, r->id, 0, &m) == ST_OK)
		r->uncredited = 0;
}

/* Credit for each request of which so many octets were passed on and used; none
 * while the client does not read, or the engine keeps what it got. */
static void give_credits(struct store_client *s, uint32_t least)
{
	const struct engine *e = s->engine;

	if (!s->link || e->out.len >= ENGINE_OUT_HIGH)
		return;
	for (size_t i = 0; i < REQUESTS_MAX; i++) {
		struct request *r = &s->requests[i];

		if (r->id && r->uncredited >= least &&
		    !(e->ops->holds && e->ops->holds(e, r->id)))
			give_credit(s, r);
	}
}

static void end_request(struct store_client *s, uint32_t id)
{
	struct request *r = find_request(s, id);

	if (r) {
		r->id = 0;
		s->backend.open--;
		conn_wake(s->conn);	/* one that waited may go now */
	}
}

/* ST_OK; ST_SYNTAX: mailboxd does not speak our language; ST_CLOSED: the link
 * has done what it was for. */
static enum status take_frame(struct store_client *s, const struct ipc_frame *frame,
			      size_t octets)
{
	bool last = frame->flags & IPC_LAST;
	struct request *r = frame->id ? find_request(s, frame->id) : NULL;
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_SYNTAX;
	if (m.type == IPC_TYPE_HELLO) {
		s->give_up_ms = 0;
		conn_timer_set(conn_loop_of(s->conn), &s->timer, 0);
		return m.hello.major == IPC_MAJOR ? ST_OK : ST_SYNTAX;
	}
	if (frame->flags & IPC_EVENT) {
		conn_event(s->conn, &m);
		return ST_OK;
	}
	if (!r)
		return ST_OK;	/* behind a CANCEL */
	s->is_bound = s->is_bound || m.type == IPC_TYPE_AUTH_OK;
	if (last)
		end_request(s, frame->id);
	else if (m.type != IPC_TYPE_CREDIT)
		r->uncredited += (uint32_t)octets;
	conn_reply(s->conn, frame->id, &m, last);
	give_credits(s, CREDIT_STEP);
	return last && s->settings->is_once ? ST_CLOSED : ST_OK;
}

/* Passes on what in holds, as long as the engine has room; *used octets went. */
static enum status take_frames(struct store_client *s, struct slice in,
			       size_t *used)
{
	enum status st = ST_OK;

	*used = 0;
	while (st == ST_OK && s->engine->out.len <= ENGINE_OUT_HIGH) {
		struct ipc_frame frame;
		size_t octets;

		st = ipc_frame_next(slice_from(in, *used), &frame, &octets);
		if (st != ST_OK)
			break;
		st = take_frame(s, &frame, octets);
		*used += octets;
	}
	return st == ST_MORE ? ST_OK : st;
}

static void settle(struct store_client *s, enum status st)
{
	if (st == ST_OK) {
		flush(&s->backend);
	} else if (st == ST_CLOSED && s->settings->is_once &&
		   s->backend.open == 0) {
		s->is_bound = false;
		link_close(s);
	} else {
		if (st == ST_SYNTAX)
			log_warning("store.protocol",
				    log_str("socket", s->settings->path));
		fail(s);
	}
}

static void link_read(struct store_client *s)
{
	struct link *l = s->link;
	char *scratch = conn_loop_scratch(conn_loop_of(s->conn));
	ssize_t n = recv(l->fd, scratch, CONN_READ_MAX, 0);
	size_t used = 0;
	enum status st;

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			fail(s);
		return;
	}
	if (l->in.len == 0) {
		struct slice in = slice_of(scratch, (size_t)n);

		st = take_frames(s, in, &used);
		if (st == ST_OK)
			st = buf_append(&l->in, slice_from(in, used));
	} else {
		st = buf_append(&l->in, slice_of(scratch, (size_t)n));
		if (st == ST_OK)
			st = take_frames(s, buf_slice(&l->in), &used);
		buf_consume(&l->in, used);
	}
	if (l->in.len == 0)
		buf_free(&l->in);
	settle(s, st);
}

static void link_ready(uv_poll_t *poll, int status, int events)
{
	struct link *l = poll->data;
	struct store_client *s = l->client;

	if (status < 0) {
		fail(s);
		return;
	}
	if (events & UV_WRITABLE) {
		l->is_blocked = false;
		flush(&s->backend);
		conn_wake(s->conn);
	}
	if (events & UV_READABLE)
		link_read(s);
}

static void resume(struct backend *b)
{
	struct store_client *s = self(b);
	struct link *l = s->link;
	size_t used;
	enum status st;

	if (!l)
		return;
	st = take_frames(s, buf_slice(&l->in), &used);
	buf_consume(&l->in, used);
	if (st == ST_OK)
		give_credits(s, 1);
	settle(s, st);
}

/* ---- life --------------------------------------------------------------------------------- */

static void close_client(struct backend *b)
{
	struct store_client *s = self(b);

	conn_timer_set(conn_loop_of(s->conn), &s->timer, 0);
	link_close(s);
	buf_wipe(&s->waiting);
	free(s);
}

struct backend *store_client_new(const struct store_client_settings *settings,
				 struct conn *c, struct engine *e)
{
	static const struct backend_ops ops = {
		.send = send_request, .flush = flush, .resume = resume,
		.close = close_client,
	};
	struct store_client *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->backend.ops = &ops;
	s->settings = settings;
	s->conn = c;
	s->engine = e;
	s->timer.due = timer_due;
	s->waiting.max = OUT_HIGH;
	return &s->backend;
}
