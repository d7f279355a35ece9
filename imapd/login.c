#include "imapd/login.h"

#include "common/arena.h"
#include "common/base64.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/sasl.h"
#include "imapd/args.h"
#include "imapd/capability.h"
#include "imapd/id.h"
#include "imapd/limits.h"
#include "imapd/parser.h"
#include "imapd/respond.h"

#include <stdlib.h>

/* Pause before a session with too many errors is listened to again. */
#define PAUSE_MS 1000

enum login_state {
	LOGIN_STATE_READY,	/* for a command */
	LOGIN_STATE_SASL,	/* for a response of AUTHENTICATE */
	LOGIN_STATE_CHECKING,	/* mailboxd verifies */
	LOGIN_STATE_TLS,	/* a handshake comes */
	LOGIN_STATE_PAUSED,	/* too many errors */
	LOGIN_STATE_DONE,	/* logged in */
	LOGIN_STATE_ENDING,
};

struct imap_login {
	struct engine *engine;
	const struct imap_settings *settings;
	struct slice sid;
	enum login_state state;
	struct parser parser;
	struct respond respond;
	struct buf tag;		/* of the command in progress */
	struct sasl sasl;
	uint32_t request;	/* id of the last AUTH */
	bool request_open;	/* mailboxd has it, and has not ended it */
	struct buf line;	/* of a SASL response */
	struct buf name;	/* from AUTH_OK */
	bool is_admin;		/* so it said */
	struct told_peer told;	/* whose session it is, by a trusted client */
	unsigned errors;
	int64_t begun_ms;
};

struct login_command {
	const char *name;
	bool needs_no_args;
	void (*run)(struct imap_login *l, struct imap_args *a);
};

/* ---- what is said ---- */

static void reply(struct imap_login *l, const char *condition_and_text)
{
	respond_slice(&l->respond, buf_slice(&l->tag));
	respond_char(&l->respond, ' ');
	respond_str(&l->respond, condition_and_text);
	respond_crlf(&l->respond);
}

static void bye(struct imap_login *l, const char *words)
{
	if (l->state == LOGIN_STATE_ENDING)
		return;
	respond_str(&l->respond, "* BYE ");
	respond_str(&l->respond, words);
	respond_crlf(&l->respond);
	l->state = LOGIN_STATE_ENDING;
}

static unsigned shown(const struct imap_login *l)
{
	const struct peer_info peer = told_peer_of(&l->told, l->engine->peer);

	return imap_capability_login(l->settings, &peer);
}

static bool may_login(const struct imap_login *l)
{
	return shown(l) & IMAP_WHEN_MAY_LOGIN;
}

static void bad(struct imap_login *l, const char *words)
{
	const struct imap_settings *set = l->settings;

	l->errors++;
	respond_slice(&l->respond, buf_slice(&l->tag));
	respond_str(&l->respond, " BAD ");
	respond_str(&l->respond, words);
	respond_crlf(&l->respond);
	if (set->errors_max && l->errors >= set->errors_max)
		bye(l, "[CLIENTBUG] Too many errors");
	else if (set->errors_max && l->errors > set->errors_slow)
		l->state = LOGIN_STATE_PAUSED;
}

static enum want want(struct imap_login *l)
{
	int64_t now = clock_ms(), idle = now + l->settings->login_idle_ms;
	int64_t total = l->begun_ms + l->settings->login_total_ms;

	if (l->respond.failed)
		l->state = LOGIN_STATE_ENDING;
	l->engine->deadline_ms = idle < total ? idle : total;
	switch (l->state) {
	case LOGIN_STATE_READY:
	case LOGIN_STATE_SASL:
	case LOGIN_STATE_DONE:
		return WANT_INPUT;
	case LOGIN_STATE_PAUSED:
		l->engine->deadline_ms = now + PAUSE_MS;
		return WANT_ANSWER;
	case LOGIN_STATE_CHECKING:
		/* mailboxd answers, or the store client does in its place */
		l->engine->deadline_ms = total + l->settings->login_idle_ms;
		return WANT_ANSWER;
	case LOGIN_STATE_TLS:
		return WANT_TLS;
	case LOGIN_STATE_ENDING:
		break;
	}
	return WANT_CLOSE;
}

