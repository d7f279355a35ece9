/*
 * Logins that went well a short time ago, so that a client that logs in anew
 * for each message costs no PBKDF2. What is kept is an HMAC of login and
 * password under a key of this process, never the password. An entry holds for
 * a minute, and only while no account or password changed.
 */
#ifndef MAILBOXD_LOGINS_H
#define MAILBOXD_LOGINS_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define LOGINS_SLOTS	4096u
#define LOGINS_KEEP_MS	60000
#define LOGIN_NAME_MAX	320

struct logins;

struct login {
	uint64_t account;
	uint64_t credential;	/* that matched */
	uint32_t scopes;	/* enum store_scope */
	char name[LOGIN_NAME_MAX];	/* canonical full address */
	size_t name_octets;
};

struct logins *logins_new(void);
void logins_free(struct logins *l);
/* directory: service.directory. Fills *login. */
bool logins_find(struct logins *l, struct slice name, struct slice password,
		 uint64_t directory, int64_t now_ms, struct login *login);
void logins_keep(struct logins *l, struct slice name, struct slice password,
		 uint64_t directory, int64_t now_ms, const struct login *login);

#endif
