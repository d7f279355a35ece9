#include "smtpd/params.h"

#include <stdlib.h>

/* A recipient whose checks are being asked. */
struct smtp_rcpt {
	struct smtp_params params;	/* orcpt stands behind the recipient */
	size_t octets;
	char text[];
};

static enum smtp_reply parse_recipient(struct smtp_session *s,
				       struct slice *text,
				       struct address *recipient)
{
	unsigned flags = ADDRESS_NO_DOMAIN | ADDRESS_UTF8;
	enum status st;

	if (!slice_case_starts(*text, SLICE("TO:")))
		return SMTP_REPLY_RCPT_SYNTAX;
	*text = slice_trim(slice_from(*text, 3));
	st = address_parse_path(text, flags, &s->arena, recipient);
	if (st == ST_NO_MEMORY)
		return SMTP_REPLY_NO_MEMORY;
	if (st != ST_OK || (text->len && text->data[0] != ' '))
		return SMTP_REPLY_RECIPIENT_SYNTAX;
	if (recipient->has_utf8 && !s->t.is_utf8)
		return SMTP_REPLY_RECIPIENT_UTF8;
	return SMTP_REPLY_OK;
}

void smtp_rcpt_free(struct smtp_session *s)
{
	free(s->rcpt);
	s->rcpt = NULL;
	s->about = SLICE_EMPTY;
}

static void checked(struct smtp_session *s)
{
	struct smtp_rcpt *r = s->rcpt;

	smtp_transaction_rcpt(s, slice_of(r->text, r->octets), &r->params);
	smtp_rcpt_free(s);
}

/* It counts as one that does not exist would. */
static void refused(struct smtp_session *s)
{
	unsigned code = smtp_gate_code(s);

	s->t.rcpt_tried++;
	if (s->settings->counts)
		s->settings->counts->refused_recipients++;
	smtp_rcpt_free(s);
	if (code / 100 == 5 && !smtp_is_trusted(s))
		smtp_count_error(s);
}

static void check_rcpt(struct smtp_session *s, struct slice recipient,
		       const struct smtp_params *params)
{
	struct slice orcpt = params->orcpt.data ? params->orcpt : SLICE_EMPTY;
	struct smtp_rcpt *r = malloc(sizeof *r + recipient.len + orcpt.len);

	if (!r) {
		smtp_reply(s, SMTP_REPLY_NO_MEMORY);
		return;
	}
	memcpy(r->text, recipient.data, recipient.len);
	if (orcpt.len)
		memcpy(r->text + recipient.len, orcpt.data, orcpt.len);
	r->octets = recipient.len;
	r->params = *params;
	r->params.orcpt = slice_of(r->text + recipient.len, orcpt.len);
	s->rcpt = r;
	s->about = slice_of(r->text, r->octets);
	smtp_gate_ask(s, SMTP_STAGE_RCPT, s->about, checked, refused);
}

static void take_rcpt(struct smtp_session *s, struct slice arguments)
{
	struct smtp_transaction *t = &s->t;
	struct address recipient;
	struct smtp_params params;
	struct slice bad = SLICE_EMPTY;
	char text[ADDRESS_OCTETS_MAX];
	struct buf rendered = { text, 0, sizeof text, sizeof text };
	struct slice told = slice_head(slice_from(arguments, 3),
				       ADDRESS_OCTETS_MAX);
	unsigned most = s->settings->recipients;
	enum smtp_reply reply = parse_recipient(s, &arguments, &recipient);

	if (reply == SMTP_REPLY_OK)
		reply = smtp_params_parse(s, SMTP_PARAMS_RCPT, arguments, &params,
					  &bad);
	if (reply == SMTP_REPLY_OK &&
	    address_render(&recipient, &rendered) != ST_OK)
		reply = SMTP_REPLY_RECIPIENT_SYNTAX;
	s->about = rendered.len ? buf_slice(&rendered) : told;
	if (reply != SMTP_REPLY_OK) {
		t->rcpt_tried++;
		smtp_reply_with(s, reply, bad);
		return;
	}
	if (most && t->rcpt_ok + t->rcpt_due + t->rcpt_had >= most) {
		smtp_reply_number(s, SMTP_REPLY_TOO_MANY_RECIPIENTS, most);
		smtp_count_empty(s);
		return;
	}
	if (s->gate && !t->failure.code)
		check_rcpt(s, buf_slice(&rendered), &params);
	else
		smtp_transaction_rcpt(s, buf_slice(&rendered), &params);
}

/* RCPT TO:<path> [parameters] (RFC 5321 section 4.1.1.3): mailboxd knows who is
 * local, and its answer is passed on. */
void smtp_cmd_rcpt(struct smtp_session *s, struct slice arguments)
{
	take_rcpt(s, arguments);
	if (!s->rcpt)
		s->about = SLICE_EMPTY;
}