/* ---- logging in ---- */

static void sasl_over(struct imap_login *l)
{
	if (l->request_open)
		sasl_cancel(l->engine, l->request);
	l->request_open = false;
	sasl_clear(&l->sasl);
	l->state = LOGIN_STATE_READY;
}

/* Asks mailboxd, or tells it the client's next response. */
static void ask(struct imap_login *l, struct slice message)
{
	const struct peer_info peer = told_peer_of(&l->told, l->engine->peer);
	struct ipc_message m;

	sasl_ask(&l->sasl, &peer, SLICE("imap"), l->sid, message, &m);
	if (m.type == IPC_TYPE_AUTH)
		l->request++;
	l->request_open = true;
	l->state = LOGIN_STATE_CHECKING;
	if (engine_ask(l->engine, l->request, &m) != ST_OK) {
		sasl_over(l);
		reply(l, "NO [UNAVAILABLE] Try again later");
	}
}

/* LOGIN SP userid SP password (RFC 9051 section 6.2.3) */
static void login(struct imap_login *l, struct imap_args *a)
{
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct sasl_plain plain = { .authzid = SLICE_EMPTY };

	if (!may_login(l)) {
		reply(l, "NO [PRIVACYREQUIRED] Use STARTTLS first");
		return;
	}
	a->takes_8bit = true;	/* a password may be anything */
	if (!args_space(a) || !args_astring(a, &plain.authcid) || !args_space(a) ||
	    !args_astring(a, &plain.password) || !args_end(a))
		bad(l, "LOGIN wants a user name and a password");
	else if (sasl_plain_build(&plain, &message) != ST_OK)
		reply(l, "NO [AUTHENTICATIONFAILED] Authentication failed");
	else {
		l->sasl = (struct sasl)SASL_INIT(SASL_PLAIN);
		ask(l, buf_slice(&message));
	}
	buf_wipe(&message);
}

static void challenge(struct imap_login *l, struct slice text)
{
	struct buf encoded = BUF_INIT(1024);

	if (base64_encode(text, &encoded) != ST_OK)
		l->respond.failed = true;
	respond_str(&l->respond, "+ ");
	respond_slice(&l->respond, buf_slice(&encoded));
	respond_crlf(&l->respond);
	buf_free(&encoded);
	l->state = LOGIN_STATE_SASL;
}

/* One response in base64; "=" as an initial one is the empty response. */
static void response(struct imap_login *l, struct slice encoded)
{
	struct buf decoded = BUF_INIT(LIMIT_SASL_LINE);
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice next = SLICE_EMPTY;
	enum status st = ST_OK;

	if (slice_eq(encoded, SLICE("*"))) {
		sasl_over(l);
		bad(l, "AUTHENTICATE was given up");
		return;
	}
	if (l->sasl.is_over) {
		sasl_over(l);
		reply(l, "NO [UNAVAILABLE] Try again later");
		return;
	}
	if (!slice_eq(encoded, SLICE("=")))
		st = base64_decode(encoded, &decoded);
	if (st != ST_OK) {
		sasl_over(l);
		bad(l, "That is not base64");
	} else {
		st = sasl_feed(&l->sasl, buf_slice(&decoded), &next, &message);
		if (st == ST_MORE) {
			challenge(l, next);
		} else if (st == ST_OK) {
			ask(l, buf_slice(&message));
		} else {
			sasl_over(l);
			reply(l, "NO [AUTHENTICATIONFAILED] Authentication failed");
		}
	}
	buf_wipe(&message);
	buf_wipe(&decoded);
}

