#include "smtpd/session_priv.h"

/* RSET (RFC 5321 section 4.1.1.5). */
void smtp_cmd_rset(struct smtp_session *s, struct slice arguments)
{
	(void)arguments;
	smtp_transaction_clear(s);
	smtp_forward_clear(s);
	if (s->state != SMTP_STATE_CONNECTED)
		smtp_enter(s, SMTP_STATE_READY);
	smtp_reply(s, SMTP_REPLY_OK);
}

/* NOOP may have an argument, which means nothing (section 4.1.1.9). */
void smtp_cmd_noop(struct smtp_session *s, struct slice arguments)
{
	(void)arguments;
	smtp_reply(s, SMTP_REPLY_OK);
}

void smtp_cmd_quit(struct smtp_session *s, struct slice arguments)
{
	(void)arguments;
	smtp_end(s, SMTP_REPLY_BYE);
}

/* "503 5.5.1 Need MAIL first", of the last thing that was refused. */
static void help_refusal(struct smtp_session *s)
{
	const struct smtp_reply_row *row = smtp_reply_row(s->last_refusal);
	char text[256];
	struct buf line = { text, 0, sizeof text, sizeof text };

	if (s->last_refusal == SMTP_REPLY_OK)
		return;
	buf_append_str(&line, "Last refused: ");
	buf_append_u64(&line, row->code);
	buf_append_char(&line, ' ');
	if (row->enhanced[0]) {
		buf_append_str(&line, row->enhanced);
		buf_append_char(&line, ' ');
	}
	buf_append_str(&line, row->text);
	smtp_reply_more(s, SMTP_REPLY_HELP, buf_slice(&line));
}

/* HELP (section 4.1.1.8): what may come next, or how a command is written. */
void smtp_cmd_help(struct smtp_session *s, struct slice arguments)
{
	const struct smtp_command *c;
	char text[256];
	struct buf line = { text, 0, sizeof text, sizeof text };

	if (arguments.len) {
		c = smtp_command_find(arguments);
		if (c)
			smtp_reply_with(s, SMTP_REPLY_HELP, slice_str(c->usage));
		else
			smtp_reply(s, SMTP_REPLY_HELP_UNKNOWN);
		return;
	}
	help_refusal(s);
	buf_append_str(&line, "Now may come:");
	for (size_t i = 0; i < smtp_command_count; i++) {
		c = &smtp_commands[i];
		if (!smtp_command_is_open(s, c))
			continue;
		buf_append_char(&line, ' ');
		buf_append_str(&line, c->name);
	}
	smtp_reply_with(s, SMTP_REPLY_HELP, buf_slice(&line));
}
