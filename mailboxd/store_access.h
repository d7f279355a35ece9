/*
 * Rights in handles (store_access.c, store_seen.c; doc/store.md, "Rights"). Part of store.h. Whoever opens a
 * mailbox resolves once what the account may do with it, and keeps that as a struct
 * store_access. For an owner nothing is ever looked up again. For another account
 * store_access_check() compares one number, and reads the rights anew where rights were
 * changed since, of whatever mailbox: what was taken away is gone for all that runs
 * behind the commit that took it.
 *
 * What a verb asks for is RFC 4314 section 4. ST_DENIED: the account may look the
 * mailbox up (l), but not do this; ST_NOT_FOUND: it may not even know that there is one.
 *
 * \Seen is each account's own. What the owner has read stands in the flags of the
 * message, what others have read beside it, by account; the right s is that of having
 * it kept. All other flags and keywords are shared.
 */
#ifndef MAILBOXD_STORE_ACCESS_H
#define MAILBOXD_STORE_ACCESS_H

#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/store_acl.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct store_mailbox;
struct store_opened;
struct tx;

/* With none of these a mailbox is told as READ-ONLY (section 5.2). \Seen is not
 * shared, so s is not among them. */
#define STORE_RIGHTS_CHANGE	(STORE_RIGHT_INSERT | STORE_RIGHT_EXPUNGE | \
				 STORE_RIGHT_WRITE | STORE_RIGHT_TRASH)

struct store_access {
	uint64_t account, owner, mailbox;
	uint32_t rights;	/* enum store_right */
	uint64_t generation;	/* store_rights_generation() when they were read */
};

/* The one question of an owner's fast path; so is what is not resolved. */
static inline bool store_access_is_owners(const struct store_access *a)
{
	return !a || a->account == a->owner;
}

/* Grows whenever rights are given or taken away. Any thread. */
uint64_t store_rights_generation(const struct store *store);

/*
 * The account whose mailboxes are meant: its address, or "" for one's own. ST_NOT_FOUND:
 * there is none, which is told as a mailbox that does not exist.
 */
enum status store_access_owner(struct tx *tx, uint64_t account, struct slice owner,
			       uint64_t *id);
/* The mailbox of that owner and name, and what the account may do with it, which
 * has all of `needed`. */
enum status store_access_find(struct tx *tx, uint64_t account, struct slice owner,
			      struct slice name, uint32_t needed,
			      struct store_mailbox *m, struct store_access *access);
/* Whether it has all of these rights now. */
enum status store_access_check(struct tx *tx, struct store_access *access,
			       uint32_t needed);

/* CREATE, DELETE, RENAME below another account's mailboxes: k of the nearest one above
 * the new name that exists, x of the mailbox that goes or moves. What is made has the
 * rights of the one above it. ST_DENIED too: a special use, another's INBOX. As
 * store_mailbox_create() and the like where owner is "". */
enum status store_access_create(struct tx *tx, uint64_t account, struct slice owner,
				struct slice name, struct slice special_use,
				uint64_t *id);
enum status store_access_delete(struct tx *tx, uint64_t account, struct slice owner,
				struct slice name);
enum status store_access_rename(struct tx *tx, uint64_t account, struct slice owner,
				struct slice from, struct slice to);

/* ---- \Seen of others (store_seen.c) --------------------------------------------- */

/* The unseen of a mailbox as this account sees it; an owner's are there already. */
enum status store_seen_status(struct tx *tx, const struct store_access *access,
			      struct store_mailbox *m);
/* What store_mailbox_open() found, of these UIDs, made what this account sees: its own
 * unseen, and nothing \Recent, which is the owner's. */
enum status store_seen_opened(struct tx *tx, const struct store_access *access,
			      const struct ranges *uids, struct store_opened *o);

#endif
