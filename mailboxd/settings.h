/*
 * What mailboxd takes from the configuration (common/option_rows.h), as it
 * uses it. One struct a generation; a reload makes a new one.
 */
#ifndef MAILBOXD_SETTINGS_H
#define MAILBOXD_SETTINGS_H

#include "common/netset.h"
#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/lmtp_session.h"
#include "mailboxd/store.h"

#include <sys/types.h>

#define SETTINGS_UIDS_MAX 32
#define SETTINGS_ADMINS_MAX 32

struct settings {
	struct store_options store;
	struct lmtp_settings lmtp;
	unsigned quota_warning;		/* percent; 0: no soft limit */
	bool quota_is_temporary;	/* 452 4.2.2 instead of 552 5.2.2 */
	bool any_password;		/* accounts made on first use take any */
	bool keeps_given;		/* lab, test: mailboxd/given.h */
	bool throttle;
	uint32_t rounds;		/* of PBKDF2 */
	unsigned imap_per_account, pop3_per_account;	/* 0: no limit */
	uint64_t body_memory;
	struct greylist_rules greylist;
	bool debug;
	const char *admins[SETTINGS_ADMINS_MAX];	/* addresses; NULL ends them */
	struct netset *trusted;
	/* who may connect beside ourselves and root */
	struct settings_uids {
		uid_t uids[SETTINGS_UIDS_MAX];
		size_t count;
	} ours, lmtp_guests, access;	/* smtpd; others on lmtp.sock; popd imapd */
	struct settings_uids lmtp_links, auth_links;	/* linkd, where it is let in */

	struct config *config;	/* owns the strings above, and the domains */
};

/* ST_SYNTAX with the first mistake in err; ST_NO_MEMORY. */
enum status settings_new(struct slice text, struct settings **settings,
			 struct error *err);
/* The defaults of a profile without any text: for tests. NULL: no memory. */
struct settings *settings_default(void);
void settings_free(struct settings *settings);

/* Whether the account of that name (its full address) is an administrator's. */
bool settings_is_admin(const struct settings *settings, struct slice name);

/* Adds the domains of the configuration to the store, or brings them up to
 * date. In a write transaction. A catch-all or postmaster that is not there
 * (yet) is left out, and logged. */
enum status settings_apply_domains(const struct settings *settings,
				   struct tx *tx);

#endif
