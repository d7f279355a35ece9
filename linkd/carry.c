#include <config.h>

#include "linkd/carry_priv.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/unix_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* How often one that is open looks whether its octets are taken. */
#define LOOK_MS		1000
/* One half is closed: so long the other may be silent. */
#define HALF_MS		60000

/* ---- deadlines --------------------------------------------------------------------- */

static void set_timer(struct carry *c, int64_t due_ms)
{
	conn_timer_set(c->carrier->loop, &c->timer, due_ms);
}

static void enter(struct carry *c, enum carry_step step, int64_t ms)
{
	c->step = step;
	c->moved_ms = clock_ms();
	c->due_ms = ms ? c->moved_ms + ms : 0;
	set_timer(c, ms ? c->due_ms : 0);
	end_poll(&c->near);
	end_poll(&c->far);
}

static bool has_half(const struct carry *c)
{
	return c->near.at_eof != c->far.at_eof;
}

/* Until when something has to move; 0: nothing waits. */
static int64_t open_due(const struct carry *c)
{
	if (c->near.out.len || c->far.out.len)
		return c->moved_ms + c->targets->stalled_ms;
	return has_half(c) ? c->moved_ms + HALF_MS : 0;
}

/* The next who connects is carried to another of its addresses; once all were
 * tried it is away. */
static void unreachable(struct carry *c, const struct error *err)
{
	struct target *t = c->target;

	if (t->address_count)
		t->address = (t->address + 1) % t->address_count;
	carry_end(c, t->address ? NULL : err);
}

static void due(struct conn_timer *t, int64_t now)
{
	static const char *const waited[] = {
		[CARRY_ACCEPT] = "no handshake in time",
		[CARRY_CONNECT] = "no connection in time",
		[CARRY_GREET] = "no handshake in time",
		[CARRY_OPEN] = "octets are not taken",
	};
	struct carry *c = (struct carry *)((char *)t - offsetof(struct carry, timer));
	struct error err;

	if (c->step == CARRY_OPEN) {
		int64_t until = open_due(c);

		if (!until || now < until) {
			set_timer(c, until);
			return;
		}
	}
	error_set(&err, ST_LIMIT, "%s", waited[c->step]);
	if (c->step == CARRY_CONNECT)
		unreachable(c, &err);
	else
		carry_end(c, &err);
}

/* ---- the end ------------------------------------------------------------------------- */

static const char *name_of(const struct carry *c)
{
	return c->target ? c->target->row.socket : "link";
}

static void describe(const struct target *t, char *text, size_t room)
{
	const struct link_address *to = &t->row.to;
	bool is_v6 = strchr(to->host, ':') != NULL;

	if (to->kind == LINK_UNIX)
		snprintf(text, room, "%s", to->path);
	else
		snprintf(text, room, is_v6 ? "[%s]:%u" : "%s:%u", to->host,
			 (unsigned)to->port);
}

/* It could not be reached: said once, until it is back. */
static void note_away(struct carry *c, const struct error *err)
{
	struct target *t = c->target;
	char to[300];

	t->away_until_ms = clock_ms() + CARRY_AWAY_MS;
	c->carrier->figures.failed++;
	if (t->is_away)
		return;
	t->is_away = true;
	describe(t, to, sizeof to);
	log_warning("link.away", log_str("socket", t->row.socket), log_str("to", to),
		    log_error(err));
}

static void note_back(struct target *t)
{
	char to[300];

	t->away_until_ms = 0;
	if (!t->is_away)
		return;
	t->is_away = false;
	describe(t, to, sizeof to);
	log_event("link.back", log_str("socket", t->row.socket), log_str("to", to));
}

/* Over TLS 1.3 our certificate is refused after we think that all is well: only
 * what the target says shows that it is there. */
void carry_heard(struct end *e)
{
	struct carry *c = e->carry;

	if (e == &c->near || c->is_heard)
		return;
	c->is_heard = true;
	note_back(c->target);
}

static void note_end(struct carry *c, const struct error *err)
{
	switch (c->step) {
	case CARRY_ACCEPT:
		c->carrier->figures.refused++;
		log_warning("link.refused", log_str("client", c->client), log_error(err));
		break;
	case CARRY_CONNECT:
	case CARRY_GREET:
		note_away(c, err);
		break;
	default:
		if (c->target && !c->is_heard) {
			note_away(c, err);
			break;
		}
		log_event("link.broken", log_str("socket", name_of(c)),
			  log_str("client", c->client), log_error(err));
	}
}

