/* What an account may fill (store_account.c). Part of store.h. */
#ifndef MAILBOXD_STORE_QUOTA_H
#define MAILBOXD_STORE_QUOTA_H

#include "common/status.h"

#include <stdint.h>

struct tx;

struct store_quota {
	uint64_t used_octets, limit_octets;	/* limit 0: none */
	uint64_t used_messages, limit_messages;
};
/* How many mailboxes an account has, and may have. */
enum status store_quota_mailboxes(struct tx *tx, uint64_t account,
				  uint64_t *used, uint64_t *limit);
enum status store_quota(struct tx *tx, uint64_t account,
			struct store_quota *quota);
/* ST_QUOTA if so much more does not fit. */
enum status store_quota_check(struct tx *tx, uint64_t account, uint64_t octets,
			      uint64_t messages);

#endif
