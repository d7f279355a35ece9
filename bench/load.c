/*
 * Load for SMTP and LMTP servers: N connections, each sending one message after
 * the other, every message with a Message-ID and a body of its own. Prints one
 * line of key=value figures. It ends by itself after the messages are sent or
 * --seconds have passed, and fails when any message was not accepted.
 *
 *   load smtp 127.0.0.1:2525 --connections 50 --messages 10000 --size 4096
 *   load lmtp /run/postroom/lmtp.sock --recipients 10 --to user%d@example.test
 */
#include "common/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 4096
#define MESSAGE_MAX ((size_t)64 << 20)

struct options {
	bool is_lmtp;
	const char *target;
	unsigned connections, messages, size, recipients, accounts, seconds;
	bool reconnect;		/* a new connection for each message */
	const char *from, *to;	/* to: %d is the number of the recipient */
};

enum stage { GREETING, HELLO, ENVELOPE, FINAL, BYE };

struct client {
	int fd;
	enum stage stage;
	unsigned replies;	/* still awaited in this stage */
	unsigned serial;	/* of the message in flight */
	double since;
	struct buf in, out;
};

static struct options options = {
	.connections = 10, .messages = 1000, .size = 4096, .recipients = 1,
	.accounts = 100, .seconds = 120, .from = "load@sender.example",
	.to = "user%d@example.test",
};
static struct client clients[CONNECTIONS_MAX];
static double *latencies;
static unsigned started, finished, failed;
static int poller;
static uint64_t noise = 88172645463325252u;
static char run_id[17];

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t next_noise(void)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return noise;
}

static void put(struct client *c, const char *text)
{
	if (buf_append_str(&c->out, text))
		die("out of memory");
}

static void watch_client(struct client *c, int op)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (c->out.len ? EPOLLOUT : 0),
		.data.ptr = c,
	};

	if (epoll_ctl(poller, op, c->fd, &ev))
		die("epoll_ctl");
}

static int connect_unix(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof a.sun_path)
		die("socket path too long");
	memcpy(a.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a))
		die(path);
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
		die("HOST:PORT is wanted");
	memcpy(host, target, (size_t)(colon - target));
	host[colon - target] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found))
		die("address");
	fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, found->ai_addr, found->ai_addrlen))
		die(target);
	setsockopt(fd, 6 /* TCP */, 1 /* NODELAY */, &on, sizeof on);
	freeaddrinfo(found);
	return fd;
}

static void open_client(struct client *c)
{
	c->fd = options.target[0] == '/' ? connect_unix(options.target)
					 : connect_tcp(options.target);
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK))
		die("fcntl");
	c->in = (struct buf)BUF_INIT(65536);
	c->out = (struct buf)BUF_INIT(MESSAGE_MAX);
	c->stage = GREETING;
	c->replies = 1;
	watch_client(c, EPOLL_CTL_ADD);
}

static void close_client(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	buf_free(&c->in);
	buf_free(&c->out);
}

static void send_envelope(struct client *c)
{
	char line[512];

	c->serial = started++;
	c->since = now_s();
	snprintf(line, sizeof line, "MAIL FROM:<%s>\r\n", options.from);
	put(c, line);
	for (unsigned i = 0; i < options.recipients; i++) {
		char address[256];
		unsigned who = (c->serial * options.recipients + i) % options.accounts;

		snprintf(address, sizeof address, options.to, (int)who);
		snprintf(line, sizeof line, "RCPT TO:<%s>\r\n", address);
		put(c, line);
	}
	put(c, "DATA\r\n");
	c->stage = ENVELOPE;
	c->replies = options.recipients + 2;
}

static void send_body(struct client *c)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-";
	char line[256];
	size_t begin = c->out.len;

	snprintf(line, sizeof line,
		 "From: Load <%s>\r\nTo: <list@example.test>\r\nSubject: load %s %u\r\n"
		 "Message-ID: <%s.%u@load.example>\r\nDate: Tue, 24 Nov 2026 08:00:00 +0000\r\n\r\n",
		 options.from, run_id, c->serial, run_id, c->serial);
	put(c, line);
	while (c->out.len - begin < options.size) {
		for (int i = 0; i < 72; i += 8) {
			uint64_t r = next_noise();

			for (int k = 0; k < 8; k++, r >>= 6)
				line[i + k] = digits[r & 63];
		}
		line[72] = '\r';
		line[73] = '\n';
		if (buf_append(&c->out, slice_of(line, 74)))
			die("out of memory");
	}
	put(c, ".\r\n");
	c->stage = FINAL;
	c->replies = options.is_lmtp ? options.recipients : 1;
}

static void next_message(struct client *c)
{
	if (started < options.messages) {
		send_envelope(c);
	} else {
		put(c, "QUIT\r\n");
		c->stage = BYE;
		c->replies = 1;
	}
}

