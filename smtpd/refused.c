/* What of a session's replies is told to mailboxd as refused mail (REFUSED). */
#include "smtpd/session_priv.h"

/* The name of a check in front of a reply line. */
#define SMTP_REASON_MAX 600

/* Replies that keep mail out; whatever mailboxd says with 4xx or 5xx does too. */
static const bool refuses[SMTP_REPLY_COUNT] = {
	[SMTP_REPLY_SENDER_SYNTAX] = true,
	[SMTP_REPLY_SENDER_UTF8] = true,
	[SMTP_REPLY_SENDER_DENIED] = true,
	[SMTP_REPLY_RECIPIENT_SYNTAX] = true,
	[SMTP_REPLY_RECIPIENT_UTF8] = true,
	[SMTP_REPLY_TOO_MANY_RECIPIENTS] = true,
	[SMTP_REPLY_FROM_DENIED] = true,
	[SMTP_REPLY_FROM_MISSING] = true,
	[SMTP_REPLY_FROM_MANY] = true,
	[SMTP_REPLY_LOOP] = true,
	[SMTP_REPLY_HEADER_TOO_LARGE] = true,
	[SMTP_REPLY_TOO_LARGE] = true,
	[SMTP_REPLY_TEXT_LINE_TOO_LONG] = true,
	[SMTP_REPLY_TEXT_BARE] = true,
	[SMTP_REPLY_UNAVAILABLE] = true,
	[SMTP_REPLY_STORAGE_FULL] = true,
	[SMTP_REPLY_NO_MEMORY] = true,
};

void smtp_refused(struct smtp_session *s, enum smtp_reply reply,
		  const char *check, struct slice recipient, struct slice line)
{
	struct ipc_message m = { .type = IPC_TYPE_REFUSED };
	char text[SMTP_REASON_MAX];
	struct buf reason = { text, 0, sizeof text, sizeof text };
	unsigned long long code;

	if (!s->settings->tells_refusals || s->state == SMTP_STATE_CLOSED ||
	    (reply != SMTP_REPLY_COUNT && !refuses[reply]) ||
	    s->engine.requests.len > ENGINE_REQUESTS_HIGH || line.len < 6 ||
	    !slice_number(slice_head(line, 3), 999, &code) || code < 400)
		return;
	line = slice_trim(slice_head(slice_from(line, 4), line.len - 6));
	if (check) {
		buf_append_str(&reason, check);
		buf_append_str(&reason, ": ");
		buf_append(&reason, slice_head(line, buf_room(&reason)));
		line = buf_slice(&reason);
	}
	m.refused = (struct ipc_refused){
		.sid = id_slice(&s->sid),
		.address = smtp_origin_address(s),
		.helo = smtp_origin_helo(s),
		.login = buf_slice(&s->login),
		.sender = buf_slice(&s->t.sender),
		.recipient = recipient,
		.code = (uint32_t)code,
		.reason = line,
		.count = 1,
	};
	/* where there is no room for it, it is not worth a session */
	engine_ask(&s->engine, smtp_request_id(s), &m);
}

struct slice smtp_refused_recipient(const struct smtp_session *s)
{
	return s->about.len ? s->about : buf_slice(&s->t.recipient);
}
