#include <config.h>

#include "common/front_priv.h"

#include "common/log.h"

#include <stdlib.h>
#include <sys/utsname.h>

/* ---- doors --------------------------------------------------------------------- */

static void door_hold(void *context)
{
	((struct front_door *)context)->references++;
}

static void door_release(void *context)
{
	struct front_door *door = context;
	struct front_door **at = &door->front->doors;

	if (--door->references)
		return;
	while (*at != door)
		at = &(*at)->next;
	*at = door->next;
	if (door->settings)
		door->front->ops->settings_free(door->settings);
	free(door->title);
	free(door);
}

static struct engine *make_engine(void *context, const struct peer_info *peer)
{
	struct front_door *door = context;

	return door->front->ops->engine_new(door, peer);
}

static struct backend *make_backend(void *context, struct conn *c,
				    struct engine *e)
{
	struct front_door *door = context;

	front_session_began(door, c, e);
	return door->front->ops->backend_new(door, c, e);
}

static void authenticated(void *context, struct conn *c)
{
	front_session_logged_in(context, c);
}

static void released(void *context, struct conn *c)
{
	front_session_ended(context, c);
}

static struct front_door *door_new(struct front *f, struct daemon *d, size_t at)
{
	struct front_door *door = calloc(1, sizeof *door);

	if (!door)
		return NULL;
	door->references = 1;
	door->front = f;
	door->next = f->doors;
	f->doors = door;
	door->listen = config_listen(f->config, at);
	door->title = strdup(door->listen.title);
	door->listen.title = door->title;
	door->has_starttls = tls_context_ready(d->tls) &&
			     (door->listen.tls == LISTEN_TLS_OPTIONAL ||
			      door->listen.tls == LISTEN_TLS_REQUIRED);
	if (door->title)
		door->settings = f->ops->settings_new(door, f->config,
						      f->hostname);
	if (!door->settings) {
		door_release(door);
		return NULL;
	}
	return door;
}

/* ---- listeners -------------------------------------------------------------------- */

static enum status serve_door(struct daemon *d, size_t at, struct error *err)
{
	struct front *f = d->state;
	struct front_door *door = door_new(f, d, at);
	struct listener_settings settings = {
		.service = {
			.protocol = f->ops->protocol,
			.tls = d->tls,
			.handshake_ms = (int64_t)config_number(
				f->config, OPTION_TIMES_HANDSHAKE),
			.stalled_ms = (int64_t)config_number(
				f->config, OPTION_TIMES_SEND),
			.engine_new = make_engine,
			.backend_new = make_backend,
			.authenticated = authenticated,
			.released = released,
			.context = door,
		},
		.hold = door_hold,
		.release = door_release,
		.trusted = f->trusted,
		.limits = f->limits,
		.refusals = f->ops->refusals,
	};
	enum status st;

	if (!door)
		return error_set(err, ST_NO_MEMORY, "no memory for a listener");
	settings.service.tls_implicit = door->listen.tls == LISTEN_TLS_IMPLICIT;
	settings.service.asks_certificate = door->listen.asks_certificate;
	settings.service.is_proxied = door->listen.is_proxied;
	st = daemon_listen(d, door->title, &settings, err);
	/* a section without address is not bound by postroom */
	if (st == ST_NOT_FOUND)
		st = ST_OK;
	door_release(door);
	return st;
}

enum status front_serve(struct daemon *d, struct error *err)
{
	struct front *f = d->state;
	size_t count = config_sections(f->config, SECTION_LISTEN);
	enum status st = front_sessions_open(f, d);

	if (st != ST_OK)
		return error_set(err, st, "no memory for the service connection");

	for (size_t i = 0; i < count && st == ST_OK; i++)
		if (config_listen(f->config, i).daemon == f->ops->reader)
			st = serve_door(d, i, err);
	f->is_serving = true;
	return st;
}

/* ---- configuration ------------------------------------------------------------------ */

static enum status check_tls(struct daemon *d, const struct config *c,
			     struct error *err)
{
	struct front *f = d->state;
	size_t count = config_sections(c, SECTION_LISTEN);

