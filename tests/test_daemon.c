/*
 * What every daemon has in common, shown by tests/lined: started as postroom
 * starts one, with a socketpair and a listening socket.
 */
#include <config.h>

#include "common/buf.h"
#include "common/ipc_codec.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define CONTROL_FD 30

struct child {
	pid_t pid;
	int control;
	struct sockaddr_in address;
};

/* tests/lined lies beside the program that runs. */
static void lined_path(char *at, size_t room)
{
	ssize_t n = readlink("/proc/self/exe", at, room - 1);
	char *slash;

	cr_assert_gt(n, 0);
	at[n] = '\0';
	slash = strrchr(at, '/');
	snprintf(slash + 1, room - (size_t)(slash + 1 - at), "lined");
}

static void run_lined(int control, int listener)
{
	char path[512], pid[64];
	char *arguments[] = { path, NULL };
	char *environment[] = { pid, (char[]){ "LISTEN_FDS=1" },
		(char[]){ "LISTEN_FDNAMES=line" },
		(char[]){ "POSTROOM_CONTROL_FD=30" },
		(char[]){ "POSTROOM_DIRECTORY=/" }, NULL };
	int null = open("/dev/null", O_WRONLY);

	lined_path(path, sizeof path);
	snprintf(pid, sizeof pid, "LISTEN_PID=%d", getpid());
	dup2(control, CONTROL_FD);
	dup2(listener, 3);
	dup2(null, 2);
	execve(path, arguments, environment);
	_exit(99);
}

static void start(struct child *c)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t octets = sizeof c->address;
	int ends[2], listener = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(bind(listener, (struct sockaddr *)&any, sizeof any), 0);
	cr_assert_eq(listen(listener, 100), 0);
	getsockname(listener, (struct sockaddr *)&c->address, &octets);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	c->pid = fork();
	if (c->pid == 0)
		run_lined(ends[1], listener);
	c->control = ends[0];
	close(ends[1]);
	close(listener);
}

static void tell(struct child *c, const struct ipc_message *m)
{
	struct buf out = BUF_INIT(1 << 16);

	cr_assert_eq(ipc_encode(&out, 0, 0, m), ST_OK);
	cr_assert_eq(send(c->control, out.data, out.len, MSG_NOSIGNAL),
		     (ssize_t)out.len);
	buf_free(&out);
}

/* Sends a configuration; returns the code of READY. */
static enum status configure(struct child *c, const char *text, uint32_t generation)
{
	struct ipc_message m = { .type = IPC_TYPE_CONFIG };
	struct pollfd readable = { .fd = c->control, .events = POLLIN };
	struct buf in = BUF_INIT(1 << 16);
	struct ipc_frame frame;
	size_t used;

	m.config.text = slice_str(text);
	tell(c, &m);
	m.type = IPC_TYPE_BEGIN;
	m.begin.generation = generation;
	tell(c, &m);
	for (;;) {
		char *at;
		ssize_t n;

		cr_assert_gt(poll(&readable, 1, 10000), 0, "no READY");
		cr_assert_eq(buf_reserve(&in, 4096, &at), ST_OK);
		n = recv(c->control, at, 4096, 0);
		cr_assert_gt(n, 0);
		in.len += (size_t)n;
		while (ipc_frame_next(buf_slice(&in), &frame, &used) == ST_OK) {
			enum status st = ipc_decode(&frame, &m);

			cr_assert_eq(st, ST_OK);
			if (m.type == IPC_TYPE_READY) {
				cr_expect_eq(m.ready.generation, generation);
				st = (enum status)m.ready.code;
				buf_free(&in);
				return st;
			}
			buf_consume(&in, used);
		}
	}
}

static int connect_client(const struct child *c)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(connect(fd, (const struct sockaddr *)&c->address,
			     sizeof c->address), 0);
	return fd;
}

static void expect_line(int fd, const char *line)
{
	char got[128];
	struct pollfd readable = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < strlen(line) && poll(&readable, 1, 10000) > 0) {
		ssize_t n = recv(fd, got + len, sizeof got - len, 0);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	cr_expect(slice_eq(slice_of(got, len), slice_str(line)), "%.*s for %s",
		  (int)len, got, line);
}

