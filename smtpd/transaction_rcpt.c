/* The recipients of a transaction: MAIL and RCPT towards mailboxd or a route, and
 * their answers. */
#include "config.h"

#include "smtpd/transaction_priv.h"

#include "common/clock.h"
#include "smtpd/milters.h"
#include "smtpd/params.h"
#include "smtpd/routed.h"

#include <stdio.h>

static void open_transaction(struct smtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_MAIL };
	const struct peer_info *peer = s->engine.peer;
	char tls[96] = "";

	if (peer->tls_version)
		snprintf(tls, sizeof tls, "%s %s", peer->tls_version,
			 peer->tls_cipher);
	s->t.request = smtp_request_id(s);
	s->t.is_mail_due = true;
	m.lmtp_mail = (struct ipc_lmtp_mail){
		.sender = buf_slice(&s->t.sender),
		.mid = id_slice(&s->t.mid),
		.sid = id_slice(&s->sid),
		.address = smtp_origin_address(s),
		.helo = smtp_origin_helo(s),
		.login = buf_slice(&s->login),
		.tls = slice_str(tls),
		.octets = s->t.size,
		.utf8 = s->t.is_utf8,
		.body = s->t.is_8bit ? SLICE("8BITMIME") : SLICE_EMPTY,
		.ret = s->t.ret,
		.envid = buf_slice(&s->t.envid),
		.route = s->t.route,
		.requiretls = s->t.requires_tls,
	};
	smtp_transaction_ask(s, &m);
}

void smtp_transaction_reopen(struct smtp_session *s)
{
	smtp_transaction_give_up(s);
	s->t.failure.code = 0;
	s->t.rcpt_ok = 0;
	s->t.unacknowledged = 0;
	s->t.passed_on = 0;
	open_transaction(s);
}

void smtp_transaction_rcpt(struct smtp_session *s, struct slice recipient,
			   const struct smtp_params *params)
{
	struct smtp_transaction *t = &s->t;
	struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };

	const struct smtp_passed *verdict = NULL;

	t->rcpt_tried++;
	if (!smtp_routed_rcpt(s, recipient))
		return;
	if (s->milters && !t->failure.code)
		verdict = smtp_milters_refusal(s, recipient);
	if (t->failure.code || verdict) {
		smtp_reply_passed(s, verdict ? verdict : &t->failure);
		return;
	}
	if (!t->request)
		open_transaction(s);
	m.lmtp_rcpt.recipient = recipient;
	m.lmtp_rcpt.notify = params->notify;
	m.lmtp_rcpt.orcpt = params->orcpt.data ? params->orcpt : SLICE_EMPTY;
	smtp_transaction_ask(s, &m);
	smtp_routed_asked(s, recipient, params->notify);
	if (t->rcpt_tried == 1)
		buf_append(&t->recipient, recipient);
	if (t->rcpt_due == 0)
		t->rcpt_until = clock_ms() + s->settings->backend_ms;
	t->behind[t->rcpt_due++] = 0;
	if (buf_append(&s->rcpts, recipient) == ST_OK)
		buf_append_char(&s->rcpts, '\n');
	if (s->milters)
		smtp_milters_rcpt(s, recipient, params);
}

/* Whom the oldest answer is about. */
static struct slice oldest_rcpt(const struct smtp_session *s)
{
	return slice_head(buf_slice(&s->rcpts),
			  slice_index(buf_slice(&s->rcpts), '\n'));
}

static void drop_oldest_rcpt(struct smtp_session *s)
{
	size_t octets = oldest_rcpt(s).len + 1;

	buf_consume(&s->rcpts, octets < s->rcpts.len ? octets : s->rcpts.len);
	if (s->rcpts.len == 0)
		buf_free(&s->rcpts);
}

/* The answer to the oldest RCPT goes out, and what stood behind it. */
void smtp_transaction_answer_rcpt(struct smtp_session *s,
				  const struct smtp_passed *passed)
{
	struct smtp_transaction *t = &s->t;
	size_t behind = t->behind[0], before = s->replies.len;
	enum status st;

	st = smtp_reply_line(&s->replies, passed->code,
			     slice_str(passed->enhanced),
			     slice_str(passed->text), false);
	smtp_refused(s, SMTP_REPLY_COUNT, passed->by, oldest_rcpt(s),
		     slice_from(buf_slice(&s->replies), before));
	if (passed->code / 100 == 2) {
		smtp_gate_accepted(s, oldest_rcpt(s));
		smtp_routed_accepted(s, oldest_rcpt(s));
		loop_add(&s->loop, oldest_rcpt(s));
	}
	drop_oldest_rcpt(s);
	if (st == ST_OK)
		st = buf_append(&s->replies,
				slice_head(buf_slice(&s->later), behind));
	if (st != ST_OK)
		s->trouble = st;
	buf_consume(&s->later, behind);
	t->rcpt_due--;
	memmove(t->behind, t->behind + 1, t->rcpt_due * sizeof *t->behind);
	t->rcpt_until = clock_ms() + s->settings->backend_ms;
	if (t->rcpt_due == 0 && s->wait == SMTP_WAIT_RCPT)
		s->wait = SMTP_WAIT_NONE;
	if (passed->code / 100 == 2) {
		t->rcpt_ok++;
		smtp_enter(s, SMTP_STATE_RCPT);
		return;
	}
	if (s->settings->counts)
		s->settings->counts->refused_recipients++;
	if (passed->code / 100 == 5 && !smtp_is_trusted(s))
		smtp_count_error(s);
}

/* Nothing more comes of the transaction: what waits is answered with failure. */
void smtp_transaction_fail_recipients(struct smtp_session *s)
{
	struct smtp_passed failure = s->t.failure;

	while (s->t.rcpt_due)
		smtp_transaction_answer_rcpt(s, &failure);
}

void smtp_transaction_mail_answered(struct smtp_session *s, const struct ipc_message *m,
				    bool last)
{
	struct smtp_transaction *t = &s->t;
	struct smtp_passed passed;

	t->is_mail_due = false;
	smtp_transaction_keep(&passed, m);
	if (passed.code / 100 == 2 && !last)
		return;
	if (passed.code / 100 == 2)
		smtp_passed_keep_row(&passed, SMTP_REPLY_UNAVAILABLE);
	t->failure = passed;
	if (!last)
		smtp_transaction_give_up(s);
	t->request = 0;
	smtp_transaction_fail_recipients(s);
}

void smtp_transaction_rcpt_answered(struct smtp_session *s, const struct ipc_message *m,
				    bool last)
{
	struct smtp_passed passed;

	smtp_transaction_keep(&passed, m);
	if (!last && s->milters) {
		smtp_milters_rcpt_answered(s, &passed);
		return;
	}
	if (!last) {
		smtp_transaction_answer_rcpt(s, &passed);
		return;
	}
	/* the connection to mailboxd is gone, whatever was accepted before */
	if (passed.code / 100 == 2)
		smtp_passed_keep_row(&passed, SMTP_REPLY_UNAVAILABLE);
	s->t.failure = passed;
	s->t.request = 0;
	smtp_transaction_fail_recipients(s);
}