	for (size_t i = 0; i < count; i++) {
		struct listen_settings l = config_listen(c, i);

		if (l.daemon == f->ops->reader && !tls_context_ready(d->tls) &&
		    (l.tls == LISTEN_TLS_IMPLICIT ||
		     l.tls == LISTEN_TLS_REQUIRED))
			return error_set(err, ST_NOT_FOUND,
					 "listen %s needs TLS: set tls.cert and "
					 "tls.key, or its tls to none", l.title);
		if (l.daemon == f->ops->reader && l.asks_certificate &&
		    !tls_context_has_client_ca(d->tls))
			return error_set(err, ST_NOT_FOUND,
					 "listen %s asks for client certificates: "
					 "set tls.client_ca", l.title);
	}
	return ST_OK;
}

static enum status read_trusted(const struct config *c, struct netset **out,
				struct error *err)
{
	struct netset *set = netset_new();

	if (!set)
		return error_set(err, ST_NO_MEMORY, "no memory for trusted");
	for (size_t i = 0; i < config_count(c, OPTION_TRUSTED); i++) {
		const char *item = config_item(c, OPTION_TRUSTED, i);

		if (netset_add(set, slice_str(item)) == ST_OK)
			continue;
		netset_free(set);
		return error_set(err, ST_SYNTAX,
				 "trusted: %s is no address or network", item);
	}
	*out = set;
	return ST_OK;
}

static unsigned number(const struct config *c, enum option_id id)
{
	return (unsigned)config_number(c, id);
}

static enum status set_limits(struct front *f, const struct config *c)
{
	struct limits_settings s = {
		.connections = number(c, OPTION_LIMITS_CONNECTIONS),
		.per_address = number(c, OPTION_LIMITS_CONNECTIONS_PER_ADDRESS),
		.per_network = number(c, OPTION_LIMITS_CONNECTIONS_PER_NETWORK),
		.new_per_minute = number(c, OPTION_LIMITS_CONNECTION_RATE),
		.per_minute = {
			[LIMITS_MESSAGES] = number(c, OPTION_LIMITS_MESSAGE_RATE),
			[LIMITS_RECIPIENTS] = number(c, OPTION_LIMITS_RECIPIENT_RATE),
		},
	};

	if (f->ops->has_login && config_profile(c) != PROFILE_TEST)
		s.unauthenticated = (s.connections + 1) / 2;
	if (f->limits)
		limits_set(f->limits, &s);
	else
		f->limits = limits_new(&s);
	return f->limits ? ST_OK : ST_NO_MEMORY;
}

static void set_hostname(struct front *f, const struct config *c)
{
	const char *name = config_text(c, OPTION_HOSTNAME);
	struct utsname host;

	if (!*name && uname(&host) == 0)
		name = host.nodename;
	strncpy(f->hostname, name, sizeof f->hostname - 1);
}

enum status front_configure(struct daemon *d, struct slice text,
			    struct error *err)
{
	struct front *f = d->state;
	struct config *c = NULL, *before = f->config;
	struct netset *trusted = NULL, *trusted_before = f->trusted;
	enum status st = config_read(text, &c, err);

	if (st == ST_OK)
		st = check_tls(d, c, err);
	if (st == ST_OK)
		st = read_trusted(c, &trusted, err);
	if (st == ST_OK && set_limits(f, c) != ST_OK)
		st = error_set(err, ST_NO_MEMORY, "no memory for limits");
	if (st != ST_OK) {
		netset_free(trusted);
		config_free(c);
		return st;
	}
	f->config = c;
	f->trusted = trusted;
	set_hostname(f, c);
	log_set_debug(config_bool(c, OPTION_LOG_DEBUG));
	tls_context_set_strict(d->tls, number(c, OPTION_TLS_LEAST) ==
					       TLS_LEAST_1_3);
	if (f->ops->configured)
		f->ops->configured(f, c);
	if (f->is_serving)
		st = front_serve(d, err);
	netset_free(trusted_before);
	config_free(before);
	return st;
}

void front_finish(struct daemon *d)
{
	struct front *f = d->state;

	config_free(f->config);
	netset_free(f->trusted);
	limits_free(f->limits);
}
