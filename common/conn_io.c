#include "common/conn_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/log.h"
#include "common/proxy_header.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Octets of plaintext encrypted before the next write. */
#define ENCRYPT_MAX ((size_t)4 * TLS_RECORD_MAX)

/* ---- polling ------------------------------------------------------------------ */

static bool are_many(const struct conn *c)
{
	return c->loop->count > CONN_MANY;
}

static bool wants_octets(const struct conn *c)
{
	if (c->at_eof)
		return false;
	if (c->phase != CONN_OPEN)
		return true;
	return c->want != WANT_TLS && c->want != WANT_CLOSE &&
	       c->in.len < (are_many(c) ? CONN_IN_MANY : CONN_IN_MAX) &&
	       !conn_deflate_has_input(c) &&
	       c->engine->out.len <= ENGINE_OUT_HIGH &&
	       c->engine->requests.len <= ENGINE_REQUESTS_HIGH;
}

void conn_poll(struct conn *c)
{
	int events = (wants_octets(c) ? UV_READABLE : 0) |
		     (c->is_blocked ? UV_WRITABLE : 0);

	if (events == c->events)
		return;
	c->events = events;
	if (events)
		uv_poll_start(&c->poll, events, conn_readable);
	else
		uv_poll_stop(&c->poll);
}

/* ---- sending ------------------------------------------------------------------- */

/* Writes until the socket is full; *sent is how much went. ST_OK: all of it,
 * ST_MORE, ST_CLOSED. */
static enum status send_octets(struct conn *c, struct slice octets, size_t *sent)
{
	*sent = 0;
	if (c->is_blocked && octets.len)
		return ST_MORE;
	while (*sent < octets.len) {
		ssize_t n = send(c->fd, octets.data + *sent, octets.len - *sent,
				 MSG_NOSIGNAL);

		if (n >= 0) {
			*sent += (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			c->is_blocked = true;
			return ST_MORE;
		} else if (errno != EINTR) {
			return ST_CLOSED;
		}
	}
	return ST_OK;
}

static enum status flush_cipher(struct conn *c, bool *moved)
{
	size_t sent;
	enum status st = send_octets(c, buf_slice(&c->cipher), &sent);

	buf_consume(&c->cipher, sent);
	*moved = *moved || sent;
	return st;
}

static enum status flush_tls(struct conn *c, struct buf *out, bool *moved)
{
	struct buf *scratch = &c->loop->cipher;
	size_t taken = 0;
	enum status st = flush_cipher(c, moved);

	while (st == ST_OK && taken < out->len) {
		struct slice plain = slice_head(slice_from(buf_slice(out), taken),
						ENCRYPT_MAX);
		size_t sent;

		st = tls_write(c->tls, plain, scratch);
		if (st != ST_OK)
			break;
		taken += plain.len;
		st = send_octets(c, buf_slice(scratch), &sent);
		*moved = *moved || sent;
		if (st == ST_MORE &&
		    buf_append(&c->cipher, slice_from(buf_slice(scratch), sent)))
			st = ST_NO_MEMORY;
		scratch->len = 0;
	}
	scratch->len = 0;
	buf_consume(out, taken);
	return st;
}

/* What was just sent has to be told: from here on new octets, behind those that
 * wait in the socket already, are the sign. */
static void told_begin(struct conn *c)
{
	int waiting = 0;

	if (ioctl(c->fd, FIONREAD, &waiting) != 0)
		return;
	c->told_waits = true;
	c->told_skip = (uint32_t)waiting;
}

enum status conn_send(struct conn *c, struct buf *out, bool *moved)
{
	size_t sent;
	enum status st;

	if (c->tls)
		return flush_tls(c, out, moved);
	st = send_octets(c, buf_slice(out), &sent);
	buf_consume(out, sent);
	*moved = *moved || sent;
	return st;
}

enum status conn_flush(struct conn *c, bool *moved)
{
	enum status st;

