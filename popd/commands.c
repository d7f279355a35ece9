#include "popd/session_priv.h"

#define IN(name)	(1u << POP_STATE_##name)
#define BEFORE		IN(AUTHORIZATION)
#define AFTER		IN(TRANSACTION)
#define CLEAR		POP_COMMAND_IN_CLEAR
#define WHOLE		POP_COMMAND_ONE_ARGUMENT
#define NONE		POP_COMMAND_NO_ARGUMENTS

/* name, states that allow it, flags, handler: RFC 1939 sections 4 to 7, RFC 2449
 * (CAPA), RFC 2595 (STLS), RFC 1734 (AUTH), RFC 6856 (LANG, UTF8), Dovecot (XCLIENT) */
const struct pop_command pop_commands[] = {
	{ "CAPA", BEFORE | AFTER, CLEAR | NONE,	pop_cmd_capa },
	{ "USER", BEFORE,	WHOLE,		pop_cmd_user },
	{ "PASS", BEFORE,	WHOLE,		pop_cmd_pass },
	{ "AUTH", BEFORE,	0,		pop_cmd_auth },
	{ "APOP", BEFORE,	0,		pop_cmd_apop },
	{ "STLS", BEFORE,	CLEAR | NONE,	pop_cmd_stls },
	{ "LANG", BEFORE | AFTER, CLEAR,	pop_cmd_lang },
	{ "UTF8", BEFORE,	CLEAR | NONE,	pop_cmd_utf8 },
	{ "XCLIENT", BEFORE,	CLEAR,		pop_cmd_xclient },
	{ "STAT", AFTER,	NONE,		pop_cmd_stat },
	{ "LIST", AFTER,	0,		pop_cmd_list },
	{ "UIDL", AFTER,	0,		pop_cmd_uidl },
	{ "RETR", AFTER,	0,		pop_cmd_retr },
	{ "TOP", AFTER,		0,		pop_cmd_top },
	{ "DELE", AFTER,	0,		pop_cmd_dele },
	{ "RSET", AFTER,	NONE,		pop_cmd_rset },
	{ "NOOP", AFTER,	NONE,		pop_cmd_noop },
	{ "QUIT", BEFORE | AFTER, CLEAR | NONE,	pop_cmd_quit },
};
const size_t pop_command_count = sizeof pop_commands / sizeof *pop_commands;

static const struct pop_command *find(struct slice name)
{
	for (size_t i = 0; i < pop_command_count; i++)
		if (slice_case_eq(name, slice_str(pop_commands[i].name)))
			return &pop_commands[i];
	return NULL;
}

/* A browser, or a mail server at the wrong port: ended at its first line. */
static bool is_foreign(struct slice name)
{
	return line_is_http_verb(name) || slice_case_eq(name, SLICE("EHLO")) ||
	       slice_case_eq(name, SLICE("HELO"));
}

void pop_command_line(struct pop_session *s, struct slice line)
{
	size_t end = slice_index(line, ' ');
	const struct pop_command *c = find(slice_head(line, end));
	struct slice arguments = end < line.len ? slice_from(line, end + 1)
						: SLICE_EMPTY;

	/* a password may begin or end with spaces */
	if (!c || !(c->flags & POP_COMMAND_ONE_ARGUMENT))
		arguments = slice_trim(arguments);
	if (!c && s->state == POP_STATE_AUTHORIZATION &&
	    is_foreign(slice_head(line, end)))
		pop_end(s, "This is a POP3 server");
	else if (!c)
		pop_mistake(s, "Unknown command");
	else if (!(c->states & 1u << s->state))
		pop_mistake(s, s->state == POP_STATE_TRANSACTION
				       ? "You are logged in already"
				       : "Log in first");
	else if (!(c->flags & POP_COMMAND_IN_CLEAR) &&
		 s->state == POP_STATE_AUTHORIZATION && !pop_may_login(s))
		pop_err(s, "TLS is required: say STLS first");
	else if (c->flags & POP_COMMAND_NO_ARGUMENTS && arguments.len)
		pop_mistake(s, "This command takes no argument");
	else
		c->run(s, arguments);
}

struct pop_message *pop_message_argument(struct pop_session *s,
					 struct slice argument)
{
	unsigned long long number;
	struct pop_message *message;

	if (!slice_number(argument, UINT32_MAX, &number)) {
		pop_mistake(s, "A message number is wanted");
		return NULL;
	}
	message = maildrop_find(&s->maildrop, number);
	if (!message)
		pop_err(s, "No such message");
	return message;
}
