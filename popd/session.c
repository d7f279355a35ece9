#include "popd/session_priv.h"

#include "common/clock.h"

#include <assert.h>
#include <stdlib.h>

#define TO(name) (1u << POP_STATE_##name)

/* RFC 1939 section 3; a failed login leads back, STLS stays where it is. */
static const unsigned moves[POP_STATE_COUNT] = {
	[POP_STATE_AUTHORIZATION] = TO(AUTHORIZATION) | TO(SASL) | TO(LOGIN) |
				    TO(CLOSED),
	[POP_STATE_SASL]	= TO(AUTHORIZATION) | TO(LOGIN) | TO(CLOSED),
	[POP_STATE_LOGIN]	= TO(AUTHORIZATION) | TO(SASL) | TO(TRANSACTION) |
				  TO(CLOSED),
	[POP_STATE_TRANSACTION]	= TO(UPDATE) | TO(CLOSED),
	[POP_STATE_UPDATE]	= TO(CLOSED),
	[POP_STATE_CLOSED]	= TO(CLOSED),
};

bool pop_state_may(enum pop_state from, enum pop_state to)
{
	return moves[from] & 1u << to;
}

void pop_enter(struct pop_session *s, enum pop_state state)
{
	/* what is answered after the end changes nothing any more */
	if (s->state == POP_STATE_CLOSED)
		return;
	assert(pop_state_may(s->state, state));
	s->state = state;
	s->engine.is_authenticated = state >= POP_STATE_TRANSACTION;
}

bool pop_may_login(const struct pop_session *s)
{
	return s->engine.peer->is_secure || !s->listener->tls_required;
}

/* ---- what is said ------------------------------------------------------------ */

void pop_put(struct pop_session *s, struct slice octets)
{
	enum status st = buf_append(&s->engine.out, octets);

	if (st != ST_OK)
		s->trouble = st;
}

void pop_put_number(struct pop_session *s, uint64_t number)
{
	enum status st = buf_append_u64(&s->engine.out, number);

	if (st != ST_OK)
		s->trouble = st;
}

static void say(struct pop_session *s, struct slice word, const char *text)
{
	pop_put(s, word);
	pop_put(s, slice_str(text));
	pop_put(s, SLICE("\r\n"));
}

void pop_ok(struct pop_session *s, const char *text)
{
	say(s, SLICE("+OK "), text);
}

void pop_err(struct pop_session *s, const char *text)
{
	say(s, SLICE("-ERR "), text);
}

void pop_end(struct pop_session *s, const char *text)
{
	if (s->state == POP_STATE_CLOSED)
		return;
	if (text)
		pop_err(s, text);
	pop_enter(s, POP_STATE_CLOSED);
}

void pop_mistake(struct pop_session *s, const char *text)
{
	const struct pop_settings *set = s->settings;

	s->errors++;
	if (set->errors_end && s->errors >= set->errors_end) {
		pop_end(s, "Too many mistakes");
		return;
	}
	pop_err(s, text);
	if (set->errors_slow && s->errors >= set->errors_slow &&
	    !s->engine.peer->is_trusted && s->wait == POP_WAIT_NONE)
		pop_wait(s, POP_WAIT_PAUSE, POP_PAUSE_MS);
}

void pop_wait(struct pop_session *s, enum pop_wait wait, int64_t ms)
{
	s->wait = wait;
	s->wait_until = clock_ms() + ms;
}

uint32_t pop_ask(struct pop_session *s, const struct ipc_message *m)
{
	uint32_t id = s->next_request++;
	enum status st;

	if (s->next_request == 0)
		s->next_request = 1;
	st = engine_ask(&s->engine, id, m);
	if (st != ST_OK) {
		s->trouble = st;
		return 0;
	}
	pop_wait(s, POP_WAIT_STORE, s->settings->backend_ms);
	return id;
}

/* ---- what comes next ----------------------------------------------------------- */

static enum want want_now(const struct pop_session *s)
{
	if (s->state == POP_STATE_CLOSED)
		return WANT_CLOSE;
	if (s->wait == POP_WAIT_TLS)
		return WANT_TLS;
	if (s->wait != POP_WAIT_NONE || s->engine.out.len > ENGINE_OUT_HIGH)
		return WANT_ANSWER;
	return WANT_INPUT;
}

