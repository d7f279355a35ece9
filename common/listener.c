#include <config.h>

#include "common/listener.h"

#include "common/clock.h"
#include "common/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Accepted at once, before others have their turn. */
#define ACCEPT_MAX 64
/* A refusal is told so often in a second; the rest are only counted. */
#define LOG_EVERY_MS 1000

/* One set of settings; connections hold it, so that a reload takes nothing away
 * from those that are open. */
struct terms {
	struct listener_settings settings;
	struct conn_service service;	/* what conn sees: ours around theirs */
	unsigned references;
};

struct listener {
	uv_poll_t poll;
	uv_timer_t rest;
	struct conn_loop *loop;
	struct terms *terms;
	int fd;
	unsigned handles;
	bool is_open;
	int64_t logged_ms;	/* when a refusal was last told */
	uint64_t unlogged;
};

/* What conn_user() is. */
struct accepted {
	struct limits_entry entry;
};

/* Tells the limit in the protocol's words; what the client may have sent is read
 * first, as a reset would take the words back. */
static void tell(int fd, const char *words)
{
	char discarded[512];

	if (send(fd, words, strlen(words), MSG_NOSIGNAL) <= 0)
		return;
	shutdown(fd, SHUT_WR);
	while (recv(fd, discarded, sizeof discarded, 0) == sizeof discarded)
		;
}

/* ---- terms ---------------------------------------------------------------------- */

static struct engine *make_engine(void *context, const struct peer_info *peer)
{
	const struct conn_service *theirs = &((struct terms *)context)->settings.service;

	return theirs->engine_new(theirs->context, peer);
}

static struct backend *make_backend(void *context, struct conn *c,
				    struct engine *e)
{
	const struct conn_service *theirs = &((struct terms *)context)->settings.service;

	return theirs->backend_new ? theirs->backend_new(theirs->context, c, e)
				   : NULL;
}

/* The balancer's connection is a client's now, and counts as one. */
static bool connection_proxied(void *context, struct conn *c, int fd,
			       struct peer_info *peer)
{
	struct terms *t = context;
	const struct listener_settings *s = &t->settings;
	struct accepted *a = conn_user(c);
	enum limits_verdict verdict;

	peer->is_trusted = netset_has(s->trusted, peer->address);
	if (!s->limits)
		return true;
	limits_leave(s->limits, &a->entry);
	a->entry = (struct limits_entry){ 0 };
	verdict = limits_enter(s->limits, peer->address, peer->is_trusted,
			       clock_ms(), &a->entry);
	if (verdict == LIMITS_OK)
		return true;
	log_event("conn.refused", log_str("proto", s->service.protocol),
		  log_str("client", peer->address),
		  log_str("reason", limits_verdict_name(verdict)),
		  log_u64("more", 0));
	if (s->refusals && s->refusals[verdict] && !s->service.tls_implicit)
		tell(fd, s->refusals[verdict]);
	return false;
}

static void terms_release(struct terms *t)
{
	if (!t || --t->references)
		return;
	if (t->settings.release)
		t->settings.release(t->settings.service.context);
	free(t);
}

static void authenticated(void *context, struct conn *c)
{
	const struct conn_service *theirs = &((struct terms *)context)->settings.service;

	if (theirs->authenticated)
		theirs->authenticated(theirs->context, c);
}

static void released(void *context, struct conn *c)
{
	const struct conn_service *theirs = &((struct terms *)context)->settings.service;

	if (theirs->released)
		theirs->released(theirs->context, c);
}

static void connection_closed(void *context, struct conn *c)
{
	struct terms *t = context;
	struct accepted *a = conn_user(c);

	if (t->settings.service.closed)
		t->settings.service.closed(t->settings.service.context, c);
	if (t->settings.limits)
		limits_leave(t->settings.limits, &a->entry);
	free(a);
}

static void connection_ended(void *context)
{
	terms_release(context);
}

