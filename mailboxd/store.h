/*
 * The store as verbs of mail, without SQL: accounts, addresses, mailboxes,
 * messages, flags, the journal (doc/store.md). A second implementation must fit
 * behind this header; only store*.c and schema.c know SQLite.
 *
 * A store is opened once. Work happens in a transaction (struct tx): a
 * connection that is reading or writing. There is one writing connection at a
 * time; the writer thread (writer.h) has it in a daemon, tests and the
 * in-process backend begin and commit by hand. Reading connections are as many
 * as readers (readers.h). A tx belongs to one thread at a time.
 *
 * Every verb returns ST_OK or
 *   ST_NOT_FOUND, ST_EXISTS, ST_DENIED, ST_QUOTA, ST_LIMIT, ST_SYNTAX
 *			what the verb says; the transaction goes on, but the
 *			caller undoes the savepoint or rolls back, for a verb
 *			may have done half of its work;
 *   ST_FULL		the disk has no room;
 *   ST_UNAVAILABLE	locked or damaged, or the store stopped writing;
 *   ST_IO, ST_NO_MEMORY.
 * store_error() has the words of the last failure.
 *
 * Slices in results borrow from the transaction: they hold until it ends, or
 * the savepoint in which they were given. In a row function they hold for the
 * call. A row function that returns anything but ST_OK ends the walk with it.
 *
 * Names of mailboxes are UTF-8; the store brings them to NFC, INBOX in any case
 * to "INBOX". The separator is '/'. Times are Unix seconds, zones minutes east
 * of UTC.
 */
#ifndef MAILBOXD_STORE_H
#define MAILBOXD_STORE_H

#include "common/address.h"
#include "common/buf.h"
#include "common/fetch_row.h"
#include "common/flags.h"
#include "common/ipc_messages.h"
#include "common/ranges.h"
#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/job.h"

#include <stdbool.h>
#include <stdint.h>

struct store;
struct store_place;
struct tx;

/* ---- the store ------------------------------------------------------------ */

#define STORE_SPECIAL_USES 5

struct store_options {
	const char *dir;	/* exists; made 0700 by whoever made it */
	bool ephemeral;		/* dir is a tmpfs that dies with us: no syncs */
	bool as_is;		/* to look at, and to repair: no migration, no new
				 * epoch, nothing of an unclean end is put right */
	bool first_use;		/* any recipient is local, its domain and account
				 * made by store_account_ensure() */
	/* Names given to \Drafts \Sent \Junk \Trash \Archive of a new account,
	 * NULL for these words; "" makes none. */
	const char *special_names[STORE_SPECIAL_USES];
	int64_t keep_expunged;	/* seconds; 0: gone at the next pruning */
	int64_t keep_journal;	/* seconds; 0: for ever */
	uint64_t keep_journal_octets;	/* about; 0: no limit */
	uint64_t quota_octets;	/* of accounts that have none of their own; 0: no
				 * limit */
	uint64_t quota_messages;
	uint64_t reserve_octets;	/* free space below which nothing but
					 * removals is written; 0: none */
	size_t cache_octets;	/* page cache of the writer; 0: 64 MB */
	size_t array_octets;	/* bound of mailboxes kept in memory; 0: 64 MB */

	/* for tests; 0 and NULL: as it is in a daemon */
	uint32_t max_pages;	/* the file grows no further */
	uint32_t wal_pages;	/* in the WAL, at which a checkpoint is tried */
	const char *vfs;	/* of SQLite, registered before; a literal */
};

/*
 * Opens dir/store.db, makes or migrates it, recovers after an unclean end, and
 * keeps others out. ST_EXISTS: another process has it; ST_DENIED: written by a
 * newer version, or the wrong kind of file system; ST_FULL, ST_IO,
 * ST_UNAVAILABLE (damaged), ST_NO_MEMORY. *store is then NULL.
 */
