#include <config.h>

#include "linkd/dns.h"

#include "common/clock.h"
#include "common/log.h"
#include "linkd/dns_cache.h"

#include <ares.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLASS_IN	1
#define TRIES		2
#define TRY_MS		2000
/* Sockets of c-ares that are watched at once: UDP and TCP of each server. */
#define SOCKETS_MAX	32
/* c-ares looks whether something is too late this often while it waits. */
#define LOOK_MS		100

struct watched {
	uv_poll_t poll;
	struct dns *dns;
	ares_socket_t fd;
};

struct dns {
	ares_channel channel;
	struct ares_addr_port_node *usual;	/* of /etc/resolv.conf */
	struct conn_loop *loop;
	struct conn_timer timer;
	struct dns_cache *cache;
	struct watched *watched[SOCKETS_MAX];
	unsigned out;		/* questions */
	bool is_closed;
	struct dns_figures figures;
};

struct question {
	struct dns *dns;
	enum dns_type type;
	dns_done *done;
	void *arg;
	char name[DNS_NAME_OCTETS];
};

/* ---- sockets ------------------------------------------------------------------------ */

static void tick(struct dns *d)
{
	conn_timer_set(d->loop, &d->timer, d->out ? clock_ms() + LOOK_MS : 0);
}

static void ready(uv_poll_t *poll, int status, int events)
{
	struct watched *w = poll->data;
	bool reads = status < 0 || events & UV_READABLE;
	bool writes = status < 0 || events & UV_WRITABLE;

	ares_process_fd(w->dns->channel, reads ? w->fd : ARES_SOCKET_BAD,
			writes ? w->fd : ARES_SOCKET_BAD);
}

static void late(struct conn_timer *t, int64_t now)
{
	struct dns *d = (struct dns *)((char *)t - offsetof(struct dns, timer));

	(void)now;
	ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	tick(d);
}

static void poll_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static struct watched **find(struct dns *d, ares_socket_t fd)
{
	struct watched **none = NULL;

	for (size_t i = 0; i < SOCKETS_MAX; i++) {
		if (d->watched[i] && d->watched[i]->fd == fd)
			return &d->watched[i];
		if (!d->watched[i])
			none = &d->watched[i];
	}
	return none;
}

/* c-ares says what it waits for; neither: it is about to close the socket. */
static void socket_state(void *data, ares_socket_t fd, int reads, int writes)
{
	struct dns *d = data;
	struct watched **at = find(d, fd), *w;

	if (!at)	/* its questions end by their time */
		return;
	w = *at;
	if (!reads && !writes) {
		*at = NULL;
		if (w)
			uv_close((uv_handle_t *)&w->poll, poll_closed);
		return;
	}
	if (!w) {
		w = calloc(1, sizeof *w);
		if (!w || uv_poll_init(conn_loop_uv(d->loop), &w->poll, fd)) {
			free(w);
			return;
		}
		w->poll.data = w;
		w->dns = d;
		w->fd = fd;
		*at = w;
	}
	uv_poll_start(&w->poll, (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0),
		      ready);
}

/* ---- life --------------------------------------------------------------------------- */

enum status dns_new(struct dns **dns, struct error *err)
{
	struct dns *d = calloc(1, sizeof *d);
	struct ares_options o = {
		/* no search list: names are whole */
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS,
		.timeout = TRY_MS, .tries = TRIES, .ednspsz = 1232,
		.sock_state_cb = socket_state, .sock_state_cb_data = d,
	};
	int rc = d ? ares_library_init(ARES_LIB_INIT_ALL) : ARES_ENOMEM;

	if (rc == ARES_SUCCESS)
		rc = ares_init_options(&d->channel, &o, ARES_OPT_FLAGS |
				       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
				       ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB);
	if (rc == ARES_SUCCESS) {
		d->timer.due = late;
		d->cache = dns_cache_new();
		ares_get_servers_ports(d->channel, &d->usual);
		if (d->cache) {
			*dns = d;
			return ST_OK;
		}
		ares_destroy(d->channel);
		rc = ARES_ENOMEM;
	}
	free(d);
	return error_set(err, rc == ARES_ENOMEM ? ST_NO_MEMORY : ST_UNAVAILABLE,
			 "dns: %s", ares_strerror(rc));
}

enum status dns_set_servers(struct dns *d, const char *servers, struct error *err)
{
	int rc;

	ares_cancel(d->channel);	/* else they may not change */
	rc = servers[0] ? ares_set_servers_ports_csv(d->channel, servers)
			: ares_set_servers_ports(d->channel, d->usual);
	return rc == ARES_SUCCESS ? ST_OK
		: error_set(err, ST_SYNTAX, "dns.servers: %s: %s", servers,
			    ares_strerror(rc));
}

void dns_open(struct dns *d, struct conn_loop *l)
{
	d->loop = l;
}

void dns_close(struct dns *d)
{
	if (!d || d->is_closed)
		return;
	d->is_closed = true;
	ares_destroy(d->channel);
	if (d->loop)
		conn_timer_set(d->loop, &d->timer, 0);
}

void dns_free(struct dns *d)
{
	if (!d)
		return;
	dns_close(d);
	ares_free_data(d->usual);
	dns_cache_free(d->cache);
	free(d);
	ares_library_cleanup();
}

const struct dns_figures *dns_figures(const struct dns *d)
{
	return &d->figures;
}

/* ---- questions ------------------------------------------------------------------------ */

/* c-ares has a reply whatever its code is, or none. */
static void answered(void *arg, int status, int timeouts, unsigned char *reply,
		     int octets)
{
	struct question *q = arg;
	struct dns *d = q->dns;
	struct dns_answer answer = { .st = ST_UNAVAILABLE };

	(void)timeouts;
	if (reply && octets > 0 && (status == ARES_SUCCESS || status == ARES_ENODATA ||
				    status == ARES_ENOTFOUND) &&
	    dns_reply_read(slice_of((const char *)reply, (size_t)octets), q->type,
			   &answer) != ST_OK)
		answer = (struct dns_answer){ .st = ST_UNAVAILABLE };
	if (answer.st == ST_UNAVAILABLE) {
		d->figures.failed++;
		log_debug("dns.failed", log_str("name", q->name),
			  log_str("error", ares_strerror(status)));
	}
	d->out--;
	if (status != ARES_EDESTRUCTION && status != ARES_ECANCELLED)
		dns_cache_keep(d->cache, q->name, q->type, clock_ms(), &answer);
	q->done(q->arg, &answer);
	free(q);
}

void dns_ask(struct dns *d, const char *name, enum dns_type type, dns_done *done,
	     void *arg)
{
	struct dns_answer answer = { .st = ST_UNAVAILABLE };
	struct question *q = NULL;
	size_t len = strlen(name);

	if (dns_cache_find(d->cache, name, type, clock_ms(), &answer)) {
		d->figures.remembered++;
		done(arg, &answer);
		return;
	}
	if (!d->is_closed && d->out < DNS_QUESTIONS_MAX && len < sizeof q->name)
		q = malloc(sizeof *q);
	if (!q) {
		d->figures.left_out++;
		done(arg, &answer);
		return;
	}
	*q = (struct question){ .dns = d, .type = type, .done = done, .arg = arg };
	memcpy(q->name, name, len + 1);
	d->figures.asked++;
	d->out++;
	ares_query(d->channel, name, CLASS_IN, (int)type, answered, q);
	tick(d);
}
