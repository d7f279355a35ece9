#include "mailboxd/lmtp_session_priv.h"

/* A chunk's octets come right behind the command; beyond this they are not
 * worth reading just to refuse them. */
#define CHUNK_SKIP_MAX (UINT64_C(4) << 30)

static enum want chunk_end(struct lmtp_session *s)
{
	if (s->chunk_void != LMTP_STATE_CHUNK) {
		lmtp_session_enter(s, s->chunk_void);
		if (s->chunk_void == LMTP_STATE_MAIL && s->chunk_is_last) {
			lmtp_session_reset(s);
			lmtp_session_enter(s, LMTP_STATE_READY);
		}
		return lmtp_reply(s, "503 5.5.1 No valid recipients");
	}
	if (s->chunk_is_last)
		return lmtp_body_end(s);
	lmtp_session_enter(s, LMTP_STATE_BDAT);
	if (s->refusal != LMTP_TAKEN)
		return lmtp_reply(s, lmtp_refused_reply(s));
	return lmtp_reply_fmt(s, "250 2.0.0 %llu octets so far",
			      (unsigned long long)s->taken);
}

/* BDAT octets [LAST] (RFC 3030 section 2). */
enum want lmtp_cmd_bdat(struct lmtp_session *s, struct slice args)
{
	struct slice size;
	unsigned long long octets;
	bool last;

	slice_split(&args, ' ', &size);
	args = slice_trim(args.data ? args : SLICE_EMPTY);
	last = slice_case_eq(args, SLICE("LAST"));
	if (!slice_number(size, CHUNK_SKIP_MAX, &octets) ||
	    (args.len > 0 && !last)) {
		/* how much to skip is not known: what follows cannot be
		 * told from commands */
		lmtp_session_reset(s);
		lmtp_reply(s, "501 5.5.4 BDAT octets [LAST], closing");
		s->state = LMTP_STATE_CLOSED;
		return WANT_CLOSE;
	}
	s->chunk_void = s->state == LMTP_STATE_RCPT ||
			s->state == LMTP_STATE_BDAT ? LMTP_STATE_CHUNK
						    : s->state;
	s->chunk_left = octets;
	s->chunk_is_last = last;
	if (s->chunk_void == LMTP_STATE_CHUNK &&
	    octets > s->settings->message_max - s->taken)
		lmtp_refuse(s, LMTP_TOO_BIG);
	lmtp_session_enter(s, LMTP_STATE_CHUNK);
	return octets > 0 ? WANT_INPUT : chunk_end(s);
}

enum want lmtp_chunk_input(struct lmtp_session *s, struct slice in,
			   size_t *used)
{
	bool is_void = s->chunk_void != LMTP_STATE_CHUNK;

	if (!is_void)
		in = slice_head(in, lmtp_window(s));
	in = slice_head(in, s->chunk_left);
	if (in.len == 0)
		return WANT_INPUT;
	if (!is_void)
		lmtp_body(s, in);
	*used = in.len;
	s->chunk_left -= in.len;
	return s->chunk_left > 0 ? WANT_INPUT : chunk_end(s);
}
