#include "smtpd/milters.h"
#include "smtpd/params.h"

#include "common/log.h"

/* What is known of mailboxd without asking it; OK: it takes mail. */
static enum smtp_reply backend_reply(const struct smtp_session *s)
{
	/* another server may be the one: the recipients tell */
	if (s->settings->routes)
		return SMTP_REPLY_OK;
	switch (s->settings->backend_state) {
	case ST_OK:
		return SMTP_REPLY_OK;
	case ST_FULL:
		return SMTP_REPLY_STORAGE_FULL;
	default:
		return SMTP_REPLY_UNAVAILABLE;
	}
}

static enum smtp_reply parse_sender(struct smtp_session *s, struct slice *text,
				    struct address *sender)
{
	enum status st;

	if (!slice_case_starts(*text, SLICE("FROM:")))
		return SMTP_REPLY_MAIL_SYNTAX;
	/* many clients put a space behind the colon; it is harmless */
	*text = slice_trim(slice_from(*text, 5));
	st = address_parse_path(text, ADDRESS_NULL | ADDRESS_UTF8, &s->arena,
				sender);
	if (st == ST_NO_MEMORY)
		return SMTP_REPLY_NO_MEMORY;
	if (st != ST_OK || (text->len && text->data[0] != ' '))
		return SMTP_REPLY_SENDER_SYNTAX;
	return SMTP_REPLY_OK;
}

static void accept_sender(struct smtp_session *s)
{
	log_event("smtp.mail", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_slice("client", smtp_client_address(s)),
		  log_slice("user", buf_slice(&s->login)),
		  log_slice("from", buf_slice(&s->t.sender)));
	smtp_enter(s, SMTP_STATE_MAIL);
	smtp_reply(s, SMTP_REPLY_SENDER_OK);
	if (s->milters)
		smtp_milters_tell(s, MILTER_MAIL);
}

/* The sender may be used: whether it is wanted, the checks say. */
static void check_sender(struct smtp_session *s)
{
	s->t.mid = id_make(ID_MESSAGE);
	smtp_gate(s, SMTP_STAGE_MAIL, SLICE_EMPTY, accept_sender,
		  smtp_transaction_clear);
}

/*
 * MAIL FROM:<path> [parameters] (RFC 5321 section 4.1.1.2). It is answered here;
 * mailboxd hears of it with the first recipient.
 */
void smtp_cmd_mail(struct smtp_session *s, struct slice arguments)
{
	struct address sender;
	struct smtp_params params;
	struct slice bad = SLICE_EMPTY;
	uint64_t most = s->settings->message_octets;
	enum smtp_reply reply = parse_sender(s, &arguments, &sender);

	smtp_transaction_clear(s);
	if (reply == SMTP_REPLY_OK &&
	    address_render(&sender, &s->t.sender) != ST_OK)
		reply = SMTP_REPLY_NO_MEMORY;
	if (reply == SMTP_REPLY_OK)
		reply = smtp_params_parse(s, SMTP_PARAMS_MAIL, arguments, &params,
					  &bad);
	if (reply == SMTP_REPLY_OK && sender.has_utf8 && !params.is_utf8)
		reply = SMTP_REPLY_SENDER_UTF8;
	if (reply == SMTP_REPLY_OK)
		reply = backend_reply(s);
	if (reply != SMTP_REPLY_OK) {
		smtp_reply_with(s, reply, bad);
		return;
	}
	if (most && params.size > most) {
		smtp_reply_number(s, SMTP_REPLY_TOO_LARGE, most);
		return;
	}
	s->t.size = params.size;
	s->t.is_8bit = params.is_8bit;
	s->t.is_utf8 = params.is_utf8;
	s->t.ret = params.ret;
	s->t.requires_tls = params.requires_tls;
	/* the report would go back as a whole (RFC 8689 section 5) */
	if (params.requires_tls && params.ret == DSN_RET_FULL)
		s->t.ret = DSN_RET_HDRS;
	buf_append(&s->t.envid, params.envid);
	if (s->listener->has_auth && !sender.is_null &&
	    !smtp_sender_is_known(s, buf_slice(&s->t.sender)))
		smtp_sender_ask(s, buf_slice(&s->t.sender));
	else
		check_sender(s);
}

/* Submission: whether the login may use the sender (RFC 6409 section 6.1). */
void smtp_mail_checked(struct smtp_session *s, enum status st)
{
	if (st == ST_OK) {
		check_sender(s);
		return;
	}
	if (st == ST_DENIED)
		smtp_reply_with(s, SMTP_REPLY_SENDER_DENIED,
				buf_slice(&s->t.sender));
	else
		smtp_reply(s, SMTP_REPLY_UNAVAILABLE);
	smtp_transaction_clear(s);
}
