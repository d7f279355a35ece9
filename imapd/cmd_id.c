#include "imapd/id.h"
#include "imapd/session_priv.h"

/* ID (RFC 2971) */
void imap_cmd_id(struct imap_command *c)
{
	if (!imap_id_take(&c->args, NULL)) {
		imap_bad(c, "ID wants a list of fields and values, or NIL");
		return;
	}
	imap_id_put(imap_out(c));
	imap_finish(c, IMAP_OK, NULL, "ID completed");
}
