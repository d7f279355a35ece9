/* Messages whose answer may not have been seen. Part of store.h. */
#ifndef MAILBOXD_STORE_UNTOLD_H
#define MAILBOXD_STORE_UNTOLD_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

/*
 * Messages whose 250 the client may not have seen (store_untold.c; what for:
 * mailboxd/untold.h). Added in the transaction of the delivery; at: Unix
 * seconds. Removing one that is not there is ST_OK.
 */
enum status store_untold_add(struct tx *tx, struct slice mid, struct slice key,
			     int64_t at);
enum status store_untold_remove(struct tx *tx, struct slice mid);
enum status store_untold_expire(struct tx *tx, int64_t before);
typedef enum status store_untold_fn(void *arg, struct slice mid,
				    struct slice key, int64_t at);
/* The oldest first. */
enum status store_untold_list(struct tx *tx, store_untold_fn *row, void *arg);

#endif
