#include "smtpd/milters.h"

#define IN(name)	(1u << SMTP_STATE_##name)
#define GREETED		(IN(READY) | IN(MAIL) | IN(RCPT) | IN(BDAT))
#define ANY		(IN(CONNECTED) | GREETED)
#define GREETS		(SMTP_COMMAND_LAST | SMTP_COMMAND_EMPTY)
#define EARLY		(SMTP_COMMAND_BEFORE_TLS | SMTP_COMMAND_BEFORE_AUTH)

static bool has_recipient(const struct smtp_session *s)
{
	return s->state == SMTP_STATE_RCPT || s->state == SMTP_STATE_BDAT;
}

/* name, states that allow it, flags, handler, whether it is useful, usage. In BDAT, between two
 * chunks, RFC 3030 section 2 knows nothing but more chunks and RSET; EHLO, NOOP,
 * QUIT and the like harm nothing. */
const struct smtp_command smtp_commands[] = {
	{ "EHLO", ANY, EARLY | GREETS, smtp_cmd_ehlo, NULL, "EHLO hostname" },
	{ "HELO", ANY, EARLY | GREETS, smtp_cmd_helo, NULL, "HELO hostname" },
	{ "MAIL", IN(READY), 0, smtp_cmd_mail, NULL,
	  "MAIL FROM:<address> [SIZE=octets] [BODY=8BITMIME] [SMTPUTF8]" },
	{ "RCPT", IN(MAIL) | IN(RCPT), SMTP_COMMAND_OVERLAPS, smtp_cmd_rcpt,
	  NULL, "RCPT TO:<address>" },
	{ "DATA", IN(MAIL) | IN(RCPT),
	  SMTP_COMMAND_NO_ARGUMENTS | SMTP_COMMAND_LAST,
	  smtp_cmd_data, has_recipient, "DATA" },
	{ "BDAT", ANY, 0, smtp_cmd_bdat, has_recipient, "BDAT octets [LAST]" },
	{ "AUTH", IN(READY), SMTP_COMMAND_BEFORE_AUTH | SMTP_COMMAND_BETWEEN,
	  smtp_cmd_auth,
	  smtp_offers_auth, "AUTH mechanism [initial-response]" },
	{ "STARTTLS", IN(CONNECTED) | IN(READY),
	  EARLY | SMTP_COMMAND_NO_ARGUMENTS, smtp_cmd_starttls,
	  smtp_offers_starttls, "STARTTLS" },
	{ "XCLIENT", IN(CONNECTED) | IN(READY),
	  EARLY | SMTP_COMMAND_BETWEEN, smtp_cmd_xclient,
	  smtp_offers_xclient, "XCLIENT attribute=value ..." },
	{ "XFORWARD", IN(READY), EARLY | SMTP_COMMAND_BETWEEN, smtp_cmd_xforward,
	  smtp_offers_xclient, "XFORWARD attribute=value ..." },
	{ "RSET", ANY,
	  SMTP_COMMAND_BEFORE_AUTH | SMTP_COMMAND_NO_ARGUMENTS | SMTP_COMMAND_EMPTY,
	  smtp_cmd_rset, NULL, "RSET" },
	{ "NOOP", ANY, EARLY | SMTP_COMMAND_EMPTY, smtp_cmd_noop, NULL, "NOOP" },
	{ "VRFY", ANY, SMTP_COMMAND_EMPTY, smtp_cmd_vrfy, NULL, "VRFY address" },
	{ "HELP", ANY, SMTP_COMMAND_BEFORE_AUTH | SMTP_COMMAND_EMPTY, smtp_cmd_help, NULL,
	  "HELP [command]" },
	{ "QUIT", ANY, EARLY | SMTP_COMMAND_NO_ARGUMENTS, smtp_cmd_quit, NULL,
	  "QUIT" },
};
const size_t smtp_command_count = sizeof smtp_commands / sizeof *smtp_commands;

/* Out of its state: what should have come before it. */
static const struct {
	unsigned states;
	enum smtp_reply reply;
} misplaced[] = {
	{ IN(CONNECTED), SMTP_REPLY_EHLO_FIRST },
	{ IN(READY), SMTP_REPLY_MAIL_FIRST },
	{ IN(BDAT), SMTP_REPLY_BDAT_GOES_ON },
	{ IN(MAIL) | IN(RCPT), SMTP_REPLY_NESTED_MAIL },
};

