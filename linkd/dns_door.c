#include <config.h>

#include "linkd/dns_door.h"

#include "common/links.h"
#include "common/user_id.h"
#include "linkd/dns_session.h"

#include <unistd.h>

/* "192.0.2.1:53,[::1]:5353" */
static enum status join_servers(const struct config *c, struct buf *out,
				struct error *err)
{
	for (size_t i = 0; i < config_count(c, OPTION_DNS_SERVERS); i++) {
		if (i && buf_append_char(out, ',') != ST_OK)
			break;
		if (buf_append_str(out, config_item(c, OPTION_DNS_SERVERS, i)) != ST_OK)
			break;
	}
	return buf_append_char(out, '\0') == ST_OK ? ST_OK
		: error_set(err, ST_LIMIT, "dns.servers: too many");
}

static void find_users(struct dns_door *d, const struct config *c)
{
	d->uids[d->uid_count++] = geteuid();
	if (user_id_find(config_text(c, OPTION_USERS_SMTPD), &d->uids[d->uid_count]))
		d->uid_count++;
}

static enum status set_servers(struct dns_door *d, const struct config *c,
			       bool is_start, struct error *err)
{
	char text[1024];
	struct buf servers = { text, 0, sizeof text, sizeof text };
	enum status st = join_servers(c, &servers, err);

	if (st == ST_OK && is_start && !d->dns)
		st = dns_new(&d->dns, err);
	if (st == ST_OK && d->dns)
		st = dns_set_servers(d->dns, text, err);
	return st;
}

enum status dns_door_configure(struct dns_door *d, const struct config *c,
			       bool is_start, struct error *err)
{
	struct dns_rules *fresh = NULL;
	enum status st = ST_OK;

	if (!links_has_dns(c) && !d->dns)
		return ST_OK;
	st = dns_rules_new(c, &fresh, err);
	if (st == ST_OK)
		st = set_servers(d, c, is_start, err);
	if (st != ST_OK) {
		dns_rules_release(fresh);
		return st;
	}
	if (is_start)
		find_users(d, c);
	dns_rules_release(d->rules);
	d->rules = fresh;
	return ST_OK;
}

/* ---- connections ------------------------------------------------------------------ */

static struct engine *make_engine(void *context, const struct peer_info *peer)
{
	(void)context;
	return dns_session_new(peer);
}

static struct backend *make_backend(void *context, struct conn *c, struct engine *e)
{
	struct dns_door *d = context;

	(void)e;
	return dns_backend_new(d->dns, d->rules, c);
}

enum status dns_door_serve(struct dns_door *d, struct daemon *daemon,
			   struct error *err)
{
	struct listener_settings s = {
		.service = {
			.protocol = "dns", .engine_new = make_engine,
			.backend_new = make_backend, .context = d,
		},
		.uids = d->uids, .uid_count = d->uid_count,
	};
	enum status st;

	if (!d->dns)
		return ST_OK;
	dns_open(d->dns, daemon->conns);
	st = daemon_listen(daemon, LINK_DNS_SOCKET, &s, err);
	return st == ST_NOT_FOUND ? ST_OK : st;
}

void dns_door_counters(const struct dns_door *d, struct buf *cells)
{
	const struct dns_figures *f;

	if (!d->dns)
		return;
	f = dns_figures(d->dns);
	daemon_count(cells, "dns-asked", f->asked);
	daemon_count(cells, "dns-remembered", f->remembered);
	daemon_count(cells, "dns-failed", f->failed);
	daemon_count(cells, "dns-left-out", f->left_out);
}

void dns_door_close(struct dns_door *d)
{
	dns_close(d->dns);
}

void dns_door_free(struct dns_door *d)
{
	dns_free(d->dns);
	dns_rules_release(d->rules);
}
