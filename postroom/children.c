#include <config.h>

#include "postroom/children.h"
#include "postroom/spool.h"

#include "common/clock.h"
#include "common/ipc_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* CONFIG text in one frame. */
#define CONFIG_PIECE ((size_t)32768)
/* Descriptors are moved out of the way of 3... here. */
#define HIGH_FD 512

extern char **environ;

void child_init(struct child *c, uv_loop_t *loop)
{
	c->in.max = IPC_FRAME_MAX * 2;
	uv_timer_init(loop, &c->restart);
	c->restart.data = c;
}

/* ---- what the child says ------------------------------------------------------- */

static void take_frames(struct child *c)
{
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used;

	while (ipc_frame_next(buf_slice(&c->in), &frame, &used) == ST_OK) {
		if (ipc_decode(&frame, &m) == ST_OK && m.type == IPC_TYPE_READY) {
			if (m.ready.code == ST_OK) {
				c->state = CHILD_READY;
				c->ready_ms = c->ready_ms ? c->ready_ms : clock_ms();
			}
			c->events->ready(c, (enum status)m.ready.code, m.ready.text);
		}
		buf_consume(&c->in, used);
	}
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *out)
{
	struct child *c = handle->data;
	size_t room = buf_room(&c->in);
	char *at;

	(void)wanted;
	if (room > 65536)
		room = 65536;
	*out = uv_buf_init(NULL, 0);
	if (room && buf_reserve(&c->in, room, &at) == ST_OK)
		*out = uv_buf_init(at, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *got)
{
	struct child *c = stream->data;

	(void)got;
	if (n < 0) {
		uv_read_stop(stream);
		return;
	}
	c->in.len += (size_t)n;
	take_frames(c);
}

/* ---- what it is told ------------------------------------------------------------- */

struct writing {
	uv_write_t request;
	struct buf octets;
};

static void on_written(uv_write_t *request, int status)
{
	struct writing *w = request->data;

	(void)status;
	buf_wipe(&w->octets);
	free(w);
}

static void tell(struct child *c, const struct ipc_message *m)
{
	struct writing *w = c->has_control ? calloc(1, sizeof *w) : NULL;
	uv_buf_t octets;

	if (!w)
		return;
	w->octets.max = IPC_FRAME_MAX;
	w->request.data = w;
	if (ipc_encode(&w->octets, 1, 0, m) != ST_OK) {
		on_written(&w->request, 0);
		return;
	}
	octets = uv_buf_init(w->octets.data, (unsigned)w->octets.len);
	if (uv_write(&w->request, (uv_stream_t *)&c->control, &octets, 1, on_written))
		on_written(&w->request, 0);
}

static void tell_certificate(struct child *c, const struct certificate *one)
{
	struct ipc_message m = { .type = IPC_TYPE_CERTIFICATE };

	m.certificate.name = slice_str(one->name);
	m.certificate.chain = buf_slice(&one->chain);
	m.certificate.key = buf_slice(&one->key);
	tell(c, &m);
}

static void tell_authority(struct child *c, const struct certificate *one)
{
	struct slice rest = buf_slice(&one->chain);

	while (rest.len) {
		struct ipc_message m = { .type = IPC_TYPE_LINK_AUTHORITY };

		m.link_authority.name = slice_str(one->name);
		m.link_authority.pem = slice_head(rest, CONFIG_PIECE);
		tell(c, &m);
		rest = slice_from(rest, m.link_authority.pem.len);
	}
}

/* The certificate for other hosts, where it has none of its own that for
 * clients, and who signs theirs. */
static void tell_links(struct child *c, const struct certificates *all)
{
	struct ipc_message m = { .type = IPC_TYPE_LINK_CERTIFICATE };
	const struct certificate *shown = NULL;

	for (size_t i = 0; i < all->count; i++) {
		const struct certificate *one = &all->items[i];

		if (one->use == CERTIFICATE_AUTHORITY)
			tell_authority(c, one);
		else if (one->use == CERTIFICATE_HOSTS || (!shown && !*one->name))
			shown = one;
	}
	if (!shown)
		return;
	m.link_certificate.chain = buf_slice(&shown->chain);
	m.link_certificate.key = buf_slice(&shown->key);
	tell(c, &m);
}

void child_configure(struct child *c, struct slice config,
		     const struct certificates *certificates, uint32_t generation)
{
	struct ipc_message m = { .type = IPC_TYPE_CONFIG };
	bool is_front = c->kind->daemon & R_NETWORK;

	while (config.len) {
		m.config.text = slice_head(config, CONFIG_PIECE);
		tell(c, &m);
		config = slice_from(config, m.config.text.len);
	}
	for (size_t i = 0; is_front && i < certificates->count; i++)
		if (certificates->items[i].use == CERTIFICATE_CLIENTS)
			tell_certificate(c, &certificates->items[i]);
	if (is_front && certificates->client_ca.len) {
		m = (struct ipc_message){ .type = IPC_TYPE_CLIENT_CA };
		m.client_ca.pem = buf_slice(&certificates->client_ca);
		tell(c, &m);
	}
	if (c->kind->daemon == R_LINKD)
		tell_links(c, certificates);
	m = (struct ipc_message){ .type = IPC_TYPE_BEGIN };
	m.begin.generation = generation;
	tell(c, &m);
}

void child_stop(struct child *c, uint32_t grace_ms)
{
	struct ipc_message m = { .type = IPC_TYPE_STOP };

	m.stop.grace_ms = grace_ms;
	tell(c, &m);
	c->state = CHILD_STOPPING;
}

/* ---- start ------------------------------------------------------------------------ */

/* The child's environment, made before the fork; LISTEN_PID is filled in after
 * it. */
struct environment {
	char pid[40], fds[24], control[40], user[160], log_time[32], worker[40];
	char names[SOCKETS_MAX * 65 + 20];
	char directory[4200];
	char *items[400];
};

static void add(struct environment *e, size_t *count, const char *item)
{
	if (*count < sizeof e->items / sizeof *e->items - 1)
		e->items[(*count)++] = (char *)item;
}

static bool is_ours(const char *item)
{
#ifdef WITH_TEST_HOOKS
	if (strncmp(item, "POSTROOM_CRASH=", 15) == 0 ||
	    strncmp(item, "POSTROOM_FAIL_SYNC=", 19) == 0)
		return false;
#endif
	return strncmp(item, "LISTEN_", 7) == 0 || strncmp(item, "POSTROOM_", 9) == 0 ||
	       strncmp(item, "NOTIFY_SOCKET=", 14) == 0 ||
	       strncmp(item, "UV_USE_IO_URING=", 16) == 0;
}

static void describe_user(const struct child_user *u, char *text, size_t room)
{
	size_t n = (size_t)snprintf(text, room, "POSTROOM_USER=%u:%u",
				    (unsigned)u->uid, (unsigned)u->gid);

	for (size_t i = 0; i < u->group_count && n < room; i++)
		n += (size_t)snprintf(text + n, room - n, ",%u", (unsigned)u->groups[i]);
}

static void make_environment(struct environment *e, const struct child *c,
			     const struct sockets *sockets, int spool,
			     bool with_time, size_t *socket_count)
{
	size_t count = 0, n = (size_t)snprintf(e->names, sizeof e->names, "LISTEN_FDNAMES=");

	*socket_count = 0;
	for (size_t i = 0; i < sockets->count; i++) {
		if (sockets->items[i].daemon != c->kind->daemon)
			continue;
		n += (size_t)snprintf(e->names + n, sizeof e->names - n, "%s%s",
				      *socket_count ? ":" : "", sockets->items[i].name);
		++*socket_count;
	}
	if (spool >= 0)
		snprintf(e->names + n, sizeof e->names - n, "%sspool",
			 (*socket_count)++ ? ":" : "");
	snprintf(e->fds, sizeof e->fds, "LISTEN_FDS=%zu", *socket_count);
	snprintf(e->control, sizeof e->control, "POSTROOM_CONTROL_FD=%zu",
		 3 + *socket_count);
	snprintf(e->worker, sizeof e->worker, "POSTROOM_WORKER=%u", c->worker);
	snprintf(e->log_time, sizeof e->log_time, "POSTROOM_LOG_TIME=%d", with_time);
	snprintf(e->directory, sizeof e->directory, "POSTROOM_DIRECTORY=%s", c->directory);
	for (char **item = environ; *item; item++)
		if (!is_ours(*item))
			add(e, &count, *item);
	add(e, &count, e->pid);
	add(e, &count, e->fds);
	add(e, &count, e->names);
	add(e, &count, e->control);
	add(e, &count, e->worker);
	add(e, &count, e->log_time);
	add(e, &count, e->directory);
	add(e, &count, "UV_USE_IO_URING=0");
	if (c->user.is_set) {
		describe_user(&c->user, e->user, sizeof e->user);
		add(e, &count, e->user);
	}
	e->items[count] = NULL;
}

/* Decimal digits without stdio: between fork and exec little is allowed. */
static void put_pid(char *text, const char *prefix, unsigned pid)
{
	char digits[12];
	size_t n = strlen(prefix), d = 0;

	memcpy(text, prefix, n);
	do
		digits[d++] = (char)('0' + pid % 10);
	while (pid /= 10);
	while (d)
		text[n++] = digits[--d];
	text[n] = '\0';
}

/* In the child, between fork and exec. */
_Noreturn static void become(const struct child *c, const char *program,
			     struct environment *e, const struct sockets *sockets,
			     int spool, int control, int log_fd)
{
	char *argv[] = { (char *)c->kind->name, NULL };
	int at = 3, high = HIGH_FD;
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	dup2(log_fd, STDERR_FILENO);
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->items[i].daemon == c->kind->daemon)
			dup2(sockets->items[i].fd, high++);
	if (spool >= 0)
		dup2(spool, high++);
	dup2(control, high++);
	for (int fd = HIGH_FD; fd < high; fd++) {
		dup2(fd, at++);
		close(fd);
	}
	put_pid(e->pid, "LISTEN_PID=", (unsigned)getpid());
	execve(program, argv, e->items);
	_exit(errno == ENOENT ? 127 : 126);
}

