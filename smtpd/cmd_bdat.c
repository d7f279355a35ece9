#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "smtpd/milters.h"

/* A refused chunk is read and dropped, but not without end. */
#define REFUSED_MAX	((uint64_t)1 << 30)

/* "octets [LAST]" (RFC 3030 section 2). */
static bool parse(struct slice text, uint64_t *octets, bool *is_last)
{
	size_t space = slice_index(text, ' ');
	struct slice word = slice_trim(slice_from(text, space));
	unsigned long long number;

	if (!slice_number(slice_head(text, space), UINT64_MAX / 4, &number))
		return false;
	*octets = number;
	*is_last = slice_case_eq(word, SLICE("LAST"));
	return *is_last || word.len == 0;
}

/*
 * Why the chunk cannot be taken; OK: it can. The octets follow in any case, so
 * the usual order of the command table cannot decide it.
 */
static enum smtp_reply obstacle(const struct smtp_session *s)
{
	const struct smtp_transaction *t = &s->t;

	if (s->listener->tls_required && !smtp_is_secure(s))
		return SMTP_REPLY_TLS_FIRST;
	if (s->state == SMTP_STATE_CONNECTED)
		return SMTP_REPLY_EHLO_FIRST;
	if (s->listener->has_auth && s->login.len == 0)
		return SMTP_REPLY_AUTH_FIRST;
	if (s->state == SMTP_STATE_READY)
		return SMTP_REPLY_MAIL_FIRST;
	if (t->rcpt_ok + t->rcpt_had == 0 && !t->failure.code)
		return t->rcpt_tried ? SMTP_REPLY_NO_RECIPIENTS
				     : SMTP_REPLY_RCPT_FIRST;
	return SMTP_REPLY_OK;
}

/* The chunk is all there. */
static void chunk_end(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	s->command_ms = clock_ms();
	if (s->chunk_reply != SMTP_REPLY_OK) {
		smtp_enter(s, s->chunk_from);
		smtp_reply(s, s->chunk_reply);
		return;
	}
	if (s->is_last_chunk) {
		if (t->is_after_cr)
			smtp_transaction_refuse(s, SMTP_REPLY_TEXT_BARE);
		smtp_transaction_end(s);
		return;
	}
	smtp_enter(s, SMTP_STATE_BDAT);
	/* what is wrong is said with each chunk until the last or RSET */
	if (t->failure.code)
		smtp_reply_passed(s, &t->failure);
	else if (t->refusal != SMTP_REPLY_OK)
		smtp_transaction_reply_refusal(s);
	else
		smtp_reply_number(s, SMTP_REPLY_CHUNK_OK, s->chunk_octets);
}

/* What there is to say before the octets come; they follow in any case. */
static void begin_octets(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	uint64_t most = s->settings->message_octets;

	t->input_ms = clock_ms();
	if (s->chunk_reply == SMTP_REPLY_OK && most &&
	    s->chunk_octets > most - (t->octets < most ? t->octets : most))
		smtp_transaction_refuse(s, SMTP_REPLY_TOO_LARGE);
	if ((s->chunk_reply != SMTP_REPLY_OK || t->refusal != SMTP_REPLY_OK) &&
	    s->chunk_left > REFUSED_MAX) {
		smtp_reply_number(s, SMTP_REPLY_TOO_LARGE, most);
		smtp_shut(s);
	} else if (s->chunk_left == 0) {
		chunk_end(s);
	}
}

void smtp_bdat_told(struct smtp_session *s)
{
	begin_octets(s);
}

static void begin_chunk(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	if (s->milters && !t->is_data_told && !t->failure.code &&
	    s->chunk_reply == SMTP_REPLY_OK) {
		t->is_data_told = true;
		smtp_milters_tell(s, MILTER_DATA);
	} else {
		begin_octets(s);
	}
}

void smtp_cmd_bdat(struct smtp_session *s, struct slice arguments)
{
	struct smtp_transaction *t = &s->t;

	if (!parse(arguments, &s->chunk_octets, &s->is_last_chunk)) {
		/* where the next command begins cannot be known */
		smtp_end(s, SMTP_REPLY_BDAT_SYNTAX);
		return;
	}
	s->chunk_left = s->chunk_octets;
	s->chunk_reply = obstacle(s);
	s->chunk_from = s->state;
	if (t->begun_ms == 0)
		t->begun_ms = clock_ms();
	smtp_enter(s, SMTP_STATE_CHUNK);
	/* the first chunk is what DATA is */
	if (s->gate && !t->is_data_checked && !t->failure.code &&
	    s->chunk_reply == SMTP_REPLY_OK) {
		t->is_data_checked = true;
		smtp_gate_ask(s, SMTP_STAGE_DATA, SLICE_EMPTY, begin_chunk,
			      begin_chunk);
	} else {
		begin_chunk(s);
	}
}

/* Lines end with CRLF in chunks too (hostile.md), wherever chunks are cut. */
static bool is_clean(struct smtp_transaction *t, struct slice in)
{
	if (in.len && t->is_after_cr && in.data[0] != '\n')
		return false;
	if (memchr(in.data, '\0', in.len))
		return false;
	for (size_t at = 0; at < in.len; at++) {
		const char *next = memchr(in.data + at, '\n', in.len - at);
		size_t lf = next ? (size_t)(next - in.data) : in.len;
		const char *cr = memchr(in.data + at, '\r', lf - at);
		bool after_cr = lf == 0 ? t->is_after_cr
					: in.data[lf - 1] == '\r';

		if (next && !after_cr)
			return false;
		/* the one CR is that of the line end, or the last octet */
		if (cr && (size_t)(cr - in.data) + 1 != lf)
			return false;
		at = lf;
	}
	if (in.len)
		t->is_after_cr = in.data[in.len - 1] == '\r';
	return true;
}

size_t smtp_chunk_input(struct smtp_session *s, struct slice in)
{
	struct smtp_transaction *t = &s->t;

	in = slice_head(in, s->chunk_left < IPC_PIECE_MAX ? (size_t)s->chunk_left
							  : IPC_PIECE_MAX);
	t->input_ms = clock_ms();
	s->chunk_left -= in.len;
	if (s->chunk_reply == SMTP_REPLY_OK) {
		if (t->refusal == SMTP_REPLY_OK && !is_clean(t, in))
			smtp_transaction_refuse(s, SMTP_REPLY_TEXT_BARE);
		smtp_transaction_octets(s, in);
	}
	if (s->chunk_left == 0)
		chunk_end(s);
	return in.len;
}
