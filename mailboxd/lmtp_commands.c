#include "mailboxd/lmtp_session_priv.h"

#include "common/ipc_codec.h"

#define IN(name)	(1u << LMTP_STATE_##name)
#define OPEN		(IN(READY) | IN(MAIL) | IN(RCPT))
#define ANY		(IN(CONNECTED) | OPEN | IN(BDAT))

enum lmtp_flag {
	LMTP_OURS = 1,		/* only where XPOSTROOM was offered */
	LMTP_NO_ARGS = 2,
};

struct lmtp_command {
	const char *name;
	unsigned states;	/* that allow it */
	unsigned flags;
	lmtp_handler *run;
};

/* BDAT is taken in any state: its octets must be read whatever the answer
 * (RFC 3030 section 2). */
static const struct lmtp_command commands[] = {
	{ "LHLO", ANY,			0,		lmtp_cmd_lhlo },
	{ "MAIL", IN(READY),		0,		lmtp_cmd_mail },
	{ "RCPT", IN(MAIL) | IN(RCPT),	0,		lmtp_cmd_rcpt },
	{ "DATA", IN(MAIL) | IN(RCPT),	LMTP_NO_ARGS,	lmtp_cmd_data },
	{ "BDAT", ANY,			0,		lmtp_cmd_bdat },
	{ "RSET", ANY,			LMTP_NO_ARGS,	lmtp_cmd_rset },
	{ "NOOP", ANY,			0,		lmtp_cmd_noop },
	{ "VRFY", ANY,			0,		lmtp_cmd_vrfy },
	{ "HELP", ANY,			0,		lmtp_cmd_help },
	{ "QUIT", ANY,			LMTP_NO_ARGS,	lmtp_cmd_quit },
	{ "XTELL", IN(READY),		LMTP_OURS,	lmtp_cmd_xtell },
	{ "XDONE", IN(READY),		LMTP_OURS,	lmtp_cmd_xdone },
	{ "XDIGEST", IN(RCPT) | IN(BDAT) | IN(MAIL), LMTP_OURS, lmtp_cmd_xdigest },
};

const char *lmtp_command_name(size_t i)
{
	return i < sizeof commands / sizeof *commands ? commands[i].name : NULL;
}

enum want lmtp_bad_command(struct lmtp_session *s, const char *reply)
{
	enum want want = lmtp_reply(s, reply);

	if (++s->bad_commands < LMTP_BAD_MAX || want != WANT_INPUT)
		return want;
	lmtp_session_reset(s);
	lmtp_reply(s, "421 4.7.0 Too many bad commands, closing");
	s->state = LMTP_STATE_CLOSED;
	return WANT_CLOSE;
}

static bool is_clean(struct slice line)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

enum want lmtp_command(struct lmtp_session *s, struct slice line)
{
	size_t space = slice_index(line, ' ');
	struct slice name = slice_head(line, space);
	struct slice args = slice_trim(slice_from(line, space));

	if (!is_clean(line))
		return lmtp_bad_command(s, "500 5.5.2 Control characters are not allowed");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const struct lmtp_command *c = &commands[i];

		if (!slice_case_eq(name, slice_str(c->name)))
			continue;
		if ((c->flags & LMTP_OURS) && !s->is_ours)
			break;
		if (!(c->states & 1u << s->state))
			return s->state == LMTP_STATE_CONNECTED
				? lmtp_bad_command(s, "503 5.5.1 LHLO first")
				: lmtp_bad_command(s, "503 5.5.1 Not now");
		if ((c->flags & LMTP_NO_ARGS) && args.len > 0)
			return lmtp_bad_command(s, "501 5.5.4 No arguments are allowed");
		return c->run(s, args);
	}
	/* RFC 2033 section 4.1: HELO and EHLO must not be taken */
	if (slice_case_eq(name, SLICE("EHLO")) || slice_case_eq(name, SLICE("HELO")))
		return lmtp_bad_command(s, "500 5.5.1 This is LMTP: say LHLO");
	return lmtp_bad_command(s, "500 5.5.1 Unknown command");
}

enum want lmtp_cmd_help(struct lmtp_session *s, struct slice args)
{
	char words[160];
	size_t n = 0;

	(void)args;
	words[0] = '\0';
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		const char *p = commands[i].name;

		if ((commands[i].flags & LMTP_OURS) && !s->is_ours)
			continue;
		words[n++] = ' ';
		while (*p && n < sizeof words - 1)
			words[n++] = *p++;
		words[n] = '\0';
	}
	return lmtp_reply_fmt(s, "214 2.0.0%s", words);
}