/* One whole reply came; its first digit tells how it went. */
static void take_reply(struct client *c, struct slice line)
{
	bool good = line.data[0] == '2' || (c->stage == ENVELOPE && line.data[0] == '3');

	if (!good) {
		fprintf(stderr, "load: %.*s\n", SLICE_ARG(slice_head(line, 200)));
		failed++;
		options.messages = 0;
	}
	if (--c->replies)
		return;
	switch (c->stage) {
	case GREETING:
		put(c, options.is_lmtp ? "LHLO load.example\r\n" : "EHLO load.example\r\n");
		c->stage = HELLO;
		c->replies = 1;
		break;
	case ENVELOPE:
		send_body(c);
		break;
	case FINAL:
		latencies[finished++] = now_s() - c->since;
		if (options.reconnect && started < options.messages) {
			close_client(c);
			open_client(c);
			break;
		}
		/* fall through */
	case HELLO:
		next_message(c);
		break;
	case BYE:
		close_client(c);
		break;
	}
}

static void read_client(struct client *c)
{
	char *at;
	ssize_t n;

	if (buf_reserve(&c->in, 8192, &at))
		die("reply too long");
	n = read(c->fd, at, 8192);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (c->stage != BYE) {
			fprintf(stderr, "load: the server closed a connection\n");
			failed++;
		}
		close_client(c);
		return;
	}
	c->in.len += (size_t)n;
	while (c->fd >= 0) {
		struct slice in = buf_slice(&c->in);
		size_t end = slice_crlf(in);
		char line[256];
		struct slice reply = slice_head(slice_head(in, end), sizeof line);

		if (end == in.len)
			break;
		memcpy(line, reply.data, reply.len);
		reply.data = line;
		buf_consume(&c->in, end + 2);
		if (reply.len >= 3 && (reply.len == 3 || line[3] != '-'))
			take_reply(c, reply);
	}
}

static void write_client(struct client *c)
{
	while (c->out.len) {
		ssize_t n = write(c->fd, c->out.data, c->out.len);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			failed++;
			close_client(c);
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	watch_client(c, EPOLL_CTL_MOD);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void report(double seconds)
{
	qsort(latencies, finished, sizeof *latencies, by_value);
	printf("messages=%u failed=%u seconds=%.3f per_second=%.0f", finished, failed,
	       seconds, finished / seconds);
	if (finished)
		printf(" median_ms=%.2f p99_ms=%.2f", latencies[finished / 2] * 1e3,
		       latencies[finished * 99 / 100] * 1e3);
	printf(" run=%s\n", run_id);
}

static void read_options(int argc, char **argv)
{
	static const struct option words[] = {
		{ "connections", 1, 0, 'c' }, { "messages", 1, 0, 'm' },
		{ "size", 1, 0, 's' }, { "recipients", 1, 0, 'r' },
		{ "accounts", 1, 0, 'a' }, { "seconds", 1, 0, 't' },
		{ "from", 1, 0, 'f' }, { "to", 1, 0, 'o' }, { "reconnect", 0, 0, 'n' },
		{ 0, 0, 0, 0 },
	};
	int word;

	while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
		unsigned long long n = 0;

		if (strchr("cmsrat", word) &&
		    !slice_number(slice_str(optarg), 1u << 30, &n))
			word = '?';
		switch (word) {
		case 'c': options.connections = (unsigned)n; break;
		case 'm': options.messages = (unsigned)n; break;
		case 's': options.size = (unsigned)n; break;
		case 'r': options.recipients = (unsigned)n; break;
		case 'a': options.accounts = (unsigned)n; break;
		case 't': options.seconds = (unsigned)n; break;
		case 'f': options.from = optarg; break;
		case 'o': options.to = optarg; break;
		case 'n': options.reconnect = true; break;
		default: exit(64);
		}
	}
	if (argc - optind != 2 || options.connections < 1 ||
	    options.connections > CONNECTIONS_MAX || !options.accounts) {
		fprintf(stderr, "usage: load smtp|lmtp HOST:PORT|PATH [--connections N] [--messages N]\n"
				"       [--size OCTETS] [--recipients N] [--accounts N] [--to user%%d@DOMAIN]\n"
				"       [--from ADDRESS] [--reconnect] [--seconds N]\n");
		exit(64);
	}
	options.is_lmtp = strcmp(argv[optind], "lmtp") == 0;
	options.target = argv[optind + 1];
}

int main(int argc, char **argv)
{
	double begin, end;
	unsigned open_clients;

	read_options(argc, argv);
	latencies = calloc(options.messages + options.connections, sizeof *latencies);
	poller = epoll_create1(EPOLL_CLOEXEC);
	if (!latencies || poller < 0)
		die("start");
	noise ^= (uint64_t)getpid() << 32 ^ (uint64_t)time(NULL);
	snprintf(run_id, sizeof run_id, "%016llx", (unsigned long long)next_noise());
	begin = now_s();
	for (unsigned i = 0; i < options.connections; i++)
		open_client(&clients[i]);
	do {
		struct epoll_event events[256];
		int n = epoll_wait(poller, events, 256, 1000);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
				read_client(c);
			if (c->fd >= 0)
				write_client(c);
		}
		end = now_s();
		open_clients = 0;
		for (unsigned i = 0; i < options.connections; i++)
			open_clients += clients[i].fd >= 0;
	} while (open_clients && end - begin < options.seconds);
	if (open_clients) {
		fprintf(stderr, "load: stopped after %u s\n", options.seconds);
		failed++;
	}
	report(end - begin);
	return failed ? 1 : 0;
}