	*moved = false;
	if (!c->engine || c->phase != CONN_OPEN)
		st = flush_cipher(c, moved);
	else if (c->squeeze)
		st = conn_deflate_flush(c, moved);
	else
		st = conn_send(c, &c->engine->out, moved);
	if (st == ST_OK)
		c->stalled_due_ms = 0;
	else if (*moved || !c->stalled_due_ms)
		c->stalled_due_ms = clock_ms() + (c->service->stalled_ms
			? c->service->stalled_ms : CONN_STALLED_MS);
	if (st == ST_OK && *moved && c->engine && c->engine->wants_told) {
		bool is_first = !c->told_waits;

		told_begin(c);
		if (is_first)
			crash_point("conn.replied");
	}
	if (st == ST_OK && c->phase == CONN_LINGER && !c->is_shut) {
		c->is_shut = true;
		shutdown(c->fd, SHUT_WR);
	}
	return st;
}

void conn_linger(struct conn *c)
{
	bool moved;
	enum status st;

	if (c->tls)
		tls_shutdown(c->tls, &c->cipher);
	c->phase = CONN_LINGER;
	c->phase_due_ms = clock_ms() + CONN_LINGER_MS;
	st = conn_flush(c, &moved);
	if (c->at_eof || (st != ST_OK && st != ST_MORE))
		conn_close(c);
	else if (!c->told_waits)	/* else its end tells that it has all */
		conn_release(c);
}

/* ---- receiving ------------------------------------------------------------------- */

/* Whether the client's TCP has acknowledged all we wrote. */
static bool is_acknowledged(const struct conn *c)
{
	int unsent = 1;

	/* our own FIN counts as one octet */
	return ioctl(c->fd, SIOCOUTQ, &unsent) == 0 && unsent <= c->is_shut;
}

/* octets came, or the end (0). */
static void tell(struct conn *c, size_t octets)
{
	struct engine *e = c->engine;

	if (!c->told_waits || !e)
		return;
	if (octets && octets <= c->told_skip) {
		c->told_skip -= (uint32_t)octets;
		return;
	}
	c->told_skip = 0;
	if (!is_acknowledged(c))
		return;
	c->told_waits = false;
	e->wants_told = false;
	if (e->ops->told)
		conn_take(c, e->ops->told(e));
	if (c->phase == CONN_LINGER)
		conn_pass_requests(c);
}

static void log_tls(const struct conn *c, const struct error *err)
{
	log_event("conn.tls_failed", log_str("proto", c->service->protocol),
		  log_str("client", c->peer.address), log_error(err));
}

int64_t conn_handshake_ms(const struct conn *c)
{
	return c->service->handshake_ms ? c->service->handshake_ms
					: CONN_HANDSHAKE_MS;
}

bool conn_handshake(struct conn *c)
{
	struct tls_context *t = c->service->tls;

	buf_wipe(&c->in);
	c->told_waits = false;
	if (c->tls || !t || !(c->tls = tls_new(t, c->service->protocol))) {
		conn_close(c);
		return false;
	}
	if (c->service->asks_certificate)
		tls_ask_certificate(c->tls);
	c->phase = CONN_HANDSHAKE;
	c->phase_due_ms = clock_ms() + conn_handshake_ms(c);
	return true;
}

/* Decrypts and feeds; false: c closed. */
static bool feed_tls(struct conn *c, struct slice in)
{
	struct error err;

	for (;;) {
		size_t octets;
		enum status st = tls_read(c->tls, &in, c->loop->plain, &octets,
					  &c->cipher, &err);

		if (st == ST_OK) {
			if (!conn_feed(c, slice_of(c->loop->plain, octets)))
				return false;
			continue;
		}
		if (st == ST_CLOSED)
			c->at_eof = true;
		if (st == ST_CLOSED || st == ST_MORE)
			return true;
		log_tls(c, &err);
		conn_close(c);
		return false;
	}
}

static void feed_handshake(struct conn *c, struct slice in)
{
	struct error err;
	enum status st = tls_handshake(c->tls, in, &c->cipher, &err);
	bool moved;

	if (st == ST_OK) {
		tls_describe(c->tls, &c->peer);
		if (conn_secured(c) && feed_tls(c, SLICE_EMPTY))
			conn_mark(c);
		return;
	}
	if (st == ST_MORE) {
		conn_mark(c);
		return;
	}
	log_tls(c, &err);
	c->phase = CONN_LINGER;	/* the alert has to arrive */
	c->phase_due_ms = clock_ms() + CONN_LINGER_MS;
	if (conn_flush(c, &moved) == ST_CLOSED)
		conn_close(c);
	else
		conn_mark(c);
}

/* ---- the header of a balancer ---------------------------------------------------- */

static void log_proxy(const struct conn *c, const char *reason)
{
	log_event("conn.proxy_refused", log_str("proto", c->service->protocol),
		  log_str("client", c->peer.address), log_str("reason", reason));
}

static bool take_header(struct conn *c, const struct proxy_header *h)
{
	const struct conn_service *s = c->service;

	if (!h->has_client)
		return true;
	memcpy(c->peer.address, h->address, sizeof c->peer.address);
	memcpy(c->peer.local_address, h->local_address,
	       sizeof c->peer.local_address);
	c->peer.port = h->port;
	c->peer.local_port = h->local_port;
	c->peer.is_trusted = false;
	return !s->proxied || s->proxied(s->context, c, c->fd, &c->peer);
}

static void feed(struct conn *c, struct slice in);

/* Octets behind the header are the client's own. */
static void feed_proxy(struct conn *c, struct slice in)
{
	struct proxy_header header;
	size_t before = c->in.len, used = 0;
	enum status st;

	if (buf_append(&c->in, slice_head(in, PROXY_HEADER_MAX)) != ST_OK) {
		conn_close(c);
		return;
	}
	st = proxy_header_read(buf_slice(&c->in), &used, &header);
	if (st == ST_MORE)
		return;
	c->in.len = 0;
	if (st != ST_OK) {
		log_proxy(c, "header");
		conn_close(c);
	} else if (!take_header(c, &header)) {
		conn_close(c);
	} else if (conn_begin(c)) {
		/* the header ended in these octets: before it was not whole */
		in = slice_from(in, used - before);
		if (in.len)
			feed(c, in);
		conn_mark(c);
	}
}

static void feed(struct conn *c, struct slice in)
{
	switch (c->phase) {
	case CONN_PROXY:
		feed_proxy(c, in);
		break;
	case CONN_HANDSHAKE:
		feed_handshake(c, in);
		break;
	case CONN_OPEN:
		if (c->tls ? feed_tls(c, in) : conn_feed(c, in))
			conn_mark(c);
		break;
	case CONN_LINGER:
	case CONN_CLOSED:
		break;
	}
}

static void read_some(struct conn *c)
{
	ssize_t n = recv(c->fd, c->loop->in,
			 are_many(c) ? CONN_IN_MANY : sizeof c->loop->in, 0);

	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			conn_close(c);
		return;
	}
	tell(c, (size_t)n);
	if (n == 0) {
		c->at_eof = true;
		if (c->phase == CONN_OPEN)
			conn_mark(c);
		else
			conn_close(c);
		return;
	}
	feed(c, slice_of(c->loop->in, (size_t)n));
}

void conn_readable(uv_poll_t *poll, int status, int events)
{
	struct conn *c = poll->data;

	if (status < 0) {	/* a reset */
		conn_close(c);
		return;
	}
	if (events & UV_WRITABLE) {
		c->is_blocked = false;
		conn_mark(c);
	}
	if ((events & UV_READABLE) && c->phase != CONN_CLOSED)
		read_some(c);
}