static int wait_for(struct child *c)
{
	int status = -1;

	cr_assert_eq(waitpid(c->pid, &status, 0), c->pid);
	close(c->control);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

Test(daemon, life, .timeout = 60)
{
	struct ipc_message stop = { .type = IPC_TYPE_STOP, .stop = { 5000 } };
	struct child c;
	int client;

	start(&c);
	cr_expect_eq(configure(&c, "good", 1), ST_OK);
	client = connect_client(&c);
	expect_line(client, "hello\n");
	cr_expect_eq(configure(&c, "bad", 2), ST_SYNTAX);
	cr_expect_eq(configure(&c, "good again", 3), ST_OK);
	cr_expect_eq(send(client, "echo still\n", 11, 0), 11);
	expect_line(client, "still\n");
	tell(&c, &stop);
	expect_line(client, "Server is shutting down\n");
	close(client);
	cr_expect_eq(wait_for(&c), 0);
}

Test(daemon, ends_when_its_configuration_is_bad, .timeout = 60)
{
	struct child c;

	start(&c);
	cr_expect_eq(configure(&c, "bad", 1), ST_SYNTAX);
	cr_expect_eq(wait_for(&c), EX_CONFIG);
}

Test(daemon, ends_by_signal, .timeout = 60)
{
	struct child c;

	start(&c);
	cr_expect_eq(configure(&c, "good", 1), ST_OK);
	kill(c.pid, SIGINT);	/* Ctrl-C is postroom's to hear */
	kill(c.pid, SIGHUP);
	cr_expect_eq(configure(&c, "good", 2), ST_OK);
	kill(c.pid, SIGTERM);
	cr_expect_eq(wait_for(&c), 0);
}

Test(daemon, ends_when_postroom_is_gone, .timeout = 60)
{
	struct child c;
	int status;

	start(&c);
	cr_expect_eq(configure(&c, "good", 1), ST_OK);
	close(c.control);
	cr_assert_eq(waitpid(c.pid, &status, 0), c.pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Descriptors run out: the others are served on, new ones wait, nothing spins. */
Test(daemon, accepting_rests_without_descriptors, .timeout = 60)
{
	struct ipc_message stop = { .type = IPC_TYPE_STOP, .stop = { 100 } };
	struct rlimit few = { 30, 30 };
	struct rusage used;
	struct child c;
	int clients[60];

	start(&c);
	cr_expect_eq(configure(&c, "good", 1), ST_OK);
	cr_assert_eq(prlimit(c.pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (int i = 0; i < 60; i++)
		clients[i] = connect_client(&c);
	usleep(600000);
	expect_line(clients[0], "hello\n");
	cr_expect_eq(send(clients[0], "echo still\n", 11, 0), 11);
	expect_line(clients[0], "still\n");
	for (int i = 0; i < 50; i++)
		close(clients[i]);
	expect_line(clients[59], "hello\n");
	tell(&c, &stop);
	cr_expect_eq(wait_for(&c), 0);
	for (int i = 50; i < 60; i++)
		close(clients[i]);
	cr_assert_eq(getrusage(RUSAGE_CHILDREN, &used), 0);
	cr_expect_lt(used.ru_utime.tv_sec + used.ru_stime.tv_sec, 1, "it spun");
}

Test(daemon, garbage_on_the_control_socket_ends_it, .timeout = 60)
{
	struct child c;

	start(&c);
	cr_expect_eq(configure(&c, "good", 1), ST_OK);
	cr_expect_eq(send(c.control, "\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 12, 0), 12);
	cr_expect_eq(wait_for(&c), 0);
}

/* Each of them is refused; "sandbox off" under sanitizers. */
Test(daemon, sandbox_selftest, .timeout = 60)
{
	static const char *const lines[] = { "openat", "connect", "execve", "fork",
					     "ptrace", "setuid", "mmap-exec" };
	char path[512], got[1024];
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	lined_path(path, sizeof path);
	cr_assert_eq(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], 1);
		execl(path, path, "--sandbox-selftest", (char *)NULL);
		_exit(99);
	}
	close(ends[1]);
	while ((n = read(ends[0], got + len, sizeof got - 1 - len)) > 0)
		len += (size_t)n;
	got[len] = '\0';
	close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect_eq(WEXITSTATUS(status), 0, "%s", got);
#ifdef WITH_SANITIZERS
	cr_expect_str_eq(got, "sandbox off\n");
	(void)lines;
#else
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		cr_expect(strstr(got, lines[i]), "%s is missing in %s", lines[i], got);
	cr_expect_null(strstr(got, "allowed"), "%s", got);
#endif
}
