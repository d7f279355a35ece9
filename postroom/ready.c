#include <config.h>

#include "postroom/ready.h"

#include "postroom/files.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const state_names[] = {
	[CHILD_STOPPED] = "stopped", [CHILD_STARTING] = "starting",
	[CHILD_READY] = "ready", [CHILD_STOPPING] = "stopping",
};

static void set_text(json_t *object, const char *key, const char *text)
{
	if (text)
		json_object_set_new(object, key, json_string(text));
}

/* The first socket of each listener; clients connect to loopback where it is
 * every address. */
static void set_sockets(json_t *line, const struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		const struct suite_socket *s = &sockets->items[i];
		char text[128];

		if (json_object_get(line, s->name))
			continue;
		if (strncmp(s->address, "0.0.0.0:", 8) == 0)
			snprintf(text, sizeof text, "127.0.0.1:%s", s->address + 8);
		else if (strncmp(s->address, "[::]:", 5) == 0)
			snprintf(text, sizeof text, "[::1]:%s", s->address + 5);
		else
			snprintf(text, sizeof text, "%s", s->address);
		/* of the Unix sockets others use one */
		if (s->address[0] != '/' || strcmp(s->name, "lmtp") == 0)
			set_text(line, s->name, text);
	}
}

static json_t *pids_of(const struct child *children, size_t count, const char *name)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		if (strcmp(children[i].kind->name, name) == 0 && children[i].pid)
			json_array_append_new(list, json_integer(children[i].pid));
	return list;
}

enum status ready_line(const struct sockets *sockets, const struct child *children,
		       size_t count, const char *dir, const char *ca, struct buf *out)
{
	json_t *line = json_object(), *pids = json_object();
	enum status st = ST_NO_MEMORY;
	char *text;

	json_object_set_new(line, "ready", json_true());
	json_object_set_new(line, "pid", json_integer(getpid()));
	set_text(line, "dir", dir);
	set_text(line, "ca", ca);
	set_sockets(line, sockets);
	for (size_t i = 0; i < count; i++)
		if (!json_object_get(pids, children[i].kind->name))
			json_object_set_new(pids, children[i].kind->name,
					    pids_of(children, count, children[i].kind->name));
	json_object_set_new(line, "pids", pids);
	text = json_dumps(line, JSON_COMPACT);
	if (text)
		st = buf_append_fmt(out, "%s\n", text);
	free(text);
	json_decref(line);
	return st;
}

void ready_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len == 0 || len >= sizeof a.sun_path)
		return;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&a,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	close(fd);
}

void ready_write_state(const char *run, const struct child *children, size_t count,
		       const struct certificates *certificates)
{
	struct buf text = BUF_INIT(65536);
	char path[PATH_MAX];

	for (size_t i = 0; i < count; i++)
		buf_append_fmt(&text, "%s %u %d %s %u\n", children[i].kind->name,
			       children[i].worker, (int)children[i].pid,
			       state_names[children[i].state], children[i].restarts);
	for (size_t i = 0; i < certificates->count; i++)
		buf_append_fmt(&text, "certificate %s %ld\n",
			       certificate_title(&certificates->items[i]),
			       certificate_days(&certificates->items[i]));
	snprintf(path, sizeof path, "%s/state", run);
	file_write(path, buf_slice(&text), 0644, NULL);
	buf_free(&text);
}

enum status ready_lock(const char *run, int *fd, struct error *err)
{
	char path[PATH_MAX], text[32] = "";
	ssize_t n;

	snprintf(path, sizeof path, "%s/postroom.pid", run);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*fd < 0)
		return error_set(err, ST_IO, "%s", path);
	if (flock(*fd, LOCK_EX | LOCK_NB)) {
		n = read(*fd, text, sizeof text - 1);
		if (n > 0)
			text[n] = '\0';
		text[strcspn(text, "\n")] = '\0';
		close(*fd);
		*fd = -1;
		return error_set(err, ST_EXISTS, "postroom runs here already, pid %s; "
				 "'postroom stop' ends it", text);
	}
	n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(*fd, 0) || pwrite(*fd, text, (size_t)n, 0) != n)
		return error_set(err, ST_IO, "%s", path);
	return ST_OK;
}
