#include "imapd/session_priv.h"

/* NOOP (RFC 9051 section 6.1.2): the table's news column does the work. */
void imap_cmd_noop(struct imap_command *c)
{
	if (!args_end(&c->args))
		imap_bad(c, "No arguments expected");
	else
		imap_finish(c, IMAP_OK, NULL, "NOOP completed");
}

/* CHECK (RFC 3501 section 6.4.1): mailboxd has no state to put in order. */
void imap_cmd_check(struct imap_command *c)
{
	if (!args_end(&c->args))
		imap_bad(c, "No arguments expected");
	else
		imap_finish(c, IMAP_OK, NULL, "CHECK completed");
}