enum status store_open(const struct store_options *options,
		       struct store **store, struct error *error);
/* Marks the end as clean and syncs. No transaction is open. NULL is fine. */
void store_close(struct store *store);

/* Random octets that stay with the store, to derive what must look the same after
 * a restart and be known to nobody. Any thread; borrowed. */
#define STORE_SECRET_OCTETS 32
const unsigned char *store_secret(const struct store *store);

/* Called after each COMMIT that changed mailboxes, on the committing thread and
 * before any answer: be quick. One call a mailbox. */
typedef void store_watch_fn(void *arg, uint64_t mailbox, uint64_t highestmodseq);
void store_watch(struct store *store, store_watch_fn *fn, void *arg);

/* A message's id is taken when its body begins, on any thread. */
uint64_t store_message_id(struct store *store);

/* Bodies being streamed are pinned, so that the pruner leaves them. Any thread.
 * ST_NO_MEMORY. */
enum status store_pin(struct store *store, uint64_t message);
void store_unpin(struct store *store, uint64_t message);

/* Whether there is room for mail; as of the last commit or store_check_space().
 * False is 452 4.3.1 at MAIL. Any thread, no system call. */
bool store_has_space(const struct store *store);
/* Looks at the file system; called each second and by the writer. */
void store_check_space(struct store *store);

struct store_stats {
	uint64_t epoch;
	uint64_t schema;
	uint64_t pages, free_pages;	/* as of the last store_prune() */
	uint64_t page_octets;
	uint64_t wal_octets;
	uint64_t deliveries, commits;	/* since open */
	uint64_t array_octets;	/* of mailboxes kept in memory */
	/* search.db: messages with a signature, those without, its size, as of
	 * the last store_index_step() */
	uint64_t signatures, unsigned_messages, signature_octets;
};
/* Another bound for mailboxes kept in memory. Any thread. */
void store_keep_arrays(struct store *store, size_t octets);
/* Any thread; looks at memory only. */
void store_stats(struct store *store, struct store_stats *stats);

/* ---- transactions ---------------------------------------------------------- */

enum tx_mode { TX_READ, TX_WRITE };

/* A connection. The caller ends it with store_disconnect(). */
enum status store_connect(struct store *store, enum tx_mode mode,
			  struct tx **tx, struct error *error);
void store_disconnect(struct tx *tx);

/* sync matters for TX_WRITE only. Waits while the gate is closed (readers) or
 * another thread writes. */
enum status store_begin(struct tx *tx, enum job_sync sync);
/* Ends a read; commits a write, then calls the watch function. On failure the
 * transaction is rolled back; a failed sync leaves the store unable to write:
 * store_is_broken(). */
enum status store_commit(struct tx *tx);
void store_rollback(struct tx *tx);
/* One job inside a write; not nested. */
enum status store_savepoint(struct tx *tx);
enum status store_release(struct tx *tx);
void store_undo(struct tx *tx);

/* SQLite gave the whole transaction up by itself (a full disk, no memory), or
 * store_undo() could not undo, or not safely since the transaction had outgrown
 * the page cache: what was done before is gone too; only store_rollback() is
 * left. */
bool store_is_lost(const struct tx *tx);

const struct error *store_error(const struct tx *tx);
bool store_is_broken(const struct store *store);

/* Who is doing it, for the journal; stays until the transaction or savepoint
 * ends. */
struct store_actor {
	uint64_t account;	/* 0: the system, or delivery */
	struct slice sid;
	/* Written down with the first row of this sid; "": not known. */
	struct slice service;	/* "imap" */
	struct slice client;	/* numeric address */
};
void store_act_as(struct tx *tx, const struct store_actor *actor);

