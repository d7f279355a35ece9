#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "smtpd/milters.h"

/* Octets that go through the dot reader in one step. */
#define STEP	((size_t)16384)

static bool make_reader(struct smtp_session *s)
{
	if (s->reader)
		dot_reader_reset(s->reader);
	else
		s->reader = dot_reader_new();
	return s->reader != NULL;
}

static void refused(struct smtp_session *s)
{
	smtp_reply_passed(s, &s->t.failure);
}

static void go_ahead(struct smtp_session *s)
{
	s->t.begun_ms = s->t.input_ms = clock_ms();
	smtp_enter(s, SMTP_STATE_DATA);
	smtp_reply(s, SMTP_REPLY_SEND_DATA);
}

static void begin_data(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	/* mailboxd may have gone while a check was asked */
	if (t->failure.code) {
		refused(s);
		return;
	}
	if (!make_reader(s))
		smtp_reply(s, SMTP_REPLY_NO_MEMORY);
	else if (s->milters)
		smtp_milters_tell(s, MILTER_DATA);
	else
		go_ahead(s);
}

void smtp_data_told(struct smtp_session *s, const struct smtp_passed *verdict)
{
	/* mailboxd may have gone while milters were told */
	if (verdict && !s->t.failure.code)
		smtp_transaction_fail(s, verdict);
	if (s->state == SMTP_STATE_CHUNK)
		smtp_bdat_told(s);
	else if (s->t.failure.code)
		refused(s);
	else
		go_ahead(s);
}

/* DATA (RFC 5321 section 4.1.1.4). */
void smtp_cmd_data(struct smtp_session *s, struct slice arguments)
{
	struct smtp_transaction *t = &s->t;

	(void)arguments;
	if (t->failure.code)
		refused(s);
	else if (t->rcpt_ok + t->rcpt_had == 0)
		smtp_reply(s, t->rcpt_tried ? SMTP_REPLY_NO_RECIPIENTS
					    : SMTP_REPLY_RCPT_FIRST);
	else
		smtp_gate(s, SMTP_STAGE_DATA, SLICE_EMPTY, begin_data, refused);
}

size_t smtp_data_input(struct smtp_session *s, struct slice in)
{
	char text[STEP + 4];
	struct buf out = { text, 0, sizeof text, sizeof text };
	size_t used = 0;
	enum status st;

	in = slice_head(in, STEP);
	s->t.input_ms = clock_ms();
	st = dot_reader_feed(s->reader, in, &used, &out);
	smtp_transaction_octets(s, buf_slice(&out));
	if (dot_reader_is_spoilt(s->reader))
		smtp_transaction_refuse(s, SMTP_REPLY_TEXT_BARE);
	if (s->t.refusal != SMTP_REPLY_OK || s->t.failure.code) {
		/* what is read of it now only counts for the minimum rate */
		dot_reader_discard(s->reader);
		s->t.octets += used - (used < out.len ? used : out.len);
	}
	if (st == ST_OK || st == ST_SYNTAX) {
		s->command_ms = clock_ms();
		smtp_transaction_end(s);
	} else if (st != ST_MORE) {
		s->trouble = st;
	}
	return used;
}
