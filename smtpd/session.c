#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "smtpd/milters.h"

#include <assert.h>
#include <stdlib.h>

#define TO(name) (1u << SMTP_STATE_##name)

/* STARTTLS leads back to CONNECTED (RFC 3207 section 4.2), EHLO and RSET to
 * READY from wherever they are allowed; a refused chunk to where it came from. */
static const unsigned moves[SMTP_STATE_COUNT] = {
	[SMTP_STATE_CONNECTED]	= TO(CONNECTED) | TO(READY) | TO(CHUNK) |
				  TO(CLOSED),
	[SMTP_STATE_READY]	= TO(CONNECTED) | TO(READY) | TO(AUTH) | TO(MAIL) |
				  TO(CHUNK) | TO(CLOSED),
	[SMTP_STATE_AUTH]	= TO(READY) | TO(CLOSED),
	[SMTP_STATE_MAIL]	= TO(READY) | TO(RCPT) | TO(CHUNK) | TO(CLOSED),
	[SMTP_STATE_RCPT]	= TO(READY) | TO(RCPT) | TO(DATA) | TO(CHUNK) |
				  TO(CLOSED),
	[SMTP_STATE_DATA]	= TO(READY) | TO(CLOSED),
	[SMTP_STATE_CHUNK]	= TO(CONNECTED) | TO(READY) | TO(MAIL) | TO(BDAT) |
				  TO(CLOSED),
	[SMTP_STATE_BDAT]	= TO(READY) | TO(CHUNK) | TO(CLOSED),
	[SMTP_STATE_CLOSED]	= TO(CLOSED),
};

bool smtp_state_may(enum smtp_state from, enum smtp_state to)
{
	return moves[from] & 1u << to;
}

void smtp_enter(struct smtp_session *s, enum smtp_state state)
{
	/* what is answered after the end changes nothing any more */
	if (s->state == SMTP_STATE_CLOSED)
		return;
	assert(smtp_state_may(s->state, state));
	s->state = state;
}

bool smtp_is_secure(const struct smtp_session *s)
{
	return s->engine.peer->is_secure;
}

bool smtp_offers_starttls(const struct smtp_session *s)
{
	return s->listener->has_starttls && !smtp_is_secure(s);
}

bool smtp_offers_auth(const struct smtp_session *s)
{
	return s->listener->has_auth && s->login.len == 0 &&
	       (smtp_is_secure(s) || !s->listener->tls_required);
}

/* ---- replies --------------------------------------------------------------- */

/* Where the next reply goes: behind RCPTs that wait, or to the group. */
static struct buf *reply_place(struct smtp_session *s)
{
	return s->t.rcpt_due ? &s->later : &s->replies;
}

static void reply_placed(struct smtp_session *s, size_t before, enum status st)
{
	struct buf *place = reply_place(s);

	if (s->t.rcpt_due)
		s->t.behind[s->t.rcpt_due - 1] += (uint16_t)(place->len - before);
	if (st != ST_OK)
		s->trouble = st;
}

static void note_refusal(struct smtp_session *s, enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);

	if (row->code >= 400)
		s->last_refusal = reply;
	if (row->is_bad)
		smtp_count_error(s);
}

void smtp_reply_with(struct smtp_session *s, enum smtp_reply reply,
		     struct slice argument)
{
	struct buf *place = reply_place(s);
	size_t before = place->len;

	reply_placed(s, before, smtp_reply_append(place, reply, argument));
	smtp_refused(s, reply, NULL, smtp_refused_recipient(s),
		     slice_from(buf_slice(place), before));
	note_refusal(s, reply);
}

void smtp_reply(struct smtp_session *s, enum smtp_reply reply)
{
	smtp_reply_with(s, reply, SLICE_EMPTY);
}

void smtp_reply_number(struct smtp_session *s, enum smtp_reply reply,
		       uint64_t argument)
{
	char digits[24];
	struct buf number = { digits, 0, sizeof digits, sizeof digits };

	buf_append_u64(&number, argument);
	smtp_reply_with(s, reply, buf_slice(&number));
}

