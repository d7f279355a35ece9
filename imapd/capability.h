/*
 * What CAPABILITY shows: the words of common/protocol_rows.h, each when it holds.
 */
#ifndef IMAPD_CAPABILITY_H
#define IMAPD_CAPABILITY_H

#include "common/engine.h"
#include "imapd/respond.h"
#include "imapd/settings.h"

/* When a word is shown. */
enum imap_capability_when {
	IMAP_WHEN_LOGIN = 1,		/* before the login */
	IMAP_WHEN_SESSION = 2,		/* after it */
	IMAP_WHEN_STARTTLS = 4,		/* before it, where STARTTLS may be used */
	IMAP_WHEN_NO_LOGIN = 8,		/* before it, where TLS must come first */
	IMAP_WHEN_MAY_LOGIN = 16,	/* before it, where a password may come now */
	IMAP_WHEN_SCRAM = 32,		/* as that, where accounts have passwords */
	IMAP_WHEN_PLUS = 64,		/* as that, in TLS that can be bound to */
	IMAP_WHEN_EXTERNAL = 128,	/* as that, after a client certificate */
	IMAP_WHEN_ADMIN = 256,		/* after the login of an administrator */
};

/* What holds before the login: bits of enum imap_capability_when. */
unsigned imap_capability_login(const struct imap_settings *settings,
			       const struct peer_info *peer);
/* "CAPABILITY IMAP4rev1 ...", without end. when: bits, of which a row needs one. */
void imap_capability_put(struct respond *r, const struct imap_settings *settings,
			 unsigned when);

#endif
