/*
 * One mail transaction towards mailboxd, as smtpd/session.h describes the
 * requests: recipients, pieces of the message, and what comes of them.
 */
#include "config.h"

#include "smtpd/transaction_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/date.h"
#include "common/log.h"
#include "smtpd/milters.h"
#include "smtpd/params.h"
#include "smtpd/routed.h"
#include "smtpd/trace_headers.h"

#include <stdio.h>

void smtp_transaction_ask(struct smtp_session *s, struct ipc_message *m)
{
	enum status st = engine_ask(&s->engine, s->t.request, m);

	if (st != ST_OK)
		s->trouble = st;
}

void smtp_passed_keep(struct smtp_passed *passed, unsigned code,
		      struct slice enhanced, struct slice text)
{
	passed->by = NULL;
	passed->code = code;
	snprintf(passed->enhanced, sizeof passed->enhanced, "%.*s",
		 (int)slice_head(enhanced, sizeof passed->enhanced - 1).len,
		 enhanced.data);
	snprintf(passed->text, sizeof passed->text, "%.*s",
		 (int)slice_head(text, sizeof passed->text - 1).len, text.data);
}

void smtp_passed_keep_row(struct smtp_passed *passed, enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);

	smtp_passed_keep(passed, row->code, slice_str(row->enhanced),
			 slice_str(row->text));
}

/* What mailboxd's message says as a reply: whatever is no LMTP_REPLY with a
 * code that makes sense here is a temporary failure. */
void smtp_transaction_keep(struct smtp_passed *passed, const struct ipc_message *m)
{
	const struct ipc_lmtp_reply *r = &m->lmtp_reply;

	if (m->type == IPC_TYPE_LMTP_REPLY && r->code >= 200 && r->code < 600 &&
	    r->code / 100 != 3 && r->code != 421 && r->code != 221)
		smtp_passed_keep(passed, r->code, r->enhanced, r->text);
	else
		smtp_passed_keep_row(passed, SMTP_REPLY_UNAVAILABLE);
}

void smtp_transaction_begin(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	header_filter_clear(&t->filter);
	*t = (struct smtp_transaction){
		.sender = t->sender, .recipient = t->recipient, .piece = t->piece,
		.envid = t->envid, .held = t->held, .authors = t->authors, .denied = t->denied,
		.refusal = SMTP_REPLY_OK, .ends_with_crlf = true,
	};
	t->sender.max = t->recipient.max = ADDRESS_OCTETS_MAX;
	t->envid.max = DSN_ENVID_MAX;
	t->envid.len = 0;
	t->piece.max = IPC_PIECE_MAX;
	smtp_submission_begin(s);
	smtp_routed_free(s);
	loop_clear(&s->loop);
	t->sender.len = t->recipient.len = t->piece.len = 0;
	smtp_gate_begin(s);
}

void smtp_transaction_give_up(struct smtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_ABORT };

	if (s->t.request)
		smtp_transaction_ask(s, &m);
	s->t.request = 0;
}

void smtp_transaction_clear(struct smtp_session *s)
{
	unsigned char digest[DIGEST_OCTETS];

	smtp_transaction_give_up(s);
	if (s->milters)
		smtp_milters_clear(s);
	if (s->t.is_begun && s->digest)
		digest_finish(s->digest, digest);	/* makes it as new */
	buf_free(&s->t.piece);
	s->sender_request = 0;
	s->later.len = 0;
	buf_free(&s->rcpts);
	s->chunk_left = 0;
	smtp_transaction_begin(s);
}

void smtp_transaction_free(struct smtp_session *s)
{
	buf_free(&s->t.sender);
	buf_free(&s->t.recipient);
	buf_free(&s->t.envid);
	buf_free(&s->t.piece);
	header_filter_clear(&s->t.filter);
	smtp_submission_drop(s);
	smtp_routed_free(s);
	loop_clear(&s->loop);
}

/* ---- its end ------------------------------------------------------------------- */

void smtp_transaction_reply_refusal(struct smtp_session *s)
{
	enum smtp_reply refusal = s->t.refusal;

	switch (refusal) {
	case SMTP_REPLY_FROM_DENIED:
		smtp_reply_with(s, refusal, buf_slice(&s->t.denied));
		break;
	case SMTP_REPLY_FROM_MANY:
		smtp_reply_number(s, refusal, SUBMISSION_AUTHORS_MAX);
		break;
	case SMTP_REPLY_LOOP:
		smtp_reply_number(s, refusal, s->settings->hops);
		break;
	case SMTP_REPLY_HEADER_TOO_LARGE:
		smtp_reply_number(s, refusal, SUBMISSION_HEADER_MAX);
		break;
	case SMTP_REPLY_TOO_LARGE:
		smtp_reply_number(s, refusal, s->settings->message_octets);
		break;
	default:
		smtp_reply_number(s, refusal, s->settings->text_line_octets);
	}
}