void smtp_reply_more(struct smtp_session *s, enum smtp_reply reply,
		     struct slice text)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);
	struct buf *place = reply_place(s);
	size_t before = place->len;

	reply_placed(s, before, smtp_reply_line(place, row->code,
						slice_str(row->enhanced), text,
						true));
}

void smtp_reply_passed(struct smtp_session *s, const struct smtp_passed *passed)
{
	struct buf *place = reply_place(s);
	size_t before = place->len;

	reply_placed(s, before,
		     smtp_reply_line(place, passed->code,
				     slice_str(passed->enhanced),
				     slice_str(passed->text), false));
	smtp_refused(s, SMTP_REPLY_COUNT, passed->by, smtp_refused_recipient(s),
		     slice_from(buf_slice(place), before));
}

void smtp_end_with(struct smtp_session *s, enum smtp_reply reply,
		   struct slice argument)
{
	if (s->state == SMTP_STATE_CLOSED)
		return;
	smtp_gate_cancel(s);
	smtp_transaction_clear(s);
	smtp_reply_with(s, reply, argument);
	smtp_enter(s, SMTP_STATE_CLOSED);
}

void smtp_shut(struct smtp_session *s)
{
	smtp_gate_cancel(s);
	smtp_transaction_clear(s);
	smtp_enter(s, SMTP_STATE_CLOSED);
}

void smtp_end_passed(struct smtp_session *s, const struct smtp_passed *passed)
{
	struct smtp_passed last = *passed;

	smtp_gate_cancel(s);
	smtp_transaction_clear(s);
	smtp_reply_passed(s, &last);
	smtp_enter(s, SMTP_STATE_CLOSED);
}

void smtp_end(struct smtp_session *s, enum smtp_reply reply)
{
	smtp_end_with(s, reply, SLICE_EMPTY);
}

void smtp_count_error(struct smtp_session *s)
{
	const struct smtp_settings *set = s->settings;

	s->errors++;
	if (set->errors_end && s->errors >= set->errors_end)
		smtp_end(s, SMTP_REPLY_TOO_MANY_ERRORS);
	else if (set->errors_slow && s->errors >= set->errors_slow &&
		 !smtp_is_trusted(s) && s->wait == SMTP_WAIT_NONE)
		smtp_wait(s, SMTP_WAIT_PAUSE, SMTP_PAUSE_MS);
}

void smtp_count_empty(struct smtp_session *s)
{
	unsigned most = s->settings->empty_commands;

	if (most == 0 || s->empty < most)
		s->empty++;
	else if (!smtp_is_trusted(s))
		smtp_count_error(s);
}

uint32_t smtp_request_id(struct smtp_session *s)
{
	if (s->next_request == 0)
		s->next_request = 1;
	return s->next_request++;
}

void smtp_wait(struct smtp_session *s, enum smtp_wait wait, int64_t ms)
{
	s->wait = wait;
	s->wait_until = clock_ms() + ms;
}

/* ---- what comes next --------------------------------------------------------- */

static bool is_in_data(const struct smtp_session *s)
{
	return s->state == SMTP_STATE_DATA || s->state == SMTP_STATE_CHUNK;
}

static enum want want_now(const struct smtp_session *s)
{
	if (s->state == SMTP_STATE_CLOSED)
		return WANT_CLOSE;
	if (s->wait == SMTP_WAIT_TLS)
		return WANT_TLS;
	if (s->wait == SMTP_WAIT_CHECK && smtp_gate_hears(s))
		return WANT_INPUT;
	if (s->wait != SMTP_WAIT_NONE || s->engine.out.len > ENGINE_OUT_HIGH)
		return WANT_ANSWER;
	if (is_in_data(s) && !smtp_transaction_has_room(s))
		return WANT_ANSWER;
	return WANT_INPUT;
}

