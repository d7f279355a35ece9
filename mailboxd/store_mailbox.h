/*
 * Mailboxes, and what SELECT needs of one (store_mailbox.c, store_list.c,
 * store_select.c, store_keyword.c). Part of store.h.
 */
#ifndef MAILBOXD_STORE_MAILBOX_H
#define MAILBOXD_STORE_MAILBOX_H

#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"

#include <stdbool.h>
#include <stdint.h>

struct tx;

struct store_mailbox {
	uint64_t id, owner;
	struct slice name;
	uint32_t attributes;	/* enum ipc_mailbox_attribute */
	struct slice special_use;	/* "\Sent" or "" */
	uint32_t uidvalidity, uidnext;
	uint32_t messages, unseen, recent, deleted;
	uint64_t octets, deleted_octets;
	uint64_t highestmodseq;	/* as it is told: decisions.md */
};

typedef enum status store_mailbox_fn(void *arg, const struct store_mailbox *m);
/* In order of names (octets, INBOX first): mailboxes, and names that are only
 * a parent or a subscription. what: enum ipc_list_what. */
enum status store_mailbox_list(struct tx *tx, uint64_t account, uint32_t what,
			       store_mailbox_fn *row, void *arg);
/* The same of another account: the mailboxes which `account` may look up (l), as it
 * sees them. */
enum status store_mailbox_list_other(struct tx *tx, uint64_t account, uint64_t owner,
				     uint32_t what, store_mailbox_fn *row, void *arg);
/* ST_NOT_FOUND. */
enum status store_mailbox_find(struct tx *tx, uint64_t account,
			       struct slice name, struct store_mailbox *m);
enum status store_mailbox_get(struct tx *tx, uint64_t id,
			      struct store_mailbox *m);
/* Whether there is a mailbox below m; store_mailbox_find() does not look. */
enum status store_mailbox_has_children(struct tx *tx,
				       const struct store_mailbox *m, bool *yes);
/* The highest modseq that store_changes() would tell now. ST_NOT_FOUND. */
enum status store_mailbox_modseq(struct tx *tx, uint64_t id, uint64_t *modseq);
/* Missing parents are made too; a '/' at the end is ignored. special_use may be
 * "". ST_EXISTS; ST_SYNTAX: no name for a mailbox, or too long or deep a one; ST_LIMIT:
 * their number; ST_DENIED: another mailbox has that use, or an unknown one. */
enum status store_mailbox_create(struct tx *tx, uint64_t account,
				 struct slice name, struct slice special_use,
				 uint64_t *id);
/* ST_NOT_FOUND; ST_DENIED: INBOX. Children stay. */
enum status store_mailbox_delete(struct tx *tx, uint64_t account,
				 struct slice name);
/* With children. INBOX: its messages move to a new mailbox, children stay.
 * ST_NOT_FOUND; ST_EXISTS; ST_DENIED: below itself; ST_SYNTAX, ST_LIMIT. */
enum status store_mailbox_rename(struct tx *tx, uint64_t account,
				 struct slice from, struct slice to);
/* A subscription is a name; it outlives its mailbox. ST_NOT_FOUND: neither
 * mailbox (on) nor subscription (off); ST_SYNTAX. */
enum status store_mailbox_subscribe(struct tx *tx, uint64_t account,
				    struct slice name, bool on);

/* What SELECT needs, beside the mailbox itself. */
struct store_opened {
	struct store_mailbox mailbox;
	uint32_t first_unseen;	/* UID, or 0 */
	uint32_t recent_lo, recent_hi;	/* 0, 0: none */
	bool more_keywords;	/* there is room for more */
};
/*
 * uids gets all UIDs (its max bounds it: ST_LIMIT). take_recent: the \Recent ones
 * are this session's from now on, which asks for a write transaction (NORMAL);
 * without it they are told, not taken. ST_NOT_FOUND.
 */
enum status store_mailbox_open(struct tx *tx, uint64_t account,
			       struct slice name, bool take_recent,
			       struct ranges *uids, struct store_opened *opened);
/* Whether a write is needed for take_recent at all. */
bool store_has_recent(const struct store_opened *opened);

typedef enum status store_keywords_fn(void *arg, uint32_t set,
				      struct slice names);
/* Sets with an id above after, ascending; at least all that rows read before, in
 * this transaction, have. */
enum status store_keyword_sets(struct tx *tx, uint64_t mailbox, uint32_t after,
			       store_keywords_fn *row, void *arg);

#endif
