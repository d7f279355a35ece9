/* Accounts. Part of store.h. */
#ifndef MAILBOXD_STORE_ACCOUNT_H
#define MAILBOXD_STORE_ACCOUNT_H

#include "common/address.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tx;

struct store_account {
	uint64_t id;
	struct slice name;	/* ann@example.org, as it was made */
	bool is_disabled;
	bool any_password;	/* made on first use */
	uint64_t quota_octets, quota_messages;	/* in force; 0: none */
	uint64_t used_octets, used_messages;
	int64_t created;
};

/* Makes the account with INBOX and its special mailboxes, subscribed.
 * ST_EXISTS; ST_NOT_FOUND: no such domain; ST_SYNTAX: no name for an account. */
enum status store_account_add(struct tx *tx, const struct address *address,
			      uint64_t *id);
/* The account of this address and, where options.first_use, the domain too,
 * made where it is not there. */
enum status store_account_ensure(struct tx *tx, const struct address *address,
				 uint64_t *id);
/* With its mail. ST_NOT_FOUND. */
enum status store_account_remove(struct tx *tx, uint64_t id);
enum status store_account_set_disabled(struct tx *tx, uint64_t id, bool on);
/* UINT64_MAX: back to the default; 0: no limit. */
enum status store_account_set_quota(struct tx *tx, uint64_t id,
				    uint64_t octets, uint64_t messages);
typedef enum status store_account_fn(void *arg, const struct store_account *a);
/* By address. */
enum status store_account_list(struct tx *tx, store_account_fn *row, void *arg);
enum status store_account_get(struct tx *tx, uint64_t id,
			      struct store_account *account);
/* login: the full address in any case, or its bare local part where there is one
 * domain. Aliases do not log in. ST_NOT_FOUND. */
enum status store_account_find(struct tx *tx, struct slice login,
			       struct store_account *account);

/* A login in the form in which accounts are compared, whether there is such an
 * account or not: one form for all that would find the same one. */
enum status store_account_canonical(struct tx *tx, struct slice login,
				    struct slice *key);

#endif