/* After a commit, on the writer's connection: a checkpoint if one is due. */
enum status store_checkpoint(struct tx *tx);
/* A checkpoint that empties the WAL, because the disk is full. Readers wait. */
enum status store_make_room(struct tx *tx);
/* Commits a meta row with FULL if a NORMAL commit is not synced yet. */
enum status store_sync(struct tx *tx);
bool store_needs_sync(const struct store *store);
/*
 * Removes a little of what is no longer needed: bodies nobody refers to, old
 * expunged references, old journal rows, tombstones. Inside a write. *more: call
 * again when there is time.
 */
enum status store_prune(struct tx *tx, int64_t now, bool *more);
/* Writes a copy of the whole store to dir/name, which does not exist yet, inside a
 * reading transaction, which is a new one afterwards. Takes its time: not on the
 * readers that serve sessions. */
enum status store_backup(struct tx *tx, const char *name);
/* The same where there is room for it; ST_FULL says how much it needs. */
enum status store_copy_beside(struct tx *tx, const char *name);
/*
 * A copy to be read as octets. It is made in the store's directory, of what was
 * committed when it began, and has no name there any more: it is gone at
 * store_backup_end(), or when the process ends.
 */
struct store_backup {
	int fd;			/* -1: none */
	uint64_t octets;
};
/* As store_backup(). ST_FULL: it would not fit beside the store and its reserve,
 * the error says how much it needs. */
enum status store_backup_begin(struct tx *tx, struct store_backup *b);
/* Appends octets offset..offset+length, fewer at the end. ST_LIMIT (out), ST_IO. */
enum status store_backup_read(struct tx *tx, const struct store_backup *b,
			      uint64_t offset, size_t length, struct buf *out);
/* Harmless where fd is -1. */
void store_backup_end(struct store_backup *b);
/*
 * SQLite's integrity check (quick or whole) and what must hold between our rows; each
 * finding is given to note. ST_OK whether or not something was found. Takes its time:
 * not on the readers that serve sessions.
 */
typedef enum status store_note_fn(void *arg, struct slice text);
enum status store_check(struct tx *tx, bool quick, store_note_fn *note, void *arg);
/* Only SQLite's part of it: damage there is beyond store_repair(). */
enum status store_check_file(struct tx *tx, bool quick, store_note_fn *note,
			     void *arg);
/* In a write: takes away what store_check() finds and the rest can tell: counters are
 * recounted, what nobody refers to goes. *repaired: how many findings. */
enum status store_repair(struct tx *tx, uint64_t *repaired);

/* ---- restore (store_restore.c) ---------------------------------------------------- */

struct store_restored {
	char kept[80];		/* the old store's name in the directory; "": none */
	uint64_t accounts, mailboxes, messages;
};
/*
 * Puts the store that `from`, a regular file, is in the place of the one in options->dir,
 * which nobody has open; that one is kept beside it. Every mailbox gets a new
 * UIDVALIDITY and the store a higher epoch than either had, so that clients begin anew;
 * no number that either gave comes again. An older schema is migrated first. ST_DENIED:
 * from is no store, cut short, damaged, or of a newer version; ST_EXISTS: mailboxd runs;
 * ST_FULL, ST_IO. Until ST_OK the old store is in its place.
 */
enum status store_restore(const struct store_options *options, int from,
			  struct store_restored *restored, struct error *error);
/* A copy of such a file in a directory of its own below dir, opened as a store; name is
 * that of the directory. To be ended with store_scratch_close(). */
#define STORE_SCRATCH_OCTETS 48
enum status store_scratch_open(const struct store_options *options, int from,
			       char name[STORE_SCRATCH_OCTETS], struct store **store,
			       struct error *error);
void store_scratch_close(const char *dir, const char *name, struct store *store);

/* ---- domains (store_domain.c) ---------------------------------------------- */

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

/* ---- accounts (store_account.c) -------------------------------------------- */

struct store_account {
	uint64_t id;
	struct slice name;	/* ann@example.org, as it was made */
	bool is_disabled;
	bool any_password;	/* made on first use */
	uint64_t quota_octets, quota_messages;	/* in force; 0: none */
	uint64_t used_octets, used_messages;
	int64_t created;
};

