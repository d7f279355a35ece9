/*
 * A message that was held for milters goes on to mailboxd: in the transaction
 * that has checked its recipients, or, where milters have changed sender or
 * recipients, in a new one.
 */
#include "smtpd/milters.h"

#include "common/log.h"
#include "smtpd/milter_rcpts.h"
#include "smtpd/routed.h"

/* Recipients that may be without their answer at once. */
#define RCPTS_WAITING	100u
#define STEP		((size_t)8192)

/* ---- the envelope ----------------------------------------------------------------- */

static void send_recipients(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	struct milter_rcpt r;

	while (c->rcpt_waiting < RCPTS_WAITING &&
	       milter_rcpts_first(slice_from(buf_slice(&c->rcpts), c->rcpt_sent), &r)) {
		struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };

		m.lmtp_rcpt.recipient = r.address;
		m.lmtp_rcpt.notify = r.notify;
		m.lmtp_rcpt.orcpt = r.orcpt;
		if (engine_ask(&s->engine, s->t.request, &m) != ST_OK)
			s->trouble = ST_LIMIT;
		c->rcpt_sent += r.octets;
		c->rcpt_waiting++;
	}
}

static void reopen(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	smtp_transaction_reopen(s);
	smtp_routed_reopened(s);
	c->is_opened = false;
	c->rcpt_sent = c->rcpt_answered = 0;
	c->rcpt_waiting = 0;
	c->refusal.code = 0;
}

/* ---- the message -------------------------------------------------------------------- */

/* The next octets; false: that was all. */
static bool send_some(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	char piece[STEP];
	struct slice header = slice_from(buf_slice(&c->header.fields),
					 c->released_header);
	uint64_t left = c->body.octets - c->released_body;
	size_t octets = left < sizeof piece ? (size_t)left : sizeof piece;

	if (header.len) {
		header = slice_head(header, STEP);
		c->released_header += header.len;
		smtp_transaction_pass_on(s, header);
		if (c->has_body && c->released_header == c->header.fields.len)
			smtp_transaction_pass_on(s, SLICE("\r\n"));
		return true;
	}
	if (left == 0)
		return false;
	if (held_read(&c->body, c->released_body, piece, octets) != ST_OK) {
		log_warning("milter.spool", log_slice("sid", id_slice(&s->sid)),
			    log_status(ST_IO),
			    log_u64("errno", (uint64_t)c->set->spool->sys));
		smtp_transaction_refuse(s, SMTP_REPLY_SPOOL_FULL);
		return false;
	}
	c->released_body += octets;
	smtp_transaction_pass_on(s, slice_of(piece, octets));
	return true;
}

static void send_message(struct smtp_session *s)
{
	while (smtp_transaction_has_room(s))
		if (!send_some(s)) {
			s->milters->is_releasing = false;
			s->wait = SMTP_WAIT_NONE;
			s->t.is_junk = s->milters->is_junk;
			smtp_transaction_commit(s);
			return;
		}
}

void smtp_release(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	c->is_releasing = true;
	c->released_header = 0;
	c->released_body = 0;
	c->is_opened = true;
	/* the transaction may be over: milters can take longer than mailboxd lives */
	if (c->is_changed || !s->t.request || s->t.failure.code)
		reopen(s);
	smtp_wait(s, SMTP_WAIT_RELEASE, s->settings->stored_ms);
	if (c->is_opened)
		send_message(s);
}

/* ---- what mailboxd says --------------------------------------------------------------- */

/* A recipient was answered; they are in their order. */
static void take_recipient_answer(struct smtp_session *s,
				  const struct smtp_passed *passed)
{
	struct smtp_milters *c = s->milters;
	struct milter_rcpt r;

	c->rcpt_waiting--;
	if (!milter_rcpts_first(slice_from(buf_slice(&c->rcpts), c->rcpt_answered), &r))
		return;
	c->rcpt_answered += r.octets;
	if (passed->code / 100 == 2)
		smtp_routed_accepted(s, r.address);
}

static void take_envelope_answer(struct smtp_session *s,
				 const struct smtp_passed *passed)
{
	struct smtp_milters *c = s->milters;
	bool is_mail = s->t.is_mail_due;

	s->t.is_mail_due = false;
	if (!is_mail)
		take_recipient_answer(s, passed);
	if (passed->code / 100 == 4 || (is_mail && passed->code / 100 != 2)) {
		smtp_transaction_end_refused(s, passed);
		return;
	}
	if (!is_mail && passed->code / 100 == 2)
		s->t.rcpt_ok++;
	else if (!is_mail && c->refusal.code == 0)
		c->refusal = *passed;
	send_recipients(s);
	if (c->rcpt_waiting)
		return;
	/* one that a milter has added and that does not exist keeps nobody's mail out */
	if (s->t.rcpt_ok == 0) {
		smtp_transaction_end_refused(s, &c->refusal);
		return;
	}
	c->is_opened = true;
	send_message(s);
}

void smtp_release_answer(struct smtp_session *s, const struct ipc_message *m,
			 bool last)
{
	struct smtp_milters *c = s->milters;
	struct smtp_passed passed;

	if (m->type == IPC_TYPE_CREDIT && !last) {
		smtp_transaction_credit(s, m->credit.octets);
		if (c->is_opened)
			send_message(s);
		return;
	}
	smtp_transaction_keep(&passed, m);
	if (last) {
		s->t.request = 0;
		if (passed.code / 100 == 2)
			passed.code = 0;
	}
	if (last || c->is_opened)
		smtp_transaction_end_refused(s, passed.code ? &passed : NULL);
	else
		take_envelope_answer(s, &passed);
}