static struct terms *terms_new(const struct listener_settings *settings)
{
	struct terms *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->references = 1;
	t->settings = *settings;
	t->service = settings->service;
	t->service.engine_new = make_engine;
	t->service.backend_new = make_backend;
	t->service.authenticated = authenticated;
	t->service.released = released;
	t->service.closed = connection_closed;
	t->service.proxied = connection_proxied;
	t->service.ended = connection_ended;
	t->service.context = t;
	if (settings->hold)
		settings->hold(settings->service.context);
	return t;
}

/* ---- who is there ------------------------------------------------------------------ */

static void fill_address(const struct sockaddr_storage *from, char *text,
			 size_t room, uint16_t *port)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;

	if (from->ss_family == AF_INET6) {
		*port = ntohs(v6->sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, text,
				  (socklen_t)room);
		else
			inet_ntop(AF_INET6, &v6->sin6_addr, text, (socklen_t)room);
	} else if (from->ss_family == AF_INET) {
		*port = ntohs(v4->sin_port);
		inet_ntop(AF_INET, &v4->sin_addr, text, (socklen_t)room);
	}
}

static void identify(int fd, const struct sockaddr_storage *from,
		     struct peer_info *peer)
{
	struct sockaddr_storage local = { 0 };
	socklen_t octets = sizeof local;
	struct ucred who;
	socklen_t who_octets = sizeof who;

	*peer = (struct peer_info){ .uid = UINT32_MAX };
	if (from->ss_family == AF_UNIX) {
		peer->is_local = peer->is_secure = peer->is_trusted = true;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &who_octets) == 0) {
			peer->uid = who.uid;
			peer->pid = who.pid;
		}
		return;
	}
	fill_address(from, peer->address, sizeof peer->address, &peer->port);
	if (getsockname(fd, (struct sockaddr *)&local, &octets) == 0)
		fill_address(&local, peer->local_address,
			     sizeof peer->local_address, &peer->local_port);
}

static bool may_connect(const struct listener_settings *s, uint32_t uid)
{
	if (s->uid_count == 0 || uid == 0 || uid == geteuid())
		return true;
	for (size_t i = 0; i < s->uid_count; i++)
		if (s->uids[i] == uid)
			return true;
	return false;
}

/* ---- accepting ----------------------------------------------------------------------- */

static void log_refusal(struct listener *ls, const struct peer_info *peer,
			const char *reason)
{
	int64_t now = clock_ms();

	if (ls->logged_ms && now - ls->logged_ms < LOG_EVERY_MS) {
		ls->unlogged++;
		return;
	}
	ls->logged_ms = now;
	log_event("conn.refused",
		  log_str("proto", ls->terms->settings.service.protocol),
		  log_str("client", peer->is_local ? "local" : peer->address),
		  log_str("reason", reason), log_u64("more", ls->unlogged));
	ls->unlogged = 0;
}

