#include <config.h>

#include "linkd/carry_priv.h"

#include "common/clock.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static void end_ready(uv_poll_t *poll, int status, int events);

struct end *end_other(struct end *e)
{
	return e == &e->carry->near ? &e->carry->far : &e->carry->near;
}

/* ---- sending ------------------------------------------------------------------------ */

enum status end_put(struct end *e, struct slice plain)
{
	if (e->tls)
		return tls_write(e->tls, plain, &e->out);
	return buf_append(&e->out, plain);
}

/* One of our own daemons that hangs up in the middle has its reasons. */
static void failed(struct end *e, const char *what)
{
	struct carry *c = e->carry;
	bool is_ours = e == &c->near ? !c->client[0] : c->client[0];
	struct error err;

	error_set(&err, ST_IO, "%s", what);
	carry_end(c, is_ours ? NULL : &err);
}

/* False: the carry closed. */
static bool send_out(struct end *e)
{
	while (e->out.len && !e->is_blocked) {
		ssize_t n = send(e->fd, e->out.data, e->out.len, MSG_NOSIGNAL);

		if (n > 0) {
			buf_consume(&e->out, (size_t)n);
			e->carry->moved_ms = clock_ms();
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			e->is_blocked = true;
		} else if (errno != EINTR) {
			failed(e, "send");
			return false;
		}
	}
	if (e->out.len == 0)
		buf_free(&e->out);	/* what is silent holds nothing */
	return true;
}

/* The last octet of the other end went: it closed its half, so do we. */
static void shut(struct end *e)
{
	if (e->tls && !e->is_shut) {
		e->is_shut = true;
		tls_shutdown(e->tls, &e->out);
		if (!send_out(e))
			return;
	}
	e->is_shut = true;
	if (e->out.len == 0)
		shutdown(e->fd, SHUT_WR);
}

bool end_flush(struct end *e)
{
	struct carry *c = e->carry;

	if (!e->is_open || !send_out(e))
		return c->step != CARRY_CLOSED;
	if (c->step == CARRY_OPEN && end_other(e)->at_eof && e->out.len == 0)
		shut(e);
	return c->step != CARRY_CLOSED;
}

/* ---- receiving ------------------------------------------------------------------------ */

bool end_handshake(struct end *e, struct slice in)
{
	struct carry *c = e->carry;
	struct error err = { 0 };
	enum status st = tls_handshake(e->tls, in, &e->out, &err);

	if (st != ST_OK && st != ST_MORE) {
		tls_peer_explain(e->tls, &err);
		send_out(e);	/* the alert, where that still can be */
		if (c->step != CARRY_CLOSED)
			carry_end(c, &err);
		return false;
	}
	if (!send_out(e))
		return false;
	if (st == ST_OK) {
		e->is_secured = true;
		carry_secured(e);
	}
	return c->step != CARRY_CLOSED;
}

/* Plaintext of e goes to the other end. ST_CLOSED: that was all of it. */
static enum status decrypt(struct end *e, struct slice in, struct error *err)
{
	char plain[TLS_RECORD_MAX];
	size_t octets = 1;
	enum status st = ST_OK;

	while (st == ST_OK && octets) {
		st = tls_read(e->tls, &in, plain, &octets, &e->out, err);
		if (st == ST_OK && end_put(end_other(e), slice_of(plain, octets)))
			st = error_set(err, ST_LIMIT, "more than may wait");
		if (octets)
			carry_heard(e);
		e->carry->carrier->figures.octets += octets;
	}
	return st;
}

static void at_eof(struct end *e)
{
	e->at_eof = true;
	if (end_flush(end_other(e)))
		carry_settle(e->carry);
}

static void take_cipher(struct end *e, struct slice in)
{
	struct carry *c = e->carry;
	struct error err = { 0 };
	enum status st = decrypt(e, in, &err);

	if (st == ST_CLOSED) {
		at_eof(e);
	} else if (st != ST_OK && st != ST_MORE) {
		carry_end(c, &err);
	} else if (end_flush(e) && end_flush(end_other(e))) {
		carry_settle(c);
	}
}