/* Makes the account with INBOX and its special mailboxes, subscribed.
 * ST_EXISTS; ST_NOT_FOUND: no such domain; ST_SYNTAX: no name for an account. */
enum status store_account_add(struct tx *tx, const struct address *address,
			      uint64_t *id);
/* The account of this address and, where options.first_use, the domain too,
 * made where it is not there. */
enum status store_account_ensure(struct tx *tx, const struct address *address,
				 uint64_t *id);
/* With its mail. ST_NOT_FOUND. */
enum status store_account_remove(struct tx *tx, uint64_t id);
enum status store_account_set_disabled(struct tx *tx, uint64_t id, bool on);
/* UINT64_MAX: back to the default; 0: no limit. */
enum status store_account_set_quota(struct tx *tx, uint64_t id,
				    uint64_t octets, uint64_t messages);
typedef enum status store_account_fn(void *arg, const struct store_account *a);
/* By address. */
enum status store_account_list(struct tx *tx, store_account_fn *row, void *arg);
enum status store_account_get(struct tx *tx, uint64_t id,
			      struct store_account *account);
/* login: the full address in any case, or its bare local part where there is one
 * domain. Aliases do not log in. ST_NOT_FOUND. */
enum status store_account_find(struct tx *tx, struct slice login,
			       struct store_account *account);

/* A login in the form in which accounts are compared, whether there is such an
 * account or not: one form for all that would find the same one. */
enum status store_account_canonical(struct tx *tx, struct slice login,
				    struct slice *key);

enum store_scope {
	STORE_SCOPE_SMTP = 1,
	STORE_SCOPE_IMAP = 2,
	STORE_SCOPE_POP3 = 4,
	STORE_SCOPE_ALL = 7,
};

struct store_credential {
	uint64_t id, account;
	struct slice label;	/* "" is the account's own password */
	uint32_t scopes;
	struct slice verifier;	/* opaque to the store */
	int64_t created;
	int64_t last_used;	/* 0: never */
	int64_t expires;	/* 0: never */
};

/* Replaces the one with the same account and label. created is not read. */
enum status store_credential_put(struct tx *tx,
				 const struct store_credential *credential,
				 uint64_t *id);
/* ST_NOT_FOUND. */
enum status store_credential_remove(struct tx *tx, uint64_t account,
				    struct slice label);
/* May be NORMAL. */
enum status store_credential_used(struct tx *tx, uint64_t id, int64_t at);
/* An upgraded verifier for the same password; nothing if it changed since. */
enum status store_credential_upgrade(struct tx *tx, uint64_t id,
				     struct slice from, struct slice to);
typedef enum status store_credential_fn(void *arg,
					const struct store_credential *c);
enum status store_credential_list(struct tx *tx, uint64_t account,
				  store_credential_fn *row, void *arg);

/* ---- aliases and addresses (store_alias.c) ---------------------------------- */

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

/* ---- mailboxes (store_mailbox.c) --------------------------------------------- */

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
 * "". ST_EXISTS; ST_SYNTAX: no name for a mailbox; ST_LIMIT: its length, depth or
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

/* ---- annotations (store_metadata.c) -------------------------------------------- */

/*
 * RFC 5464. An entry is "/shared/..." or "/private/...", in any case, of at least
 * two components, four below "/vendor/"; at most 250 octets of ASCII. mailbox 0:
 * the server. What is private is the account's. They go with their mailbox and
 * with the account, and follow a rename.
 */
#define STORE_METADATA_OCTETS	16384u	/* of a value */
#define STORE_METADATA_MAX	100u	/* entries of a mailbox and account */

/* value.data NULL removes it. ST_SYNTAX: no name; ST_DENIED: the server's shared
 * entries; ST_LIMIT: too many, or too long. */
enum status store_metadata_set(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       struct slice value);
typedef enum status store_metadata_fn(void *arg, struct slice entry,
				      struct slice value);