enum status child_start(struct child *c, const char *program,
			const struct sockets *sockets, int log_fd, bool with_time,
			struct error *err)
{
	struct environment *e = calloc(1, sizeof *e);
	int pair[2] = { -1, -1 }, spool;
	size_t count;

	if (!e)
		return error_set(err, ST_NO_MEMORY, "no memory to start %s", c->kind->name);
	spool = c->spool ? spool_make(c->spool) : -1;
	make_environment(e, c, sockets, spool, with_time, &count);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		if (spool >= 0)
			close(spool);
		free(e);
		return error_set(err, ST_IO, "socketpair");
	}
	c->pid = fork();
	if (c->pid == 0)
		become(c, program, e, sockets, spool, pair[1], log_fd);
	free(e);
	if (spool >= 0)
		close(spool);
	close(pair[1]);
	if (c->pid < 0) {
		close(pair[0]);
		return error_set(err, ST_IO, "fork for %s", c->kind->name);
	}
	c->in.len = 0;
	c->state = CHILD_STARTING;
	c->ready_ms = 0;
	uv_pipe_init(c->restart.loop, &c->control, 0);
	c->control.data = c;
	uv_pipe_open(&c->control, pair[0]);
	c->has_control = true;
	uv_read_start((uv_stream_t *)&c->control, on_alloc, on_read);
	return ST_OK;
}

/* ---- end ---------------------------------------------------------------------------- */

/* The restart needs the handle again, so it waits until this one is closed. */
static void on_control_closed(uv_handle_t *handle)
{
	struct child *c = handle->data;

	c->events->ended(c, c->status);
}

void child_reaped(struct child *c, int status)
{
	/* what it said last may still be in the socket */
	if (c->has_control) {
		char piece[4096];
		uv_os_fd_t fd;

		if (uv_fileno((uv_handle_t *)&c->control, &fd) == 0) {
			ssize_t n = recv(fd, piece, sizeof piece, MSG_DONTWAIT);

			if (n > 0 && buf_append(&c->in, slice_of(piece, (size_t)n)) == ST_OK)
				take_frames(c);
		}
	}
	c->state = CHILD_STOPPED;
	c->pid = 0;
	c->status = status;
	if (c->has_control) {
		c->has_control = false;
		uv_close((uv_handle_t *)&c->control, on_control_closed);
	}
}

int64_t child_served(const struct child *c)
{
	return c->ready_ms ? clock_ms() - c->ready_ms : -1;
}

void child_close(struct child *c)
{
	uv_close((uv_handle_t *)&c->restart, NULL);
	buf_free(&c->in);
}
