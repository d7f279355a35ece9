/* Which addresses a login may use is mailboxd's to say (MAY_SEND); what it
 * allowed once is remembered for the session. */
#include "smtpd/session_priv.h"

bool smtp_sender_is_known(const struct smtp_session *s, struct slice address)
{
	struct slice known = buf_slice(&s->may_send), one;

	while (slice_split(&known, '\n', &one))
		if (one.len && slice_eq(one, address))
			return true;
	return false;
}

/* Exactly as it was written: the comparison of addresses is mailboxd's. */
static void remember(struct smtp_session *s, struct slice address)
{
	if (address.len + 1 > buf_room(&s->may_send))
		s->may_send.len = 0;
	if (buf_append(&s->may_send, address) == ST_OK &&
	    buf_append_char(&s->may_send, '\n') != ST_OK)
		s->may_send.len = 0;
}

void smtp_sender_ask(struct smtp_session *s, struct slice address)
{
	struct ipc_message m = { .type = IPC_TYPE_MAY_SEND };

	m.may_send.login = buf_slice(&s->login);
	m.may_send.address = address;
	s->sender_request = smtp_request_id(s);
	smtp_wait(s, SMTP_WAIT_SENDER, s->settings->backend_ms);
	if (engine_ask(&s->engine, s->sender_request, &m) != ST_OK)
		s->trouble = ST_NO_MEMORY;
}

static void checked(struct smtp_session *s, enum status st)
{
	s->sender_request = 0;
	s->wait = SMTP_WAIT_NONE;
	if (s->state == SMTP_STATE_READY) {
		if (st == ST_OK)
			remember(s, buf_slice(&s->t.sender));
		smtp_mail_checked(s, st);
		return;
	}
	if (st == ST_OK)
		remember(s, slice_head(buf_slice(&s->t.authors),
				       slice_index(buf_slice(&s->t.authors),
						   '\n')));
	smtp_submission_checked(s, st);
}

void smtp_sender_answer(struct smtp_session *s, const struct ipc_message *m,
			bool last)
{
	if (!last)
		return;
	if (m->type == IPC_TYPE_DONE)
		checked(s, ST_OK);
	else if (m->type == IPC_TYPE_ERROR && m->error.code == ST_DENIED)
		checked(s, ST_DENIED);
	else
		checked(s, ST_UNAVAILABLE);
}

void smtp_sender_expired(struct smtp_session *s)
{
	checked(s, ST_UNAVAILABLE);
}