/* The transaction is over, whatever became of it. */
static void finish(struct smtp_session *s)
{
	s->t.request = 0;
	s->wait = s->wait == SMTP_WAIT_PAUSE ? s->wait : SMTP_WAIT_NONE;
	smtp_transaction_clear(s);
	smtp_forward_clear(s);
	smtp_enter(s, SMTP_STATE_READY);
}

static void log_refused(struct smtp_session *s, unsigned code)
{
	if (s->settings->counts)
		s->settings->counts->refused++;
	log_event("smtp.refused", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_u64("octets", s->t.octets), log_u64("code", code));
}

/* The message is spoilt, by itself or by somebody who was asked: says so. */
static void end_refused(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	log_refused(s, t->refusal != SMTP_REPLY_OK
			? smtp_reply_row(t->refusal)->code : t->failure.code);
	if (t->refusal != SMTP_REPLY_OK)
		smtp_transaction_reply_refusal(s);
	else
		smtp_reply_passed(s, &t->failure);
	finish(s);
}

void smtp_transaction_end_refused(struct smtp_session *s,
				  const struct smtp_passed *passed)
{
	smtp_transaction_refuse(s, SMTP_REPLY_OK);
	if (passed)
		s->t.failure = *passed;
	else
		smtp_passed_keep_row(&s->t.failure, SMTP_REPLY_UNAVAILABLE);
	end_refused(s);
}

void smtp_transaction_end_discarded(struct smtp_session *s)
{
	smtp_transaction_give_up(s);
	log_event("smtp.discarded", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_u64("octets", s->t.octets));
	smtp_reply(s, SMTP_REPLY_OK);
	finish(s);
}

void smtp_transaction_commit(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct ipc_message m = { .type = IPC_TYPE_LMTP_END };

	if (t->refusal != SMTP_REPLY_OK) {
		end_refused(s);
		return;
	}
	smtp_transaction_send_piece(s);
	buf_free(&t->piece);
	m.lmtp_end.digest = slice_of((const char *)t->digest, sizeof t->digest);
	m.lmtp_end.junk = t->is_junk;
	smtp_transaction_ask(s, &m);
	t->end_due = t->rcpt_ok;
	smtp_wait(s, SMTP_WAIT_STORED, s->settings->stored_ms);
}

/* Of a route: whether the server is to hear its end. */
static bool goes_on(struct smtp_session *s, struct slice digest)
{
	struct smtp_passed stored = { .code = 250 };

	switch (smtp_routed_end(s, digest)) {
	case SMTP_ROUTED_STORED:
		smtp_transaction_concluded(s, &stored);
		return false;
	case SMTP_ROUTED_REFUSED:
		smtp_transaction_give_up(s);
		end_refused(s);
		return false;
	default:
		return true;
	}
}

/* Nobody has anything against it: the rest of it goes on, to be committed. */
static void commit(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	/* mailboxd may have gone while a check was asked */
	if (t->failure.code) {
		end_refused(s);
		return;
	}
	digest_finish(s->digest, t->digest);
	t->is_begun = false;
	if (!goes_on(s, slice_of((const char *)t->digest, sizeof t->digest)))
		return;
	/* the store holds lines: BDAT may have left the last one open */
	if (!t->ends_with_crlf)
		smtp_transaction_pass(s, SLICE("\r\n"));
	if (s->milters)
		smtp_milters_content(s);
	else
		smtp_transaction_commit(s);
}

void smtp_transaction_end(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;

	if (t->refusal == SMTP_REPLY_OK && !t->failure.code && !t->is_begun &&
	    smtp_transaction_begin_message(s) != ST_OK)
		smtp_transaction_refuse(s, SMTP_REPLY_NO_MEMORY);
	if (t->refusal == SMTP_REPLY_OK && !t->failure.code)
		header_filter_end(&t->filter, smtp_transaction_filtered, s);
	if (s->listener->has_auth && t->refusal == SMTP_REPLY_OK &&
	    !t->failure.code && !smtp_submission_end(s))
		return;
	if (t->refusal != SMTP_REPLY_OK || t->failure.code)
		end_refused(s);
	else
		smtp_gate(s, SMTP_STAGE_END, SLICE_EMPTY, commit, end_refused);
}

