#include "smtpd/session_priv.h"

#include "common/log.h"
#include "smtpd/told_client.h"

#include <stdlib.h>

/*
 * XCLIENT and XFORWARD, for trusted clients on listeners that have them. Whoever
 * gave another address by XCLIENT is that other from then on, and may not do so
 * again.
 */

bool smtp_offers_xclient(const struct smtp_session *s)
{
	return s->listener->xclient && smtp_is_trusted(s);
}

bool smtp_is_trusted(const struct smtp_session *s)
{
	return s->engine.peer->is_trusted &&
	       !(s->xclient && s->xclient->values[TOLD_ADDR].is_told);
}

struct slice smtp_client_address(const struct smtp_session *s)
{
	if (s->xclient && s->xclient->values[TOLD_ADDR].is_told)
		return told_client_value(s->xclient, TOLD_ADDR);
	return slice_str(s->engine.peer->address);
}

struct peer_info smtp_login_peer(const struct smtp_session *s)
{
	struct peer_info peer = *s->engine.peer;

	if (s->xclient && s->xclient->values[TOLD_ADDR].is_told)
		peer.client_certificate = peer.tls_exporter =
			peer.tls_end_point = SLICE_EMPTY;
	return peer;
}

struct slice smtp_origin_address(const struct smtp_session *s)
{
	return s->xforward ? told_client_value(s->xforward, TOLD_ADDR)
			   : smtp_client_address(s);
}

struct slice smtp_origin_helo(const struct smtp_session *s)
{
	return s->xforward ? told_client_value(s->xforward, TOLD_HELO)
			   : buf_slice(&s->helo);
}

void smtp_forward_clear(struct smtp_session *s)
{
	free(s->xforward);
	s->xforward = NULL;
}

/* Reads the attributes into *told, which is made at the first. */
static bool read_told(struct smtp_session *s, struct slice arguments,
		      enum told_command command, struct told_client **told)
{
	struct told_client *made = *told;

	if (!smtp_offers_xclient(s)) {
		smtp_reply(s, SMTP_REPLY_NOT_TRUSTED);
		return false;
	}
	if (!made)
		made = calloc(1, sizeof *made);
	if (!made) {
		smtp_reply(s, SMTP_REPLY_NO_MEMORY);
		return false;
	}
	if (told_client_parse(made, command, arguments) == ST_OK) {
		*told = made;
		return true;
	}
	if (made != *told)
		free(made);
	smtp_reply(s, SMTP_REPLY_ATTRIBUTES);
	return false;
}

static void become(struct smtp_session *s, const struct told_client *c)
{
	struct slice proto = told_client_value(c, TOLD_PROTO);
	struct slice helo = told_client_value(c, TOLD_HELO);

	s->helo.len = s->may_send.len = s->client_name.len = 0;
	if (address_is_host(told_client_value(c, TOLD_NAME)))
		buf_append(&s->client_name, told_client_value(c, TOLD_NAME));
	buf_append(&s->helo, helo);
	s->is_esmtp = !slice_case_eq(proto, SLICE("SMTP"));
	if (!c->values[TOLD_LOGIN].is_told)
		return;
	s->login.len = 0;
	buf_append(&s->login, told_client_value(c, TOLD_LOGIN));
	s->auth_type = "XCLIENT";
	s->engine.is_authenticated = s->login.len > 0;
}

/* The session begins anew, as that of the client which was told. */
void smtp_cmd_xclient(struct smtp_session *s, struct slice arguments)
{
	if (!read_told(s, arguments, TOLD_XCLIENT, &s->xclient))
		return;
	smtp_transaction_clear(s);
	smtp_forward_clear(s);
	become(s, s->xclient);
	smtp_enter(s, SMTP_STATE_CONNECTED);
	if (s->helo.len)
		smtp_enter(s, SMTP_STATE_READY);
	log_event("smtp.xclient", log_slice("sid", id_slice(&s->sid)),
		  log_str("client", s->engine.peer->address),
		  log_slice("for", smtp_client_address(s)),
		  log_slice("helo", buf_slice(&s->helo)),
		  log_slice("user", buf_slice(&s->login)));
	smtp_gate_open(s);
	smtp_gate(s, SMTP_STAGE_CONNECT, SLICE_EMPTY, smtp_greet, NULL);
}

/* Holds for the next transaction; only logs and the journal see it. */
void smtp_cmd_xforward(struct smtp_session *s, struct slice arguments)
{
	if (!read_told(s, arguments, TOLD_XFORWARD, &s->xforward))
		return;
	log_event("smtp.xforward", log_slice("sid", id_slice(&s->sid)),
		  log_slice("client", smtp_client_address(s)),
		  log_slice("for", told_client_value(s->xforward, TOLD_ADDR)),
		  log_slice("helo", told_client_value(s->xforward, TOLD_HELO)),
		  log_slice("ident", told_client_value(s->xforward, TOLD_IDENT)));
	smtp_reply(s, SMTP_REPLY_OK);
}
