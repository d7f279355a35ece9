#include "smtpd/session_priv.h"

#include "common/base64.h"

/* AUTH (RFC 4954): the dialogue with the client is led here, the credentials
 * are looked at by mailboxd alone. */

static void leave_quietly(struct smtp_session *s)
{
	sasl_clear(&s->sasl);
	s->auth_request = 0;
	if (s->wait == SMTP_WAIT_AUTH)
		s->wait = SMTP_WAIT_NONE;
	smtp_enter(s, SMTP_STATE_READY);
}

static void leave(struct smtp_session *s, enum smtp_reply reply)
{
	leave_quietly(s);
	smtp_reply(s, reply);
}

static void challenge_client(struct smtp_session *s, struct slice challenge)
{
	char text[256];
	struct buf encoded = { text, 0, sizeof text, sizeof text };

	base64_encode(challenge, &encoded);
	smtp_reply_with(s, SMTP_REPLY_CHALLENGE, buf_slice(&encoded));
}

static void ask_mailboxd(struct smtp_session *s, struct slice message)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH };

	m.auth = (struct ipc_auth){
		.mechanism = SLICE("PLAIN"),
		.service = SLICE("smtp"),
		.sid = id_slice(&s->sid),
		.address = smtp_client_address(s),
		.secure = smtp_is_secure(s),
		.binding_type = SLICE_EMPTY,
		.binding = SLICE_EMPTY,
		.response = message,
	};
	s->kicked = 0;
	s->is_any_kicked = false;
	s->auth_request = smtp_request_id(s);
	if (engine_ask(&s->engine, s->auth_request, &m) != ST_OK) {
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
		return;
	}
	smtp_wait(s, SMTP_WAIT_AUTH, s->settings->backend_ms);
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
		leave(s, st == ST_NO_MEMORY ? SMTP_REPLY_AUTH_TEMPORARY
					    : SMTP_REPLY_AUTH_RESPONSE);
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
	if (mechanism == SASL_NONE) {
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
	else
		take_response(s, line);
}

void smtp_auth_kicked(struct smtp_session *s, uint64_t account)
{
	s->is_any_kicked = s->is_any_kicked ||
			   (s->kicked && s->kicked != account);
	s->kicked = account;
}

/* It may have been right when it was looked at, and no longer be. */
static bool was_kicked(const struct smtp_session *s)
{
	return s->is_any_kicked ||
	       (s->kicked && s->kicked == s->engine.account);
}

static void logged_in(struct smtp_session *s, const struct ipc_auth_ok *m)
{
	s->engine.login = buf_slice(&s->login);
	s->engine.account = m->account;
	if (was_kicked(s)) {
		leave_quietly(s);
		smtp_end_with(s, SMTP_REPLY_KICKED, SLICE("Your session is ended"));
		return;
	}
	s->engine.is_authenticated = true;
	leave(s, SMTP_REPLY_AUTHENTICATED);
}

void smtp_auth_answer(struct smtp_session *s, const struct ipc_message *m,
		      bool last)
{
	if (!last)
		return;
	if (m->type == IPC_TYPE_AUTH_OK && m->auth_ok.login.len &&
	    buf_append(&s->login, m->auth_ok.login) == ST_OK) {
		logged_in(s, &m->auth_ok);
	} else if (m->type == IPC_TYPE_ERROR && m->error.code == ST_DENIED) {
		leave(s, SMTP_REPLY_AUTH_FAILED);
	} else {
		leave(s, SMTP_REPLY_AUTH_TEMPORARY);
	}
}