/* The entry, and what is below it down to depth (UINT_MAX: all), in order.
 * ST_SYNTAX. Nothing is there: no row. */
enum status store_metadata_get(struct tx *tx, uint64_t account,
			       uint64_t mailbox, struct slice entry,
			       unsigned depth, store_metadata_fn *row,
			       void *arg);

/* ---- rights (store_acl.c) ------------------------------------------------------ */

/* What an account may do with a mailbox (RFC 4314 section 2.1), by letter. */
enum store_right {
	STORE_RIGHT_LOOKUP	= 1u << 0,	/* l */
	STORE_RIGHT_READ	= 1u << 1,	/* r */
	STORE_RIGHT_SEEN	= 1u << 2,	/* s */
	STORE_RIGHT_WRITE	= 1u << 3,	/* w */
	STORE_RIGHT_INSERT	= 1u << 4,	/* i */
	STORE_RIGHT_POST	= 1u << 5,	/* p */
	STORE_RIGHT_CREATE	= 1u << 6,	/* k */
	STORE_RIGHT_DELETE	= 1u << 7,	/* x */
	STORE_RIGHT_TRASH	= 1u << 8,	/* t: \Deleted */
	STORE_RIGHT_EXPUNGE	= 1u << 9,	/* e */
	STORE_RIGHT_ADMIN	= 1u << 10,	/* a */
};
#define STORE_RIGHTS_ALL	0x7ffu
#define STORE_RIGHTS_OCTETS	13u	/* all letters, with c and d */

/* Letters in any order; c and d stand for what section 2.1.1 says. ST_SYNTAX: an
 * unknown one, an upper case one. */
enum status store_rights_parse(struct slice letters, uint32_t *rights);
/* Appends the letters, with d and c where a right they stand for is there. */
enum status store_rights_render(uint32_t rights, struct buf *out);

/* The owner has all, always; others what they were given. ST_NOT_FOUND: no such
 * mailbox. */
enum status store_acl_rights(struct tx *tx, uint64_t mailbox, uint64_t account,
			     uint32_t *rights);
/*
 * Gives `account` these rights, adds them to its own, or takes them away; who has
 * none is forgotten. by: the account that does it. ST_DENIED: it may not
 * administer the mailbox, or would change what the owner has; ST_NOT_FOUND: no
 * such mailbox or account; ST_LIMIT: STORE_ACL_MAX have rights already.
 */
#define STORE_ACL_MAX 1000u
enum status store_acl_set(struct tx *tx, uint64_t by, uint64_t mailbox,
			  uint64_t account, enum ipc_store_mode mode,
			  uint32_t rights);
typedef enum status store_acl_fn(void *arg, uint64_t account, struct slice name,
				 uint32_t rights);
/* The owner first, then the others by name. ST_DENIED: `by` may not administer
 * it; ST_NOT_FOUND. */
enum status store_acl_list(struct tx *tx, uint64_t by, uint64_t mailbox,
			   store_acl_fn *row, void *arg);

/* ---- messages in (store_message.c, store_body.c) ----------------------------- */

/* Every piece of a body but its last has so many octets. */
#define STORE_CHUNK ((size_t)256 * 1024)

/* Stores piece seq (from 0) of a message that has no row yet. NORMAL. Pieces
 * without a message are removed at open. */
enum status store_body_put(struct tx *tx, uint64_t message, uint32_t seq,
			   struct slice octets);
/* The sender gave up: the pieces go. NORMAL. */
enum status store_body_abort(struct tx *tx, uint64_t message);