/* AUTHENTICATE (RFC 9051 section 6.2.2) with the initial response of RFC 4959. */
static void authenticate(struct imap_login *l, struct imap_args *a)
{
	const struct peer_info peer = told_peer_of(&l->told, l->engine->peer);
	struct slice name, initial;
	enum sasl_mechanism mechanism;

	if (!may_login(l)) {
		reply(l, "NO [PRIVACYREQUIRED] Use STARTTLS first");
		return;
	}
	if (!args_space(a) || !args_atom(a, &name)) {
		bad(l, "AUTHENTICATE wants a mechanism");
		return;
	}
	mechanism = sasl_mechanism_find(name);
	if (!sasl_is_offered(mechanism, l->settings->has_scram, &peer)) {
		reply(l, "NO [CANNOT] That mechanism is not offered");
		return;
	}
	l->sasl = (struct sasl)SASL_INIT(mechanism);
	if (args_end(a)) {
		challenge(l, sasl_first_challenge(&l->sasl));
	} else if (args_space(a) && args_atom(a, &initial) && args_end(a)) {
		response(l, initial);
	} else {
		sasl_over(l);
		bad(l, "One initial response, in base64");
	}
}

static void failed(struct imap_login *l, const struct ipc_error *e)
{
	sasl_over(l);
	switch ((enum status)e->code) {
	case ST_DENIED:
	case ST_NOT_FOUND:
	case ST_SYNTAX:
		l->errors++;
		reply(l, "NO [AUTHENTICATIONFAILED] Authentication failed");
		break;
	case ST_LIMIT:
		reply(l, "NO [LIMIT] Too many attempts or sessions, try again later");
		break;
	default:
		reply(l, "NO [UNAVAILABLE] Try again later");
	}
	if (l->settings->errors_max && l->errors >= l->settings->errors_max)
		bye(l, "[CLIENTBUG] Too many errors");
}

enum want imap_login_reply(struct imap_login *l, uint32_t id,
			   const struct ipc_message *m, bool last)
{
	if (id != l->request || !l->request_open)
		return want(l);
	l->request_open = !last;
	if (l->state == LOGIN_STATE_SASL) {
		/* the client is to speak: it is told when it has */
		l->sasl.is_over = last;
	} else if (l->state != LOGIN_STATE_CHECKING) {
		return want(l);
	} else if (m->type == IPC_TYPE_AUTH_CHALLENGE) {
		challenge(l, m->auth_challenge.challenge);
	} else if (m->type == IPC_TYPE_AUTH_OK) {
		sasl_clear(&l->sasl);
		if (buf_append(&l->name, m->auth_ok.login) != ST_OK)
			l->respond.failed = true;
		l->engine->account = m->auth_ok.account;
		l->engine->credential = m->auth_ok.credential;
		respond_slice(&l->respond, buf_slice(&l->tag));
		respond_str(&l->respond, " OK [");
		l->is_admin = m->auth_ok.is_admin;
		imap_capability_put(&l->respond, l->settings, IMAP_WHEN_SESSION |
				    (l->is_admin ? IMAP_WHEN_ADMIN : 0));
		respond_str(&l->respond, "] Logged in\r\n");
		l->state = LOGIN_STATE_DONE;
	} else if (m->type == IPC_TYPE_ERROR) {
		failed(l, &m->error);
	} else if (last) {
		sasl_over(l);
		reply(l, "NO [UNAVAILABLE] Try again later");
	}
	return want(l);
}

/* ---- the other commands ---- */

static void capability(struct imap_login *l, struct imap_args *a)
{
	respond_str(&l->respond, "* ");
	imap_capability_put(&l->respond, l->settings, shown(l));
	respond_crlf(&l->respond);
	reply(l, "OK CAPABILITY completed");
}

static void noop(struct imap_login *l, struct imap_args *a)
{
	reply(l, "OK NOOP completed");
}

static void logout(struct imap_login *l, struct imap_args *a)
{
	respond_str(&l->respond, "* BYE Logging out\r\n");
	reply(l, "OK LOGOUT completed");
	l->state = LOGIN_STATE_ENDING;
}

static void log_told(const struct imap_login *l)
{
	log_event("imap.told", log_slice("sid", l->sid),
		  log_str("client", l->engine->peer->address),
		  log_str("for", l->told.address),
		  log_str("session", l->told.session));
}

