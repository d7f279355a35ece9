#include "common/conn_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>
#include <unistd.h>

/* How often one connection is fed and flushed before others have their turn. */
#define SETTLE_ROUNDS 8

/* ---- the engine ------------------------------------------------------------ */

/* Whatever the engine was told, it may take input again now. */
static void take(struct conn *c, enum want want)
{
	c->want = want;
	c->is_starved = false;
}

static bool has_room(const struct conn *c)
{
	return c->engine->out.len <= ENGINE_OUT_HIGH &&
	       c->engine->requests.len <= ENGINE_REQUESTS_HIGH;
}

/* Lets the engine take of in what it wants; returns how much that was. */
static size_t offer(struct conn *c, struct slice in)
{
	size_t taken = 0;

	while (c->want == WANT_INPUT && !c->is_starved && taken < in.len &&
	       has_room(c)) {
		size_t used = 0;

		c->want = c->engine->ops->input(c->engine, slice_from(in, taken),
						&used);
		taken += used;
		if (used == 0 && c->want == WANT_INPUT)
			c->is_starved = true;
	}
	return taken;
}

static void offer_kept(struct conn *c)
{
	buf_consume(&c->in, offer(c, buf_slice(&c->in)));
}

bool conn_feed(struct conn *c, struct slice in)
{
	return c->squeeze ? conn_deflate_feed(c, in) : conn_feed_plain(c, in);
}

bool conn_feed_plain(struct conn *c, struct slice in)
{
	c->is_starved = false;
	if (c->in.len == 0 && c->engine)
		in = slice_from(in, offer(c, in));
	/* what came in clear behind STARTTLS is never looked at (RFC 3207) */
	if (c->want == WANT_TLS || c->want == WANT_CLOSE)
		return true;
	if (buf_append(&c->in, in) == ST_OK)
		return true;
	log_warning("conn.input_full", log_str("proto", c->service->protocol),
		    log_str("client", c->peer.address),
		    log_u64("octets", c->in.len + in.len));
	conn_close(c);
	return false;
}

static bool make_engine(struct conn *c)
{
	const struct conn_service *s = c->service;
	size_t used = 0;

	c->engine = s->engine_new(s->context, &c->peer);
	if (!c->engine) {
		log_warning("conn.no_engine", log_str("proto", s->protocol),
			    log_str("client", c->peer.address));
		return false;
	}
	c->engine->peer = &c->peer;
	c->engine->since_ms = clock_wall_ms();
	c->phase = CONN_OPEN;
	if (s->backend_new)
		c->backend = s->backend_new(s->context, c, c->engine);
	take(c, c->engine->ops->input(c->engine, SLICE_EMPTY, &used));
	return true;
}

bool conn_secured(struct conn *c)
{
	c->phase_due_ms = 0;
	if (!c->engine) {
		if (make_engine(c))
			return true;
		conn_close(c);
		return false;
	}
	c->phase = CONN_OPEN;
	take(c, c->engine->ops->secured ? c->engine->ops->secured(c->engine)
					: WANT_INPUT);
	return true;
}

void conn_pass_requests(struct conn *c)
{
	struct buf *requests = &c->engine->requests;
	size_t passed = 0;

	while (passed < requests->len) {
		struct ipc_frame frame;
		size_t used;

		if (ipc_frame_next(slice_from(buf_slice(requests), passed),
				   &frame, &used) != ST_OK)
			break;	/* engine_ask() writes whole frames only */
		if (c->backend &&
		    c->backend->ops->send(c->backend, &frame) == ST_MORE)
			break;
		passed += used;
	}
	buf_consume(requests, passed);
	if (passed && c->backend && c->backend->ops->flush)
		c->backend->ops->flush(c->backend);
}

void conn_reply(struct conn *c, uint32_t id, const struct ipc_message *m,
		bool last)
{
	if (!c->engine || c->phase == CONN_CLOSED)
		return;
	take(c, c->engine->ops->reply(c->engine, id, m, last));
	conn_mark(c);
}

void conn_event(struct conn *c, const struct ipc_message *m)
{
	if (!c->engine || c->phase == CONN_CLOSED || !c->engine->ops->event)
		return;
	take(c, c->engine->ops->event(c->engine, m));
	conn_mark(c);
}

void conn_wake(struct conn *c)
{
	c->is_starved = false;
	conn_mark(c);
}

void conn_take(struct conn *c, enum want want)
{
	take(c, want);
	conn_mark(c);
}