/* When the session expires; each wait has its own time (trust.md section 5). */
static int64_t deadline(const struct smtp_session *s)
{
	const struct smtp_settings *set = s->settings;
	const struct smtp_transaction *t = &s->t;
	int64_t at;

	if (s->state == SMTP_STATE_CLOSED)
		return 0;
	if (s->wait == SMTP_WAIT_MILTER || s->wait == SMTP_WAIT_RELEASE)
		return s->wait_until;
	if (s->wait == SMTP_WAIT_AUTH || s->wait == SMTP_WAIT_SENDER ||
	    s->wait == SMTP_WAIT_STORED || s->wait == SMTP_WAIT_PAUSE ||
	    s->wait == SMTP_WAIT_CHECK || s->wait == SMTP_WAIT_VERIFY)
		return s->wait_until;
	if (t->rcpt_due)
		return t->rcpt_until;
	if (is_in_data(s)) {
		at = t->begun_ms + set->data_ms;
		if (set->data_rate)
			at += (int64_t)(t->octets / set->data_rate) * 1000;
		return clock_earlier(at, t->input_ms + set->data_block_ms);
	}
	at = s->command_ms + set->command_ms;
	if (s->listener->has_auth && s->login.len == 0)
		at = clock_earlier(at, s->begun_ms + set->login_ms);
	return at;
}

/* Sends the group of replies, unless something is waited for that stands before
 * its end. */
static void send_replies(struct smtp_session *s)
{
	if (s->replies.len == 0)
		return;
	if (s->state != SMTP_STATE_CLOSED &&
	    (s->t.rcpt_due || s->wait == SMTP_WAIT_PAUSE))
		return;
	if (buf_append(&s->engine.out, buf_slice(&s->replies)) != ST_OK)
		s->trouble = ST_LIMIT;
	s->replies.len = 0;
	if (s->told.len)
		s->engine.wants_told = true;
}

/* Ends each call from outside. */
static enum want settle(struct smtp_session *s)
{
	struct engine *e = &s->engine;

	send_replies(s);
	if (s->trouble != ST_OK && s->state != SMTP_STATE_CLOSED)
		smtp_shut(s);
	e->deadline_ms = deadline(s);
	return want_now(s);
}

/* ---- lines -------------------------------------------------------------------- */

static size_t line_limit(const struct smtp_session *s, struct slice line)
{
	if (s->state == SMTP_STATE_AUTH ||
	    slice_case_starts(line, SLICE("AUTH ")))
		return s->settings->auth_line_octets;
	return s->settings->line_octets;
}

static void line_too_long(struct smtp_session *s, size_t limit)
{
	bool is_auth = limit == s->settings->auth_line_octets;

	if (s->state == SMTP_STATE_AUTH)
		smtp_auth_leave(s);
	smtp_reply_number(s, is_auth ? SMTP_REPLY_AUTH_LINE_TOO_LONG
				     : SMTP_REPLY_LINE_TOO_LONG, limit);
}

/* False: the line has to come again, behind the answers that are due. */
static bool run_line(struct smtp_session *s, const struct line *line)
{
	switch (line->kind) {
	case LINE_MORE:
	case LINE_LONG:
		return true;
	case LINE_BARE_LF:
		smtp_reply(s, SMTP_REPLY_TEACH_CRLF);
		return true;
	case LINE_LONG_END:
		line_too_long(s, line->limit);
		return true;
	case LINE_UNCLEAN:
		s->command_ms = clock_ms();
		smtp_reply(s, SMTP_REPLY_BARE_CR_LF);
		return true;
	case LINE_WHOLE:
		break;
	}
	s->command_ms = clock_ms();
	if (s->state != SMTP_STATE_AUTH)
		return smtp_command_line(s, line->text);
	smtp_auth_line(s, line->text);
	return true;
}

/*
 * Takes one line off in: how many octets it was, or 0 when it has not come
 * whole, or has to come again after an answer.
 */
static size_t take_line(struct smtp_session *s, struct slice in)
{
	struct line line = line_look(&s->lines, in, line_limit(s, in),
				     s->listener->teach);

	/* a mistake is answered behind the RCPTs before it */
	if (s->t.rcpt_due && line.kind != LINE_MORE && line.kind != LINE_WHOLE) {
		s->wait = SMTP_WAIT_RCPT;
		return 0;
	}
	s->command = NULL;
	if (!run_line(s, &line))
		return 0;
	if (s->gate && s->command && line.octets < in.len)
		smtp_gate_ahead(s, s->command->flags & SMTP_COMMAND_LAST);
	line_taken(&s->lines, &line);
	return line.octets;
}

