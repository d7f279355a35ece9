#include "tests/dialogue.h"

#include "smtpd/milters.h"
#include "smtpd/route.h"
#include "tests/support/scripted_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* Settings that a dialogue may name: hostname, starttls, tls (required), auth,
 * teach, vrfy and xclient (yes), state (full, unavailable), the numbers of smtp_settings,
 * the checks of tests/support/scripted_check.h ("checks real": those of the daemon,
 * by "greeting" and "greylist yes", "dns yes" or "require"), milters (how many) and
 * what happens when one is away: failing; route (a domain that goes to route 1).
 */
struct context {
	struct smtp_settings settings;
	struct smtp_listener listener;
	struct scripted_checks checks;
	struct smtp_milter_set milters;
	struct milter_settings rows[3];
	struct spool spool;
	enum status states[SMTP_ROUTES_MAX];
	struct smtp_routes *routes;
	struct smtp_partials *partials;
};

static bool is_set(const struct dialogue *d, const char *name, const char *value)
{
	return strcmp(dialogue_setting(d, name, ""), value) == 0;
}

static void set_milters(const struct dialogue *d, struct context *c)
{
	static const char *const failing[] = { "accept", "tempfail", "reject",
					       "quarantine" };
	unsigned count = (unsigned)dialogue_number(d, "milters", 0);

	spool_init(&c->spool, -1, dialogue_number(d, "memory", 1 << 20), 0);
	cr_assert_leq(count, sizeof c->rows / sizeof *c->rows);
	for (unsigned i = 0; i < count; i++) {
		struct milter_settings *m = &c->rows[i];

		*m = (struct milter_settings){
			.number = i, .version = 6, .connect_ms = 30000,
			.command_ms = 30000, .content_ms = 300000,
			.failing = MILTER_DEFAULT_TEMPFAIL,
		};
		snprintf(m->title, sizeof m->title, "m%u", i);
		for (unsigned k = 0; k < sizeof failing / sizeof *failing; k++)
			if (is_set(d, "failing", failing[k]))
				m->failing = (enum milter_default)k;
	}
	c->milters = (struct smtp_milter_set){
		.rows = c->rows, .count = count, .spool = &c->spool, .door = "smtp",
		.quarantine = "postmaster",
	};
	c->listener.milters = count ? &c->milters : NULL;
}

static void set_route(const struct dialogue *d, struct context *c)
{
	struct slice domain = slice_str(dialogue_setting(d, "route", ""));

	if (!domain.len)
		return;
	c->routes = smtp_routes_new(c->states);
	c->partials = smtp_partials_new();
	cr_assert(c->routes && c->partials);
	cr_assert_eq(smtp_routes_add(c->routes, domain, 1), ST_OK);
	c->settings.routes = c->routes;
	c->settings.partials = c->partials;
}

static void finish(void *context)
{
	struct context *c = context;

	smtp_routes_free(c->routes);
	smtp_partials_free(c->partials);
	free(c);
}

static struct engine *start(const struct dialogue *d,
			    const struct peer_info *peer, void **context)
{
	struct context *c = calloc(1, sizeof *c);
	struct smtp_settings *s = &c->settings;

	cr_assert(c);
	*s = (struct smtp_settings)SMTP_SETTINGS_INIT;
	snprintf(s->hostname, sizeof s->hostname, "%s",
		 dialogue_setting(d, "hostname", "mx.example.org"));
	s->message_octets = dialogue_number(d, "message", s->message_octets);
	s->recipients = (unsigned)dialogue_number(d, "recipients", s->recipients);
	s->hops = (unsigned)dialogue_number(d, "hops", s->hops);
	s->errors_slow = (unsigned)dialogue_number(d, "errors_slow",
						   s->errors_slow);
	s->errors_end = (unsigned)dialogue_number(d, "errors_end", s->errors_end);
	s->empty_commands = (unsigned)dialogue_number(d, "empty_commands",
						      s->empty_commands);
	s->text_line_octets = dialogue_number(d, "text_line",
					      s->text_line_octets);
	s->tells_refusals = is_set(d, "refusals", "yes");
	if (is_set(d, "state", "full"))
		s->backend_state = ST_FULL;
	if (is_set(d, "state", "unavailable"))
		s->backend_state = ST_UNAVAILABLE;
	s->has_scram = !is_set(d, "scram", "no");
	c->listener.has_starttls = is_set(d, "starttls", "yes");
	c->listener.tls_required = is_set(d, "tls", "required");
	c->listener.has_auth = is_set(d, "auth", "yes");
	c->listener.teach = is_set(d, "teach", "yes");
	c->listener.xclient = is_set(d, "xclient", "yes");
	s->asks_dns = !is_set(d, "dns", "");
	s->needs_name = is_set(d, "dns", "require");
	s->greylists = is_set(d, "greylist", "yes");
	c->listener.vrfy = is_set(d, "vrfy", "yes");
	s->greeting_ms = (int64_t)dialogue_number(d, "greeting", 0);
	s->checks = scripted_checks_set(&c->checks, d);
	if (is_set(d, "checks", "real"))
		s->checks = &smtp_checks;
	set_milters(d, c);
	set_route(d, c);
	s->junk = SLICE("X-Spam: Yes\nX-Spam-Flag: YES");
	*context = c;
	return smtp_session_new(s, &c->listener, peer);
}

static const struct dialogue_protocol smtp = { start, finish };

Test(smtp, dialogues)
{
	setenv("TZ", "UTC0", 1);
	dialogue_play_folder("smtp", &smtp);
}
