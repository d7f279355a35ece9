#include "mailboxd/lmtp_session_priv.h"

#include "common/address.h"
#include "mailboxd/lmtp_params.h"

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

/* RCPT TO:<path> [NOTIFY=] [ORCPT=] (RFC 5321 section 4.1.1.3, RFC 3461): the
 * store knows who is local. */
enum want lmtp_cmd_rcpt(struct lmtp_session *s, struct slice args)
{
	struct arena arena = ARENA_INIT(LMTP_LINE_MAX);
	struct buf rendered = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };
	const char *reply = "501 5.1.3 Bad recipient address";
	struct slice orcpt;
	unsigned notify;
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
	if (st == ST_OK && args.len > 0 && args.data[0] != ' ')
		st = ST_SYNTAX;
	if (st == ST_OK)
		st = address_render(&to, &rendered);
	if (st == ST_OK)
		st = lmtp_params_rcpt(args, &arena, &notify, &orcpt, &reply);
	if (st == ST_NO_MEMORY) {
		want = lmtp_reply(s, "451 4.3.0 Out of memory");
	} else if (st != ST_OK) {
		want = lmtp_bad_command(s, reply);
	} else {
		s->recipients_asked++;
		m.lmtp_rcpt.recipient = buf_slice(&rendered);
		m.lmtp_rcpt.notify = notify;
		m.lmtp_rcpt.orcpt = orcpt;
		want = lmtp_ask(s, &m, rcpt_answered);
	}
	buf_free(&rendered);
	arena_clear(&arena);
	return want;
}