/* ---- the engine's face --------------------------------------------------------- */

static struct smtp_session *session_of(struct engine *e)
{
	return (struct smtp_session *)e;
}

static const struct smtp_session *session_of_const(const struct engine *e)
{
	return (const struct smtp_session *)e;
}

static enum want session_input(struct engine *e, struct slice in, size_t *used)
{
	struct smtp_session *s = session_of(e);

	*used = 0;
	while (*used < in.len && want_now(s) == WANT_INPUT &&
	       e->requests.len <= ENGINE_REQUESTS_HIGH) {
		struct slice rest = slice_from(in, *used);
		size_t taken;

		if (s->wait == SMTP_WAIT_CHECK) {
			smtp_gate_heard(s);
			if (s->wait == SMTP_WAIT_CHECK)
				break;
			continue;
		}
		if (s->state == SMTP_STATE_DATA)
			taken = smtp_data_input(s, rest);
		else if (s->state == SMTP_STATE_CHUNK)
			taken = smtp_chunk_input(s, rest);
		else
			taken = take_line(s, rest);
		if (taken == 0)
			break;
		*used += taken;
		if (s->replies.len > SMTP_REPLIES_HIGH)
			send_replies(s);
	}
	return settle(s);
}

static enum want session_reply(struct engine *e, uint32_t id,
			       const struct ipc_message *m, bool last)
{
	struct smtp_session *s = session_of(e);

	if (id != 0 && id == s->auth_request)
		smtp_auth_answer(s, m, last);
	else if (id != 0 && id == s->verify_request)
		smtp_verify_answer(s, m, last);
	else if (id != 0 && id == s->sender_request)
		smtp_sender_answer(s, m, last);
	else if (id != 0 && id == s->t.request)
		smtp_transaction_answer(s, m, last);
	else if (id != 0 && !(s->milters && smtp_milters_answer(s, id, m, last)) &&
		 s->gate)
		smtp_gate_answer(s, id, m, last);
	return settle(s);
}

static enum want session_event(struct engine *e, const struct ipc_message *m)
{
	struct smtp_session *s = session_of(e);

	if (m->type == IPC_TYPE_KICK)
		smtp_end_with(s, SMTP_REPLY_SHUTTING_DOWN,
			  m->kick.reason.len ? m->kick.reason
					     : SLICE("Shutting down"));
	else if (engine_is_kicked(e, m))
		smtp_end_with(s, SMTP_REPLY_KICKED, m->service_kick.reason);
	else if (m->type == IPC_TYPE_SERVICE_KICK && s->auth_request)
		smtp_auth_kicked(s, &m->service_kick);
	return settle(s);
}

static enum want session_drained(struct engine *e)
{
	return settle(session_of(e));
}

/* Which deadline it was follows from what is waited for. */
static enum want session_expired(struct engine *e)
{
	struct smtp_session *s = session_of(e);
	int64_t now = clock_ms();

	if (s->state == SMTP_STATE_CLOSED || now < deadline(s))
		return settle(s);
	if (s->wait == SMTP_WAIT_PAUSE) {
		s->wait = SMTP_WAIT_NONE;
	} else if (s->wait == SMTP_WAIT_AUTH) {
		smtp_auth_failed(s);
	} else if (s->wait == SMTP_WAIT_VERIFY) {
		smtp_verify_expired(s);
	} else if (s->wait == SMTP_WAIT_SENDER) {
		smtp_sender_expired(s);
	} else if (s->wait == SMTP_WAIT_CHECK) {
		smtp_gate_expired(s);
	} else if (s->wait == SMTP_WAIT_MILTER) {
		smtp_milters_expired(s);
	} else if (s->wait == SMTP_WAIT_STORED || s->wait == SMTP_WAIT_RELEASE ||
		   s->t.rcpt_due) {
		smtp_transaction_expired(s);
	} else if (is_in_data(s)) {
		smtp_end(s, SMTP_REPLY_SLOW_DATA);
	} else if (s->listener->has_auth && s->login.len == 0 &&
		   now >= s->begun_ms + s->settings->login_ms) {
		smtp_end(s, SMTP_REPLY_LOGIN_TIMEOUT);
	} else {
		smtp_end(s, SMTP_REPLY_TIMEOUT);
	}
	return settle(s);
}

