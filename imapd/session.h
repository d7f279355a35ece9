/*
 * One IMAP session (RFC 3501, RFC 9051) as a protocol engine: see
 * common/engine.h for the face. Its backend is one connection to mailboxd's
 * store.sock, which AUTH binds to an account.
 *
 * Inside are two engines with one hand-over: what runs before the login
 * (login.h, small) and what runs after it (session_priv.h).
 */
#ifndef IMAPD_SESSION_H
#define IMAPD_SESSION_H

#include "common/engine.h"
#include "imapd/settings.h"

/*
 * A session whose greeting lies in engine->out. settings and peer must outlive
 * it; sid (the session id of the logs) is copied. The caller ends it with
 * engine->ops->free(). NULL when memory is short.
 */
struct engine *imap_session_new(const struct imap_settings *settings,
				const struct peer_info *peer, const char *sid);

/* The login name once AUTH succeeded, else "". For the log and `postroom who`;
 * good until free. */
const char *imap_session_login(const struct engine *e);

#endif
