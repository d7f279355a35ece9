#include "mailboxd/lmtp_session_priv.h"

#include "common/clock.h"
#include "common/ipc_codec.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TO(name) (1u << LMTP_STATE_##name)

static const unsigned moves[LMTP_STATE_COUNT] = {
	[LMTP_STATE_CONNECTED] = TO(READY) | TO(CHUNK) | TO(CLOSED),
	[LMTP_STATE_READY] = TO(READY) | TO(MAIL) | TO(CHUNK) | TO(CLOSED),
	[LMTP_STATE_MAIL] = TO(READY) | TO(RCPT) | TO(CHUNK) | TO(CLOSED),
	[LMTP_STATE_RCPT] = TO(READY) | TO(DATA) | TO(CHUNK) | TO(CLOSED),
	[LMTP_STATE_BDAT] = TO(READY) | TO(CHUNK) | TO(CLOSED),
	[LMTP_STATE_DATA] = TO(READY) | TO(END) | TO(CLOSED),
	[LMTP_STATE_CHUNK] = TO(CONNECTED) | TO(READY) | TO(MAIL) | TO(BDAT) |
			     TO(END) | TO(CLOSED),
	[LMTP_STATE_END] = TO(READY) | TO(CLOSED),
};

void lmtp_session_enter(struct lmtp_session *s, enum lmtp_state state)
{
	assert(moves[s->state] & 1u << state);
	s->state = state;
}

static struct lmtp_session *session_of(struct engine *e)
{
	return (struct lmtp_session *)e;
}

static void deadline_set(struct lmtp_session *s)
{
	bool body = s->state == LMTP_STATE_DATA || s->state == LMTP_STATE_CHUNK;

	s->engine.deadline_ms = clock_ms() + (body ? s->settings->data_ms
						   : s->settings->command_ms);
}

/* ---- replies --------------------------------------------------------------- */

enum want lmtp_reply(struct lmtp_session *s, const char *line)
{
	struct buf *out = &s->engine.out;

	if (buf_append_str(out, line) != ST_OK ||
	    buf_append(out, SLICE("\r\n")) != ST_OK) {
		s->state = LMTP_STATE_CLOSED;
		return WANT_CLOSE;
	}
	return WANT_INPUT;
}

enum want lmtp_reply_fmt(struct lmtp_session *s, const char *fmt, ...)
{
	char line[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	return lmtp_reply(s, line);
}

bool lmtp_is_good(const struct ipc_message *m)
{
	return m->type == IPC_TYPE_LMTP_REPLY && m->lmtp_reply.code >= 200 &&
	       m->lmtp_reply.code < 300;
}

enum want lmtp_reply_message(struct lmtp_session *s,
			     const struct ipc_message *m)
{
	if (m->type != IPC_TYPE_LMTP_REPLY)
		return lmtp_reply(s, "451 4.3.0 Try again later");
	return lmtp_reply_fmt(s, "%u %.*s %.*s",
			      (unsigned)m->lmtp_reply.code,
			      SLICE_ARG(m->lmtp_reply.enhanced),
			      SLICE_ARG(m->lmtp_reply.text));
}

/* ---- the backend ----------------------------------------------------------- */

enum want lmtp_ask(struct lmtp_session *s, const struct ipc_message *m,
		   enum want (*on_reply)(struct lmtp_session *s,
					 const struct ipc_message *m,
					 bool last))
{
	if (engine_ask(&s->engine, s->id, m) != ST_OK) {
		lmtp_reply(s, "421 4.3.0 Out of memory, closing");
		s->state = LMTP_STATE_CLOSED;
		return WANT_CLOSE;
	}
	s->on_reply = on_reply;
	return on_reply ? WANT_ANSWER : WANT_INPUT;
}

void lmtp_session_reset(struct lmtp_session *s)
{
	static const struct ipc_message abort_it = {
		.type = IPC_TYPE_LMTP_ABORT,
	};

	if (s->state == LMTP_STATE_MAIL || s->state == LMTP_STATE_RCPT ||
	    s->state == LMTP_STATE_BDAT || s->state == LMTP_STATE_DATA ||
	    s->state == LMTP_STATE_CHUNK)
		engine_ask(&s->engine, s->id, &abort_it);
	s->id = s->id == UINT32_MAX ? 1 : s->id + 1;
	s->recipients = s->recipients_asked = 0;
	s->taken = s->uncredited = s->chunk_left = 0;
	s->refusal = LMTP_TAKEN;
	s->has_digest = s->is_junk = false;
	buf_free(&s->text);
}

enum want lmtp_session_goodbye(struct lmtp_session *s)
{
	lmtp_session_reset(s);
	s->on_reply = NULL;
	lmtp_reply(s, "421 4.3.2 Going down, closing");
	s->state = LMTP_STATE_CLOSED;
	return WANT_CLOSE;
}

/* ---- the engine's face ------------------------------------------------------ */

static enum want line_input(struct lmtp_session *s, struct slice in,
			    size_t *used)
{
	struct slice first = slice_head(in, LMTP_LINE_MAX);
	size_t lf = slice_index(first, '\n');

	if (lf < first.len) {
		*used = lf + 1;
		if (lf > 0 && in.data[lf - 1] == '\r')
			return lmtp_command(s, slice_head(in, lf - 1));
		return lmtp_bad_command(s, "500 5.5.2 Lines end with CRLF");
	}
	if (in.len >= LMTP_LINE_MAX) {
		*used = in.len;
		lmtp_reply(s, "500 5.5.2 Line too long, closing");
		s->state = LMTP_STATE_CLOSED;
		return WANT_CLOSE;
	}
	*used = 0;
	return WANT_INPUT;
}

static enum want session_input(struct engine *e, struct slice in, size_t *used)
{
	struct lmtp_session *s = session_of(e);
	enum want want;

