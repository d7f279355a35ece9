#include <config.h>

#include "common/service_link.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_FIRST_MS	50
#define RETRY_LAST_MS	2000
#define HELLO_MS	5000
/* So much is not gathered any longer. */
#define GATHER_OCTETS	((size_t)16 * 1024)

/* One connection; its memory goes in the handle's close callback. */
struct wire {
	uv_poll_t poll;
	struct service_link *link;	/* NULL once it is given up */
	int fd;
	bool is_up;
	bool is_blocked;
	struct buf in, out;
};

struct service_link {
	struct conn_loop *loop;
	const struct service_link_settings *settings;
	struct wire *wire;	/* NULL: none, the timer will try */
	struct conn_timer timer;	/* a try; HELLO that must come; a write */
	int64_t retry_ms;	/* how long the next wait is */
	bool is_told_lost;	/* logged, until it is up again */
};

static void wire_ready(uv_poll_t *poll, int status, int events);

static void set_timer(struct service_link *l, int64_t ms)
{
	conn_timer_set(l->loop, &l->timer, ms ? clock_ms() + ms : 0);
}

static void poll_wire(struct wire *w)
{
	uv_poll_start(&w->poll, UV_READABLE | (w->is_blocked ? UV_WRITABLE : 0),
		      wire_ready);
}

/* ---- opening and losing --------------------------------------------------------- */

static void wire_closed(uv_handle_t *handle)
{
	struct wire *w = handle->data;

	buf_free(&w->in);
	buf_free(&w->out);
	free(w);
}

static void wire_close(struct service_link *l)
{
	struct wire *w = l->wire;

	if (!w)
		return;
	l->wire = NULL;
	w->link = NULL;
	uv_close((uv_handle_t *)&w->poll, wire_closed);
	close(w->fd);
}

/* A quarter more or less, so that many workers do not come at the same time. */
static int64_t with_jitter(int64_t ms)
{
	uint32_t mix = (uint32_t)getpid() * UINT32_C(2654435761) ^
		       (uint32_t)clock_ms();

	return ms * 3 / 4 + (int64_t)(mix % 1024) * (ms / 2) / 1024;
}

static void lose(struct service_link *l)
{
	if (!l->is_told_lost)
		log_warning("service.lost", log_str("socket", l->settings->path));
	l->is_told_lost = true;
	wire_close(l);
	set_timer(l, with_jitter(l->retry_ms));
	l->retry_ms *= 2;
	if (l->retry_ms > RETRY_LAST_MS)
		l->retry_ms = RETRY_LAST_MS;
}

static struct wire *wire_new(struct service_link *l, int fd)
{
	struct wire *w = calloc(1, sizeof *w);

	if (!w || uv_poll_init(conn_loop_uv(l->loop), &w->poll, fd)) {
		free(w);
		close(fd);
		return NULL;
	}
	w->poll.data = w;
	w->link = l;
	w->fd = fd;
	w->in.max = 2 * IPC_FRAME_MAX + CONN_READ_MAX;
	w->out.max = SERVICE_LINK_OUT_MAX;
	return w;
}

