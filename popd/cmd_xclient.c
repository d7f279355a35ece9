#include "popd/session_priv.h"

#include "common/log.h"

/*
 * XCLIENT (Dovecot, "Forwarding parameters"): a trusted client on a listener that has
 * it says whose session this is. What else may stand there (TTL, FORWARD, what
 * Postfix's form has) is passed over.
 */

static const struct {
	const char *name;
	bool (*take)(struct told_peer *t, struct slice value);
} attributes[] = {
	{ "ADDR",	told_peer_address },
	{ "PORT",	told_peer_port },
	{ "SESSION",	told_peer_session },
};

bool pop_offers_xclient(const struct pop_session *s)
{
	return s->state == POP_STATE_AUTHORIZATION && s->listener->xclient &&
	       s->engine.peer->is_trusted && !s->told.is_told;
}

struct peer_info pop_login_peer(const struct pop_session *s)
{
	return told_peer_of(&s->told, s->engine.peer);
}

static bool take(struct told_peer *t, struct slice attribute)
{
	size_t eq = slice_index(attribute, '=');
	struct slice name = slice_head(attribute, eq);

	if (eq == attribute.len)
		return false;
	for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
		if (slice_case_eq(name, slice_str(attributes[i].name)))
			return attributes[i].take(t, slice_from(attribute, eq + 1));
	return true;
}

void pop_cmd_xclient(struct pop_session *s, struct slice arguments)
{
	struct told_peer told = { 0 };
	struct slice attribute;

	if (!pop_offers_xclient(s)) {
		pop_mistake(s, "You are not trusted to say this");
		return;
	}
	while (arguments.len && slice_split(&arguments, ' ', &attribute))
		if (attribute.len && !take(&told, attribute)) {
			pop_mistake(s, "That cannot be read");
			return;
		}
	if (told.is_told) {
		s->told = told;
		log_event("pop.told", log_slice("sid", id_slice(&s->sid)),
			  log_str("client", s->engine.peer->address),
			  log_str("for", told.address),
			  log_str("session", told.session));
	}
	pop_ok(s, "So it is");
}
