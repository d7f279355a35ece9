#include "popd/session_priv.h"

#include "common/base64.h"
#include "common/clock.h"
#include "common/utf8.h"

/*
 * The way in: USER and PASS (RFC 1939 section 7), AUTH (RFC 1734, with the
 * initial response of RFC 5034), STLS (RFC 2595 section 4).
 *
 *   AUTH to mailboxd -> AUTH_OK -> OPEN of INBOX -> OPENED -> FETCH of sizes and
 *   unique ids -> DONE: the maildrop is known, +OK.
 */

void pop_login_failed(struct pop_session *s, const char *text)
{
	sasl_clear(&s->sasl);
	s->login_request = 0;
	s->wait = POP_WAIT_NONE;
	maildrop_clear(&s->maildrop);
	s->login.len = 0;
	s->engine.login = SLICE_EMPTY;
	s->engine.account = 0;
	pop_enter(s, POP_STATE_AUTHORIZATION);
	pop_mistake(s, text);
}

void pop_login_ask(struct pop_session *s, const struct ipc_message *m)
{
	pop_enter(s, POP_STATE_LOGIN);
	s->login_request = pop_ask(s, m);
}

/* Asks mailboxd, or tells it the client's next response. */
static void verify(struct pop_session *s, struct slice message)
{
	const struct peer_info peer = pop_login_peer(s);
	struct ipc_message m;

	sasl_ask(&s->sasl, &peer, SLICE("pop3"), id_slice(&s->sid),
		 message, &m);
	if (m.type == IPC_TYPE_AUTH) {
		pop_login_ask(s, &m);
		return;
	}
	pop_enter(s, POP_STATE_LOGIN);
	if (engine_ask(&s->engine, s->login_request, &m) != ST_OK)
		s->trouble = ST_LIMIT;
	else
		pop_wait(s, POP_WAIT_STORE, s->settings->backend_ms);
}

void pop_cmd_user(struct pop_session *s, struct slice arguments)
{
	s->user.len = 0;
	if (arguments.len == 0 || !utf8_is_valid(arguments) ||
	    buf_append(&s->user, arguments) != ST_OK)
		pop_mistake(s, "USER wants a name of at most 255 octets, in UTF-8");
	else
		pop_ok(s, "Now the password");
}

void pop_cmd_pass(struct pop_session *s, struct slice arguments)
{
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct sasl_plain plain = {
		.authzid = SLICE_EMPTY,
		.authcid = buf_slice(&s->user),
		.password = arguments,
	};

	if (s->user.len == 0)
		pop_mistake(s, "USER comes first");
	else if (!utf8_is_valid(arguments) ||	/* RFC 6856 section 2.2 */
		 sasl_plain_build(&plain, &message) != ST_OK)
		pop_mistake(s, "[AUTH] Authentication failed");
	else {
		s->sasl = (struct sasl)SASL_INIT(SASL_PLAIN);
		verify(s, buf_slice(&message));
	}
	buf_wipe(&message);
	buf_wipe(&s->user);
}

/* AUTH alone lists the mechanisms, as older clients ask. */
static void list_mechanisms(struct pop_session *s)
{
	const struct peer_info peer = pop_login_peer(s);
	struct buf names = BUF_INIT(256);

	pop_ok(s, "Mechanisms follow");
	sasl_list(s->settings->has_scram, &peer, "", "\r\n", &names);
	pop_put(s, buf_slice(&names));
	pop_put(s, SLICE(".\r\n"));
	buf_free(&names);
}

static void challenge(struct pop_session *s, struct slice text)
{
	struct buf encoded = BUF_INIT(1024);

	if (base64_encode(text, &encoded) != ST_OK)
		s->trouble = ST_LIMIT;
	pop_put(s, SLICE("+ "));
	pop_put(s, buf_slice(&encoded));
	pop_put(s, SLICE("\r\n"));
	buf_free(&encoded);
}

void pop_auth_over(struct pop_session *s, const char *text)
{
	sasl_clear(&s->sasl);
	if (s->login_request)
		sasl_cancel(&s->engine, s->login_request);
	s->login_request = 0;
	if (s->state == POP_STATE_SASL)
		pop_enter(s, POP_STATE_AUTHORIZATION);
	if (text)
		pop_mistake(s, text);
}

/* A response in base64; "=" as an initial one is the empty response. */
static void respond(struct pop_session *s, struct slice encoded)
{
	struct buf response = BUF_INIT(s->settings->auth_line_octets);
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice next = SLICE_EMPTY;
	enum status st = ST_OK;

	if (!slice_eq(encoded, SLICE("=")))
		st = base64_decode(encoded, &response);
	if (st != ST_OK) {
		pop_auth_over(s, "That is not base64");
	} else {
		st = sasl_feed(&s->sasl, buf_slice(&response), &next, &message);
		if (st == ST_MORE) {
			challenge(s, next);
		} else if (st == ST_OK) {
			verify(s, buf_slice(&message));
		} else {
			pop_auth_over(s, "[AUTH] Authentication failed");
		}
	}
	buf_wipe(&message);
	buf_wipe(&response);
}

