#include "smtpd/session_priv.h"

#include "common/base64.h"
#include "common/clock.h"

/* AUTH (RFC 4954): the dialogue with the client is led here, the credentials
 * are looked at by mailboxd alone. */

/* The exchange is over, and so is what mailboxd has of it. */
void smtp_auth_leave(struct smtp_session *s)
{
	sasl_clear(&s->sasl);
	if (s->auth_request)
		sasl_cancel(&s->engine, s->auth_request);
	s->auth_request = 0;
	if (s->wait == SMTP_WAIT_AUTH)
		s->wait = SMTP_WAIT_NONE;
	smtp_enter(s, SMTP_STATE_READY);
}

static void leave(struct smtp_session *s, enum smtp_reply reply)
{
	smtp_auth_leave(s);
	smtp_reply(s, reply);
}

static void challenge_client(struct smtp_session *s, struct slice challenge)
{
	char text[512];
	struct buf encoded = { text, 0, sizeof text, sizeof text };

	if (base64_encode(challenge, &encoded) != ST_OK)
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
	else
		smtp_reply_with(s, SMTP_REPLY_CHALLENGE, buf_slice(&encoded));
}

static void ask_mailboxd(struct smtp_session *s, struct slice message)
{
	struct peer_info peer = smtp_login_peer(s);
	struct ipc_message m;

	if (!s->auth_request) {
		s->kicked = 0;
		s->is_any_kicked = false;
		s->auth_request = smtp_request_id(s);
	}
	sasl_ask(&s->sasl, &peer, SLICE("smtp"), id_slice(&s->sid),
		 message, &m);
	if (m.type == IPC_TYPE_AUTH)
		m.auth.address = smtp_client_address(s);
	if (engine_ask(&s->engine, s->auth_request, &m) != ST_OK)
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
	else
		smtp_wait(s, SMTP_WAIT_AUTH, s->settings->backend_ms);
}

static enum smtp_reply reply_for(enum status st)
{
	return st == ST_NO_MEMORY ? SMTP_REPLY_AUTH_TEMPORARY
				  : SMTP_REPLY_AUTH_RESPONSE;
}

/* The client's next response, still base64. */
static void take_response(struct smtp_session *s, struct slice text)
{
	struct buf response = BUF_INIT(s->settings->auth_line_octets);
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice challenge = SLICE_EMPTY;
	enum status st = base64_decode(text, &response);

	if (st != ST_OK) {
		leave(s, st == ST_NO_MEMORY ? SMTP_REPLY_AUTH_TEMPORARY
					    : SMTP_REPLY_AUTH_BASE64);
		buf_wipe(&response);
		return;
	}
	st = sasl_feed(&s->sasl, buf_slice(&response), &challenge, &message);
	if (st == ST_MORE)
		challenge_client(s, challenge);
	else if (st == ST_OK)
		ask_mailboxd(s, buf_slice(&message));
	else
		leave(s, reply_for(st));
	buf_wipe(&response);
	buf_wipe(&message);
}

/* AUTH mechanism [initial-response]; "=" is an empty one (section 4). */
void smtp_cmd_auth(struct smtp_session *s, struct slice arguments)
{
	size_t space = slice_index(arguments, ' ');
	struct slice initial = slice_trim(slice_from(arguments, space));
	enum sasl_mechanism mechanism =
		sasl_mechanism_find(slice_head(arguments, space));
	struct peer_info peer = smtp_login_peer(s);

	if (!s->listener->has_auth) {
		smtp_reply(s, SMTP_REPLY_NO_AUTH_HERE);
		return;
	}
	if (s->login.len) {
		smtp_reply(s, SMTP_REPLY_ALREADY_LOGGED_IN);
		return;
	}
	if (arguments.len == 0 || slice_index(initial, ' ') < initial.len) {
		smtp_reply(s, SMTP_REPLY_AUTH_SYNTAX);
		return;
	}
	if (!sasl_is_offered(mechanism, s->settings->has_scram, &peer)) {
		smtp_reply(s, SMTP_REPLY_MECHANISM);
		return;
	}
	s->sasl = (struct sasl)SASL_INIT(mechanism);
	smtp_enter(s, SMTP_STATE_AUTH);
	if (initial.len == 0)
		challenge_client(s, sasl_first_challenge(&s->sasl));
	else
		take_response(s, slice_eq(initial, SLICE("=")) ? SLICE_EMPTY
							       : initial);
}

void smtp_auth_line(struct smtp_session *s, struct slice line)
{
	if (slice_eq(line, SLICE("*")))
		leave(s, SMTP_REPLY_AUTH_CANCELLED);
	else if (s->sasl.is_over)
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
	else
		take_response(s, line);
}

void smtp_auth_failed(struct smtp_session *s)
{
	leave(s, SMTP_REPLY_AUTH_TEMPORARY);
}

void smtp_auth_kicked(struct smtp_session *s, const struct ipc_service_kick *k)
{
	s->is_any_kicked = s->is_any_kicked || s->kicked;
	s->kicked = k->account;
	s->kicked_credential = k->credential;
}

/* It may have been right when it was looked at, and no longer be. */
static bool was_kicked(const struct smtp_session *s)
{
	return s->is_any_kicked ||
	       (s->kicked && s->kicked == s->engine.account &&
		(s->kicked_credential == 0 ||
		 s->kicked_credential == s->engine.credential));
}

static void logged_in(struct smtp_session *s, const struct ipc_auth_ok *m)
{
	s->engine.login = buf_slice(&s->login);
	s->engine.account = m->account;
	s->engine.credential = m->credential;
	if (was_kicked(s)) {
		smtp_auth_leave(s);
		smtp_end_with(s, SMTP_REPLY_KICKED, SLICE("Your session is ended"));
		return;
	}
	s->engine.is_authenticated = true;
	leave(s, SMTP_REPLY_AUTHENTICATED);
}

void smtp_auth_answer(struct smtp_session *s, const struct ipc_message *m,
		      bool last)
{
	bool is_due = s->wait == SMTP_WAIT_AUTH;

	if (last) {
		s->auth_request = 0;
	} else if (m->type == IPC_TYPE_AUTH_CHALLENGE && is_due) {
		s->wait = SMTP_WAIT_NONE;
		s->command_ms = clock_ms();
		challenge_client(s, m->auth_challenge.challenge);
		return;
	} else {
		return;
	}
	if (!is_due) {
		/* the client is to speak: it is told when it has */
		s->sasl.is_over = true;
	} else if (m->type == IPC_TYPE_AUTH_OK && m->auth_ok.login.len &&
		   buf_append(&s->login, m->auth_ok.login) == ST_OK) {
		s->auth_type = sasl_name(s->sasl.mechanism);
		logged_in(s, &m->auth_ok);
	} else if (m->type == IPC_TYPE_ERROR && m->error.code == ST_DENIED) {
		leave(s, SMTP_REPLY_AUTH_FAILED);
	} else {
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
	}
}