/* A message whose parsing is over. */
struct store_message {
	uint64_t id;		/* store_message_id() */
	struct slice mid, sid;
	struct slice prepared;	/* the record of mailboxd/prepare.h */
	uint64_t size;		/* octets of header and text as stored */
	uint32_t pieces;	/* so many pieces are stored already */
	struct slice tail;	/* the octets behind them, at most STORE_CHUNK */
	int64_t internaldate;	/* INT64_MIN: now */
	int32_t zone;
	/* For the journal: the envelope, and whom it came from. "": not told. */
	struct slice sender;
	struct slice client, helo, login, tls;
};

struct store_delivery {
	uint64_t mailbox, account;
	struct slice recipient;	/* "" adds no Delivered-To */
	uint32_t uid;		/* out; 0: the mailbox had it from an earlier one
				 * of the same message */
};

/*
 * Stores the message once and an entry in each mailbox, all or none. Quota was
 * checked at RCPT. ST_NOT_FOUND (a mailbox went away), ST_DENIED (its mid is
 * barred by a "no" to store_mid_done()), ST_SYNTAX (prepared is none), ST_FULL.
 */
enum status store_deliver(struct tx *tx, const struct store_message *m,
			  struct store_delivery *deliveries, size_t count);

struct store_append {
	struct store_message message;
	uint32_t flags;
	struct slice keywords;	/* names separated by spaces */
	uint32_t uid;		/* out */
};
/* ST_QUOTA, ST_NOT_FOUND, ST_LIMIT (keywords, UIDs). */
enum status store_append(struct tx *tx, uint64_t mailbox,
			 struct store_append *messages, size_t count,
			 uint32_t *uidvalidity);

/* XDONE: whether the message with this mid was delivered. ST_OK; ST_NOT_FOUND
 * bars it: a delivery of that mid that comes later is refused. */
enum status store_mid_done(struct tx *tx, struct slice mid);

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

/* ---- mail with all that belongs to it (store_import.c, store_export.c) --------- */

struct store_import {
	/* id: of the octets that were taken in. mid, dates as of any message. */
	struct store_message message;
	uint64_t known_as;	/* its number in a store of this lineage, or 0 */
	uint32_t flags;
	struct slice keywords;	/* names separated by spaces */
	struct slice recipient;	/* "": no Delivered-To in front of the octets */
	struct slice uidl;
	int64_t saved;		/* 0: now */

	enum status status;	/* out: ST_OK, ST_QUOTA, ST_LIMIT, ST_SYNTAX; only
				 * such a message was left out */
	bool lost_keywords;	/* out: they are no keywords, or too many */
	bool is_taken;		/* out: the octets were stored; else the message was
				 * there already under known_as, and they may go */
	uint32_t uid;		/* out */
};

struct store_import_box {
	uint64_t account;
	struct slice name;	/* made where it is not there */
	struct slice use;	/* for one that is made, if no other has it */
	bool subscribed;
	const char *verb;	/* of the journal: import, restore; a literal */
};
/*
 * New entries with new UIDs. A message with known_as keeps that number where the
 * store has no other under it, and is stored once however often it is imported.
 * ST_FULL, ST_SYNTAX, ST_LIMIT (the name) and such undo all of it.
 */
enum status store_import(struct tx *tx, const struct store_import_box *box,
			 struct store_import *messages, size_t count);
/* Numbers of all messages in a mailbox, or (name "") in all of the account's.
 * ST_NOT_FOUND: no such mailbox. */
typedef enum status store_number_fn(void *arg, uint64_t message);
enum status store_message_numbers(struct tx *tx, uint64_t account,
				  struct slice name, store_number_fn *fn,
				  void *arg);
/* What tells one store and its copies from others: messages of the same number are
 * the same. */
uint64_t store_lineage(const struct store *store);

/* The messages of a mailbox one after the other, with their octets. */
struct store_export {
	uint64_t mailbox;
	bool is_stored;		/* octets as stored, without Delivered-To */

