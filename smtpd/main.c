/*
 * smtpd: SMTP and submission. Mail goes to lmtp.sock or where a route leads, logins
 * to auth.sock.
 */
#include "common/crash_point.h"
#include "common/front.h"
#include "common/links.h"
#include "common/log.h"
#include "smtpd/backends.h"
#include "smtpd/milter_config.h"
#include "smtpd/milters.h"
#include "smtpd/session.h"
#include "smtpd/ways.h"

#include <stdio.h>
#include <stdlib.h>

struct smtpd {
	struct front front;	/* first */
	struct ways ways;
	struct smtp_ways lmtp;
	struct smtp_partials *partials;
	struct smtp_refusals refusals;
	struct smtp_counts counts;
	struct milter_places places;
	struct spool spool;
	const char *directory;
};

/* What a door has. */
struct door_settings {
	struct smtp_settings smtp;
	struct smtp_listener listener;
	struct milter_config milters;
	struct smtp_routes *routes;
};

static const char *const refusals[LIMITS_VERDICT_COUNT] = {
	[LIMITS_ALL] = "421 4.3.2 Too many connections, try again later\r\n",
	[LIMITS_ADDRESS] = "421 4.7.0 Too many connections from your address\r\n",
	[LIMITS_NETWORK] = "421 4.7.0 Too many connections from your network\r\n",
	[LIMITS_RATE] = "421 4.7.0 You connect too often, try again later\r\n",
};

static const struct store_client_settings auth = {
	.path = "auth.sock", .name = "smtpd", .is_once = true,
};

static const struct store_client_settings dns = {
	.path = LINK_DNS_SOCKET ".sock", .name = "smtpd", .is_once = true,
};

static struct smtpd *smtpd_of(struct front *f)
{
	return (struct smtpd *)f;
}

static int64_t ms(const struct config *c, enum option_id id)
{
	return (int64_t)config_number(c, id);
}

static void fill(struct smtp_settings *s, const struct config *c,
		 const char *hostname)
{
	snprintf(s->hostname, sizeof s->hostname, "%s", hostname);
	s->message_octets = config_number(c, OPTION_LIMITS_MESSAGE);
	s->recipients = (unsigned)config_number(c, OPTION_LIMITS_RECIPIENTS);
	s->hops = (unsigned)config_number(c, OPTION_LIMITS_HOPS);
	s->errors_end = (unsigned)config_number(c, OPTION_LIMITS_BAD_COMMANDS);
	s->errors_slow = s->errors_end / 2;
	s->empty_commands =
		(unsigned)config_number(c, OPTION_LIMITS_EMPTY_COMMANDS);
	s->line_octets = config_number(c, OPTION_LIMITS_SMTP_LINE);
	s->has_scram = !config_bool(c, OPTION_ACCOUNTS_ANY_PASSWORD);
	s->auth_line_octets = config_number(c, OPTION_LIMITS_AUTH_LINE);
	s->text_line_octets = config_number(c, OPTION_LIMITS_TEXT_LINE);
	s->login_ms = ms(c, OPTION_TIMES_LOGIN);
	s->command_ms = ms(c, OPTION_TIMES_SMTP_COMMAND);
	s->data_block_ms = ms(c, OPTION_TIMES_SMTP_DATA);
	s->data_ms = ms(c, OPTION_TIMES_SMTP_MESSAGE);
	s->data_rate = (unsigned)config_number(c, OPTION_LIMITS_DATA_RATE);
	s->backend_ms = ms(c, OPTION_TIMES_STORE_REPLY);
	s->stored_ms = ms(c, OPTION_TIMES_STORE_DATA);
	s->check_ms = ms(c, OPTION_TIMES_CHECK);
	s->greeting_ms = ms(c, OPTION_EARLY_GREETING);
	s->watches_pipelining = config_bool(c, OPTION_EARLY_PIPELINING);
	s->needs_name = config_number(c, OPTION_DNS_NAMES) == DNS_NAMES_REQUIRE;
	s->asks_dns = links_has_dns(c);
	s->greylists = config_bool(c, OPTION_GREYLIST_ON);
	s->checks = &smtp_checks;
}

static void settings_free(void *settings)
{
	struct door_settings *s = settings;

	milter_config_clear(&s->milters);
	smtp_routes_free(s->routes);
	free(s);
}

static bool read_routes(struct smtpd *d, struct door_settings *s, const struct config *c)
{
	struct error err = { 0 };

	if (ways_read(&d->ways, c, &s->routes, &err) != ST_OK) {
		log_warning("smtp.routes", log_error(&err));
		return false;
	}
	s->smtp.routes = s->routes;
	s->smtp.partials = d->partials;
	return true;
}