	*used = 0;
	switch (s->state) {
	case LMTP_STATE_DATA:
		want = lmtp_data_input(s, in, used);
		break;
	case LMTP_STATE_CHUNK:
		want = lmtp_chunk_input(s, in, used);
		break;
	case LMTP_STATE_CLOSED:
		*used = in.len;
		want = WANT_CLOSE;
		break;
	default:
		/* with much unread output nothing new is begun: drained() */
		if (e->out.len > ENGINE_OUT_HIGH ||
		    e->requests.len > ENGINE_REQUESTS_HIGH)
			return WANT_INPUT;
		want = line_input(s, in, used);
		break;
	}
	if (*used > 0)
		deadline_set(s);
	return want;
}

static enum want session_reply(struct engine *e, uint32_t id,
			       const struct ipc_message *m, bool last)
{
	struct lmtp_session *s = session_of(e);

	if (id != s->id || s->state == LMTP_STATE_CLOSED)
		return s->on_reply ? WANT_ANSWER
		     : s->state == LMTP_STATE_CLOSED ? WANT_CLOSE : WANT_INPUT;
	deadline_set(s);
	if (m->type == IPC_TYPE_CREDIT) {
		s->uncredited -= m->credit.octets < s->uncredited
					 ? m->credit.octets : s->uncredited;
		return s->on_reply ? WANT_ANSWER : WANT_INPUT;
	}
	if (s->on_reply)
		return s->on_reply(s, m, last);
	/* the body is refused while it still comes */
	if (s->state == LMTP_STATE_DATA || s->state == LMTP_STATE_CHUNK ||
	    s->state == LMTP_STATE_BDAT) {
		s->refusal = LMTP_FAILED;
		s->uncredited = 0;
		if (m->type == IPC_TYPE_LMTP_REPLY)
			snprintf(s->refused_reply, sizeof s->refused_reply,
				 "%u %.*s %.*s", (unsigned)m->lmtp_reply.code,
				 SLICE_ARG(m->lmtp_reply.enhanced),
				 SLICE_ARG(m->lmtp_reply.text));
		else
			snprintf(s->refused_reply, sizeof s->refused_reply,
				 "451 4.3.0 Try again later");
	}
	return WANT_INPUT;
}

static enum want session_event(struct engine *e, const struct ipc_message *m)
{
	struct lmtp_session *s = session_of(e);

	if (m->type == IPC_TYPE_KICK)
		s->is_kicked = true;
	/* a message that is being committed is answered first */
	if (s->is_kicked && s->state != LMTP_STATE_CLOSED &&
	    s->state != LMTP_STATE_END)
		return lmtp_session_goodbye(s);
	return s->on_reply ? WANT_ANSWER
	     : s->state == LMTP_STATE_CLOSED ? WANT_CLOSE : WANT_INPUT;
}

static enum want session_drained(struct engine *e)
{
	struct lmtp_session *s = session_of(e);

	return s->state == LMTP_STATE_CLOSED ? WANT_CLOSE
	     : s->on_reply ? WANT_ANSWER : WANT_INPUT;
}

static enum want session_expired(struct engine *e)
{
	struct lmtp_session *s = session_of(e);

	if (s->state != LMTP_STATE_CLOSED) {
		lmtp_session_reset(s);
		lmtp_reply(s, "421 4.4.2 Timeout, closing");
		s->state = LMTP_STATE_CLOSED;
	}
	return WANT_CLOSE;
}

static enum want session_secured(struct engine *e)
{
	return session_drained(e);
}

static void session_free(struct engine *e)
{
	struct lmtp_session *s = session_of(e);

	dot_reader_free(s->dots);
	buf_free(&s->text);
	buf_free(&s->lhlo);
	buf_free(&e->out);
	buf_free(&e->requests);
	free(s);
}

static const struct engine_ops ops = {
	.input = session_input,
	.reply = session_reply,
	.event = session_event,
	.drained = session_drained,
	.expired = session_expired,
	.secured = session_secured,
	.free = session_free,
};

struct engine *lmtp_session_new(const struct lmtp_settings *settings,
				const struct peer_info *peer, bool is_ours)
{
	struct lmtp_session *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->engine = (struct engine){
		.ops = &ops,
		.peer = peer,
		.out = BUF_INIT(ENGINE_OUT_MAX),
		.requests = BUF_INIT(ENGINE_REQUESTS_MAX),
	};
	s->settings = settings;
	s->is_ours = is_ours;
	s->sid = id_make(ID_SESSION);
	s->lhlo = (struct buf)BUF_INIT(LMTP_LHLO_MAX);
	s->text = (struct buf)BUF_INIT(IPC_PIECE_MAX + 1);
	s->id = 1;
	lmtp_reply_fmt(s, "220 %.255s LMTP Postroom", settings->hostname);
	deadline_set(s);
	return &s->engine;
}