	uint32_t uid;		/* cursor; 0 at first */
	uint64_t message;	/* whose octets are being given, pinned; or 0 */
	uint64_t offset, end;
};
struct store_exported {
	uint32_t uid, flags;
	struct slice keywords, mid, recipient, uidl;
	int64_t internaldate, saved;
	int32_t zone;
	uint64_t octets, message;
};
/* The next message; its octets follow. ST_NOT_FOUND: there is none. */
enum status store_export_next(struct tx *tx, struct store_export *e,
			      struct store_exported *m);
/* Appends up to so many of its octets; offset == end: that was all of it. */
enum status store_export_read(struct tx *tx, struct store_export *e,
			      size_t octets, struct buf *out);
/* Whoever stops early; harmless otherwise. */
void store_export_end(struct store *store, struct store_export *e);

/* ---- messages out (store_fetch.c, store_body.c) ------------------------------ */

/*
 * A FETCH and its cursor. The caller fills the first part and zeroes the second.
 * Each store_fetch() gives one frame's worth; between calls the transaction may
 * end. While `streaming` is set that message is pinned; a caller that stops
 * early ends with store_fetch_end().
 */
struct store_fetch {
	uint64_t mailbox;
	const struct ranges *uids;	/* NULL: all */
	uint32_t items;		/* enum fetch_item */
	uint64_t changed_since;	/* 0: all */

	uint32_t next_uid;	/* not answered yet */
	uint64_t streaming;	/* message id whose octets are being given, or 0 */
	uint64_t offset, end;	/* of them, as the user sees them */
	uint32_t streaming_uid;
	uint64_t streaming_recipient, streaming_size;
	uint32_t unreadable;	/* out: messages that were passed over */
	bool is_body;		/* out: what was appended are octets of
				 * streaming_uid's body, not rows */
};
/*
 * Appends rows (fetch_row.h) until about `octets` are there, or body octets that
 * go on from the row before (is_body). One row with a huge BODYSTRUCTURE is
 * appended whole: out has room for PREPARE_RECORD_MAX, the caller cuts it into
 * frames. ST_OK: that was the last (nothing may have been appended); ST_MORE:
 * call again. UIDs that do not exist are passed
 * over. A message that cannot be read is passed over, counted and logged.
 */
enum status store_fetch(struct tx *tx, struct store_fetch *f, size_t octets,
			struct buf *out);
void store_fetch_end(struct store *store, struct store_fetch *f);

/* Appends octets offset..offset+length of a message as its user sees it; fewer
 * at its end. ST_NOT_FOUND, ST_LIMIT (out). A message just expunged can still
 * be read while its reference is kept. */
enum status store_read(struct tx *tx, uint64_t mailbox, uint32_t uid,
		       uint64_t offset, size_t length, struct buf *out);

/* Sequence of one text: the journal learns, once a message and account, that
 * octets of these bodies went to the user. NORMAL. */
enum status store_sent(struct tx *tx, uint64_t mailbox,
		       const struct ranges *uids);

/* ---- flags, copies, removals (store_flag.c, store_copy.c) -------------------- */

struct store_flag_change {
	uint64_t mailbox;
	const struct ranges *uids;
	enum ipc_store_mode mode;
	uint32_t flags;		/* FLAG_* */
	struct slice keywords;	/* names separated by spaces */
	uint64_t unchanged_since;	/* UINT64_MAX: not asked for */

	uint64_t modseq;	/* out: highest of the mailbox */
	bool has_changed;	/* out: and it is of this change */
	uint32_t set_high;	/* out: no row names a higher keyword set */
	struct ranges *refused;	/* out: changed since; may be NULL */
	struct buf *rows;	/* out: FETCH_FLAGS | FETCH_MODSEQ rows of those
				 * named, 20 octets each; may be NULL */
};
/* NORMAL. ST_LIMIT: keywords; ST_SYNTAX: no keyword; ST_NOT_FOUND. */
enum status store_flags(struct tx *tx, struct store_flag_change *change);

struct store_copy {
	uint64_t from, to;
	const struct ranges *uids;	/* NULL: all */
	bool is_move;