void conn_abort(struct conn *c)
{
	c->is_aborted = true;
	conn_mark(c);
}

/* ---- deadlines and memory ---------------------------------------------------- */

static void set_deadline(struct conn *c, int64_t now)
{
	int64_t due = clock_sooner(c->phase_due_ms, c->stalled_due_ms);

	due = clock_sooner(due, c->quiet_due_ms);
	if (c->engine && c->phase == CONN_OPEN)
		due = clock_sooner(due, c->engine->deadline_ms);
	/* an engine that leaves a past deadline must not spin the loop */
	if (due && due <= now)
		due = now + WHEEL_TICK_MS;
	conn_timer_set(c->loop, &c->deadline, due);
}

static bool is_large(const struct buf *b)
{
	return b->cap > CONN_KEEP_OCTETS;
}

static void watch_memory(struct conn *c, int64_t now)
{
	bool large = is_large(&c->in) || is_large(&c->cipher) ||
		     conn_deflate_is_large(c) ||
		     (c->engine && (is_large(&c->engine->out) ||
				    is_large(&c->engine->requests)));

	c->quiet_due_ms = large ? now + CONN_QUIET_MS : 0;
}

static void give_back(struct buf *b)
{
	if (b->len == 0)
		buf_free(b);
}

static void give_buffers_back(struct conn *c)
{
	c->quiet_due_ms = 0;
	give_back(&c->in);
	give_back(&c->cipher);
	conn_deflate_rest(c);
	if (c->engine) {
		give_back(&c->engine->out);
		give_back(&c->engine->requests);
	}
}

static void count_authenticated(struct conn *c)
{
	bool counted = !(c->engine && c->engine->is_authenticated);

	if (counted != c->is_counted) {
		c->is_counted = counted;
		c->loop->unauthenticated += counted ? 1 : (size_t)-1;
		if (!counted && c->service->authenticated)
			c->service->authenticated(c->service->context, c);
	}
}

static void log_end(const struct conn *c, const char *reason)
{
	log_event("conn.timeout", log_str("proto", c->service->protocol),
		  log_str("client", c->peer.address),
		  log_str("reason", reason));
}

void conn_expire(struct conn_timer *t, int64_t now)
{
	struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, deadline));

	if (c->phase_due_ms && c->phase_due_ms <= now) {
		if (c->phase == CONN_HANDSHAKE)
			log_end(c, "handshake");
		else if (c->phase == CONN_PROXY)
			log_end(c, "proxy");
		conn_close(c);
		return;
	}
	if (c->stalled_due_ms && c->stalled_due_ms <= now) {
		log_end(c, "output");
		conn_close(c);
		return;
	}
	if (c->quiet_due_ms && c->quiet_due_ms <= now)
		give_buffers_back(c);
	if (c->engine && c->phase == CONN_OPEN && c->engine->deadline_ms &&
	    c->engine->deadline_ms <= now) {
		if (!c->engine->ops->expired) {
			conn_close(c);
			return;
		}
		take(c, c->engine->ops->expired(c->engine));
		conn_mark(c);
	}
	set_deadline(c, now);
}

/* ---- settling ---------------------------------------------------------------- */

static bool is_busy(const struct backend *b)
{
	return b && (b->ops->is_busy ? b->ops->is_busy(b) : b->open > 0);
}

/* The client closed its half, and has all it can still get. */
static bool is_finished(const struct conn *c)
{
	if (!c->at_eof || c->want != WANT_INPUT || c->engine->out.len ||
	    c->cipher.len || c->engine->requests.len)
		return false;
	if (conn_deflate_has_input(c) || conn_deflate_has_output(c) ||
	    (c->in.len && !c->is_starved))
		return false;
	return !is_busy(c->backend);
}

static bool wants_more_input(const struct conn *c)
{
	return c->want == WANT_INPUT && has_room(c) &&
	       (conn_deflate_has_input(c) || (c->in.len && !c->is_starved));
}

/* One round of input, requests and output. False: nothing moves for now, or c
 * has another phase. */
