/* Domains whose mail is ours. Part of store.h. */
#ifndef MAILBOXD_STORE_DOMAIN_H
#define MAILBOXD_STORE_DOMAIN_H

#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tx;

struct store_domain {
	uint64_t id;
	struct slice name;	/* A-labels, lower case */
	struct slice separator;	/* of local part and detail; "": no details */
	struct slice catchall;	/* an address, or "" */
	struct slice postmaster;	/* an address, or "": the first account */
	bool is_configured;	/* from the configuration file */
	uint64_t accounts, aliases;
};

/* name: as typed; id, accounts and aliases are not read. ST_EXISTS, ST_SYNTAX. */
enum status store_domain_add(struct tx *tx, const struct store_domain *domain,
			     uint64_t *id);
/* Changes separator, catchall, postmaster; adds the domain if it is not there.
 * ST_NOT_FOUND: the catch-all or postmaster address is not local. */
enum status store_domain_set(struct tx *tx, const struct store_domain *domain);
/* ST_NOT_FOUND; ST_DENIED: it has accounts. Its aliases go with it. */
enum status store_domain_remove(struct tx *tx, struct slice name);
typedef enum status store_domain_fn(void *arg, const struct store_domain *d);
enum status store_domain_list(struct tx *tx, store_domain_fn *row, void *arg);
enum status store_domain_find(struct tx *tx, struct slice name,
			      struct store_domain *domain);

#endif
