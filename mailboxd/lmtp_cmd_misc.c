#include "mailboxd/lmtp_session_priv.h"

#include "common/address.h"
#include "common/protocols.h"

/* A word of common/protocol_rows.h; SIZE is the last one, and shown always. */
static void put_word(struct lmtp_session *s, int id)
{
	const char *word = protocol_capability(id)->word;

	if (id == PROTOCOL_LMTP_SIZE)
		lmtp_reply_fmt(s, "250 %s %llu", word,
			       (unsigned long long)s->settings->message_max);
	else
		lmtp_reply_fmt(s, "250-%s%s", word,
			       id == PROTOCOL_LMTP_XPOSTROOM ? " 1" : "");
}

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
	for (int id = 0; id < PROTOCOL_CAPABILITY_COUNT; id++)
		if (protocol_capability(id)->protocol == PROTOCOL_LMTP &&
		    (id != PROTOCOL_LMTP_XPOSTROOM || s->is_ours))
			put_word(s, id);
	return WANT_INPUT;
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
