/*
 * Greylisting: mailboxd says whether this client may bring this sender's mail to
 * this recipient now (GREYLIST, doc/ipc.md). Callers that only look whether an
 * address exists use the null sender and stop at RCPT: for that one it is asked at
 * DATA, with the first recipient.
 */
#include "smtpd/check_rows.h"
#include "smtpd/session_priv.h"

bool smtp_greylist_is_wanted(const struct smtp_session *s)
{
	return s->settings->greylists && !smtp_is_trusted(s) &&
	       smtp_client_address(s).len > 0;
}

bool smtp_is_guest(const struct smtp_session *s)
{
	return s->login.len == 0;
}

void smtp_greylist_ask(struct smtp_session *s, const struct smtp_check *c,
		       enum smtp_stage stage)
{
	struct ipc_message m = { .type = IPC_TYPE_GREYLIST };
	bool is_null = s->t.sender.len == 0;

	if (is_null != (stage == SMTP_STAGE_DATA)) {
		smtp_check_pass(s, c);
		return;
	}
	m.greylist = (struct ipc_greylist){
		.address = smtp_client_address(s),
		.sender = buf_slice(&s->t.sender),
		.recipient = is_null ? buf_slice(&s->t.recipient)
				     : smtp_gate_recipient(s),
	};
	smtp_check_request(s, c, &m);
}

void smtp_greylist_answer(struct smtp_session *s, const struct smtp_check *c,
			  const struct ipc_message *m, bool last)
{
	char text[24];
	struct buf left = { text, 0, sizeof text, sizeof text };

	if (!last)
		return;
	/* what mailboxd cannot say keeps no mail out */
	if (m->type != IPC_TYPE_DONE || m->done.value == 0) {
		smtp_check_pass(s, c);
		return;
	}
	buf_append_u64(&left, m->done.value);
	smtp_check_say(s, c, SMTP_REPLY_GREYLISTED, buf_slice(&left));
}