static void is_known(struct carry *c)
{
	c->carrier->strangers -= c->is_stranger;
	c->is_stranger = false;
}

void carry_end(struct carry *c, const struct error *err)
{
	struct carrier *all = c->carrier;

	if (c->step == CARRY_CLOSED)
		return;
	if (err && !all->is_closing)
		note_end(c, err);
	c->step = CARRY_CLOSED;
	is_known(c);
	set_timer(c, 0);
	if (c->prev)
		c->prev->next = c->next;
	else
		all->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	all->figures.carried--;
	end_close(&c->near);
	end_close(&c->far);
	if (all->figures.carried == 0)
		all->idle(all->context);
}

void carry_free(struct carry *c)
{
	targets_release(c->targets);
	free(c);
}

void carry_settle(struct carry *c)
{
	bool is_done = c->near.at_eof && c->far.at_eof && !c->near.out.len &&
		       !c->far.out.len;
	int64_t until;

	if (c->step != CARRY_OPEN)
		return;
	if (is_done) {
		carry_end(c, NULL);
		return;
	}
	until = open_due(c);
	if (until && !c->due_ms)
		set_timer(c, clock_ms() + LOOK_MS);
	c->due_ms = until;
	end_poll(&c->near);
	end_poll(&c->far);
}

/* ---- the other side ---------------------------------------------------------------------- */

static void begin_carrying(struct carry *c)
{
	c->carrier->figures.opened++;
	enter(c, CARRY_OPEN, 0);
	/* what came behind a handshake is there already */
	if (c->near.tls)
		end_go_on(&c->near);
	if (c->far.tls && c->step == CARRY_OPEN)
		end_go_on(&c->far);
}

static void greet(struct carry *c)
{
	struct target *t = c->target;
	struct error err;

	if (!t->tls) {
		begin_carrying(c);
		return;
	}
	c->far.tls = tls_peer_session(t->tls, t->row.to.host,
				      t->alpn[0] ? t->alpn : NULL);
	if (!c->far.tls) {
		error_set(&err, ST_NO_MEMORY, "no memory for TLS");
		carry_end(c, &err);
		return;
	}
	enter(c, CARRY_GREET, c->targets->handshake_ms);
	if (end_handshake(&c->far, SLICE_EMPTY))
		end_poll(&c->far);
}

void carry_connected(struct carry *c)
{
	struct error err;
	int reason = 0;
	socklen_t octets = sizeof reason;

	if (getsockopt(c->far.fd, SOL_SOCKET, SO_ERROR, &reason, &octets))
		reason = errno;
	if (reason == 0) {
		greet(c);
		return;
	}
	errno = reason;
	error_set(&err, ST_IO, "connect");
	unreachable(c, &err);
}

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof value);
}

/* A host that is gone without a word is found out, while nothing is sent too. */
static void set_options(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, CARRY_KEEPALIVE_S);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, CARRY_KEEPALIVE_S / 3);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, CARRY_LOST_S * 1000);
}

static enum status connect_tcp(struct carry *c, struct error *err)
{
	const struct sockaddr_storage *to = &c->target->addresses[c->target->address];
	socklen_t len = to->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
						  : sizeof(struct sockaddr_in);
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return error_set(err, ST_IO, "socket");
	set_options(fd);
	if (connect(fd, (const struct sockaddr *)to, len) && errno != EINPROGRESS) {
		error_set(err, ST_IO, "connect");
		close(fd);
		return err->status;
	}
	if (end_open(&c->far, fd) != ST_OK)
		return error_set(err, ST_NO_MEMORY, "no memory");
	enter(c, CARRY_CONNECT, c->targets->connect_ms);
	return ST_OK;
}

/* At once or not at all. */
static enum status connect_unix(struct carry *c, struct error *err)
{
	int fd;
	enum status st = unix_socket_connect(c->target->row.to.path, &fd);

	if (st != ST_OK)
		return error_set(err, ST_UNAVAILABLE, "%s",
				 st == ST_MORE ? "its queue is full" : "nobody listens");
	if (end_open(&c->far, fd) != ST_OK)
		return error_set(err, ST_NO_MEMORY, "no memory");
	greet(c);
	return ST_OK;
}

