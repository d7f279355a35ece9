/* Passwords of accounts (store_account.c). Part of store.h. */
#ifndef MAILBOXD_STORE_CREDENTIAL_H
#define MAILBOXD_STORE_CREDENTIAL_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

enum store_scope {
	STORE_SCOPE_SMTP = 1,
	STORE_SCOPE_IMAP = 2,
	STORE_SCOPE_POP3 = 4,
	STORE_SCOPE_ALL = 7,
};

struct store_credential {
	uint64_t id, account;
	struct slice label;	/* "" is the account's own password */
	uint32_t scopes;
	struct slice verifier;	/* opaque to the store */
	int64_t created;
	int64_t last_used;	/* 0: never */
	int64_t expires;	/* 0: never */
};

/* Replaces the one with the same account and label. created is not read. */
enum status store_credential_put(struct tx *tx,
				 const struct store_credential *credential,
				 uint64_t *id);
/* ST_NOT_FOUND. */
enum status store_credential_remove(struct tx *tx, uint64_t account,
				    struct slice label);
/* May be NORMAL. */
enum status store_credential_used(struct tx *tx, uint64_t id, int64_t at);
/* An upgraded verifier for the same password; nothing if it changed since. */
enum status store_credential_upgrade(struct tx *tx, uint64_t id,
				     struct slice from, struct slice to);
typedef enum status store_credential_fn(void *arg,
					const struct store_credential *c);
enum status store_credential_list(struct tx *tx, uint64_t account,
				  store_credential_fn *row, void *arg);

#endif
