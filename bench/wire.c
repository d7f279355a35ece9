#include "bench/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int poller = -1;
static uint64_t noise;

double wire_now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void wire_die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- messages --------------------------------------------------------------------- */

void wire_noise_seed(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	noise = 88172645463325252u ^ (uint64_t)getpid() << 40 ^
		(uint64_t)t.tv_sec << 20 ^ (uint64_t)t.tv_nsec;
}

uint64_t wire_noise(void)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise;
}

void wire_message(struct buf *out, const char *from, const char *id, unsigned size)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-";
	size_t begin = out->len;
	char line[74];

	line[72] = '\r';
	line[73] = '\n';
	if (buf_append_fmt(out, "From: Load <%s>\r\nTo: <list@example.test>\r\n"
			   "Subject: load %s\r\nMessage-ID: <%s@load.example>\r\n"
			   "Date: Tue, 24 Nov 2026 08:00:00 +0000\r\n\r\n",
			   from, id, id))
		wire_die("out of memory");
	do {
		for (int i = 0; i < 72; i += 8) {
			uint64_t r = wire_noise();

			for (int k = 0; k < 8; k++, r >>= 6)
				line[i + k] = digits[r & 63];
		}
		if (buf_append(out, slice_of(line, sizeof line)))
			wire_die("out of memory");
	} while (out->len - begin < size);
}

/* ---- connections -------------------------------------------------------------------- */

static int connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof a.sun_path)
		wire_die("socket path too long");
	memcpy(a.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
		wire_die(path);
	return fd;
}

static int connect_tcp(const char *target)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST };
	struct addrinfo *found;
	const char *colon = strrchr(target, ':');
	char host[64];
	int fd, on = 1;

	if (!colon || (size_t)(colon - target) >= sizeof host)
		wire_die("HOST:PORT is wanted");
	memcpy(host, target, (size_t)(colon - target));
	host[colon - target] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found))
		wire_die("address");
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen))
		wire_die(target);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	freeaddrinfo(found);
	return fd;
}

static void watch(struct wire *w, int op)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (w->is_blocked ? EPOLLOUT : 0),
		.data.ptr = w,
	};

	if (epoll_ctl(poller, op, w->fd, &ev))
		wire_die("epoll_ctl");
}

void wire_open(struct wire *w, const char *target)
{
	if (poller < 0)
		poller = epoll_create1(EPOLL_CLOEXEC);
	if (poller < 0)
		wire_die("epoll");
	w->fd = target[0] == '/' ? connect_unix(target) : connect_tcp(target);
	if (fcntl(w->fd, F_SETFL, O_NONBLOCK))
		wire_die("fcntl");
	w->is_blocked = false;
	w->in = (struct buf)BUF_INIT(1 << 20);
	w->out = (struct buf)BUF_INIT(WIRE_MESSAGE_MAX);
	watch(w, EPOLL_CTL_ADD);
}

void wire_close(struct wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	buf_free(&w->in);
	buf_free(&w->out);
}

void wire_put(struct wire *w, const char *text)
{
	if (buf_append_str(&w->out, text))
		wire_die("out of memory");
}

bool wire_read(struct wire *w)
{
	char *at;
	ssize_t n;

	if (buf_reserve(&w->in, 16384, &at))
		wire_die("reply too long");
	n = read(w->fd, at, 16384);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n > 0)
		w->in.len += (size_t)n;
	return n > 0;
}

bool wire_write(struct wire *w)
{
	bool was_blocked = w->is_blocked;

	while (w->out.len) {
		ssize_t n = write(w->fd, w->out.data, w->out.len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		buf_consume(&w->out, (size_t)n);
	}
	w->is_blocked = w->out.len > 0;
	if (w->is_blocked != was_blocked)
		watch(w, EPOLL_CTL_MOD);
	return true;
}

size_t wire_wait(struct wire **ready, size_t most)
{
	struct epoll_event events[256];
	int n = epoll_wait(poller, events, most < 256 ? (int)most : 256, 1000);

	for (int i = 0; i < n; i++)
		ready[i] = events[i].data.ptr;
	return n > 0 ? (size_t)n : 0;
}

/* ---- figures -------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void wire_percentiles(double *seconds, size_t count)
{
	if (count == 0)
		return;
	qsort(seconds, count, sizeof *seconds, by_value);
	printf(" median_ms=%.3f p99_ms=%.3f", seconds[count / 2] * 1e3,
	       seconds[count * 99 / 100] * 1e3);
}
