#include "smtpd/milters.h"

#include "common/protocols.h"
#include "smtpd/told_client.h"

static void value_size(const struct smtp_session *s, struct buf *out)
{
	buf_append_char(out, ' ');
	buf_append_u64(out, s->settings->message_octets);
}

static void value_auth(const struct smtp_session *s, struct buf *out)
{
	struct peer_info peer = smtp_login_peer(s);

	sasl_list(s->settings->has_scram, &peer, " ", "", out);
}

/* On port 25 nothing could carry a report out. */
static bool is_submission(const struct smtp_session *s)
{
	return s->listener->has_auth;
}

/* Mail goes on over a Unix socket, or as it came in. */
static bool is_tls(const struct smtp_session *s)
{
	return s->engine.peer->tls_version != NULL;
}

static bool has_limits(const struct smtp_session *s)
{
	return s->settings->recipients != 0;
}

static void value_limits(const struct smtp_session *s, struct buf *out)
{
	buf_append_str(out, " RCPTMAX=");
	buf_append_u64(out, s->settings->recipients);
}

static void value_xclient(const struct smtp_session *s, struct buf *out)
{
	(void)s;
	told_client_words(TOLD_XCLIENT, out);
}

static void value_xforward(const struct smtp_session *s, struct buf *out)
{
	(void)s;
	told_client_words(TOLD_XFORWARD, out);
}

/* What is behind a word of common/protocol_rows.h: when it holds (NULL: always), and
 * what follows it. */
static const struct shown {
	bool (*is_shown)(const struct smtp_session *s);
	void (*value)(const struct smtp_session *s, struct buf *out);
} shown[PROTOCOL_CAPABILITY_COUNT] = {
	[PROTOCOL_SMTP_SIZE] = { NULL, value_size },	/* 0: no limit */
	[PROTOCOL_SMTP_STARTTLS] = { smtp_offers_starttls, NULL },
	[PROTOCOL_SMTP_AUTH] = { smtp_offers_auth, value_auth },
	[PROTOCOL_SMTP_DSN] = { is_submission, NULL },
	[PROTOCOL_SMTP_REQUIRETLS] = { is_tls, NULL },
	[PROTOCOL_SMTP_LIMITS] = { has_limits, value_limits },
	[PROTOCOL_SMTP_XCLIENT] = { smtp_offers_xclient, value_xclient },
	[PROTOCOL_SMTP_XFORWARD] = { smtp_offers_xclient, value_xforward },
};

/* A host name as many clients make it: one token of printable ASCII. What is
 * no domain and no literal is kept, but does not stand in Received. */
static bool is_name(struct slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return text.len > 0 && text.len <= SMTP_HELO_MAX;
}

/* EHLO and HELO end a transaction as RSET does (section 4.1.4). */
static bool greet(struct smtp_session *s, const char *verb,
		  struct slice name, bool is_esmtp)
{
	if (!is_name(name)) {
		smtp_reply_with(s, SMTP_REPLY_HOST_NAME, slice_str(verb));
		return false;
	}
	smtp_transaction_clear(s);
	smtp_forward_clear(s);
	s->helo.len = 0;
	if (buf_append(&s->helo, name) != ST_OK)
		s->trouble = ST_NO_MEMORY;
	s->is_esmtp = is_esmtp;
	smtp_enter(s, SMTP_STATE_READY);
	return true;
}

/* A check said no at once: it was as if nothing had been said (section 4.1.4). */
static void refused(struct smtp_session *s)
{
	s->helo.len = 0;
	smtp_enter(s, SMTP_STATE_CONNECTED);
}

static void answer_helo(struct smtp_session *s)
{
	smtp_reply_with(s, SMTP_REPLY_HELO, slice_str(s->settings->hostname));
	if (s->milters)
		smtp_milters_tell(s, MILTER_HELO);
}

void smtp_cmd_helo(struct smtp_session *s, struct slice arguments)
{
	if (greet(s, "HELO", arguments, false))
		smtp_gate(s, SMTP_STAGE_HELO, SLICE_EMPTY, answer_helo,
			  refused);
}

static bool is_shown(const struct smtp_session *s, int id)
{
	return protocol_capability(id)->protocol == PROTOCOL_SMTP &&
	       (!shown[id].is_shown || shown[id].is_shown(s));
}

static void answer_ehlo(struct smtp_session *s)
{
	char text[128];

	smtp_reply_more(s, SMTP_REPLY_HELO, slice_str(s->settings->hostname));
	for (int id = 0; id < PROTOCOL_CAPABILITY_COUNT; id++) {
		struct buf line = { text, 0, sizeof text, sizeof text };

		if (!is_shown(s, id))
			continue;
		buf_append_str(&line, protocol_capability(id)->word);
		if (shown[id].value)
			shown[id].value(s, &line);
		/* the last one is shown always */
		if (id != PROTOCOL_SMTP_HELP)
			smtp_reply_more(s, SMTP_REPLY_HELO, buf_slice(&line));
		else
			smtp_reply_with(s, SMTP_REPLY_HELO, buf_slice(&line));
	}
	if (s->milters)
		smtp_milters_tell(s, MILTER_HELO);
}

void smtp_cmd_ehlo(struct smtp_session *s, struct slice arguments)
{
	if (greet(s, "EHLO", arguments, true))
		smtp_gate(s, SMTP_STAGE_HELO, SLICE_EMPTY, answer_ehlo, refused);
}