const struct smtp_command *smtp_command_find(struct slice name)
{
	for (size_t i = 0; i < smtp_command_count; i++)
		if (slice_case_eq(name, slice_str(smtp_commands[i].name)))
			return &smtp_commands[i];
	return NULL;
}

static enum smtp_reply misplaced_reply(const struct smtp_session *s)
{
	for (size_t i = 0; i < sizeof misplaced / sizeof *misplaced; i++)
		if (misplaced[i].states & 1u << s->state)
			return misplaced[i].reply;
	return SMTP_REPLY_UNKNOWN_COMMAND;
}

/* What keeps the command from running now; OK: nothing. */
static enum smtp_reply obstacle(const struct smtp_session *s,
				const struct smtp_command *c,
				struct slice arguments)
{
	if (s->gate && smtp_gate_is_shut(s) && c->run != smtp_cmd_quit)
		return SMTP_REPLY_ONLY_QUIT;
	if (s->listener->tls_required && !smtp_is_secure(s) &&
	    !(c->flags & SMTP_COMMAND_BEFORE_TLS))
		return SMTP_REPLY_TLS_FIRST;
	if (!(c->states & 1u << s->state))
		return c->flags & SMTP_COMMAND_BETWEEN &&
		       s->state != SMTP_STATE_CONNECTED
			? SMTP_REPLY_IN_TRANSACTION : misplaced_reply(s);
	if (s->listener->has_auth && s->login.len == 0 &&
	    !(c->flags & SMTP_COMMAND_BEFORE_AUTH))
		return SMTP_REPLY_AUTH_FIRST;
	if (c->flags & SMTP_COMMAND_NO_ARGUMENTS && arguments.len)
		return SMTP_REPLY_NO_ARGUMENTS;
	return SMTP_REPLY_OK;
}

bool smtp_command_is_open(const struct smtp_session *s,
			  const struct smtp_command *c)
{
	return obstacle(s, c, SLICE_EMPTY) == SMTP_REPLY_OK &&
	       (!c->is_useful || c->is_useful(s));
}

/* RCPTs before it wait: whether the command may run before their answers. Not
 * where these answers and its own could be one mistake too many. */
static bool may_overlap(const struct smtp_session *s,
			const struct smtp_command *c)
{
	unsigned end = s->settings->errors_end;

	return c && c->flags & SMTP_COMMAND_OVERLAPS &&
	       (end == 0 || s->errors + s->t.rcpt_due + 1 < end) &&
	       s->t.rcpt_due < SMTP_RCPT_WAITING_MAX &&
	       s->later.len < SMTP_REPLIES_HIGH / 2;
}

static void run(struct smtp_session *s, const struct smtp_command *c,
		struct slice arguments)
{
	c->run(s, arguments);
	if (c->flags & SMTP_COMMAND_EMPTY)
		smtp_count_empty(s);
}

bool smtp_command_line(struct smtp_session *s, struct slice line)
{
	size_t end = slice_index(line, ' ');
	struct slice name = slice_head(line, end);
	struct slice arguments = slice_trim(slice_from(line, end));
	const struct smtp_command *c = smtp_command_find(name);
	enum smtp_reply reply;

	if (s->t.rcpt_due && !may_overlap(s, c)) {
		s->wait = SMTP_WAIT_RCPT;
		return false;
	}
	s->command = c;
	if (!c && s->state == SMTP_STATE_CONNECTED && line_is_http_verb(name)) {
		smtp_end(s, SMTP_REPLY_NO_HTTP);
		return true;
	}
	if (!c) {
		smtp_reply(s, slice_case_eq(name, SLICE("EXPN"))
				? SMTP_REPLY_NOT_OFFERED
				: SMTP_REPLY_UNKNOWN_COMMAND);
		if (s->milters && s->wait == SMTP_WAIT_NONE)
			smtp_milters_unknown(s, line);
		return true;
	}
	/* the octets of a chunk follow its command, even a refused one */
	reply = c->run == smtp_cmd_bdat ? SMTP_REPLY_OK : obstacle(s, c, arguments);
	if (reply == SMTP_REPLY_OK)
		run(s, c, arguments);
	else
		smtp_reply_with(s, reply, slice_str(c->name));
	arena_clear(&s->arena);
	return true;
}
