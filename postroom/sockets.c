#include <config.h>

#include "postroom/sockets.h"

#include "common/links.h"
#include "common/slice.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
/* Port 0 for both families: tries until IPv6 has the port that IPv4 was given. */
#define SAME_PORT_TRIES 20

/* The sockets of mailboxd. Where it is on another host linkd has them instead, but
 * for control. */
static const struct {
	const char *name;
	mode_t mode;
} unix_sockets[] = {
	{ "lmtp", 0660 }, { "auth", 0660 }, { "store", 0660 }, { "control", 0600 },
};

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static enum status keep(struct sockets *s, int fd, const char *name,
			enum option_reader daemon, const char *address,
			struct error *err)
{
	struct suite_socket *item = &s->items[s->count];

	if (s->count == SOCKETS_MAX) {
		close(fd);
		return error_set(err, ST_LIMIT, "more than %d sockets", SOCKETS_MAX);
	}
	item->fd = fd;
	item->daemon = daemon;
	snprintf(item->name, sizeof item->name, "%s", name);
	snprintf(item->address, sizeof item->address, "%s", address);
	s->count++;
	return ST_OK;
}

/* "[::1]:25" or "127.0.0.1:25" of a bound socket. */
static void render(int fd, char *text, size_t room)
{
	union any_address a = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof a;
	char host[INET6_ADDRSTRLEN];

	text[0] = '\0';
	if (getsockname(fd, &a.any, &len))
		return;
	if (a.any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &a.v6.sin6_addr, host, sizeof host);
		snprintf(text, room, "[%s]:%u", host, ntohs(a.v6.sin6_port));
	} else if (a.any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a.v4.sin_addr, host, sizeof host);
		snprintf(text, room, "%s:%u", host, ntohs(a.v4.sin_port));
	}
}

/* Why an address cannot be had, and what helps. */
static enum status bind_failed(struct error *err, const char *title,
			       const char *host, unsigned port)
{
	if (errno == EADDRINUSE)
		return error_set(err, ST_EXISTS,
				 "listen %s: %s:%u is taken; who has it: ss -ltnp "
				 "'sport = :%u'; another one: --set "
				 "listen.%s.address=...", title, host, port, port,
				 title);
	if (errno == EACCES)
		return error_set(err, ST_DENIED,
				 "listen %s: port %u needs root (or "
				 "CAP_NET_BIND_SERVICE); start as root or choose a "
				 "port above 1023", title, port);
	return error_set(err, ST_IO, "listen %s: %s port %u", title, host, port);
}

static int bind_one(const union any_address *a, socklen_t len)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1, saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, &a->any, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static bool make_address(const char *host, unsigned port, union any_address *a,
			 socklen_t *len)
{
	memset(a, 0, sizeof *a);
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		*len = sizeof a->v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons((uint16_t)port);
		*len = sizeof a->v6;
		return true;
	}
	return false;
}

static enum status open_tcp(struct sockets *s, const struct listen_settings *l,
			    const char *host, unsigned port, struct error *err)
{
	union any_address a;
	socklen_t len;
	char text[80];
	int fd;

	if (!make_address(host, port, &a, &len))
		return error_set(err, ST_SYNTAX, "listen %s: '%s' is no address; "
				 "write 127.0.0.1:25, [::1]:25 or *:25", l->title, host);
	fd = bind_one(&a, len);
	if (fd < 0)
		return bind_failed(err, l->title, host, port);
	render(fd, text, sizeof text);
	return keep(s, fd, l->title, l->daemon, text, err);
}

static unsigned port_of(const struct suite_socket *item)
{
	union any_address a = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof a;

	if (getsockname(item->fd, &a.any, &len))
		return 0;
	return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* "*": one socket a family, on the same port. */
static enum status open_both(struct sockets *s, const struct listen_settings *l,
			     unsigned port, struct error *err)
{
	enum status st = ST_OK;

	for (int i = 0; i < SAME_PORT_TRIES; i++) {
		st = open_tcp(s, l, "0.0.0.0", port, err);
		if (st != ST_OK || !has_ipv6())
			return st;
		st = open_tcp(s, l, "::", port_of(&s->items[s->count - 1]), err);
		if (st == ST_OK || port != 0)
			return st;
		close(s->items[--s->count].fd);
	}
	return st;
}

/* "*:25", "127.0.0.1:2525", "[::1]:2525" */
static enum status open_listener(struct sockets *s, const struct listen_settings *l,
				 const char *text, struct error *err)
{
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN];
	unsigned long long port;
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (!colon || !slice_number(slice_str(colon + 1), 65535, &port))
		return error_set(err, ST_SYNTAX, "listen %s: '%s' has no port; write "
				 "127.0.0.1:25, [::1]:25 or *:25", l->title, text);
	if (len == 1 && text[0] == '*')
		return open_both(s, l, (unsigned)port, err);
	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	snprintf(host, sizeof host, "%.*s", (int)len, text);
	return open_tcp(s, l, host, (unsigned)port, err);
}