static void flush(struct service_link *l)
{
	struct wire *w = l->wire;

	while (w->out.len && !w->is_blocked) {
		ssize_t n = send(w->fd, w->out.data, w->out.len, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(&w->out, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			w->is_blocked = true;
		else if (errno != EINTR)
			break;	/* reading finds the end */
	}
	if (w->out.len == 0)
		buf_free(&w->out);
	poll_wire(w);
}

static void try_open(struct service_link *l)
{
	struct ipc_message hello = { .type = IPC_TYPE_HELLO };
	int fd;

	if (unix_socket_connect(l->settings->path, &fd) != ST_OK ||
	    !(l->wire = wire_new(l, fd))) {
		lose(l);
		return;
	}
	hello.hello = (struct ipc_hello){
		slice_str(l->settings->name), IPC_MAJOR, IPC_MINOR,
		SLICE("service"),
	};
	if (ipc_encode(&l->wire->out, 0, 0, &hello) != ST_OK) {
		lose(l);
		return;
	}
	set_timer(l, HELLO_MS);
	flush(l);
}

static void timer_due(struct conn_timer *t, int64_t now)
{
	struct service_link *l = (struct service_link *)
		((char *)t - offsetof(struct service_link, timer));

	if (!l->wire)
		try_open(l);
	else if (!l->wire->is_up)
		lose(l);
	else
		flush(l);
}

/* ---- frames ----------------------------------------------------------------------- */

static enum status take_hello(struct service_link *l, const struct ipc_hello *m)
{
	if (m->major != IPC_MAJOR)
		return ST_SYNTAX;
	l->wire->is_up = true;
	if (l->is_told_lost)
		log_event("service.found", log_str("socket", l->settings->path));
	l->is_told_lost = false;
	l->retry_ms = RETRY_FIRST_MS;
	set_timer(l, 0);
	l->settings->up(l->settings->context);
	return ST_OK;
}

static enum status take_frame(struct service_link *l,
			      const struct ipc_frame *frame)
{
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_SYNTAX;
	if (!l->wire->is_up)
		return m.type == IPC_TYPE_HELLO ? take_hello(l, &m.hello)
						: ST_SYNTAX;
	if (!(frame->flags & IPC_EVENT))
		return ST_SYNTAX;
	l->settings->event(l->settings->context, &m);
	return ST_OK;
}

/* What is told from inside may lose the link: then the rest goes with it. */
static void take_frames(struct service_link *l)
{
	struct wire *w = l->wire;
	struct ipc_frame frame;
	size_t used, taken = 0;
	enum status st = ST_OK;

	while (st == ST_OK && l->wire == w) {
		st = ipc_frame_next(slice_from(buf_slice(&w->in), taken), &frame,
				    &used);
		if (st == ST_OK) {
			st = take_frame(l, &frame);
			taken += used;
		}
	}
	if (l->wire != w)
		return;
	buf_consume(&w->in, taken);
	if (w->in.len == 0)
		buf_free(&w->in);
	if (st == ST_SYNTAX)
		lose(l);
}

static void wire_read(struct service_link *l)
{
	char *scratch = conn_loop_scratch(l->loop);
	ssize_t n = recv(l->wire->fd, scratch, CONN_READ_MAX, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || buf_append(&l->wire->in,
				 slice_of(scratch, (size_t)n)) != ST_OK)
		lose(l);
	else
		take_frames(l);
}

static void wire_ready(uv_poll_t *poll, int status, int events)
{
	struct wire *w = poll->data;
	struct service_link *l = w->link;

	if (!l)
		return;
	if (status < 0) {
		lose(l);
		return;
	}
	if (events & UV_WRITABLE) {
		w->is_blocked = false;
		flush(l);
	}
	if (events & UV_READABLE)
		wire_read(l);
}

/* ---- the face ------------------------------------------------------------------------ */

struct service_link *service_link_open(struct conn_loop *loop,
				       const struct service_link_settings *settings)
{
	struct service_link *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->loop = loop;
	l->settings = settings;
	l->timer.due = timer_due;
	l->retry_ms = RETRY_FIRST_MS;
	try_open(l);
	return l;
}

void service_link_close(struct service_link *l)
{
	if (!l)
		return;
	if (l->wire)
		flush(l);
	set_timer(l, 0);
	wire_close(l);
	free(l);
}

bool service_link_is_up(const struct service_link *l)
{
	return l && l->wire && l->wire->is_up;
}

bool service_link_is_pressed(const struct service_link *l)
{
	return service_link_is_up(l) && l->wire->out.len > SERVICE_LINK_OUT_HIGH;
}

enum status service_link_tell(struct service_link *l,
			      const struct ipc_message *m)
{
	enum status st;

	if (!service_link_is_up(l))
		return ST_UNAVAILABLE;
	st = ipc_encode(&l->wire->out, 0, IPC_EVENT, m);
	if (st != ST_OK)
		lose(l);
	else if (l->wire->out.len > GATHER_OCTETS && !l->wire->is_blocked)
		flush(l);
	else if (!l->timer.entry.link && !l->wire->is_blocked)
		set_timer(l, SERVICE_LINK_GATHER_MS);
	return st;
}
