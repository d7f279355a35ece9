#include "imapd/session_priv.h"

/* NAMESPACE (RFC 2342, RFC 9051 section 6.3.10): one personal name space. */
void imap_cmd_namespace(struct imap_command *c)
{
	if (!args_end(&c->args)) {
		imap_bad(c, "No arguments expected");
		return;
	}
	respond_str(imap_out(c), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	imap_finish(c, IMAP_OK, NULL, "NAMESPACE completed");
}
