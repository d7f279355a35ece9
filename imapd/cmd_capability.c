#include "imapd/capability.h"
#include "imapd/session_priv.h"

/* CAPABILITY (RFC 9051 section 6.1.1) */
void imap_cmd_capability(struct imap_command *c)
{
	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
		return;
	}
	respond_str(imap_out(c), "* ");
	imap_capability_put(imap_out(c), c->session->settings,
			    IMAP_WHEN_SESSION |
			    (c->session->is_admin ? IMAP_WHEN_ADMIN : 0));
	respond_crlf(imap_out(c));
	imap_finish(c, IMAP_OK, NULL, "CAPABILITY completed");
}
