#include "mailboxd/lmtp_session_priv.h"

#include "common/address.h"

static enum want rcpt_answered(struct lmtp_session *s,
			       const struct ipc_message *m, bool last)
{
	(void)last;
	s->on_reply = NULL;
	if (lmtp_is_good(m)) {
		s->recipients++;
		if (s->state == LMTP_STATE_MAIL)
			lmtp_session_enter(s, LMTP_STATE_RCPT);
	}
	return lmtp_reply_message(s, m);
}

/* RCPT TO:<path> (RFC 5321 section 4.1.1.3): the store knows who is local. No
 * parameter is defined for what is offered here. */
enum want lmtp_cmd_rcpt(struct lmtp_session *s, struct slice args)
{
	struct arena arena = ARENA_INIT(LMTP_LINE_MAX);
	struct buf rendered = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };
	struct address to;
	enum want want;
	enum status st;

	if (!slice_case_starts(args, SLICE("TO:")))
		return lmtp_bad_command(s, "501 5.5.4 RCPT TO:<address>");
	if (s->recipients_asked >= s->settings->recipients_max)
		return lmtp_reply(s, "452 4.5.3 Too many recipients");
	args = slice_trim(slice_from(args, 3));
	st = address_parse_path(&args, ADDRESS_NO_DOMAIN | ADDRESS_UTF8, &arena,
				&to);
	if (st == ST_OK)
		st = address_render(&to, &rendered);
	if (st == ST_NO_MEMORY) {
		want = lmtp_reply(s, "451 4.3.0 Out of memory");
	} else if (st != ST_OK) {
		want = lmtp_bad_command(s, "501 5.1.3 Bad recipient address");
	} else if (slice_trim(args).len > 0) {
		want = lmtp_bad_command(s, "555 5.5.4 Unknown parameter");
	} else {
		s->recipients_asked++;
		m.lmtp_rcpt.recipient = buf_slice(&rendered);
		m.lmtp_rcpt.parameters = SLICE_EMPTY;
		want = lmtp_ask(s, &m, rcpt_answered);
	}
	buf_free(&rendered);
	arena_clear(&arena);
	return want;
}