void pop_cmd_auth(struct pop_session *s, struct slice arguments)
{
	const struct peer_info peer = pop_login_peer(s);
	size_t end = slice_index(arguments, ' ');
	struct slice initial = slice_trim(slice_from(arguments, end));
	enum sasl_mechanism mechanism =
		sasl_mechanism_find(slice_head(arguments, end));

	if (arguments.len == 0) {
		list_mechanisms(s);
		return;
	}
	if (!sasl_is_offered(mechanism, s->settings->has_scram, &peer)) {
		pop_mistake(s, "That mechanism is not offered");
		return;
	}
	s->sasl = (struct sasl)SASL_INIT(mechanism);
	pop_enter(s, POP_STATE_SASL);
	if (initial.len)
		respond(s, initial);
	else
		challenge(s, sasl_first_challenge(&s->sasl));
}

void pop_auth_line(struct pop_session *s, struct slice line)
{
	if (slice_eq(line, SLICE("*")))
		pop_auth_over(s, "AUTH was cancelled");
	else if (s->sasl.is_over)
		pop_auth_over(s, "[SYS/TEMP] The mail store cannot serve now");
	else
		respond(s, line);
}

void pop_cmd_stls(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	if (s->engine.peer->is_secure || !s->listener->has_stls) {
		pop_mistake(s, s->engine.peer->is_secure ? "TLS is active already"
							 : "TLS is not available");
		return;
	}
	if (s->is_utf8) {	/* RFC 6856 section 2.1 */
		pop_mistake(s, "STLS comes before UTF8");
		return;
	}
	pop_ok(s, "Begin TLS");
	s->wait = POP_WAIT_TLS;
}

/* ---- mailboxd's answers ------------------------------------------------------- */

static void open_inbox(struct pop_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_OPEN };

	m.open.name = SLICE("INBOX");
	m.open.exclusive = s->settings->exclusive;
	s->login_request = pop_ask(s, &m);
}

/* What comes in from now on is not of this session: the UIDs are bounded. */
static void fetch_maildrop(struct pop_session *s,
			   const struct ipc_opened *opened)
{
	struct ipc_message m = { .type = IPC_TYPE_FETCH };
	struct ranges all = RANGES_INIT(1);
	struct buf set = BUF_INIT(64);
	enum status st = ST_OK;

	s->handle = opened->handle;
	if (opened->uidnext > 1)
		st = ranges_add(&all, 1, opened->uidnext - 1);
	if (st == ST_OK)
		st = ranges_encode(&all, &set);
	if (st != ST_OK)
		s->trouble = st;
	m.fetch.handle = s->handle;
	m.fetch.uids = buf_slice(&set);
	m.fetch.items = MAILDROP_ITEMS;
	s->login_request = pop_ask(s, &m);
	ranges_free(&all);
	buf_free(&set);
}

static void logged_in(struct pop_session *s)
{
	s->login_request = 0;
	s->wait = POP_WAIT_NONE;
	s->command_ms = clock_ms();
	buf_free(&s->maildrop.partial);
	pop_enter(s, POP_STATE_TRANSACTION);
	pop_put(s, SLICE("+OK "));
	pop_put_number(s, s->maildrop.count);
	pop_put(s, SLICE(" messages, "));
	pop_put_number(s, s->maildrop.octets);
	pop_put(s, SLICE(" octets\r\n"));
}

/* One text for a wrong password, an unknown name and a disabled account (RFC
 * 3206: AUTH asks the user for another password, SYS/TEMP does not). */
static void login_error(struct pop_session *s, const struct ipc_error *e)
{
	if (slice_eq(e->detail, SLICE("IN-USE")))
		pop_login_failed(s, "[IN-USE] Another session has this mailbox");
	else if (e->code == ST_DENIED || e->code == ST_NOT_FOUND)
		pop_login_failed(s, "[AUTH] Authentication failed");
	else if (e->code == ST_LIMIT)
		pop_login_failed(s, "[SYS/TEMP] Too many logins, try again later");
	else
		pop_login_failed(s, "[SYS/TEMP] The mail store cannot serve now");
}

void pop_login_answer(struct pop_session *s, const struct ipc_message *m,
		      bool last)
{
	enum status st = ST_OK;

	if (s->state == POP_STATE_SASL) {
		/* the client is to speak: it is told when it has */
		s->sasl.is_over = last;
		s->login_request = last ? 0 : s->login_request;
		return;
	}
	switch (m->type) {
	case IPC_TYPE_ERROR:
		login_error(s, &m->error);
		break;
	case IPC_TYPE_AUTH_CHALLENGE:
		s->wait = POP_WAIT_NONE;
		s->command_ms = clock_ms();
		pop_enter(s, POP_STATE_SASL);
		challenge(s, m->auth_challenge.challenge);
		break;
	case IPC_TYPE_AUTH_OK:
		sasl_clear(&s->sasl);
		buf_append(&s->login, slice_head(m->auth_ok.login, s->login.max));
		s->engine.login = buf_slice(&s->login);
		s->engine.account = m->auth_ok.account;
		s->engine.credential = m->auth_ok.credential;
		open_inbox(s);
		break;
	case IPC_TYPE_OPENED:
		fetch_maildrop(s, &m->opened);
		break;
	case IPC_TYPE_ROWS:
		st = maildrop_feed(&s->maildrop, m->rows.items, m->rows.rows);
		break;
	case IPC_TYPE_DONE:
		logged_in(s);
		break;
	default:	/* UIDS and KEYWORDS of OPEN are of no interest */
		if (last)
			st = ST_SYNTAX;
	}
	if (st != ST_OK)
		pop_end(s, "[SYS/TEMP] The mail store gave no proper answer");
}