void end_go_on(struct end *e)
{
	take_cipher(e, SLICE_EMPTY);
}

static void take_plain(struct end *e, struct slice in)
{
	struct error err;
	enum status st = end_put(end_other(e), in);

	carry_heard(e);
	e->carry->carrier->figures.octets += in.len;
	if (st != ST_OK) {
		error_set(&err, st, "more than may wait");
		carry_end(e->carry, &err);
	} else if (end_flush(end_other(e))) {
		carry_settle(e->carry);
	}
}

static void took_nothing(struct end *e)
{
	struct error err;

	/* over TLS the end is said, or somebody cut the line */
	if (e->tls || e->carry->step != CARRY_OPEN) {
		error_set(&err, ST_CLOSED, "the other side hung up");
		carry_end(e->carry, &err);
	} else {
		at_eof(e);
	}
}

static void read_end(struct end *e)
{
	struct carry *c = e->carry;
	char *scratch = conn_loop_scratch(c->carrier->loop);
	ssize_t n = recv(e->fd, scratch, CONN_READ_MAX, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		failed(e, "receive");
	else if (n == 0)
		took_nothing(e);
	else if (e->tls && !e->is_secured)
		end_handshake(e, slice_of(scratch, (size_t)n));
	else if (e->tls)
		take_cipher(e, slice_of(scratch, (size_t)n));
	else
		take_plain(e, slice_of(scratch, (size_t)n));
}

/* ---- polling ---------------------------------------------------------------------------- */

static int events_of(struct end *e)
{
	struct carry *c = e->carry;
	struct end *other = end_other(e);
	bool reads = !e->at_eof && other->out.len < CARRY_HIGH;
	int events = e->is_blocked ? UV_WRITABLE : 0;

	if (e->tls && !e->is_secured && c->step != CARRY_CONNECT)
		return events | UV_READABLE;
	if (c->step == CARRY_OPEN)
		return events | (reads ? UV_READABLE : 0);
	return c->step == CARRY_CONNECT && e == &c->far ? UV_WRITABLE : events;
}

void end_poll(struct end *e)
{
	int events = e->is_open ? events_of(e) : 0;

	if (!e->is_open || events == e->events)
		return;
	e->events = events;
	if (events)
		uv_poll_start(&e->poll, events, end_ready);
	else
		uv_poll_stop(&e->poll);
}

static void end_ready(uv_poll_t *poll, int status, int events)
{
	struct end *e = poll->data;
	struct carry *c = e->carry;

	if (c->step == CARRY_CONNECT && e == &c->far) {
		carry_connected(c);
		return;
	}
	if (status < 0) {
		failed(e, "poll");
		return;
	}
	if (events & UV_WRITABLE) {
		e->is_blocked = false;
		if (!end_flush(e))
			return;
	}
	if (events & UV_READABLE)
		read_end(e);
	else
		carry_settle(c);
}

/* ---- life ---------------------------------------------------------------------------------- */

enum status end_open(struct end *e, int fd)
{
	if (uv_poll_init(conn_loop_uv(e->carry->carrier->loop), &e->poll, fd)) {
		close(fd);
		return ST_NO_MEMORY;
	}
	e->poll.data = e;
	e->fd = fd;
	e->out.max = CARRY_OUT_MAX;
	e->is_open = true;
	e->carry->handles++;
	return ST_OK;
}

static void closed(uv_handle_t *handle);

void end_close(struct end *e)
{
	if (!e->is_open)
		return;
	e->is_open = false;
	uv_close((uv_handle_t *)&e->poll, closed);
	close(e->fd);
}

/* The last handle takes the carry with it. */
static void closed(uv_handle_t *handle)
{
	struct end *e = handle->data;
	struct carry *c = e->carry;

	tls_free(e->tls);
	e->tls = NULL;
	buf_free(&e->out);
	if (--c->handles == 0)
		carry_free(c);
}
