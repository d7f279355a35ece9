#include "imapd/session_priv.h"

/*
 * IDLE (RFC 2177, RFC 9051 section 6.3.13): until the client says DONE, all news
 * are told as they come. dispatch.c tells them while is_idling is set.
 */
struct idle {
	char line[8];		/* what came of the line, as far as it fits */
	size_t len;		/* of the line */
};

static void release(struct imap_command *c)
{
	c->session->is_idling = false;
}

static void line_ends(struct imap_command *c, const struct idle *idle)
{
	struct slice line = slice_of(idle->line, idle->len);

	c->session->is_idling = false;
	c->input = NULL;
	if (slice_case_eq(line, SLICE("DONE\r\n")))
		imap_finish(c, IMAP_OK, NULL, "IDLE terminated");
	else
		imap_bad(c, "DONE expected");
}

static void input(struct imap_command *c, struct slice in, size_t *used)
{
	struct idle *idle = c->data;

	for (*used = 0; *used < in.len;) {
		char octet = in.data[(*used)++];

		if (idle->len < sizeof idle->line)
			idle->line[idle->len++] = octet;
		if (octet == '\n') {
			line_ends(c, idle);
			return;
		}
	}
}

void imap_cmd_idle(struct imap_command *c)
{
	struct imap_session *s = c->session;

	c->data = arena_alloc(&c->arena, sizeof(struct idle));
	if (!c->data) {
		imap_finish_short(c);
		return;
	}
	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
		return;
	}
	c->release = release;
	c->input = input;
	s->is_idling = true;
	respond_str(imap_out(c), "+ idling\r\n");
	/* what happened since the last command, of which no event may come */
	if (s->state == IMAP_STATE_SELECTED)
		imap_news_sync(s);
}
