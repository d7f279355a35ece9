#include "smtpd/session_priv.h"

/*
 * VRFY address [SMTPUTF8] (RFC 5321 section 4.1.1.6, RFC 6531 section 3.7.4.2). Where
 * the listener has vrfy, clients that are trusted or logged in are told whether there
 * is such a mailbox; everybody else hears nothing of it (section 7.3), and of a bare
 * name, which could be anybody's, nobody does.
 */

static bool may_ask(const struct smtp_session *s)
{
	return s->listener->vrfy && (s->login.len || smtp_is_trusted(s));
}

/* "<ann@example.org>" or without brackets. */
static enum status parse(struct smtp_session *s, struct slice text,
			 struct address *address)
{
	unsigned flags = ADDRESS_UTF8 | ADDRESS_NO_DOMAIN;
	enum status st;

	if (!slice_starts(text, SLICE("<")))
		return address_parse(text, flags, &s->arena, address);
	st = address_parse_path(&text, flags, &s->arena, address);
	return st == ST_OK && text.len ? ST_SYNTAX : st;
}

static void ask(struct smtp_session *s)
{
	struct ipc_message m = { .type = IPC_TYPE_VERIFY };

	m.verify.address = buf_slice(&s->verified);
	s->verify_request = smtp_request_id(s);
	smtp_wait(s, SMTP_WAIT_VERIFY, s->settings->backend_ms);
	if (engine_ask(&s->engine, s->verify_request, &m) != ST_OK)
		s->trouble = ST_NO_MEMORY;
}

void smtp_cmd_vrfy(struct smtp_session *s, struct slice arguments)
{
	size_t space = slice_index(arguments, ' ');
	bool is_utf8 = slice_case_eq(slice_trim(slice_from(arguments, space)),
				     SLICE("SMTPUTF8"));
	struct slice text = is_utf8 ? slice_head(arguments, space) : arguments;
	struct address address;

	s->verified.len = 0;
	if (text.len == 0)
		smtp_reply(s, SMTP_REPLY_VRFY_SYNTAX);
	else if (!may_ask(s) || slice_index(text, '@') == text.len)
		smtp_reply(s, SMTP_REPLY_VRFY);
	else if (parse(s, text, &address) != ST_OK ||
		 address_render(&address, &s->verified) != ST_OK)
		smtp_reply(s, SMTP_REPLY_RECIPIENT_SYNTAX);
	else if (address.has_utf8)	/* our replies are ASCII */
		smtp_reply(s, is_utf8 ? SMTP_REPLY_VRFY
				      : SMTP_REPLY_RECIPIENT_UTF8);
	else
		ask(s);
}

static void told(struct smtp_session *s, enum smtp_reply reply)
{
	s->verify_request = 0;
	s->wait = SMTP_WAIT_NONE;
	smtp_reply_with(s, reply, buf_slice(&s->verified));
}

void smtp_verify_answer(struct smtp_session *s, const struct ipc_message *m,
			bool last)
{
	if (!last)
		return;
	if (m->type == IPC_TYPE_DONE)
		told(s, SMTP_REPLY_VERIFIED);
	else if (m->type == IPC_TYPE_ERROR && m->error.code == ST_NOT_FOUND)
		told(s, SMTP_REPLY_NOT_VERIFIED);
	else if (m->type == IPC_TYPE_ERROR && m->error.code == ST_DENIED)
		told(s, SMTP_REPLY_VERIFIED_DISABLED);
	else
		told(s, SMTP_REPLY_UNAVAILABLE);
}

void smtp_verify_expired(struct smtp_session *s)
{
	told(s, SMTP_REPLY_UNAVAILABLE);
}
