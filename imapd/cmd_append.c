#include "common/ipc_codec.h"
#include "imapd/session_priv.h"

/*
 * APPEND (RFC 9051 section 6.3.12), several messages at once (RFC 3502), each a
 * literal, a literal8 (RFC 3516) or UTF8 (literal8) (RFC 6855 section 4). The
 * command owns the input until its line ends:
 *
 *   HEAD  "[(flags)] [date] {n}" was read -> LITERAL: n octets go on to mailboxd
 *   as it gives credit -> REST: the parser reads up to the end of the line or the
 *   next message's literal -> HEAD again, or the commit.
 *
 * Once it is clear that it fails, the rest is read and dropped, and the answer
 * comes at the end; but a literal that waits for "+" is never asked for.
 */
enum append_stage {
	APPEND_LITERAL,
	APPEND_REST,
	APPEND_COMMITTED,
};

struct append {
	enum append_stage stage;
	uint32_t id;		/* of the request; 0: none, or it was answered */
	unsigned messages;
	uint64_t left;		/* of the literal */
	uint64_t credit;	/* octets mailboxd will take */
	struct slice name, given;	/* the mailbox, and as the client called it */
	bool is_utf8;		/* UTF8 (...): ")" is due behind the literal */
	bool is_binary;		/* a literal8: it may have NULs */
	bool in_header;		/* the literal's, so far */
	bool at_line;		/* it is at the beginning of a line there */
	bool has_failed;
	bool is_bad;		/* malformed: BAD rather than NO */
	struct ipc_error error;	/* what mailboxd said, */
	const char *words;	/* or what we say */
};

static void input(struct imap_command *c, struct slice in, size_t *used);

/* The answer of a command that failed. */
static void finish_failed(struct imap_command *c)
{
	struct append *ap = c->data;

	c->input = NULL;
	if (ap->is_bad)
		imap_bad(c, ap->words);
	else if (ap->words)
		imap_finish(c, IMAP_NO, NULL, ap->words);
	else
		imap_finish_error(c, &ap->error);
}

/* The first reason counts. mailboxd is told to forget what it has. */
static void fail(struct imap_command *c, bool is_bad, const char *words)
{
	struct append *ap = c->data;

	if (ap->has_failed)
		return;
	ap->has_failed = true;
	ap->is_bad = is_bad;
	ap->words = words;
	if (ap->id)
		imap_requests_drop(c->session, c);
	ap->id = 0;
}

static void fail_args(struct imap_command *c)
{
	fail(c, true, c->args.why ? c->args.why
				  : "APPEND wants a mailbox, flags, a date, a literal");
}

/* One more message under the request. Without it the client's octets could not be
 * followed, so the session ends. */
static bool tell(struct imap_command *c, const struct ipc_message *m)
{
	const struct append *ap = c->data;

	if (imap_more(c, ap->id, m))
		return true;
	imap_bye(c->session, "[UNAVAILABLE] Try again later");
	return false;
}

static void append_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct append *ap = c->data;
	struct buf code = BUF_INIT(64 * 1024);
	struct ranges uids = RANGES_INIT(RANGES_MAX);

	switch (m->type) {
	case IPC_TYPE_CREDIT:
		ap->credit += m->credit.octets;
		if (ap->stage == APPEND_LITERAL)
			c->input = input;
		return;
	case IPC_TYPE_APPENDED:
		imap_tell_oldname(c->session, "()", ap->name, ap->given);
		if (m->appended.over_soft)
			imap_tell_soft_quota(c);
		buf_append_fmt(&code, "APPENDUID %u ", m->appended.uidvalidity);
		if (ranges_decode(m->appended.uids, &uids) == ST_OK &&
		    uids.count && numset_render(&uids, &code) == ST_OK)
			imap_finish_code(c, IMAP_OK, buf_slice(&code),
					 "APPEND completed");
		else
			imap_finish(c, IMAP_OK, NULL, "APPEND completed");
		break;
	default:
		if (!last)
			return;
		ap->id = 0;
		ap->has_failed = true;
		ap->error = (struct ipc_error){ .code = ST_UNAVAILABLE,
						.detail = SLICE_EMPTY };
		if (m->type == IPC_TYPE_ERROR) {
			ap->error.code = m->error.code;
			ap->error.detail = arena_copy(&c->arena, m->error.detail);
			if (!ap->error.detail.data)
				ap->error.detail = SLICE_EMPTY;
		}
		/* only the mailbox can be missing (RFC 9051 section 6.3.12) */
		if (ap->error.code == ST_NOT_FOUND)
			ap->error.detail = SLICE("TRYCREATE");
		if (ap->stage == APPEND_COMMITTED)
			finish_failed(c);
		else
			c->input = input;
	}
	buf_free(&code);
	ranges_free(&uids);
}

