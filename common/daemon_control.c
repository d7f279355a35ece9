#include "common/daemon_priv.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void control_ready(uv_poll_t *poll, int status, int events);

/* ---- sending -------------------------------------------------------------------- */

static void control_poll(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	if (r->is_polled)
		uv_poll_start(&r->poll,
			      UV_READABLE | (r->is_blocked ? UV_WRITABLE : 0),
			      control_ready);
}

static void control_flush(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	while (r->out.len) {
		ssize_t n = send(r->control, r->out.data, r->out.len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			buf_consume(&r->out, (size_t)n);
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			r->out.len = 0;	/* the end is seen when it is read */
		}
	}
	if (r->is_blocked != (r->out.len > 0)) {
		r->is_blocked = r->out.len > 0;
		control_poll(d);
	}
}

enum status daemon_tell(struct daemon *d, const struct ipc_message *m)
{
	enum status st = ipc_encode(&d->runtime->out, 0, 0, m);

	if (st == ST_OK)
		control_flush(d);
	return st;
}

void daemon_control_ready(struct daemon *d, enum status st,
			  const struct error *err)
{
	struct ipc_message m = { .type = IPC_TYPE_READY };
	struct pollfd writable = { .fd = d->runtime->control, .events = POLLOUT };

	m.ready.generation = d->generation;
	m.ready.code = st;
	m.ready.text = st == ST_OK ? SLICE_EMPTY : slice_str(err->text);
	daemon_tell(d, &m);
	while (d->runtime->out.len && poll(&writable, 1, 1000) > 0)
		control_flush(d);
}

/* ---- receiving ------------------------------------------------------------------- */

static void take_config(struct daemon_runtime *r, struct slice text)
{
	if (!r->has_config)
		r->config.len = 0;
	r->has_config = true;
	if (buf_append(&r->config, text) != ST_OK)
		error_set(&r->refused, ST_LIMIT, "the configuration is too long");
}

/* Takes one frame. ST_OK; ST_MORE: it was BEGIN; ST_SYNTAX. */
static enum status take_frame(struct daemon *d, const struct ipc_frame *frame)
{
	struct daemon_runtime *r = d->runtime;
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_SYNTAX;
	switch (m.type) {
	case IPC_TYPE_HELLO:
		return m.hello.major == IPC_MAJOR ? ST_OK : ST_SYNTAX;
	case IPC_TYPE_CONFIG:
		take_config(r, m.config.text);
		return ST_OK;
	case IPC_TYPE_CERTIFICATE:
		if (r->refused.status == ST_OK)
			tls_context_add(d->tls, m.certificate.name,
					m.certificate.chain, m.certificate.key,
					&r->refused);
		return ST_OK;
	case IPC_TYPE_CLIENT_CA:
		if (r->refused.status == ST_OK)
			tls_context_add_client_ca(d->tls, m.client_ca.pem,
						  &r->refused);
		return ST_OK;
	case IPC_TYPE_BEGIN:
		d->generation = m.begin.generation;
		return ST_MORE;
	case IPC_TYPE_STOP:
		daemon_stop(d, m.stop.grace_ms);
		return ST_OK;
	default:
		if (d->ops->control)
			d->ops->control(d, &m);
		return ST_OK;
	}
}

static void reload(struct daemon *d)
{
	struct error err = { 0 };
	enum status st = daemon_configure(d, &err);

	if (st == ST_OK)
		log_event("daemon.reloaded", log_u64("generation", d->generation));
	else
		log_warning("daemon.reload_failed", log_error(&err));
	daemon_control_ready(d, st, &err);
}

/* Takes what frames there are. ST_OK: *begun tells whether BEGIN was among
 * them, and what follows it waits in r->in; ST_SYNTAX. */
static enum status take_frames(struct daemon *d, bool *begun)
{
	struct daemon_runtime *r = d->runtime;
	struct ipc_frame frame;
	size_t used;
	enum status st = ST_OK;

	*begun = false;
	while (!*begun && st == ST_OK) {
		st = ipc_frame_next(buf_slice(&r->in), &frame, &used);
		if (st != ST_OK)
			break;
		st = take_frame(d, &frame);
		*begun = st == ST_MORE;
		/* keys do not stay behind */
		explicit_bzero(r->in.data, used);
		buf_consume(&r->in, used);
	}
	return st == ST_SYNTAX ? ST_SYNTAX : ST_OK;
}

/* ST_MORE: nothing for now. ST_CLOSED: postroom is gone. */
static enum status receive(struct daemon_runtime *r, int flags)
{
	char *at;
	ssize_t n;

	if (buf_reserve(&r->in, 16384, &at) != ST_OK)
		return ST_CLOSED;
	n = recv(r->control, at, 16384, flags);
	if (n > 0)
		r->in.len += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return ST_CLOSED;
	return n > 0 ? ST_OK : ST_MORE;
}

enum status daemon_control_begin(struct daemon *d, struct error *err)
{
	bool begun = false;

	while (!begun) {
		if (receive(d->runtime, 0) == ST_CLOSED)
			return error_set(err, ST_CLOSED, "postroom is gone");
		if (take_frames(d, &begun) != ST_OK)
			return error_set(err, ST_SYNTAX, "control socket");
	}
	return ST_OK;
}

static void control_ready(uv_poll_t *poll, int status, int events)
{
	struct daemon *d = poll->data;
	enum status st = ST_OK;
	bool begun = true;

	control_flush(d);
	if (status == 0 && !(events & UV_READABLE))
		return;
	st = status < 0 ? ST_CLOSED : receive(d->runtime, MSG_DONTWAIT);
	while (st == ST_OK && begun) {
		st = take_frames(d, &begun);
		if (st == ST_OK && begun)
			reload(d);
	}
	if (st == ST_OK || st == ST_MORE)
		return;
	log_warning("daemon.alone", log_status(st));
	d->runtime->is_polled = false;
	uv_poll_stop(&d->runtime->poll);
	daemon_stop(d, 1000);
}

void daemon_control_open(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	uv_poll_init(&d->loop, &r->poll, r->control);
	r->poll.data = d;
	r->is_polled = true;
	control_poll(d);
	uv_unref((uv_handle_t *)&r->poll);
}

void daemon_control_close(struct daemon *d)
{
	struct daemon_runtime *r = d->runtime;

	r->is_polled = false;
	uv_close((uv_handle_t *)&r->poll, NULL);
}
