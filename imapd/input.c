/* The part of session_priv.h about octets from the client. */
#include "common/clock.h"
#include "imapd/session_priv.h"

bool imap_can_read(const struct imap_session *s)
{
	const struct imap_command *owner = s->input_owner;

	if (s->is_ending || s->wants_plus || imap_out_is_full(s) ||
	    s->engine->requests.len > ENGINE_REQUESTS_HIGH)
		return false;
	if (s->pause_until_ms || s->compression == IMAP_COMPRESSION_DUE)
		return false;
	/* what comes next is the owner's, once it runs and wants it */
	if (owner)
		return owner->input != NULL;
	return s->open < IMAP_COMMANDS_MAX && s->open_octets < IMAP_QUEUE_OCTETS;
}

/* What the parser has becomes a command; refused: why it is none. */
static void add(struct imap_session *s, bool has_message, const char *refused)
{
	struct buf text;

	parser_take(&s->parser, &text);
	parser_next(&s->parser);
	if (!imap_command_add(s, &text, has_message, refused)) {
		buf_free(&text);
		imap_bye(s, "[UNAVAILABLE] Out of memory");
	}
}

/* A literal behind the name of an APPEND's mailbox is a message, and goes to
 * mailboxd as it comes; the name itself may be a literal like others. */
static bool is_message(const struct imap_session *s)
{
	struct arena arena = ARENA_INIT(64 * 1024);
	struct imap_args a = {
		.rest = buf_slice(&s->parser.text), .arena = &arena, .takes_8bit = true };
	struct slice word;
	bool is = args_atom(&a, &word) && slice_index(word, '+') == word.len &&
		  args_space(&a) && args_word(&a, "APPEND") && args_space(&a) &&
		  args_astring(&a, &word) && args_space(&a);

	arena_clear(&arena);
	return is;
}

static void literal(struct imap_session *s)
{
	enum parser_event event;

	if (is_message(s)) {
		add(s, true, NULL);
		return;
	}
	event = parser_collect(&s->parser);
	s->wants_plus = event == PARSER_MORE && s->parser.literal.is_sync;
	if (event == PARSER_TOO_BIG)
		add(s, false, "[TOOBIG] Command is too long");
	else if (event == PARSER_END)
		imap_bye(s, "[TOOBIG] Command is too long");
}

static void react(struct imap_session *s, enum parser_event event)
{
	switch (event) {
	case PARSER_COMMAND:
		add(s, false, NULL);
		break;
	case PARSER_LITERAL:
		literal(s);
		break;
	case PARSER_BAD:
		add(s, false, "Malformed line");
		break;
	case PARSER_TOO_BIG:
		add(s, false, "[TOOBIG] Command is too long");
		break;
	case PARSER_END:
		imap_bye(s, "[TOOBIG] Command is too long");
		break;
	case PARSER_NO_MEMORY:
		imap_bye(s, "[UNAVAILABLE] Out of memory");
		break;
	case PARSER_MORE:
		break;
	}
}

void imap_input(struct imap_session *s, struct slice in, size_t *used)
{
	*used = 0;
	s->idle_until_ms = clock_ms() + s->settings->idle_ms;
	while (*used < in.len && imap_can_read(s)) {
		struct slice left = slice_from(in, *used);
		size_t n = 0;

		if (s->input_owner)
			s->input_owner->input(s->input_owner, left, &n);
		else
			react(s, parser_feed(&s->parser, left, &n));
		*used += n;
		imap_advance(s);
		if (n == 0)
			break;
	}
}