static bool settle_round(struct conn *c)
{
	struct engine *e = c->engine;
	bool moved;
	enum status st;

	offer_kept(c);
	if (conn_deflate_has_input(c) && !conn_deflate_go_on(c))
		return false;
	conn_pass_requests(c);
	st = conn_flush(c, &moved);
	if (st != ST_OK && st != ST_MORE) {
		conn_close(c);
		return false;
	}
	if (st == ST_OK && c->want == WANT_CLOSE) {
		conn_linger(c);
		return false;
	}
	if (st == ST_OK && c->want == WANT_TLS) {
		conn_handshake(c);
		return false;
	}
	if (st == ST_OK && c->want == WANT_DEFLATE)
		return conn_deflate_begin(c);
	if (!moved)
		return wants_more_input(c);
	if (st == ST_OK && e->ops->drained)
		take(c, e->ops->drained(e));
	if (c->backend && c->backend->ops->resume &&
	    e->out.len < ENGINE_OUT_HIGH)
		c->backend->ops->resume(c->backend);
	return true;
}

bool conn_begin(struct conn *c)
{
	c->phase_due_ms = 0;
	if (c->service->tls_implicit)
		return conn_handshake(c);
	if (make_engine(c))
		return true;
	conn_close(c);
	return false;
}

void conn_settle(struct conn *c)
{
	int64_t now;

	if (c->is_aborted) {
		conn_close(c);
		return;
	}
	if (c->phase == CONN_OPEN) {
		int rounds = 0;

		while (rounds < SETTLE_ROUNDS && settle_round(c))
			rounds++;
		if (rounds == SETTLE_ROUNDS)
			conn_mark(c);
	}
	if (c->phase == CONN_HANDSHAKE || c->phase == CONN_LINGER) {
		bool moved;
		enum status st = conn_flush(c, &moved);

		if (st != ST_OK && st != ST_MORE)
			conn_close(c);
	}
	if (c->phase == CONN_OPEN && is_finished(c))
		conn_close(c);
	if (c->phase == CONN_CLOSED)
		return;
	now = clock_ms();
	count_authenticated(c);
	watch_memory(c, now);
	set_deadline(c, now);
	conn_poll(c);
}

/* ---- life ---------------------------------------------------------------------- */

static void closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;
	struct conn_loop *l = c->loop;
	const struct conn_service *s = c->service;

	free(c);
	if (s->ended)
		s->ended(s->context);
	conn_loop_forget(l);
}

void conn_release(struct conn *c)
{
	if (c->engine && c->service->released)
		c->service->released(c->service->context, c);
	if (c->backend)
		c->backend->ops->close(c->backend);
	if (c->engine)
		c->engine->ops->free(c->engine);
	c->backend = NULL;
	c->engine = NULL;
	buf_free(&c->in);
}

void conn_close(struct conn *c)
{
	if (c->phase == CONN_CLOSED)
		return;
	c->phase = CONN_CLOSED;
	conn_loop_remove(c->loop, c);
	if (c->service->closed)
		c->service->closed(c->service->context, c);
	conn_release(c);
	conn_deflate_free(c);
	tls_free(c->tls);
	buf_free(&c->cipher);
	uv_close((uv_handle_t *)&c->poll, closed);
	close(c->fd);
}

enum status conn_open(struct conn_loop *l, int fd,
		      const struct conn_service *service,
		      const struct peer_info *peer, void *user)
{
	struct conn *c = l->is_closing ? NULL : calloc(1, sizeof *c);
	enum status st = c ? ST_OK : ST_NO_MEMORY;

	if (c && uv_poll_init(l->uv, &c->poll, fd))
		st = ST_IO;
	if (st != ST_OK) {
		free(c);
		close(fd);
		return st;
	}
	c->poll.data = c;
	c->fd = fd;
	c->loop = l;
	c->service = service;
	c->peer = *peer;
	c->user = user;
	c->in.max = CONN_IN_MAX + 2 * CONN_READ_MAX;
	c->cipher.max = 2 * ENGINE_OUT_MAX;
	c->deadline.due = conn_expire;
	conn_loop_add(l, c);
	count_authenticated(c);
	if (service->is_proxied && c->peer.is_trusted) {
		c->phase = CONN_PROXY;
		c->phase_due_ms = clock_ms() + conn_handshake_ms(c);
	} else {
		conn_begin(c);
	}
	conn_mark(c);
	return ST_OK;
}

struct engine *conn_engine(struct conn *c)
{
	return c->engine;
}

struct backend *conn_backend(struct conn *c)
{
	return c->backend;
}

const struct peer_info *conn_peer(const struct conn *c)
{
	return &c->peer;
}

struct conn_loop *conn_loop_of(struct conn *c)
{
	return c->loop;
}

void *conn_user(const struct conn *c)
{
	return c->user;
}
