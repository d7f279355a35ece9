#include "imapd/session_priv.h"
#include "imapd/status_items.h"

static void status_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	const unsigned *items = c->data;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_MAILBOX)
		status_items_put(imap_out(c), *items, &m->mailbox,
				 c->session->settings->message_octets);
	if (last)
		imap_finish(c, IMAP_OK, NULL, "STATUS completed");
}

/* STATUS (RFC 9051 section 6.3.11) */
void imap_cmd_status(struct imap_command *c)
{
	struct ipc_message m = { .type = IPC_TYPE_STATUS };
	unsigned *items = arena_alloc(&c->arena, sizeof *items);

	c->data = items;
	if (!items)
		imap_finish_short(c);
	else if (!args_space(&c->args) || !args_mailbox(&c->args, &m.status.name) ||
		 !args_space(&c->args) || !status_items_take(&c->args, items) ||
		 !args_end(&c->args))
		imap_bad_args(c, "STATUS wants a mailbox and a list of items");
	else if (imap_ask(c, &m, status_step) && status_items_use_modseq(*items))
		imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
}
