#include "imapd/session_priv.h"

void imap_unselect(struct imap_session *s)
{
	const struct ipc_message m = {
		.type = IPC_TYPE_CLOSE,
		.close = { .handle = s->view.handle },
	};

	if (s->state != IMAP_STATE_SELECTED)
		return;
	s->state = IMAP_STATE_AUTHENTICATED;
	imap_session_ask(s, &m, NULL);
	view_clear(&s->view);
}

/* UNSELECT (RFC 3691) */
void imap_cmd_unselect(struct imap_command *c)
{
	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
		return;
	}
	imap_unselect(c->session);
	imap_finish(c, IMAP_OK, NULL, "UNSELECT completed");
}

static void expunged(struct imap_command *c, struct ipc_message *m, bool last)
{
	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
	} else if (last) {
		imap_unselect(c->session);
		imap_finish(c, IMAP_OK, NULL, "CLOSE completed");
	}
}

/* CLOSE (RFC 9051 section 6.4.1): expunges, and nothing is told of it. */
void imap_cmd_close(struct imap_command *c)
{
	const struct ipc_message m = {
		.type = IPC_TYPE_EXPUNGE,
		.expunge = { .handle = imap_view(c)->handle, .uids = SLICE_EMPTY },
	};

	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
	} else if (imap_view(c)->is_read_only) {
		imap_unselect(c->session);
		imap_finish(c, IMAP_OK, NULL, "CLOSE completed");
	} else {
		imap_ask(c, &m, expunged);
	}
}
