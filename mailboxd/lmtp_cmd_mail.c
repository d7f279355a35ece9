#include "mailboxd/lmtp_session_priv.h"

#include "common/address.h"
#include "mailboxd/lmtp_params.h"

static enum want mail_answered(struct lmtp_session *s,
			       const struct ipc_message *m, bool last)
{
	(void)last;
	s->on_reply = NULL;
	if (lmtp_is_good(m))
		lmtp_session_enter(s, LMTP_STATE_MAIL);
	return lmtp_reply_message(s, m);
}

static enum want mail_ask(struct lmtp_session *s,
			  const struct address *sender,
			  const struct lmtp_params *p)
{
	char text[ADDRESS_OCTETS_MAX];
	struct buf rendered = BUF_INIT(sizeof text);
	struct id mid = id_make(ID_MESSAGE);
	struct ipc_message m = { .type = IPC_TYPE_LMTP_MAIL };
	enum want want;

	if (address_render(sender, &rendered) != ST_OK) {
		buf_free(&rendered);
		return lmtp_reply(s, "501 5.1.7 Address too long");
	}
	m.lmtp_mail = (struct ipc_lmtp_mail){
		.sender = buf_slice(&rendered),
		.mid = p->mid.len ? p->mid : id_slice(&mid),
		.sid = p->sid.len ? p->sid : id_slice(&s->sid),
		.address = p->address.data ? p->address : SLICE_EMPTY,
		.helo = p->helo.data ? p->helo : buf_slice(&s->lhlo),
		.login = p->login.data ? p->login : SLICE_EMPTY,
		.tls = p->tls.data ? p->tls : SLICE_EMPTY,
		.octets = p->size,
		.utf8 = p->is_utf8,
		.body = p->is_8bit ? SLICE("8BITMIME") : SLICE_EMPTY,
		.ret = p->ret,
		.envid = p->envid.data ? p->envid : SLICE_EMPTY,
	};
	want = lmtp_ask(s, &m, mail_answered);
	buf_free(&rendered);
	return want;
}

/* MAIL FROM:<path> words (RFC 5321 section 4.1.1.2). */
enum want lmtp_cmd_mail(struct lmtp_session *s, struct slice args)
{
	struct arena arena = ARENA_INIT(4 * LMTP_LINE_MAX);
	struct lmtp_params params;
	struct address sender;
	const char *reply = "501 5.1.7 Bad sender address";
	enum want want;
	enum status st = ST_SYNTAX;

	if (!slice_case_starts(args, SLICE("FROM:")))
		return lmtp_bad_command(s, "501 5.5.4 MAIL FROM:<address>");
	args = slice_trim(slice_from(args, 5));
	st = address_parse_path(&args, ADDRESS_NULL | ADDRESS_UTF8, &arena,
				&sender);
	if (st == ST_OK && args.len > 0 && args.data[0] != ' ')
		st = ST_SYNTAX;
	if (st == ST_OK)
		st = lmtp_params_parse(args, s->is_ours, &arena, &params, &reply);
	if (st == ST_NO_MEMORY)
		want = lmtp_reply(s, "451 4.3.0 Out of memory");
	else if (st != ST_OK)
		want = lmtp_bad_command(s, reply);
	else if (sender.has_utf8 && !params.is_utf8)
		want = lmtp_reply(s, "553 5.6.7 SMTPUTF8 is needed for this address");
	else if (params.size > s->settings->message_max)
		want = lmtp_reply_fmt(s, "552 5.3.4 Message too big, at most %llu octets",
				      (unsigned long long)s->settings->message_max);
	else
		want = mail_ask(s, &sender, &params);
	arena_clear(&arena);
	return want;
}
