#include "imapd/session_priv.h"

/* COMPRESS (RFC 4978). The connection does it (common/conn.h); until it does,
 * nothing is read and nothing may be said behind the OK. */
void imap_cmd_compress(struct imap_command *c)
{
	struct imap_session *s = c->session;

	if (!args_space(&c->args) || !args_word(&c->args, "DEFLATE") ||
	    !args_end(&c->args)) {
		imap_bad(c, "DEFLATE is what is offered");
	} else if (s->compression != IMAP_COMPRESSION_NONE) {
		imap_bad(c, "[COMPRESSIONACTIVE] DEFLATE is active already");
	} else {
		s->compression = IMAP_COMPRESSION_DUE;
		imap_finish(c, IMAP_OK, NULL, "DEFLATE active");
	}
}