static int64_t deadline(const struct pop_session *s)
{
	const struct pop_settings *set = s->settings;

	if (s->state == POP_STATE_CLOSED || s->wait == POP_WAIT_LISTING)
		return 0;	/* the connection sees to clients that do not read */
	if (s->wait == POP_WAIT_STORE || s->wait == POP_WAIT_PAUSE)
		return s->wait_until;
	if (s->state == POP_STATE_TRANSACTION)
		return s->command_ms + set->idle_ms;
	return clock_earlier(s->begun_ms + set->login_ms,
			     s->command_ms + set->login_idle_ms);
}

/* Ends each call from outside. */
static enum want settle(struct pop_session *s)
{
	if (s->trouble != ST_OK)
		s->state = POP_STATE_CLOSED;
	s->engine.deadline_ms = deadline(s);
	return want_now(s);
}

/* ---- lines ---------------------------------------------------------------------- */

static bool is_auth_line(const struct pop_session *s, struct slice in)
{
	return s->state == POP_STATE_SASL ||
	       slice_case_starts(in, SLICE("AUTH "));
}

static void line_too_long(struct pop_session *s)
{
	if (s->state == POP_STATE_SASL)
		pop_auth_over(s, NULL);
	pop_mistake(s, "Line too long");
}

/* What may be sent before the login is bounded, SASL responses aside. */
static void count_login_octets(struct pop_session *s, size_t octets)
{
	s->login_octets += octets;
	if (s->login_octets > s->settings->login_octets)
		pop_end(s, "Too much was sent before the login");
}

static void run_line(struct pop_session *s, const struct line *line)
{
	switch (line->kind) {
	case LINE_MORE:
	case LINE_LONG:
		break;
	case LINE_BARE_LF:
		pop_mistake(s, "Lines end with CR LF: use nc -C");
		break;
	case LINE_LONG_END:
		line_too_long(s);
		break;
	case LINE_UNCLEAN:
		s->command_ms = clock_ms();
		pop_mistake(s, "Bare CR, LF or NUL in a line");
		break;
	case LINE_WHOLE:
		s->command_ms = clock_ms();
		if (s->state == POP_STATE_SASL)
			pop_auth_line(s, line->text);
		else
			pop_command_line(s, line->text);
		break;
	}
}

/* Takes one line off in: how many octets it was, 0 when it has not come whole. */
static size_t take_line(struct pop_session *s, struct slice in)
{
	bool is_auth = is_auth_line(s, in);
	struct line line = line_look(&s->lines, in,
				     is_auth ? s->settings->auth_line_octets
					     : s->settings->line_octets,
				     s->listener->teach);
	bool counts = !s->engine.is_authenticated && !is_auth;

	line_taken(&s->lines, &line);
	run_line(s, &line);
	if (counts)
		count_login_octets(s, line.octets);
	return line.octets;
}

/* ---- the engine's face ------------------------------------------------------------ */

static struct pop_session *session_of(struct engine *e)
{
	return (struct pop_session *)e;
}

static enum want session_input(struct engine *e, struct slice in, size_t *used)
{
	struct pop_session *s = session_of(e);

	*used = 0;
	while (*used < in.len && want_now(s) == WANT_INPUT &&
	       s->trouble == ST_OK) {
		size_t taken = take_line(s, slice_from(in, *used));

		*used += taken;
		if (s->retrieval.count && s->retrieval.request == 0) {
			*used += pop_retr_gather(s, slice_from(in, *used));
			pop_retr_ask(s);
		}
		if (taken == 0)
			break;
	}
	return settle(s);
}

static enum want session_reply(struct engine *e, uint32_t id,
			       const struct ipc_message *m, bool last)
{
	struct pop_session *s = session_of(e);

	if (id == 0 || s->state == POP_STATE_CLOSED)
		return settle(s);
	if (s->wait == POP_WAIT_STORE)
		pop_wait(s, POP_WAIT_STORE, s->settings->backend_ms);
	if (id == s->login_request)
		pop_login_answer(s, m, last);
	else if (id == s->retrieval.request)
		pop_retr_answer(s, m, last);
	else if (id == s->update_request)
		pop_update_answer(s, m, last);
	return settle(s);
}