/* All that was said in clear is forgotten (RFC 3207 section 4.2). */
static enum want session_secured(struct engine *e)
{
	struct smtp_session *s = session_of(e);

	s->wait = SMTP_WAIT_NONE;
	s->command_ms = clock_ms();
	s->helo.len = 0;
	s->is_esmtp = false;
	smtp_enter(s, SMTP_STATE_CONNECTED);
	return settle(s);
}

/* The client has the replies of these messages for certain. */
static enum want session_told(struct engine *e)
{
	struct smtp_session *s = session_of(e);
	struct slice mids = buf_slice(&s->told);

	while (mids.len >= ID_OCTETS) {
		struct ipc_message m = { .type = IPC_TYPE_LMTP_TELL };

		m.lmtp_tell.mid = slice_head(mids, ID_OCTETS);
		engine_ask(e, smtp_request_id(s), &m);
		mids = slice_from(mids, ID_OCTETS);
	}
	s->told.len = 0;
	return settle(s);
}

static void session_free(struct engine *e)
{
	struct smtp_session *s = session_of(e);

	smtp_gate_close(s);
	smtp_milters_free(s);
	smtp_rcpt_free(s);
	smtp_transaction_free(s);
	sasl_clear(&s->sasl);
	free(s->xclient);
	smtp_forward_clear(s);
	dot_reader_free(s->reader);
	digest_free(s->digest);
	arena_clear(&s->arena);
	buf_free(&s->replies);
	buf_free(&s->later);
	buf_free(&s->rcpts);
	buf_free(&s->helo);
	buf_free(&s->client_name);
	buf_free(&s->login);
	buf_free(&s->may_send);
	buf_free(&s->verified);
	buf_free(&s->told);
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
	.told = session_told,
	.free = session_free,
};

void smtp_greet(struct smtp_session *s)
{
	smtp_reply_with(s, SMTP_REPLY_GREETING,
			slice_str(s->settings->hostname));
	if (s->milters)
		smtp_milters_restart(s);
	else if (s->listener->milters)
		smtp_milters_begin(s);
}

struct engine *smtp_session_new(const struct smtp_settings *settings,
				const struct smtp_listener *listener,
				const struct peer_info *peer)
{
	struct smtp_session *s = calloc(1, sizeof *s);

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
	s->last_refusal = SMTP_REPLY_OK;
	s->next_request = 1;
	s->begun_ms = s->command_ms = clock_ms();
	s->replies.max = SMTP_REPLIES_MAX;
	s->later.max = SMTP_REPLIES_HIGH;
	s->rcpts.max = SMTP_RCPT_WAITING_MAX * (ADDRESS_OCTETS_MAX + 1);
	s->helo.max = s->client_name.max = SMTP_HELO_MAX;
	s->login.max = ADDRESS_OCTETS_MAX;
	s->told.max = ID_OCTETS * 64;
	s->may_send.max = SMTP_MAY_SEND_MAX;
	s->verified.max = ADDRESS_OCTETS_MAX;
	s->arena.max = 16384;
	smtp_transaction_begin(s);
	smtp_gate_open(s);
	smtp_gate(s, SMTP_STAGE_CONNECT, SLICE_EMPTY, smtp_greet, NULL);
	settle(s);
	if (s->trouble == ST_OK)
		return &s->engine;
	session_free(&s->engine);
	return NULL;
}

struct slice smtp_session_sid(const struct engine *e)
{
	return id_slice(&session_of_const(e)->sid);
}