void smtp_transaction_concluded(struct smtp_session *s,
				const struct smtp_passed *reply)
{
	struct smtp_transaction *t = &s->t;

	if (reply->code == 250) {
		crash_point("smtp.before_reply");
		smtp_reply_with(s, SMTP_REPLY_STORED, id_slice(&t->mid));
		if (!t->route)
			buf_append(&s->told, id_slice(&t->mid));
	} else {
		smtp_reply_passed(s, reply);
	}
	if (reply->code == 250)
		s->empty = 0;
	if (reply->code == 250 && s->settings->counts) {
		s->settings->counts->stored++;
		s->settings->counts->stored_octets += t->octets;
	}
	if (reply->code == 250)
		log_event("smtp.stored", log_slice("sid", id_slice(&s->sid)),
			  log_slice("mid", id_slice(&t->mid)),
			  log_u64("octets", t->octets),
			  log_u64("rcpts", t->rcpt_ok), log_u64("code", 250));
	else
		log_refused(s, reply->code);
	finish(s);
}

/*
 * All recipients are answered. One that may work later makes the client send
 * again; one that never will is named only where none was stored. What a route's
 * server says of each, smtpd/route.h has.
 */
static void conclude(struct smtp_session *s)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed reply = { .code = 250 };

	if (t->route) {
		if (!smtp_routed_conclude(s, &reply))
			return;
	} else if (t->temporary) {
		reply = t->end_temporary;
	} else if (!t->stored) {
		reply = t->end_permanent;
	}
	smtp_transaction_concluded(s, &reply);
}

static void take_end_answer(struct smtp_session *s, const struct ipc_message *m,
			    bool last)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed passed;
	unsigned count = last ? t->end_due : 1;

	smtp_transaction_keep(&passed, m);
	smtp_routed_outcome(s, &passed, count);
	t->end_due -= count;
	if (passed.code / 100 == 2) {
		t->stored += count;
	} else if (passed.code / 100 == 4) {
		if (t->temporary == 0)
			t->end_temporary = passed;
		t->temporary += count;
	} else {
		if (t->permanent == 0)
			t->end_permanent = passed;
		t->permanent += count;
	}
	if (t->end_due == 0) {
		t->request = last ? 0 : t->request;
		conclude(s);
	}
}

void smtp_transaction_credit(struct smtp_session *s, uint32_t octets)
{
	size_t *out = &s->t.unacknowledged;

	*out -= octets < *out ? octets : *out;
}

/* Ended by mailboxd in the midst of the data: the rest is read and dropped. */
static void lose_message(struct smtp_session *s, const struct ipc_message *m)
{
	struct smtp_transaction *t = &s->t;

	smtp_transaction_keep(&t->failure, m);
	if (t->failure.code / 100 == 2)
		smtp_passed_keep_row(&t->failure, SMTP_REPLY_UNAVAILABLE);
	t->request = 0;
	t->unacknowledged = 0;
	buf_free(&t->piece);
}

void smtp_transaction_answer(struct smtp_session *s, const struct ipc_message *m,
			     bool last)
{
	struct smtp_transaction *t = &s->t;

	if (smtp_routed_answer(s, m, last))
		return;
	if (s->wait == SMTP_WAIT_RELEASE)
		smtp_release_answer(s, m, last);
	else if (m->type == IPC_TYPE_CREDIT && !last)
		smtp_transaction_credit(s, m->credit.octets);
	else if (t->is_mail_due)
		smtp_transaction_mail_answered(s, m, last);
	else if (t->rcpt_due)
		smtp_transaction_rcpt_answered(s, m, last);
	else if (s->wait == SMTP_WAIT_STORED)
		take_end_answer(s, m, last);
	else if (last)
		lose_message(s, m);
}

void smtp_transaction_expired(struct smtp_session *s)
{
	static const struct ipc_message late = { .type = IPC_TYPE_ERROR };
	struct smtp_transaction *t = &s->t;

	if (smtp_routed_expired(s))
		return;
	smtp_transaction_give_up(s);
	if (t->route && s->wait == SMTP_WAIT_STORED) {
		/* some may have it: that is remembered */
		take_end_answer(s, &late, true);
		return;
	}
	smtp_passed_keep_row(&t->failure, SMTP_REPLY_UNAVAILABLE);
	t->is_mail_due = false;
	if (s->wait == SMTP_WAIT_STORED || s->wait == SMTP_WAIT_RELEASE) {
		smtp_reply_passed(s, &t->failure);
		log_refused(s, t->failure.code);
		finish(s);
		return;
	}
	smtp_transaction_fail_recipients(s);
}