static void set_options(int fd, const struct peer_info *peer)
{
	int on = 1;

	if (peer->is_local)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void serve(struct listener *ls, int fd, const struct peer_info *peer)
{
	struct terms *t = ls->terms;
	struct limits *limits = t->settings.limits;
	struct accepted *a = calloc(1, sizeof *a);
	enum limits_verdict verdict = LIMITS_OK;

	if (!a) {
		close(fd);
		return;
	}
	if (limits)
		verdict = limits_enter(limits, peer->address, peer->is_trusted,
				       clock_ms(), &a->entry);
	if (verdict != LIMITS_OK) {
		const char *const *words = t->settings.refusals;

		log_refusal(ls, peer, limits_verdict_name(verdict));
		if (words && words[verdict])
			tell(fd, words[verdict]);
		close(fd);
		free(a);
		return;
	}
	if (limits && limits_crowded(limits,
				     conn_loop_unauthenticated(ls->loop) + 1))
		conn_loop_evict(ls->loop);
	set_options(fd, peer);
	t->references++;
	if (conn_open(ls->loop, fd, &t->service, peer, a) == ST_OK)
		return;	/* connection_closed() frees a */
	if (limits)
		limits_leave(limits, &a->entry);
	terms_release(t);
	free(a);
}

static void accepted(struct listener *ls, int fd,
		     const struct sockaddr_storage *from)
{
	const struct listener_settings *s = &ls->terms->settings;
	struct peer_info peer;

	identify(fd, from, &peer);
	if (peer.is_local && !may_connect(s, peer.uid)) {
		log_refusal(ls, &peer, "uid");
		close(fd);
		return;
	}
	if (!peer.is_local)
		peer.is_trusted = netset_has(s->trusted, peer.address);
	if (s->accepted)
		s->accepted(s->service.context, fd, &peer);
	else
		serve(ls, fd, &peer);
}

static void ready(uv_poll_t *poll, int status, int events);

static void rested(uv_timer_t *timer)
{
	struct listener *ls = timer->data;

	uv_poll_start(&ls->poll, UV_READABLE, ready);
}

/* Descriptors or memory are short: what is open goes on, new ones wait in the
 * kernel's queue. */
static void rest(struct listener *ls, int reason)
{
	struct error err;

	errno = reason;
	error_set(&err, ST_IO, "accept rests");
	log_warning("listener.rests",
		    log_str("proto", ls->terms->settings.service.protocol),
		    log_error(&err));
	uv_poll_stop(&ls->poll);
	uv_timer_start(&ls->rest, rested, LISTENER_REST_MS, 0);
}

static bool is_shortage(int reason)
{
	return reason == EMFILE || reason == ENFILE || reason == ENOBUFS ||
	       reason == ENOMEM;
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct listener *ls = poll->data;

	for (int n = 0; n < ACCEPT_MAX && ls->is_open; n++) {
		struct sockaddr_storage from = { 0 };
		socklen_t octets = sizeof from;
		int fd = accept4(ls->fd, (struct sockaddr *)&from, &octets,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			accepted(ls, fd, &from);
		} else if (is_shortage(errno)) {
			rest(ls, errno);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;	/* EAGAIN, or another process was faster */
		}
	}
}

/* ---- life ------------------------------------------------------------------------------ */

struct listener *listener_open(struct conn_loop *l, int fd,
			       const struct listener_settings *settings,
			       struct error *err)
{
	struct listener *ls = calloc(1, sizeof *ls);
	struct terms *t = terms_new(settings);
	uv_loop_t *loop = conn_loop_uv(l);
	int rc;

	if (!ls || !t) {
		error_set(err, ST_NO_MEMORY, "no memory for a listener");
		goto failed;
	}
	rc = uv_poll_init(loop, &ls->poll, fd);
	if (rc) {
		error_set(err, ST_UNAVAILABLE, "listener: %s", uv_strerror(rc));
		goto failed;
	}
	uv_timer_init(loop, &ls->rest);
	ls->poll.data = ls->rest.data = ls;
	ls->handles = 2;
	ls->loop = l;
	ls->terms = t;
	ls->fd = fd;
	ls->is_open = true;
	uv_poll_start(&ls->poll, UV_READABLE, ready);
	return ls;
failed:
	free(ls);
	terms_release(t);
	return NULL;
}

enum status listener_set(struct listener *ls,
			 const struct listener_settings *settings)
{
	struct terms *t = terms_new(settings);

	if (!t)
		return ST_NO_MEMORY;
	terms_release(ls->terms);
	ls->terms = t;
	return ST_OK;
}

static void handle_closed(uv_handle_t *handle)
{
	struct listener *ls = handle->data;

	if (--ls->handles == 0) {
		terms_release(ls->terms);
		free(ls);
	}
}

void listener_close(struct listener *ls)
{
	if (!ls || !ls->is_open)
		return;
	ls->is_open = false;
	uv_close((uv_handle_t *)&ls->poll, handle_closed);
	uv_close((uv_handle_t *)&ls->rest, handle_closed);
	close(ls->fd);
}