static void begin_connecting(struct carry *c)
{
	struct target *t = c->target;
	struct error err = { 0 };
	enum status st;

	if (t->away_until_ms > clock_ms()) {
		carry_end(c, NULL);
		return;
	}
	c->step = CARRY_CONNECT;
	st = t->row.to.kind == LINK_UNIX ? connect_unix(c, &err) : connect_tcp(c, &err);
	if (st != ST_OK)
		unreachable(c, &err);
}

/* ---- who connects -------------------------------------------------------------------------- */

static void accept_secured(struct carry *c)
{
	struct slice name = tls_peer_protocol(c->near.tls);
	struct error err;

	c->target = targets_offer(c->targets, name);
	if (c->target) {
		begin_connecting(c);
		return;
	}
	error_set(&err, ST_NOT_FOUND, "'%.*s' is not offered", (int)name.len < 40
		  ? (int)name.len : 40, name.data);
	carry_end(c, &err);
}

void carry_secured(struct end *e)
{
	struct carry *c = e->carry;
	struct error err;

	if (e == &c->near) {
		is_known(c);
		accept_secured(c);
		return;
	}
	if (c->target->alpn[0] &&
	    !slice_eq(tls_peer_protocol(e->tls), slice_str(c->target->alpn))) {
		error_set(&err, ST_SYNTAX, "the other side is no linkd");
		carry_end(c, &err);
		return;
	}
	begin_carrying(c);
}

static struct carry *carry_new(struct carrier *all, struct targets *t, int fd)
{
	struct carry *c = all->figures.carried < t->connections ? calloc(1, sizeof *c)
								: NULL;

	if (!c) {
		all->figures.refused++;
		close(fd);
		return NULL;
	}
	c->carrier = all;
	c->near.carry = c->far.carry = c;
	c->timer.due = due;
	if (end_open(&c->near, fd) != ST_OK) {
		free(c);
		return NULL;
	}
	c->targets = targets_hold(t);
	c->next = all->first;
	if (c->next)
		c->next->prev = c;
	all->first = c;
	all->figures.carried++;
	return c;
}

void carrier_outgoing(struct carrier *all, struct targets *t, struct target *target,
		      int fd)
{
	struct carry *c = carry_new(all, t, fd);

	if (!c)
		return;
	c->target = target;
	begin_connecting(c);
}

static void make_room(struct carrier *all, const struct targets *t)
{
	unsigned half = t->connections / 2, left = all->strangers;
	struct carry *first = NULL;
	struct error err;

	if (all->strangers < (half < CARRY_STRANGERS_MAX ? half : CARRY_STRANGERS_MAX))
		return;
	for (struct carry *c = all->first; c && left; c = c->next)
		if (c->is_stranger) {
			first = c;
			left--;
		}
	error_set(&err, ST_LIMIT, "too many handshakes at once");
	if (first)
		carry_end(first, &err);
}

void carrier_incoming(struct carrier *all, struct targets *t, int fd,
		      const struct peer_info *peer)
{
	struct error err;
	struct carry *c;

	make_room(all, t);
	c = carry_new(all, t, fd);
	if (!c)
		return;
	c->is_stranger = true;
	all->strangers++;
	set_options(fd);
	snprintf(c->client, sizeof c->client, "%s", peer->address);
	c->near.tls = t->door ? tls_peer_session(t->door, NULL, NULL) : NULL;
	if (c->near.tls) {
		enter(c, CARRY_ACCEPT, t->handshake_ms);
		return;
	}
	error_set(&err, ST_NO_MEMORY, "no memory for TLS");
	carry_end(c, &err);
}

/* ---- life --------------------------------------------------------------------------------------- */

struct carrier *carrier_new(struct conn_loop *l, void (*idle)(void *context),
			    void *context)
{
	struct carrier *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->loop = l;
	c->idle = idle;
	c->context = context;
	return c;
}

const struct carrier_figures *carrier_figures(const struct carrier *c)
{
	return &c->figures;
}

void carrier_free(struct carrier *all)
{
	free(all);
}

void carrier_close(struct carrier *all)
{
	all->is_closing = true;
	while (all->first)
		carry_end(all->first, NULL);
}