static void *settings_new(const struct front_door *door, const struct config *c,
			  const char *hostname)
{
	struct smtpd *d = smtpd_of(door->front);
	struct door_settings *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->smtp = (struct smtp_settings)SMTP_SETTINGS_INIT;
	fill(&s->smtp, c, hostname);
	s->smtp.tells_refusals = true;
	s->smtp.counts = &d->counts;
	s->smtp.limits = d->front.limits;
	if (!read_routes(d, s, c)) {
		free(s);
		return NULL;
	}
	s->smtp.backend_state = d->ways.states[0];
	s->listener.has_starttls = door->has_starttls;
	s->listener.tls_required = door->listen.tls == LISTEN_TLS_REQUIRED;
	s->listener.has_auth = door->listen.auth_required;
	s->listener.teach = door->listen.teach;
	s->listener.xclient = door->listen.xclient;
	s->listener.vrfy = door->listen.vrfy;
	if (milter_config_read(&s->milters, c, door->title, d->directory,
			       &d->places) != ST_OK) {
		settings_free(s);
		return NULL;
	}
	s->smtp.junk = buf_slice(&s->milters.junk);
	s->milters.set.spool = &d->spool;
	if (s->milters.set.count)
		s->listener.milters = &s->milters.set;
	return s;
}

static struct engine *engine_new(struct front_door *door,
				 const struct peer_info *peer)
{
	struct door_settings *s = door->settings;

	return smtp_session_new(&s->smtp, &s->listener, peer);
}

static struct backend *backend_new(struct front_door *door, struct conn *c,
				   struct engine *e)
{
	struct smtpd *d = smtpd_of(door->front);
	bool asks_dns = ((struct door_settings *)door->settings)->smtp.asks_dns;

	return smtp_backend_new(&d->lmtp, &auth, asks_dns ? &dns : NULL, &d->refusals,
				&d->places, c, e);
}

/* What MAIL is answered without asking. */
static void state_changed(void *context, enum status state)
{
	struct smtpd *d = context;

	for (struct front_door *door = d->front.doors; door; door = door->next)
		((struct door_settings *)door->settings)->smtp.backend_state =
			state;
}

/* The file came with the sockets. */
static void open_spool(struct daemon *d)
{
	struct smtpd *s = d->state;
	int fd = -1;

	for (size_t i = 0; i < d->socket_count; i++)
		if (strcmp(d->sockets[i].name, "spool") == 0)
			fd = d->sockets[i].fd;
	spool_init(&s->spool, fd,
		   config_number(s->front.config, OPTION_LIMITS_MILTER_MEMORY),
		   config_number(s->front.config, OPTION_LIMITS_MILTER_SPOOL));
}

static enum status serve(struct daemon *d, struct error *err)
{
	struct smtpd *s = d->state;
	struct lmtp_client_settings settings = {
		.hostname = s->front.hostname,
		/* a transaction keeps its connection while its client sends: as many
		 * slow ones as there may be leave the others theirs */
		.connections = (unsigned)config_number(s->front.config,
						       OPTION_LIMITS_CONNECTIONS),
		.reply_ms = ms(s->front.config, OPTION_TIMES_STORE_REPLY),
		.stored_ms = ms(s->front.config, OPTION_TIMES_STORE_DATA),
	};

	open_spool(d);
	s->ways.changed = state_changed;
	s->ways.context = s;
	s->lmtp = (struct smtp_ways){ ways_client, &s->ways };
	s->partials = smtp_partials_new();
	if (!s->partials ||
	    ways_open(&s->ways, d->conns, s->front.config, &settings) != ST_OK)
		return error_set(err, ST_NO_MEMORY, "no memory for LMTP");
	return front_serve(d, err);
}

static void finish(struct daemon *d)
{
	front_finish(d);
	smtp_partials_free(((struct smtpd *)d->state)->partials);
}

static void close_client(struct daemon *d)
{
	struct smtpd *s = d->state;

	ways_close(&s->ways);
	front_close(d);
}

static void counters(struct daemon *d, struct buf *cells)
{
	const struct smtp_counts *c = &((struct smtpd *)d->state)->counts;
	char name[48];

	front_counters(d, cells);
	daemon_count(cells, "stored", c->stored);
	daemon_count(cells, "stored-octets", c->stored_octets);
	daemon_count(cells, "refused", c->refused);
	daemon_count(cells, "refused-recipients", c->refused_recipients);
	daemon_count(cells, "milters-failed", c->milters_failed);
	for (size_t i = 0; i < smtp_checks.count; i++) {
		snprintf(name, sizeof name, "refused-%s", smtp_checks.rows[i].name);
		daemon_count(cells, name, c->checks[i]);
	}
}

static void ticked(struct daemon *d, struct slice cells)
{
	front_ticked(d, cells);
	smtp_refusals_tick(&((struct smtpd *)d->state)->refusals);
}

int main(int argc, char **argv)
{
	static const struct front_ops front_ops = {
		.protocol = "smtp", .reader = R_SMTPD, .refusals = refusals,
		.service_socket = "auth.sock",
		.settings_new = settings_new, .settings_free = settings_free,
		.engine_new = engine_new, .backend_new = backend_new,
	};
	static const struct daemon_ops ops = {
		.name = "smtpd", .sandbox = PROC_SANDBOX_FRONT,
		.configure = front_configure, .serve = serve,
		.counters = counters, .ticked = ticked,
		.close = close_client, .finish = finish,
		.memory = UINT64_C(512) << 20,
	};
	static struct smtpd smtpd = {
		.front = { .ops = &front_ops },
		.refusals = { .front = &smtpd.front },
	};

	crash_point_load();
	smtpd.directory = getenv("POSTROOM_DIRECTORY");
	return daemon_main(&ops, &smtpd, argc, argv);
}