/* Who spoke for another once is that other from then on. */
static void id(struct imap_login *l, struct imap_args *a)
{
	bool may_tell = l->settings->xclient && l->engine->peer->is_trusted &&
			!l->told.is_told;
	struct told_peer told = { 0 };

	if (!imap_id_take(a, may_tell ? &told : NULL)) {
		bad(l, "ID wants a list of fields and values, or NIL");
		return;
	}
	if (told.is_told) {
		l->told = told;
		log_told(l);
	}
	imap_id_put(&l->respond);
	reply(l, "OK ID completed");
}

/* STARTTLS (RFC 9051 section 6.2.1): nothing of before is remembered. */
static void starttls(struct imap_login *l, struct imap_args *a)
{
	if (!(shown(l) & IMAP_WHEN_STARTTLS)) {
		bad(l, "STARTTLS is not offered");
		return;
	}
	reply(l, "OK Begin TLS negotiation now");
	l->state = LOGIN_STATE_TLS;
}

enum want imap_login_secured(struct imap_login *l)
{
	parser_next(&l->parser);
	l->told = (struct told_peer){ 0 };
	l->state = LOGIN_STATE_READY;
	return want(l);
}

/* name, stands alone, handler */
static const struct login_command commands[] = {
	{ "AUTHENTICATE",	false,	authenticate },
	{ "CAPABILITY",		true,	capability },
	{ "ID",			false,	id },
	{ "LOGIN",		false,	login },
	{ "LOGOUT",		true,	logout },
	{ "NOOP",		true,	noop },
	{ "STARTTLS",		true,	starttls },
};

static void run(struct imap_login *l, struct slice name, struct imap_args *a)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!slice_case_eq(name, slice_str(commands[i].name)))
			continue;
		if (commands[i].needs_no_args && !args_end(a))
			bad(l, "No arguments expected");
		else
			commands[i].run(l, a);
		return;
	}
	bad(l, "Unknown command, or one that needs a login first");
}

/* A browser was led here (ALPACA): not one word is answered. */
static bool is_http(struct slice line)
{
	static const char *const verbs[] = { "GET /", "POST /", "PUT /", "HEAD /",
					     "OPTIONS ", "CONNECT " };

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (slice_starts(line, slice_str(verbs[i])))
			return true;
	return false;
}

/* Keeps the tag for the answer. False: there is none. */
static bool take_tag(struct imap_login *l, struct imap_args *a)
{
	struct slice tag;

	l->tag.len = 0;
	if (args_atom(a, &tag) && slice_index(tag, '+') == tag.len &&
	    buf_append(&l->tag, tag) == ST_OK)
		return true;
	buf_append_char(&l->tag, '*');
	return false;
}

static void command(struct imap_login *l, const char *refused)
{
	struct arena arena = ARENA_INIT(64 * 1024);
	struct imap_args a = { .rest = buf_slice(&l->parser.text), .arena = &arena };
	struct slice name;

	if (is_http(a.rest))
		l->state = LOGIN_STATE_ENDING;
	else if (!take_tag(l, &a))
		bad(l, "Tag expected");
	else if (refused)
		bad(l, refused);
	else if (!args_space(&a) || !args_atom(&a, &name))
		bad(l, "Command expected");
	else
		run(l, name, &a);
	arena_clear(&arena);
	/* it may have held a password */
	if (l->parser.text.cap)
		explicit_bzero(l->parser.text.data, l->parser.text.cap);
	parser_next(&l->parser);
}

/* ---- input ---- */

static void literal(struct imap_login *l)
{
	enum parser_event event = parser_collect(&l->parser);

	if (event != PARSER_MORE)
		bye(l, "[TOOBIG] Too much before the login");
	else if (l->parser.literal.is_sync)
		respond_str(&l->respond, "+ OK\r\n");
}

static void feed_command(struct imap_login *l, struct slice in, size_t *used)
{
	switch (parser_feed(&l->parser, in, used)) {
	case PARSER_COMMAND:
		command(l, NULL);
		break;
	case PARSER_BAD:
		command(l, "Malformed line");
		break;
	case PARSER_LITERAL:
		literal(l);
		break;
	case PARSER_TOO_BIG:
		command(l, "[TOOBIG] Too long before the login");
		bye(l, "[TOOBIG] Too much before the login");
		break;
	case PARSER_END:
		bye(l, "[TOOBIG] Too much before the login");
		break;
	case PARSER_NO_MEMORY:
		bye(l, "[UNAVAILABLE] Out of memory");
		break;
	case PARSER_MORE:
		break;
	}
}

