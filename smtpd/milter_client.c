#include <config.h>

#include "smtpd/milter_client.h"

#include "common/log.h"
#include "common/unix_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a milter has not taken yet; the session says no more than this. */
#define OUT_MAX ((size_t)1024 * 1024)
/* When one whose queue is full is tried again; how long, the session says. */
#define AGAIN_MS 20

struct milter_backend;

struct milter_link {
	uv_poll_t poll;
	uv_timer_t again;
	unsigned handles;	/* of libuv, that are not closed */
	struct milter_backend *backend;	/* NULL: nobody wants it any more */
	struct milter_link *next;
	uint32_t id, number;
	int fd;			/* -1: not connected yet */
	int events;
	struct buf out;
	bool is_blocked;
	bool is_lost;		/* the session is to be told */
};

struct milter_backend {
	struct backend backend;
	const struct milter_places *places;
	struct conn *conn;
	struct milter_link *links;
	struct buf lost;	/* ids of those that could not be opened */
};

static void link_ready(uv_poll_t *poll, int status, int events);

/* ---- places ----------------------------------------------------------------------- */

enum status milter_place(struct milter_places *places, const char *path,
			 uint32_t *number)
{
	char (*paths)[MILTER_PATH_MAX];

	if (strlen(path) >= MILTER_PATH_MAX)
		return ST_LIMIT;
	for (*number = 0; *number < places->count; ++*number)
		if (strcmp(places->paths[*number], path) == 0)
			return ST_OK;
	paths = realloc(places->paths, (places->count + 1) * sizeof *paths);
	if (!paths)
		return ST_NO_MEMORY;
	places->paths = paths;
	snprintf(paths[places->count++], MILTER_PATH_MAX, "%s", path);
	return ST_OK;
}

void milter_places_free(struct milter_places *places)
{
	free(places->paths);
	*places = (struct milter_places){ 0 };
}

/* ---- one connection ----------------------------------------------------------------- */

static void closed(uv_handle_t *handle)
{
	struct milter_link *l = handle->data;

	if (--l->handles)
		return;
	buf_free(&l->out);
	free(l);
}

static void drop(struct milter_link *l)
{
	struct milter_link **at = &l->backend->links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->backend = NULL;
	uv_close((uv_handle_t *)&l->again, closed);
	if (l->fd < 0)
		return;
	uv_close((uv_handle_t *)&l->poll, closed);
	close(l->fd);
}

static void poll_link(struct milter_link *l)
{
	int events = UV_READABLE | (l->is_blocked ? UV_WRITABLE : 0);

	if (events != l->events)
		uv_poll_start(&l->poll, events, link_ready);
	l->events = events;
}

