#include "common/sasl.h"

#include "common/utf8.h"

static enum status check_name(struct slice name)
{
	if (name.len > SASL_NAME_MAX)
		return ST_LIMIT;
	return utf8_is_valid(name) && slice_index(name, '\0') == name.len
			? ST_OK : ST_SYNTAX;
}

static enum status check(const struct sasl_plain *plain)
{
	enum status st = check_name(plain->authzid);

	if (st == ST_OK)
		st = check_name(plain->authcid);
	if (st != ST_OK)
		return st;
	if (plain->password.len > SASL_PASSWORD_MAX)
		return ST_LIMIT;
	if (plain->authcid.len == 0 || plain->password.len == 0 ||
	    slice_index(plain->password, '\0') < plain->password.len)
		return ST_SYNTAX;
	return utf8_is_valid(plain->password) ? ST_OK : ST_SYNTAX;
}

enum status sasl_plain_parse(struct slice message, struct sasl_plain *plain)
{
	struct slice parts[3] = { SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY }, part;
	size_t count = 0;

	while (slice_split(&message, '\0', &part)) {
		if (count == 3)
			return ST_SYNTAX;
		parts[count++] = part;
	}
	if (count != 3)
		return ST_SYNTAX;
	*plain = (struct sasl_plain){ parts[0], parts[1], parts[2] };
	return check(plain);
}

enum status sasl_plain_build(const struct sasl_plain *plain, struct buf *out)
{
	enum status st = check(plain);
	char *at;

	if (st == ST_OK)
		st = buf_reserve(out, plain->authzid.len + plain->authcid.len +
				 plain->password.len + 2, &at);
	if (st != ST_OK)
		return st;
	buf_append(out, plain->authzid);
	buf_append_char(out, '\0');
	buf_append(out, plain->authcid);
	buf_append_char(out, '\0');
	return buf_append(out, plain->password);
}

/* ---- mechanisms ----------------------------------------------------------- */

static const char *const names[SASL_MECHANISMS] = {
	[SASL_EXTERNAL] = "EXTERNAL",
	[SASL_SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
	[SASL_SCRAM] = "SCRAM-SHA-256",
	[SASL_PLAIN] = "PLAIN",
	[SASL_LOGIN] = "LOGIN",
};

const char *sasl_name(enum sasl_mechanism mechanism)
{
	return names[mechanism];
}

enum sasl_mechanism sasl_mechanism_find(struct slice name)
{
	for (int i = SASL_NONE + 1; i < (int)SASL_MECHANISMS; i++)
		if (slice_case_eq(name, slice_str(names[i])))
			return (enum sasl_mechanism)i;
	return SASL_NONE;
}

bool sasl_is_offered(enum sasl_mechanism mechanism, bool has_scram,
		     const struct peer_info *peer)
{
	switch (mechanism) {
	case SASL_EXTERNAL:
		return peer->client_certificate.len > 0;
	case SASL_SCRAM_PLUS:
		return has_scram &&
		       (peer->tls_exporter.len || peer->tls_end_point.len);
	case SASL_SCRAM:
		return has_scram;
	case SASL_PLAIN:
	case SASL_LOGIN:
		return true;
	default:
		return false;
	}
}

enum status sasl_list(bool has_scram, const struct peer_info *peer,
		      const char *before, const char *after, struct buf *out)
{
	enum status st = ST_OK;

	for (int i = SASL_NONE + 1; i < SASL_MECHANISMS && st == ST_OK; i++)
		if (sasl_is_offered((enum sasl_mechanism)i, has_scram, peer))
			st = buf_append_fmt(out, "%s%s%s", before, names[i],
					    after);
	return st;
}

/* ---- one exchange --------------------------------------------------------- */

/* The words that clients look for are in no RFC; these two work with all
 * (draft-murchison-sasl-login section 2). */
struct slice sasl_first_challenge(const struct sasl *s)
{
	return s->mechanism == SASL_LOGIN ? SLICE("Username:") : SLICE_EMPTY;
}

static enum status feed_login(struct sasl *s, struct slice response,
			      struct slice *challenge, struct buf *message)
{
	struct sasl_plain plain = { SLICE_EMPTY, buf_slice(&s->name), response };
	enum status st;

	if (s->step++ > 0)
		return sasl_plain_build(&plain, message);
	st = response.len ? check_name(response) : ST_SYNTAX;
	if (st == ST_OK)
		st = buf_append(&s->name, response);
	*challenge = SLICE("Password:");
	return st == ST_OK ? ST_MORE : st;
}

enum status sasl_feed(struct sasl *s, struct slice response,
		      struct slice *challenge, struct buf *message)
{
	struct sasl_plain plain;
	enum status st = ST_OK;

	if (s->mechanism == SASL_LOGIN)
		return feed_login(s, response, challenge, message);
	if (s->mechanism == SASL_PLAIN)
		st = sasl_plain_parse(response, &plain);
	else if (s->mechanism == SASL_EXTERNAL)
		st = check_name(response);
	return st == ST_OK ? buf_append(message, response) : st;
}

void sasl_ask(struct sasl *s, const struct peer_info *peer,
	      struct slice service, struct slice sid, struct slice message,
	      struct ipc_message *m)
{
	bool is_plain = s->mechanism == SASL_PLAIN || s->mechanism == SASL_LOGIN;

	if (s->is_asked) {
		*m = (struct ipc_message){ .type = IPC_TYPE_AUTH_CONTINUE };
		m->auth_continue.response = message;
		return;
	}
	s->is_asked = true;
	*m = (struct ipc_message){ .type = IPC_TYPE_AUTH };
	m->auth = (struct ipc_auth){
		.mechanism = slice_str(names[is_plain ? SASL_PLAIN : s->mechanism]),
		.service = service,
		.sid = sid,
		.address = slice_str(peer->address),
		.secure = peer->is_secure,
		.tls_exporter = peer->tls_exporter,
		.tls_end_point = peer->tls_end_point,
		.response = message,
	};
	if (s->mechanism == SASL_EXTERNAL)
		m->auth.certificate = peer->client_certificate;
}

void sasl_cancel(struct engine *e, uint32_t id)
{
	struct ipc_message m = { .type = IPC_TYPE_CANCEL };

	/* where even that has no room, its deadline ends it */
	engine_ask(e, id, &m);
}

void sasl_clear(struct sasl *s)
{
	buf_wipe(&s->name);
	s->step = 0;
	s->is_asked = s->is_over = false;
}
