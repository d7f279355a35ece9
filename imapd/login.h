/*
 * The engine before the login: greeting, CAPABILITY, ID, NOOP, LOGOUT, STARTTLS,
 * AUTHENTICATE, LOGIN, one command at a time. Everything a stranger can reach is
 * in this file, the parser and the argument reader. It knows no mailbox.
 *
 * When the login went well it says so, and session.c puts the engine of
 * session_priv.h in its place.
 */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "common/engine.h"
#include "imapd/settings.h"

struct imap_login;

/* Writes the greeting. e, settings and sid outlive it. NULL: memory is short. */
struct imap_login *imap_login_new(struct engine *e,
				  const struct imap_settings *settings,
				  struct slice sid);
/* Wipes what it held. */
void imap_login_free(struct imap_login *l);

/* The engine's face; what is wanted next. */
enum want imap_login_input(struct imap_login *l, struct slice in, size_t *used);
enum want imap_login_reply(struct imap_login *l, uint32_t id,
			   const struct ipc_message *m, bool last);
enum want imap_login_expired(struct imap_login *l);
enum want imap_login_secured(struct imap_login *l);
enum want imap_login_kick(struct imap_login *l, struct slice reason);

/* The id of its last request: the session's own begin behind it. */
uint32_t imap_login_request(const struct imap_login *l);
/* The login name once it went well, before that an empty slice. Borrowed. */
struct slice imap_login_name(const struct imap_login *l);
/* Whether the account may set quotas, then. */
bool imap_login_is_admin(const struct imap_login *l);

#endif