/* Octets that left. */
static size_t write_link(struct milter_link *l)
{
	size_t before = l->out.len;

	while (l->out.len && l->fd >= 0 && !l->is_blocked && !l->is_lost) {
		ssize_t n = send(l->fd, l->out.data, l->out.len, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(&l->out, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			l->is_blocked = true;
		else if (errno != EINTR)
			l->is_lost = true;
	}
	if (l->out.len == 0)
		buf_free(&l->out);
	return before - l->out.len;
}

/* Tells the session that it has no milter under this id. */
static void tell_lost(struct milter_backend *b, uint32_t id)
{
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	m.error.code = ST_UNAVAILABLE;
	m.error.detail = m.error.text = SLICE_EMPTY;
	conn_reply(b->conn, id, &m, true);
}

static void lose(struct milter_link *l)
{
	struct milter_backend *b = l->backend;
	uint32_t id = l->id;

	drop(l);
	tell_lost(b, id);
}

static void flush_link(struct milter_link *l)
{
	size_t gone = write_link(l);
	struct ipc_message m = { .type = IPC_TYPE_CREDIT };

	if (l->is_lost) {
		lose(l);
		return;
	}
	if (l->fd >= 0)
		poll_link(l);
	m.credit.octets = (uint32_t)gone;
	if (gone)
		conn_reply(l->backend->conn, l->id, &m, false);
}

static void read_link(struct milter_link *l)
{
	struct conn *c = l->backend->conn;
	char *scratch = conn_loop_scratch(conn_loop_of(c));
	ssize_t n = recv(l->fd, scratch, IPC_PIECE_MAX, 0);
	struct ipc_message m = { .type = IPC_TYPE_MILTER_OCTETS };

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(l);
		return;
	}
	m.milter_octets.octets = slice_of(scratch, (size_t)n);
	conn_reply(c, l->id, &m, false);
}

static void link_ready(uv_poll_t *poll, int status, int events)
{
	struct milter_link *l = poll->data;

	if (!l->backend)
		return;
	if (status < 0) {
		lose(l);
		return;
	}
	if (events & UV_WRITABLE) {
		l->is_blocked = false;
		flush_link(l);
	}
	if (events & UV_READABLE && l->backend)
		read_link(l);
}

/* ---- the backend ------------------------------------------------------------------------ */

static struct milter_link *find(const struct milter_backend *b, uint32_t id)
{
	for (struct milter_link *l = b->links; l; l = l->next)
		if (l->id == id)
			return l;
	return NULL;
}

static void try_again(uv_timer_t *timer);

/* ST_OK: it is connected, or its queue is full and it will be tried again. */
static enum status connect_link(struct milter_link *l)
{
	const char *path = l->backend->places->paths[l->number];
	int fd;
	enum status st = unix_socket_connect(path, &fd);

	if (st == ST_MORE)
		return uv_timer_start(&l->again, try_again, AGAIN_MS, 0)
			? ST_NO_MEMORY : ST_OK;
	if (st != ST_OK) {
		log_warning("milter.away", log_str("socket", path), log_status(st));
		return st;
	}
	if (uv_poll_init(conn_loop_uv(conn_loop_of(l->backend->conn)), &l->poll, fd)) {
		close(fd);
		return ST_NO_MEMORY;
	}
	l->fd = fd;
	l->handles++;
	poll_link(l);
	return ST_OK;
}

static void try_again(uv_timer_t *timer)
{
	struct milter_link *l = timer->data;

	if (!l->backend)
		return;
	if (connect_link(l) != ST_OK)
		lose(l);
	else if (l->fd >= 0)
		flush_link(l);
}

static enum status open_link(struct milter_backend *b, uint32_t id, uint32_t number)
{
	struct milter_link *l;
	enum status st;

	if (number >= b->places->count)
		return ST_NOT_FOUND;
	l = calloc(1, sizeof *l);
	if (!l || uv_timer_init(conn_loop_uv(conn_loop_of(b->conn)), &l->again)) {
		free(l);
		return ST_NO_MEMORY;
	}
	l->handles = 1;
	l->poll.data = l->again.data = l;
	l->backend = b;
	l->id = id;
	l->number = number;
	l->fd = -1;
	l->out.max = OUT_MAX;
	l->next = b->links;
	b->links = l;
	st = connect_link(l);
	if (st != ST_OK)
		drop(l);
	return st;
}

/* SMFIC_QUIT, where it can be said at once. */
static void quit(struct milter_link *l)
{
	buf_append(&l->out, SLICE("\0\0\0\1Q"));
	write_link(l);
	drop(l);
}

static enum status backend_send(struct backend *backend,
				const struct ipc_frame *frame)
{
	struct milter_backend *b = (struct milter_backend *)backend;
	struct milter_link *l = find(b, frame->id);
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_OK;
	if (m.type == IPC_TYPE_MILTER_OPEN && !l) {
		uint32_t id = frame->id;

		/* it is told from flush() */
		if (open_link(b, id, m.milter_open.number) != ST_OK)
			return buf_append(&b->lost, slice_of((const char *)&id,
							     sizeof id));
	} else if (l && m.type == IPC_TYPE_MILTER_CLOSE) {
		quit(l);
	} else if (l && m.type == IPC_TYPE_MILTER_OCTETS) {
		if (buf_append(&l->out, m.milter_octets.octets) != ST_OK)
			l->is_lost = true;
	}
	return ST_OK;
}

static void backend_flush(struct backend *backend)
{
	struct milter_backend *b = (struct milter_backend *)backend;
	struct milter_link *next;

	for (struct milter_link *l = b->links; l; l = next) {
		next = l->next;
		if (l->out.len || l->is_lost)
			flush_link(l);
	}
	while (b->lost.len) {
		uint32_t id;

		memcpy(&id, b->lost.data, sizeof id);
		buf_consume(&b->lost, sizeof id);
		tell_lost(b, id);
	}
	buf_free(&b->lost);
}

static void backend_close(struct backend *backend)
{
	struct milter_backend *b = (struct milter_backend *)backend;

	while (b->links)
		quit(b->links);
	buf_free(&b->lost);
	free(b);
}

struct backend *milter_client_backend(const struct milter_places *places,
				      struct conn *c)
{
	static const struct backend_ops ops = {
		.send = backend_send, .flush = backend_flush, .close = backend_close,
	};
	struct milter_backend *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->backend.ops = &ops;
	b->places = places;
	b->conn = c;
	b->lost.max = 4096;
	return &b->backend;
}