/* SP [flags SP] [date SP] literal: the text ends in the head of the literal. */
static bool take_head(struct imap_command *c, struct imap_args *a,
		      struct ipc_append_message *m)
{
	struct append *ap = c->data;

	*m = (struct ipc_append_message){ .internaldate = INT64_MIN };
	m->keywords = SLICE_EMPTY;
	if (!args_space(a))
		return false;
	if (args_peek(a) == '(') {
		if (!args_flags(a, false, &m->flags, &m->keywords) || !args_space(a))
			return false;
	}
	if (args_peek(a) == '"') {
		int32_t zone;

		if (!args_date_time(a, &m->internaldate, &zone) || !args_space(a))
			return false;
		m->zone = zone;
	}
	ap->is_utf8 = args_word(a, "UTF8");
	if (ap->is_utf8 && (!args_space(a) || !args_char(a, '(')))
		return false;
	a->why = NULL;
	return args_char(a, '~') || (!ap->is_utf8 && args_peek(a) == '{');
}

/* A message begins. False: the command is finished. */
static bool begin_message(struct imap_command *c, struct imap_args *a)
{
	struct imap_session *s = c->session;
	const struct parser_literal *literal = &s->parser.literal;
	struct ipc_message m = { .type = IPC_TYPE_APPEND_MESSAGE };
	struct append *ap = c->data;

	if (!take_head(c, a, &m.append_message)) {
		c->args.why = a->why;
		fail_args(c);
	} else if (literal->octets > s->settings->message_octets) {
		fail(c, false, "[TOOBIG] Message is too large");
	} else if (literal->octets == 0) {
		fail(c, false, "An empty message: nothing was appended");
	}
	/* RFC 7888: octets beyond any limit are not even read */
	if (!literal->is_sync && literal->octets > s->settings->message_octets) {
		imap_bye(s, "[TOOBIG] Message is too large");
		return false;
	}
	if (ap->has_failed && literal->is_sync) {
		finish_failed(c);
		return false;
	}
	ap->left = literal->octets;
	ap->stage = ap->left ? APPEND_LITERAL : APPEND_REST;
	ap->in_header = ap->at_line = true;
	ap->is_binary = literal->is_binary;
	ap->messages++;
	if (!ap->has_failed) {
		m.append_message.octets = literal->octets;
		m.append_message.binary = literal->is_binary;
		if (!tell(c, &m))
			return false;
	}
	if (literal->is_sync)
		respond_str(imap_out(c), "+ OK\r\n");
	parser_pass(&s->parser);
	return true;
}

/* The line is whole. */
static void commit(struct imap_command *c)
{
	struct append *ap = c->data;
	const struct ipc_message m = {
		.type = IPC_TYPE_APPEND_COMMIT,
		.append_commit.messages = ap->messages,
	};

	ap->stage = APPEND_COMMITTED;
	c->input = NULL;
	if (ap->has_failed)
		finish_failed(c);
	else
		tell(c, &m);
}

/* 8-bit octets in a header are only for clients that have said they know of them
 * (RFC 6855 section 4). */
static void look_at_header(struct imap_command *c, struct slice octets)
{
	const unsigned knows = IMAP_ENABLED_UTF8 | IMAP_ENABLED_REV2;
	struct append *ap = c->data;

	for (size_t i = 0; ap->in_header && i < octets.len; i++) {
		char octet = octets.data[i];

		if ((unsigned char)octet >= 0x80 && !(c->session->enabled & knows))
			fail(c, false, "[CANNOT] 8-bit octets in the header ask for "
				       "ENABLE UTF8=ACCEPT");
		if (octet == '\n' && ap->at_line)
			ap->in_header = false;
		ap->at_line = octet == '\n' || (octet == '\r' && ap->at_line);
	}
}

