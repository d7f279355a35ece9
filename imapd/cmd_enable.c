#include "imapd/session_priv.h"

/* What can be enabled (RFC 5161): word, bits of enum imap_enabled. A word that is
 * not here is passed over, as the RFC says. */
static const struct {
	const char *word;
	unsigned enabled;
} rows[] = {
	{ "QRESYNC",	IMAP_ENABLED_QRESYNC | IMAP_ENABLED_CONDSTORE },
	{ "CONDSTORE",	IMAP_ENABLED_CONDSTORE },	/* RFC 7162 section 3.1 */
	{ "UTF8=ACCEPT", IMAP_ENABLED_UTF8 },		/* RFC 6855 section 3 */
	{ "IMAP4rev2",	IMAP_ENABLED_REV2 },		/* RFC 9051 section 6.3.1 */
};

/* ENABLE (RFC 5161 section 3.1) */
void imap_cmd_enable(struct imap_command *c)
{
	struct imap_args *a = &c->args;
	unsigned enabled = 0, asked = 0;	/* asked: a bit a row */
	struct slice word;

	if (args_end(a)) {
		imap_bad(c, "ENABLE wants capabilities");
		return;
	}
	while (!args_end(a)) {
		if (!args_space(a) || !args_atom(a, &word)) {
			imap_bad_args(c, "Capability expected");
			return;
		}
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (slice_case_eq(word, slice_str(rows[i].word)))
				asked |= 1u << i;
	}
	respond_str(imap_out(c), "* ENABLED");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (asked & 1u << i && rows[i].enabled & ~c->session->enabled) {
			enabled |= rows[i].enabled;
			respond_char(imap_out(c), ' ');
			respond_str(imap_out(c), rows[i].word);
		}
	respond_crlf(imap_out(c));
	imap_enable(c->session, enabled);
	imap_finish(c, IMAP_OK, NULL, "ENABLE completed");
}