/* A line of AUTHENTICATE: base64 and CRLF, nothing else. */
static void feed_response(struct imap_login *l, struct slice in, size_t *used)
{
	size_t n = slice_index(in, '\n');
	bool is_whole = n < in.len;
	struct slice line;

	*used = is_whole ? n + 1 : in.len;
	if (buf_append(&l->line, slice_head(in, *used)) != ST_OK) {
		bye(l, "[TOOBIG] SASL response is too long");
		return;
	}
	if (!is_whole)
		return;
	line = buf_slice(&l->line);
	line.len--;
	if (line.len && line.data[line.len - 1] == '\r') {
		line.len--;
		response(l, line);
	} else {
		sasl_over(l);
		bad(l, "Malformed line");
	}
	buf_wipe(&l->line);
}

enum want imap_login_input(struct imap_login *l, struct slice in, size_t *used)
{
	*used = 0;
	while (*used < in.len) {
		struct slice left = slice_from(in, *used);
		size_t n = 0;

		if (l->state == LOGIN_STATE_READY)
			feed_command(l, left, &n);
		else if (l->state == LOGIN_STATE_SASL)
			feed_response(l, left, &n);
		else
			break;
		*used += n;
	}
	return want(l);
}

enum want imap_login_expired(struct imap_login *l)
{
	if (l->state == LOGIN_STATE_PAUSED)
		l->state = LOGIN_STATE_READY;
	else
		bye(l, "[UNAVAILABLE] Too slow, log in faster");
	return want(l);
}

enum want imap_login_kick(struct imap_login *l, struct slice reason)
{
	respond_str(&l->respond, "* BYE ");
	respond_slice(&l->respond, reason);
	respond_crlf(&l->respond);
	l->state = LOGIN_STATE_ENDING;
	return want(l);
}

/* ---- begin and end ---- */

static void greet(struct imap_login *l)
{
	respond_str(&l->respond, "* OK [");
	imap_capability_put(&l->respond, l->settings, shown(l));
	respond_str(&l->respond, "] ");
	respond_str(&l->respond, l->settings->hostname);
	respond_str(&l->respond, " Postroom ready\r\n");
}

struct imap_login *imap_login_new(struct engine *e,
				  const struct imap_settings *settings,
				  struct slice sid)
{
	const struct parser_limits limits = {
		.line = LIMIT_LOGIN_COMMAND,
		.total = LIMIT_LOGIN_COMMAND,
		.literal = LIMIT_LOGIN_LITERAL,
		.literals = 4,
		.skip = LIMIT_LOGIN_COMMAND,
	};
	struct imap_login *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	*l = (struct imap_login){
		.engine = e,
		.settings = settings,
		.sid = sid,
		.respond = { .out = &e->out },
		.tag = BUF_INIT(LIMIT_LOGIN_COMMAND),
		.line = BUF_INIT(LIMIT_SASL_LINE),
		.name = BUF_INIT(1024),
		.begun_ms = clock_ms(),
	};
	parser_init(&l->parser, &limits);
	greet(l);
	want(l);
	return l;
}

void imap_login_free(struct imap_login *l)
{
	if (!l)
		return;
	parser_clear(&l->parser);
	sasl_clear(&l->sasl);
	buf_free(&l->tag);
	buf_wipe(&l->line);
	buf_free(&l->name);
	free(l);
}

uint32_t imap_login_request(const struct imap_login *l)
{
	return l->request;
}

struct slice imap_login_name(const struct imap_login *l)
{
	return l->state == LOGIN_STATE_DONE ? buf_slice(&l->name) : SLICE_EMPTY;
}

bool imap_login_is_admin(const struct imap_login *l)
{
	return l->is_admin;
}
