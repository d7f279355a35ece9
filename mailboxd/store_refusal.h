/* Mail that was refused. Part of store.h. */
#ifndef MAILBOXD_STORE_REFUSAL_H
#define MAILBOXD_STORE_REFUSAL_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

/* At most so many rows are kept. */
#define STORE_REFUSALS_MAX 100000u

struct store_refusal {
	uint64_t id;		/* of one sequence with the journal's; out */
	int64_t at_ms;
	uint64_t count;		/* above 1: so many more, of which nothing else
				 * was kept than the client */
	struct slice sid, client, helo, login;
	struct slice sender, recipient;	/* as they were told */
	unsigned code;		/* 550 */
	struct slice reason;	/* "5.1.1 No such mailbox" */
};
/* NORMAL. The oldest goes where there are too many. */
enum status store_refusal_add(struct tx *tx, const struct store_refusal *r);
typedef enum status store_refusal_fn(void *arg, const struct store_refusal *r);
/* Those from or to an address (in any spelling that reaches the same), ascending,
 * ids above after and up to until. */
enum status store_refusal_list(struct tx *tx, struct slice address,
			       uint64_t after, uint64_t until,
			       store_refusal_fn *row, void *arg);

#endif