	uint32_t uidvalidity;	/* out, of the target */
	struct ranges *source, *target;	/* out: they pair up, ascending */
	uint64_t modseq;	/* out: highest of `from` */
};
/* ST_QUOTA, ST_NOT_FOUND, ST_LIMIT. */
enum status store_copy(struct tx *tx, struct store_copy *copy);

/* uids NULL: all. any_flags: whatever their flags; else only \Deleted ones.
 * expunged: out. */
enum status store_expunge(struct tx *tx, uint64_t mailbox,
			  const struct ranges *uids, bool any_flags,
			  struct ranges *expunged, uint64_t *modseq);

/* ---- expunged mail that is still kept (store_expunged.c) ---------------------- */

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

/* ---- questions (store_search.c, store_changes.c) ------------------------------ */

struct store_search {
	uint64_t mailbox;
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

/*
 * Makes signatures (signature.h), so that store_search() reads few bodies. They are
 * kept in dir/search.db, which is made anew where it is missing, damaged, of another
 * version or of another store; no verb fails because of it, searches only take
 * longer. One a store, on a thread of its own (indexer.h); tests step by hand.
 */
struct store_index;
/* ST_NO_MEMORY, and what store_connect() says. No transaction is open. */
enum status store_index_open(struct store *store, struct store_index **index,
			     struct error *error);
void store_index_close(struct store_index *index);
/*
 * Looks for messages without one for about slice_ms, each read in transactions as
 * short, and removes those of messages that went. ST_OK: all is done; ST_MORE: call
 * again; ST_FULL: the disk has no room for it; others: try again later.
 */
enum status store_index_step(struct store_index *index, unsigned slice_ms);
const struct error *store_index_error(const struct store_index *index);

struct store_changes {
	uint64_t mailbox, since;

	uint32_t next_uid;	/* cursor; 0 at first */
	struct ranges *vanished;	/* out, filled by the first call */
	uint64_t highestmodseq;	/* out, of the first call */
	uint32_t uidnext, messages;
};
/* The first call alone, without rows: vanished and the counters; since becomes 0
 * where that modseq may have been told and lost (doc/store.md). */
enum status store_vanished(struct tx *tx, struct store_changes *c);
/* For a question about rows that changed since: *since becomes 0 likewise. */
enum status store_since(struct tx *tx, uint64_t mailbox, uint64_t *since);
/* Appends rows (FETCH_FLAGS | FETCH_MODSEQ, 20 octets each) of what is new or
 * changed, at most `octets`. ST_OK: that was all; ST_MORE: call again. */
enum status store_changes(struct tx *tx, struct store_changes *c,
			  size_t octets, struct buf *rows);

/* ---- the journal (store_journal.c) -------------------------------------------- */

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

/*
 * The life of one message (store_life.c): rows that name its mid, and rows about
 * the places where it was, followed through copies, moves and undeletions. The
 * caller fills the first part and zeroes the second; store_life_clear() at the
 * end in any case.
 */
#define STORE_LIFE_PLACES 1000u	/* more copies than these are not followed */
struct store_life {
	struct slice mid;	/* outlives the calls */

	uint64_t next;		/* row to go on with */
	struct store_place *places;
	size_t count, cap;
};
/*
 * Gives rows ascending by id. uids is the message's own there; a list that was
 * cut when it was written may name it or not: then uids is "UID?". ST_OK: that
 * was all so far; ST_MORE: call again, in another transaction if one likes.
 */
enum status store_life(struct tx *tx, struct store_life *life,
		       store_journal_fn *row, void *arg);
void store_life_clear(struct store_life *life);

/* ---- mail that was refused (store_refusal.c) ------------------------------------ */

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

/* mids of the messages with this Message-ID, newest first. */
enum status store_journal_mids(struct tx *tx, struct slice message_id,
			       enum status (*row)(void *arg, struct slice mid),
			       void *arg);

#endif
