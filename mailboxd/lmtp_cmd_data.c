#include "mailboxd/lmtp_session_priv.h"

#include "common/ipc_codec.h"

static const struct ipc_message abort_it = { .type = IPC_TYPE_LMTP_ABORT };

static const char *const refusals[] = {
	[LMTP_TOO_BIG] = "552 5.3.4 Message too big",
	[LMTP_BAD_LINES] = "554 5.6.0 Bare CR or LF, or NUL",
};

/* ---- octets of a message, from DATA and BDAT alike --------------------------- */

const char *lmtp_refused_reply(const struct lmtp_session *s)
{
	if (s->refusal == LMTP_FAILED)
		return s->refused_reply[0] ? s->refused_reply
					   : "451 4.3.0 Try again later";
	return refusals[s->refusal];
}

void lmtp_refuse(struct lmtp_session *s, enum lmtp_refusal why)
{
	if (s->refusal != LMTP_TAKEN)
		return;
	s->refusal = why;
	engine_ask(&s->engine, s->id, &abort_it);
}

size_t lmtp_window(const struct lmtp_session *s)
{
	if (s->refusal != LMTP_TAKEN)
		return SIZE_MAX;	/* read and forgotten */
	if (s->uncredited >= LMTP_WINDOW ||
	    s->engine.requests.len >= ENGINE_REQUESTS_HIGH)
		return 0;
	return LMTP_WINDOW - s->uncredited;
}

void lmtp_body(struct lmtp_session *s, struct slice octets)
{
	if (octets.len > s->settings->message_max - s->taken)
		lmtp_refuse(s, LMTP_TOO_BIG);
	while (octets.len > 0 && s->refusal == LMTP_TAKEN) {
		struct slice piece = slice_head(octets, IPC_PIECE_MAX);
		struct ipc_message m = {
			.type = IPC_TYPE_LMTP_DATA, .lmtp_data = { piece },
		};

		if (engine_ask(&s->engine, s->id, &m) != ST_OK) {
			s->refused_reply[0] = '\0';
			lmtp_refuse(s, LMTP_FAILED);
			return;
		}
		s->taken += piece.len;
		s->uncredited += piece.len;
		octets = slice_from(octets, piece.len);
	}
}

/* ---- the end: one reply for each accepted recipient (RFC 2033 section 4.2) ----- */

static enum want finish(struct lmtp_session *s)
{
	s->on_reply = NULL;
	lmtp_session_enter(s, LMTP_STATE_READY);
	lmtp_session_reset(s);
	return s->is_kicked ? lmtp_session_goodbye(s) : WANT_INPUT;
}

static enum want end_answered(struct lmtp_session *s,
			      const struct ipc_message *m, bool last)
{
	if (m->type == IPC_TYPE_LMTP_REPLY && s->recipients > 0) {
		s->recipients--;
		lmtp_reply_message(s, m);
	}
	if (!last)
		return WANT_ANSWER;
	/* an ERROR stands for all that were not answered yet */
	for (; s->recipients > 0; s->recipients--)
		lmtp_reply(s, "451 4.3.0 Try again later");
	return finish(s);
}

enum want lmtp_body_end(struct lmtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_END };

	lmtp_session_enter(s, LMTP_STATE_END);
	if (s->refusal != LMTP_TAKEN) {
		const char *reply = lmtp_refused_reply(s);

		for (; s->recipients > 0; s->recipients--)
			lmtp_reply(s, reply);
		return finish(s);
	}
	m.lmtp_end.digest = s->has_digest ? slice_of(s->digest, sizeof s->digest)
					  : SLICE_EMPTY;
	m.lmtp_end.junk = s->is_junk;
	return lmtp_ask(s, &m, end_answered);
}

/* ---- DATA (RFC 5321 section 4.1.1.4) -------------------------------------------- */

enum want lmtp_cmd_data(struct lmtp_session *s, struct slice args)
{
	(void)args;
	if (s->recipients == 0)
		return lmtp_reply(s, "503 5.5.1 No valid recipients");
	if (!s->dots)
		s->dots = dot_reader_new();
	if (!s->dots)
		return lmtp_reply(s, "451 4.3.0 Out of memory");
	dot_reader_reset(s->dots);
	lmtp_session_enter(s, LMTP_STATE_DATA);
	return lmtp_reply(s, "354 End data with <CR><LF>.<CR><LF>");
}

enum want lmtp_data_input(struct lmtp_session *s, struct slice in,
			  size_t *used)
{
	size_t window = lmtp_window(s);
	enum status st;

	in = slice_head(in, window < IPC_PIECE_MAX ? window : IPC_PIECE_MAX);
	if (in.len == 0)
		return WANT_INPUT;
	st = dot_reader_feed(s->dots, in, used, &s->text);
	lmtp_body(s, buf_slice(&s->text));
	s->text.len = 0;
	if (st == ST_LIMIT || st == ST_NO_MEMORY) {
		s->refused_reply[0] = '\0';
		lmtp_refuse(s, LMTP_FAILED);
		dot_reader_discard(s->dots);
		return WANT_INPUT;
	}
	if (s->refusal != LMTP_TAKEN)
		dot_reader_discard(s->dots);
	if (st == ST_MORE)
		return WANT_INPUT;
	if (st == ST_SYNTAX)
		lmtp_refuse(s, LMTP_BAD_LINES);
	return lmtp_body_end(s);
}
