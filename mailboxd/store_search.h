/* SEARCH, and what SORT and THREAD compare (also store_order.c). Part of store.h. */
#ifndef MAILBOXD_STORE_SEARCH_H
#define MAILBOXD_STORE_SEARCH_H

#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct store_access;
struct tx;

struct store_search {
	uint64_t mailbox;
	const struct store_access *as;	/* whose \Seen; NULL: the owner's */
	struct slice program;	/* common/search_program.h, checked */
	int64_t now;		/* for OLDER and YOUNGER */

	uint32_t next_uid;	/* cursor; 0 at first */
	struct ranges *found;	/* out */
	uint64_t modseq;	/* out: highest of what was found */
};
/* Looks for at most slice_ms (0: to the end). ST_MORE: call again. */
enum status store_search(struct tx *tx, struct store_search *s,
			 unsigned slice_ms);

/* What SORT and THREAD compare of one message; texts are mapped (casemap.h), those
 * that were not asked for are empty. */
struct store_order_row {
	uint32_t uid;
	uint64_t size;
	int64_t arrival, sent;	/* without a Date, sent is arrival */
	bool is_reply;		/* or forward (RFC 5256 section 3) */
	struct slice subject;	/* base subject */
	struct slice from, to, cc;	/* STORE_ORDER_SORT, _DISPLAY */
	struct slice display_from, display_to;	/* STORE_ORDER_DISPLAY */
	struct slice message_id, refs;	/* STORE_ORDER_THREAD */
};
typedef enum status store_order_fn(void *arg, const struct store_order_row *row);
enum store_order_what { STORE_ORDER_SORT, STORE_ORDER_DISPLAY, STORE_ORDER_THREAD };
struct store_order {
	uint64_t mailbox;
	const struct ranges *uids;	/* UIDs that are gone are passed over */
	enum store_order_what what;

	uint32_t next_uid;	/* cursor; 0 at first */
};
/* Gives their rows, ascending by UID, for about slice_ms (0: to the end). ST_MORE:
 * call again. */
enum status store_order(struct tx *tx, struct store_order *o, unsigned slice_ms,
			store_order_fn *row, void *arg);

#endif
