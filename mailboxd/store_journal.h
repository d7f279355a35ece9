/* The journal. Part of store.h. */
#ifndef MAILBOXD_STORE_JOURNAL_H
#define MAILBOXD_STORE_JOURNAL_H

#include "common/slice.h"
#include "common/status.h"

#include <stddef.h>
#include <stdint.h>

struct tx;

struct store_journal_row {
	uint64_t id;
	int64_t at_ms;		/* wall clock */
	struct slice mid, sid;
	uint64_t account, mailbox;
	struct slice uids;	/* "4:7,9" or "" */
	struct slice verb;	/* deliver append flags copy move expunge ... */
	struct slice detail;	/* key=value words */
};
/* Adds a row in the name of the actor; verbs above do so themselves. */
enum status store_journal_add(struct tx *tx, const struct store_journal_row *r);
typedef enum status store_journal_fn(void *arg,
				     const struct store_journal_row *row);
struct store_journal_query {
	struct slice mid;	/* "" not asked for */
	uint64_t account;	/* 0 not asked for */
	uint64_t after;		/* ids above this */
	uint64_t until;		/* and up to this; 0: all */
	size_t limit;		/* rows; 0: 1,000 */
};
/* The highest id that a row of the journal or a refusal has; 0: there is none. */
enum status store_journal_last(struct tx *tx, uint64_t *id);
/* Ascending by id. */
enum status store_journal_list(struct tx *tx,
			       const struct store_journal_query *query,
			       store_journal_fn *row, void *arg);
/* Who stood behind a sid, where a row was written in its name. ST_NOT_FOUND. */
enum status store_session_find(struct tx *tx, struct slice sid,
			       struct slice *service, struct slice *client);

/* mids of the messages with this Message-ID, newest first. */
enum status store_journal_mids(struct tx *tx, struct slice message_id,
			       enum status (*row)(void *arg, struct slice mid),
			       void *arg);

#endif
