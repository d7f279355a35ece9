/* Expunged mail that is still kept. Part of store.h. */
#ifndef MAILBOXD_STORE_EXPUNGED_H
#define MAILBOXD_STORE_EXPUNGED_H

#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tx;

struct store_expunged {
	uint64_t mailbox;
	struct slice name;	/* of the mailbox, as it is or was at its end */
	bool is_mailbox_gone;
	uint32_t uid;		/* that it had */
	int64_t at;		/* when it was expunged */
	uint32_t flags;
	struct slice keywords;
	uint64_t octets, message;
	int64_t internaldate;
	struct slice envelope;
};

struct store_expunged_query {
	uint64_t account;
	struct slice mailbox;	/* name; "": all. There may be several of one name,
				 * of which all but one are gone */
	const struct ranges *uids;	/* that they had; NULL: all */
	int64_t since;		/* expunged at this time or later */
	size_t limit;		/* rows of one call; 0: all */

	uint64_t from_mailbox;	/* cursor; 0, 0 at first */
	uint32_t after_uid;
};
typedef enum status store_expunged_fn(void *arg, const struct store_expunged *e);
/* By mailbox and UID. ST_MORE: limit was reached, call again. */
enum status store_expunged_list(struct tx *tx, struct store_expunged_query *q,
				store_expunged_fn *row, void *arg);

struct store_undelete {
	struct store_expunged_query query;	/* limit and cursor: 0 */
	struct slice into;	/* a mailbox, made where it is not there; "": each
				 * where it was, mailboxes that are gone anew */
	uint64_t messages, octets;	/* out */
};
/* One call a mailbox that got something back: its name, the new UIDs. */
typedef enum status store_undeleted_fn(void *arg, struct slice mailbox,
				       const struct ranges *uids);
/*
 * They come back under new UIDs, all or none, with their flags but \Deleted,
 * keywords, dates and recipients. ST_NOT_FOUND: nothing is kept that the query
 * asks for; ST_QUOTA, ST_LIMIT, ST_SYNTAX.
 */
enum status store_undelete(struct tx *tx, struct store_undelete *undelete,
			   store_undeleted_fn *row, void *arg);

#endif