/* In the middle of a message there is no room for a word. */
static enum want session_event(struct engine *e, const struct ipc_message *m)
{
	struct pop_session *s = session_of(e);

	if ((m->type == IPC_TYPE_KICK || engine_is_kicked(e, m)) &&
	    s->state != POP_STATE_UPDATE)
		pop_end(s, s->wait == POP_WAIT_NONE
				   ? "[SYS/TEMP] The session is ended" : NULL);
	return settle(s);
}

static enum want session_drained(struct engine *e)
{
	struct pop_session *s = session_of(e);

	if (s->wait == POP_WAIT_LISTING)
		pop_listing_go_on(s);
	return settle(s);
}

/* A session that is idle for too long ends without a word (RFC 1939 section 3):
 * nothing is deleted. */
static enum want session_expired(struct engine *e)
{
	struct pop_session *s = session_of(e);

	if (s->state == POP_STATE_CLOSED || clock_ms() < deadline(s))
		return settle(s);
	if (s->wait == POP_WAIT_PAUSE)
		s->wait = POP_WAIT_NONE;
	else if (s->state == POP_STATE_LOGIN)
		pop_login_failed(s, "[SYS/TEMP] The mail store does not answer");
	else if (s->state == POP_STATE_UPDATE)
		pop_end(s, "[SYS/TEMP] The mail store does not answer: it is not "
			   "known whether the messages were deleted");
	else
		pop_end(s, NULL);
	return settle(s);
}

/* What was said in clear is forgotten (RFC 2595 section 4). */
static enum want session_secured(struct engine *e)
{
	struct pop_session *s = session_of(e);

	s->wait = POP_WAIT_NONE;
	s->command_ms = clock_ms();
	buf_wipe(&s->user);
	s->told = (struct told_peer){ 0 };
	return settle(s);
}

static void session_free(struct engine *e)
{
	struct pop_session *s = session_of(e);

	sasl_clear(&s->sasl);
	maildrop_clear(&s->maildrop);
	buf_free(&s->retrieval.partial);
	buf_free(&s->user);
	buf_free(&s->login);
	buf_free(&e->out);
	/* it may hold a password on its way to mailboxd */
	buf_wipe(&e->requests);
	free(s);
}

static const struct engine_ops session_ops = {
	.input = session_input,
	.reply = session_reply,
	.event = session_event,
	.drained = session_drained,
	.expired = session_expired,
	.secured = session_secured,
	.free = session_free,
};

struct engine *pop_session_new(const struct pop_settings *settings,
			       const struct pop_listener *listener,
			       const struct peer_info *peer)
{
	struct pop_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->engine.ops = &session_ops;
	s->engine.peer = peer;
	s->engine.out.max = ENGINE_OUT_MAX;
	s->engine.requests.max = ENGINE_REQUESTS_MAX;
	s->settings = settings;
	s->listener = listener;
	s->sid = id_make(ID_SESSION);
	s->engine.sid = id_slice(&s->sid);
	s->next_request = 1;
	s->begun_ms = s->command_ms = clock_ms();
	s->user.max = SASL_NAME_MAX;
	s->login.max = 512;
	s->maildrop = (struct maildrop)MAILDROP_INIT;
	s->retrieval.partial.max = 131072;
	pop_put(s, SLICE("+OK "));
	/* so Dovecot's proxy learns that it may */
	if (pop_offers_xclient(s))
		pop_put(s, SLICE("[XCLIENT] "));
	pop_put(s, slice_str(settings->hostname));
	pop_put(s, SLICE(" POP3 ready"));
	pop_put_timestamp(s);
	pop_put(s, SLICE("\r\n"));
	settle(s);
	if (s->trouble == ST_OK)
		return &s->engine;
	session_free(&s->engine);
	return NULL;
}

struct slice pop_session_sid(const struct engine *e)
{
	return id_slice(&((const struct pop_session *)e)->sid);
}
