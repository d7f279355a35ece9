#include <config.h>
#include "postroom/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

struct control_client {
	int fd;
	uint32_t last_id;
	struct buf in, out;
	size_t taken;	/* octets at the front of in that the last answer used */
	size_t owed;	/* octets of answers to owed_id not yet given back as credit */
	uint32_t owed_id;
};

/* Through the directory's descriptor, so that its path may be long. */
static int connect_in(const char *run)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int directory = open(run, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, code;

	if (directory < 0)
		return -1;
	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/control.sock",
		 directory);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		code = errno;
		close(fd);
		errno = code;
		fd = -1;
	}
	code = errno;
	close(directory);
	errno = code;
	return fd;
}

static enum status flush(struct control_client *c, struct error *err)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.data, c->out.len, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(&c->out, (size_t)n);
		else if (errno != EINTR)
			return error_set(err, ST_CLOSED, "mailboxd does not listen: %s",
					 strerror(errno));
	}
	return ST_OK;
}

enum status control_client_open(const char *run, unsigned timeout_ms,
				struct control_client **out, struct error *err)
{
	struct control_client *c = calloc(1, sizeof *c);
	struct timeval wait = { .tv_sec = timeout_ms / 1000,
				.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	struct ipc_message m = { .type = IPC_TYPE_HELLO };

	*out = NULL;
	if (!c)
		return error_set(err, ST_NO_MEMORY, "out of memory");
	c->in.max = c->out.max = 4 * IPC_FRAME_MAX;
	c->fd = connect_in(run);
	if (c->fd < 0) {
		bool is_gone = errno == ENOENT || errno == ECONNREFUSED;
		enum status st = error_set(err, is_gone ? ST_CLOSED : ST_IO,
					   "%s/control.sock", run);

		free(c);
		return st;
	}
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
	setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
	m.hello.name = SLICE("postroom");
	m.hello.major = IPC_MAJOR;
	m.hello.minor = IPC_MINOR;
	m.hello.features = SLICE_EMPTY;
	if (ipc_encode(&c->out, 0, 0, &m)) {
		control_client_close(c);
		return error_set(err, ST_NO_MEMORY, "out of memory");
	}
	*out = c;
	return ST_OK;
}

void control_client_close(struct control_client *c)
{
	if (!c)
		return;
	close(c->fd);
	buf_wipe(&c->in);
	buf_wipe(&c->out);
	free(c);
}

enum status control_client_send(struct control_client *c, uint32_t id, bool last,
				const struct ipc_message *m, struct error *err)
{
	if (ipc_encode(&c->out, id, last ? IPC_LAST : 0, m))
		return error_set(err, ST_LIMIT, "the command is too long");
	return flush(c, err);
}

enum status control_client_put(struct control_client *c, uint32_t id,
			       const struct ipc_message *m, struct error *err)
{
	if (ipc_encode(&c->out, id, 0, m))
		return error_set(err, ST_LIMIT, "a message to mailboxd is too long");
	return c->out.len >= IPC_FRAME_MAX ? flush(c, err) : ST_OK;
}

enum status control_client_ask(struct control_client *c, const char *verb,
			       const struct slice *args, size_t count, uint32_t *id,
			       struct error *err)
{
	struct ipc_message m = { .type = IPC_TYPE_CONTROL };
	struct buf list = BUF_INIT(IPC_PIECE_MAX);
	enum status st = ST_OK;

	for (size_t i = 0; i < count && !st; i++)
		st = ipc_list_append(&list, args[i]);
	m.control.verb = slice_str(verb);
	m.control.args = buf_slice(&list);
	if (!st) {
		*id = ++c->last_id;
		st = control_client_send(c, *id, false, &m, err);
	} else {
		error_set(err, st, "the command is too long");
	}
	buf_wipe(&list);	/* it may hold a password */
	return st;
}

static enum status receive(struct control_client *c, struct error *err)
{
	char *at;
	ssize_t n;

	if (buf_reserve(&c->in, 65536, &at))
		return error_set(err, ST_NO_MEMORY, "out of memory");
	do {
		n = recv(c->fd, at, 65536, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return error_set(err, ST_LIMIT, "mailboxd did not answer in time");
	if (n <= 0)
		return error_set(err, ST_CLOSED, "mailboxd ended the connection");
	c->in.len += (size_t)n;
	return ST_OK;
}

/* Whole frames count (doc/ipc.md); given back a quarter of the first credit at a
 * time, so that a long table does not cost a frame a row. */
static enum status give_credit(struct control_client *c, uint32_t id, size_t octets,
			       struct error *err)
{
	struct ipc_message m = { .type = IPC_TYPE_CREDIT };

	if (id != c->owed_id)
		c->owed = 0;
	c->owed_id = id;
	c->owed += octets;
	if (c->owed < IPC_CREDIT_FIRST / 4)
		return ST_OK;
	m.credit.octets = (uint32_t)c->owed;
	c->owed = 0;
	return control_client_send(c, id, false, &m, err);
}

enum status control_client_widen(struct control_client *c, uint32_t id,
				 struct error *err)
{
	return give_credit(c, id, CONTROL_CLIENT_WINDOW, err);
}

enum status control_client_next(struct control_client *c, struct ipc_message *m,
				uint32_t *id, bool *last, struct error *err)
{
	struct ipc_frame frame;
	size_t used;
	enum status st = flush(c, err);

	buf_consume(&c->in, c->taken);
	c->taken = 0;
	while (!st) {
		st = ipc_frame_next(buf_slice(&c->in), &frame, &used);
		if (st == ST_MORE) {
			st = receive(c, err);
			continue;
		}
		if (!st)
			st = ipc_decode(&frame, m);
		if (st)
			return error_set(err, ST_SYNTAX,
					 "mailboxd speaks another version");
		if (m->type == IPC_TYPE_HELLO) {
			if (m->hello.major != IPC_MAJOR)
				return error_set(err, ST_SYNTAX,
						 "mailboxd speaks another version");
			buf_consume(&c->in, used);
			continue;
		}
		c->taken = used;
		*id = frame.id;
		*last = (frame.flags & IPC_LAST) != 0;
		return *last || m->type == IPC_TYPE_CREDIT ? ST_OK :
			give_credit(c, frame.id, used, err);
	}
	return st;
}