/* Whether systemd had sockets of this name; they are taken. */
static enum status take_passed(struct sockets *s, const struct proc_socket *passed,
			       size_t count, const struct listen_settings *l,
			       bool *taken, struct error *err)
{
	*taken = false;
	for (size_t i = 0; i < count; i++) {
		char text[80];
		enum status st;

		if (strcmp(passed[i].name, l->title) != 0)
			continue;
		render(passed[i].fd, text, sizeof text);
		st = keep(s, passed[i].fd, l->title, l->daemon, text, err);
		if (st != ST_OK)
			return st;
		*taken = true;
	}
	return ST_OK;
}

/* Bound under a narrow umask, then opened to whom it may concern, then listened
 * on: nobody connects in between. */
static enum status open_unix(struct sockets *s, const char *run, const char *name,
			     enum option_reader daemon, mode_t mode, uid_t owner,
			     gid_t group, struct error *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char path[sizeof a.sun_path + 32];
	mode_t mask;
	int fd, bound;

	if (snprintf(path, sizeof path, "%s/%s.sock", run, name) >=
	    (int)sizeof a.sun_path)
		return error_set(err, ST_LIMIT, "%s: the path of a Unix socket has at "
				 "most %zu octets; choose a shorter directory",
				 path, sizeof a.sun_path - 1);
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set(err, ST_IO, "socket");
	unlink(path);
	mask = umask(0177);
	bound = bind(fd, (struct sockaddr *)&a, sizeof a);
	umask(mask);
	if (bound || (geteuid() == 0 && chown(path, owner, group)) ||
	    chmod(path, mode) || listen(fd, BACKLOG)) {
		close(fd);
		return error_set(err, ST_IO, "%s", path);
	}
	return keep(s, fd, name, daemon, path, err);
}

static enum status open_mailboxd(struct sockets *s, const char *run,
				 const struct socket_owners *owners,
				 struct error *err)
{
	const gid_t groups[] = { owners->lmtp, owners->auth, owners->access, (gid_t)-1 };
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < sizeof groups / sizeof *groups; i++)
		st = open_unix(s, run, unix_sockets[i].name, R_MAILBOXD,
			       unix_sockets[i].mode, owners->owner, groups[i], err);
	return st;
}

static enum status open_links(struct sockets *s, const struct config *config,
			      const char *run, const struct socket_owners *owners,
			      struct error *err)
{
	struct link_row rows[LINK_ROWS_MAX];
	size_t count;
	enum status st = links_read(config, rows, &count, err);

	if (st == ST_OK && links_has_dns(config))
		st = open_unix(s, run, LINK_DNS_SOCKET, R_LINKD, 0660, owners->link,
			       owners->lmtp, err);
	for (size_t i = 0; st == ST_OK && i < count; i++)
		st = open_unix(s, run, rows[i].socket, R_LINKD, 0660, owners->link,
			       rows[i].users & R_SMTPD ? owners->lmtp : owners->access,
			       err);
	return st;
}

enum status sockets_open(struct sockets *s, const struct config *config,
			 const struct proc_socket *passed, size_t passed_count,
			 const char *run, const struct socket_owners *owners,
			 struct error *err)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < config_sections(config, SECTION_LISTEN); i++) {
		struct listen_settings l = config_listen(config, i);
		size_t count = config_count_at(config, OPTION_LISTEN_ADDRESS, i);
		bool taken;

		st = take_passed(s, passed, passed_count, &l, &taken, err);
		for (size_t k = 0; st == ST_OK && !taken && k < count; k++)
			st = open_listener(s, &l, config_item_at(config,
					   OPTION_LISTEN_ADDRESS, i, k), err);
		if (st != ST_OK)
			return st;
	}
	if (st == ST_OK && !links_has_mailboxd_elsewhere(config))
		st = open_mailboxd(s, run, owners, err);
	if (st == ST_OK)
		st = open_links(s, config, run, owners, err);
	return st;
}

void sockets_close(struct sockets *s)
{
	for (size_t i = 0; i < s->count; i++) {
		close(s->items[i].fd);
		if (s->items[i].address[0] == '/')
			unlink(s->items[i].address);
	}
	s->count = 0;
}

const char *sockets_address(const struct sockets *s, const char *name)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i].name, name) == 0)
			return s->items[i].address;
	return NULL;
}
