/* Aliases, and where mail for an address goes. Part of store.h. */
#ifndef MAILBOXD_STORE_ALIAS_H
#define MAILBOXD_STORE_ALIAS_H

#include "common/address.h"
#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

struct tx;

/*
 * Each target is local: it resolves. ST_NOT_FOUND: it does not, or the domain of
 * the alias is not ours; ST_EXISTS: that target is there already; ST_DENIED: a
 * loop. The error's words name the reason.
 */
enum status store_alias_add(struct tx *tx, const struct address *alias,
			    const struct address *target);
/* target NULL: all of them. ST_NOT_FOUND. */
enum status store_alias_remove(struct tx *tx, const struct address *alias,
			       const struct address *target);
typedef enum status store_alias_fn(void *arg, struct slice alias,
				   struct slice target);
enum status store_alias_list(struct tx *tx, store_alias_fn *row, void *arg);

/* Where mail for one envelope recipient goes. */
struct store_target {
	uint64_t account;
	uint64_t mailbox;	/* the account's INBOX */
	struct slice login;	/* of the account */
	struct slice recipient;	/* canonical envelope recipient: Delivered-To */
	struct slice detail;	/* behind the separator, or "" */
};

#define STORE_TARGETS_MAX 1000

/* One step of an expansion, for people. */
struct store_resolve_step {
	struct slice from;	/* the address looked at */
	const char *how;	/* "alias", "account", "detail", "catch-all",
				 * "postmaster", "first account", "unknown" */
	struct slice to;	/* the address it leads to, or "" */
	unsigned depth;
};
typedef void store_resolve_fn(void *arg, const struct store_resolve_step *step);

/*
 * Expands an envelope recipient: an account or alias of exactly this local part,
 * then the part in front of the separator, then the catch-all; <postmaster> and
 * abuse as issue 2 says. octets: the SIZE that was announced, or 0; UINT64_MAX
 * passes over quota and disabled accounts.
 *
 * ST_OK: *targets (count of them, in the transaction's memory), each account
 * once. ST_NOT_FOUND: unknown, or with options.first_use: make it with
 * store_account_ensure(). ST_DENIED: disabled; ST_QUOTA. step may be NULL.
 */
enum status store_resolve(struct tx *tx, const struct address *address,
			  uint64_t octets, store_resolve_fn *step, void *arg,
			  const struct store_target **targets, size_t *count);
/* Whether the account may send as this address: its own, or an alias that
 * leads to it. ST_DENIED. */
enum status store_may_send_as(struct tx *tx, uint64_t account,
			      const struct address *address);

#endif
