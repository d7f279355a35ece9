#include "imapd/session_priv.h"

/* LOGOUT (RFC 9051 section 6.1.3). The session ends with its tagged answer. */
void imap_cmd_logout(struct imap_command *c)
{
	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
		return;
	}
	respond_str(imap_out(c), "* BYE Logging out\r\n");
	c->session->state = IMAP_STATE_LOGOUT;
	imap_finish(c, IMAP_OK, NULL, "LOGOUT completed");
}
