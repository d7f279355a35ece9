#include "mailboxd/lmtp_session_priv.h"

#include "common/address.h"

/* LHLO (RFC 2033 section 4.1): forgets what was, tells what there is. */
enum want lmtp_cmd_lhlo(struct lmtp_session *s, struct slice args)
{
	if (args.len == 0 || args.len > LMTP_LHLO_MAX)
		return lmtp_bad_command(s, "501 5.5.4 LHLO needs a name");
	lmtp_session_reset(s);
	buf_free(&s->lhlo);
	if (buf_append(&s->lhlo, args) != ST_OK)
		return lmtp_reply(s, "451 4.3.0 Out of memory");
	lmtp_session_enter(s, LMTP_STATE_READY);
	lmtp_reply_fmt(s, "250-%.255s", s->settings->hostname);
	lmtp_reply(s, "250-PIPELINING");
	lmtp_reply(s, "250-8BITMIME");
	lmtp_reply(s, "250-SMTPUTF8");
	lmtp_reply(s, "250-CHUNKING");
	lmtp_reply(s, "250-ENHANCEDSTATUSCODES");
	lmtp_reply(s, "250-DSN");
	if (s->is_ours)
		lmtp_reply(s, "250-XPOSTROOM 1");
	return lmtp_reply_fmt(s, "250 SIZE %llu",
			      (unsigned long long)s->settings->message_max);
}

enum want lmtp_cmd_rset(struct lmtp_session *s, struct slice args)
{
	(void)args;
	lmtp_session_reset(s);
	if (s->state != LMTP_STATE_CONNECTED)
		lmtp_session_enter(s, LMTP_STATE_READY);
	return lmtp_reply(s, "250 2.0.0 Ok");
}

enum want lmtp_cmd_noop(struct lmtp_session *s, struct slice args)
{
	(void)args;
	return lmtp_reply(s, "250 2.0.0 Ok");
}

enum want lmtp_cmd_vrfy(struct lmtp_session *s, struct slice args)
{
	(void)args;
	return lmtp_reply(s, "252 2.5.0 RCPT will tell");
}

enum want lmtp_cmd_quit(struct lmtp_session *s, struct slice args)
{
	(void)args;
	lmtp_session_reset(s);
	lmtp_session_enter(s, LMTP_STATE_CLOSED);
	lmtp_reply(s, "221 2.0.0 Bye");
	return WANT_CLOSE;
}