static void pass_literal(struct imap_command *c, struct slice in, size_t *used)
{
	struct append *ap = c->data;
	struct ipc_message m = { .type = IPC_TYPE_APPEND_DATA };
	size_t n = in.len;

	if (n > ap->left)
		n = (size_t)ap->left;
	if (n > IPC_PIECE_MAX)
		n = IPC_PIECE_MAX;
	if (!ap->has_failed && n > ap->credit)
		n = (size_t)ap->credit;
	*used = n;
	if (n == 0) {
		/* until mailboxd gives credit */
		c->input = NULL;
		return;
	}
	if (!ap->is_binary && memchr(in.data, '\0', n))
		fail(c, true, "A message must not have a NUL");
	look_at_header(c, slice_head(in, n));
	ap->left -= n;
	if (ap->left == 0)
		ap->stage = APPEND_REST;
	if (ap->has_failed)
		return;
	ap->credit -= n;
	m.append_data.octets = slice_head(in, n);
	tell(c, &m);
}

/* Behind a literal: the end of the line, or one more message. */
static void feed_rest(struct imap_command *c, struct slice in, size_t *used)
{
	struct imap_session *s = c->session;
	struct append *ap = c->data;
	struct parser *p = &s->parser;
	struct imap_args a = { .arena = &c->arena, .takes_8bit = true };

	switch (parser_feed(p, in, used)) {
	case PARSER_MORE:
		break;
	case PARSER_COMMAND:
		if (!slice_eq(buf_slice(&p->text), ap->is_utf8 ? SLICE(")") : SLICE_EMPTY))
			fail(c, true, "Nothing more expected behind the message");
		parser_next(p);
		commit(c);
		break;
	case PARSER_LITERAL:
		a.rest = buf_slice(&p->text);
		if (ap->is_utf8 && !args_char(&a, ')'))
			fail(c, true, "UTF8 is not closed");
		begin_message(c, &a);
		break;
	case PARSER_BAD:
	case PARSER_TOO_BIG:
		fail(c, true, "Malformed line");
		parser_next(p);
		commit(c);
		break;
	case PARSER_END:
		imap_bye(s, "[TOOBIG] Command is too long");
		break;
	case PARSER_NO_MEMORY:
		imap_bye(s, "[UNAVAILABLE] Out of memory");
		break;
	}
}

static void input(struct imap_command *c, struct slice in, size_t *used)
{
	const struct append *ap = c->data;

	if (ap->stage == APPEND_LITERAL)
		pass_literal(c, in, used);
	else
		feed_rest(c, in, used);
}

void imap_cmd_append(struct imap_command *c)
{
	struct imap_session *s = c->session;
	struct ipc_message m = { .type = IPC_TYPE_APPEND };
	struct append *ap = arena_alloc(&c->arena, sizeof *ap);
	struct imap_args *a = &c->args;

	if (!ap) {
		imap_bye(s, "[UNAVAILABLE] Out of memory");
		return;
	}
	c->data = ap;
	ap->credit = IPC_CREDIT_FIRST;
	/* a literal that was not announced cannot follow: the line was whole */
	if (!c->has_message) {
		imap_bad(c, "APPEND wants a mailbox, flags, a date, a literal");
		return;
	}
	if (!args_space(a) || !args_mailbox(a, &m.append.name)) {
		fail_args(c);
	} else {
		ap->name = m.append.name;
		ap->given = a->given;
		ap->id = imap_ask(c, &m, append_step);
		if (!ap->id) {
			/* its literal could not be told from a command */
			imap_bye(s, "[UNAVAILABLE] Try again later");
			return;
		}
	}
	/* messages for the selected mailbox are told with the answer */
	if (s->view.handle && m.append.name.data &&
	    slice_eq(m.append.name, slice_str(s->view.name)))
		c->news = IMAP_NEWS_FRESH;
	if (begin_message(c, a))
		c->input = input;
}
