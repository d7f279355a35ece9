/*
 * What the store's own files share. SQLite's types are named, not included.
 */
#ifndef MAILBOXD_STORE_PRIV_H
#define MAILBOXD_STORE_PRIV_H

#include "common/arena.h"
#include "common/search_program.h"
#include "mailboxd/signature.h"
#include "mailboxd/store.h"
#include "mailboxd/store_arrays.h"

#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>

struct sqlite3;
struct sqlite3_stmt;

/* Octets a verb may give out in slices before the transaction ends. */
#define STORE_ARENA_MAX		((size_t)32 * 1024 * 1024)
#define STORE_PAGE_OCTETS	4096
/* Pages in the WAL at which a checkpoint is tried, and beyond which the gate is
 * closed so that it succeeds. */
#define STORE_WAL_PAGES		4000
#define STORE_WAL_PAGES_GATE	(64 * 1024 * 1024 / STORE_PAGE_OCTETS)

/* With so much free space nothing is counted. With less, what is added must fit
 * twice, in the WAL and in the file: a WAL that cannot be carried over would
 * fill the disk for good. */
#define STORE_PLENTY		((uint64_t)256 << 20)
#define STORE_ROOM_EACH		((uint64_t)64 << 10)	/* for rows beside bodies */
/* Kept for removals even where no reserve is asked for: this, or a sixteenth. */
#define STORE_KEPT_OCTETS	((uint64_t)2 << 20)

/* Ids a store may give out before meta is written again. */
#define STORE_MESSAGE_IDS_KEPT	65536

#define STORE_NAME_OCTETS	1000	/* of a mailbox */
#define STORE_LEVEL_OCTETS	255
#define STORE_LEVELS		32
#define STORE_MAILBOXES		10000
#define STORE_KEYWORDS		512	/* different ones of a mailbox */
#define STORE_KEYWORDS_EACH	64	/* of a message */
#define STORE_KEYWORD_OCTETS	64
#define STORE_UID_MAX		(UINT32_MAX - 1)

/* ---- the store -------------------------------------------------------------- */

/* meta.clean. While the store is open it is 0. */
#define CLEAN_AND_SURVEYED 1
#define CLEAN_NOT_SURVEYED 2	/* since an unclean end before */

struct store_pins {
	pthread_mutex_t lock;
	uint64_t *messages;	/* one entry a pin */
	size_t count, cap;
};

/* Readers pass it; a checkpoint that must succeed closes it. */
struct store_gate {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned reading;
	bool is_closed;
};

/* search.db, as all threads know it (store_signature.c). */
struct store_signatures {
	/* meta.search as the last open left it, and as this one made it: a file
	 * that has neither is of another store, or of another life of this one */
	uint64_t before, now;
	uint64_t first_id;	/* of this open: messages from it on are new */
	atomic_uint generation;	/* grows with each new file; 0: none to ask */
	atomic_bool is_damaged;
	atomic_bool is_missed;	/* a search met a message without one */
	atomic_uint_fast64_t low;	/* from this message on some may lack one */
	atomic_uint_fast64_t removed;	/* messages, since open */
	atomic_uint_fast64_t made, waiting, octets;	/* for people */
};

#define STORE_LEFT_MAX 1024

/* store_damage.c */
#define DAMAGE_READ_ERRORS 3	/* within a minute */

struct store_damage {
	pthread_mutex_t lock;
	atomic_bool is_found;
	char text[STORE_DAMAGE_OCTETS];
	char found[STORE_DAMAGE_OCTETS];	/* store_findings() */
	uint64_t errors;	/* of reads, since open */
	int64_t error_ms[DAMAGE_READ_ERRORS - 1];	/* clock_ms() of the last */
};

struct store {
	struct store_options options;
	char *dir;
	char *path;		/* dir/store.db */
	char *special_names[STORE_SPECIAL_USES];
	int lock_fd;
	uint64_t epoch;
	unsigned char thread_key[16];
	unsigned char secret[STORE_SECRET_OCTETS];

	pthread_mutex_t write_lock;	/* held from begin to commit */
	struct tx *last_writer;		/* the only one whose hot rows are true */
	struct tx *own;			/* a connection for open and close */

	atomic_uint_fast64_t message_next;
	uint64_t message_kept;		/* ids below it are never given again */
	uint64_t journal_next;	/* row of journal or refusal */
	uint64_t refusals;	/* rows, about */
	atomic_uint_fast64_t greylist;	/* the same */
	uint64_t journal_measured;	/* journal_next when it was, 0: never */
	uint64_t journal_row_octets;	/* of a row, about */
	uint64_t vanished_looked;	/* mailbox pruned last, 0: begin anew */
	atomic_bool is_broken;
	atomic_bool has_space;
	atomic_bool needs_sync;
	atomic_bool wants_survey;
	bool wrote;	/* with write_lock: the last COMMIT had something to write */
	atomic_uint backups;	/* that are reading: they would hold the gate */
	atomic_uint_fast64_t wal_pages;
	atomic_uint_fast64_t pages, free_pages;	/* of the file */
	atomic_uint_fast64_t free_octets;	/* of the file system */
	atomic_uint_fast64_t kept_octets;	/* of them not for new mail */
	/* what the file grows by when the WAL is carried over */
	atomic_uint_fast64_t pending_octets;
	atomic_uint_fast64_t deliveries, commits;

	struct store_gate gate;
	struct store_pins pins;
	store_watch_fn *watch;
	void *watch_arg;
	struct store_barred *barred;	/* store_journal.c */
	struct arrays *arrays;
	struct store_signatures signatures;
	atomic_uint_fast64_t rights_generation;
	atomic_uint_fast64_t exhausted;	/* a mailbox that has no UID left, or 0 */
	struct store_damage damage;
	/* garbage that is damaged and stays, as the writer found out since open */
	uint64_t left[STORE_LEFT_MAX];
	size_t left_count;
};

/* ---- rows the writer keeps at hand (store_hot.c) ------------------------------ */

enum hot_kind { HOT_MAILBOX, HOT_ACCOUNT };

struct mailbox_state {
	uint64_t owner;
	uint32_t uidvalidity, uidnext;
	uint64_t highestmodseq;	/* as stored; see mailbox_told_modseq() */
	uint32_t messages, unseen, deleted, recent_uid;
	uint64_t octets, deleted_octets;
};

struct account_state {
	uint64_t used_octets, used_messages;
	uint64_t quota_octets, quota_messages;	/* in force */
};

struct hot_state {
	bool is_dirty;		/* differs from the row */
	bool is_gone;		/* its row was deleted */
	union {
		struct mailbox_state mailbox;
		struct account_state account;
	};
};

/* A row in memory: counters change here, and are written once a transaction. */
struct hot {
	struct hot *next;	/* in the hash chain */
	uint64_t id;
	enum hot_kind kind;
	bool is_touched;	/* in tx->touched */
	bool is_saved;		/* before holds the state at the savepoint */
	uint64_t born;		/* the savepoint it was read in, or 0 */
	uint64_t told;		/* modseq last given to the watch function */
	struct hot_state now, before;
};

#define HOT_BUCKETS 1024
#define HOT_MAX 4096

/* ---- a transaction ------------------------------------------------------------ */

struct sql_slot {
	const char *sql;	/* identity is the pointer */
	struct sqlite3_stmt *stmt;
};

#define TX_SIDS 64	/* a power of two */

#define SQL_SLOTS 512	/* a power of two, twice the statements there are */

enum tx_state { TX_IDLE, TX_OPEN, TX_SAVEPOINT };

/* Where a search stands in one table of search.db. */
struct signature_cursor {
	struct sqlite3_stmt *row;	/* NULL: nowhere */
	uint64_t above, id;	/* no row is between them; id has one */
};

struct tx {
	struct store *store;
	enum tx_mode mode;
	enum tx_state state;
	struct sqlite3 *db;
	struct sql_slot slots[SQL_SLOTS];
	struct arena arena;
	struct error error;
	enum job_sync sync;	/* PRAGMA synchronous as it stands */
	uint64_t room;		/* octets this transaction may still add */
	int code;		/* SQLite's, of the last failure */
	bool is_beside;		/* not of store.db: what fails there is no damage */
	bool passes_damage;	/* of what is looked at now no more is lost than it */
	bool met_read_error;	/* in this transaction */
	bool met_full_disk;	/* SQLITE_FULL since the savepoint */
	bool undo_failed;	/* in this transaction */
	int spilled_before;	/* pages, before it; see store_undo() */
	struct store_actor actor;
	struct buf scratch;
	struct ranges seen;	/* of seen_load() */
	size_t large_octets;	/* of large bodies, that went through the page cache */

	/* TX_WRITE */
	struct hot *buckets[HOT_BUCKETS];
	size_t hot_count;
	uint64_t savepoint;	/* number of the last one */
	struct hot **touched;
	size_t touched_count, touched_cap;
	uint64_t recipient_id;	/* the last one interned or read */
	char recipient[ADDRESS_OCTETS_MAX];
	size_t recipient_len;
	/* highest and lowest id stored in this transaction; 0 and UINT64_MAX */
	uint64_t message_high, message_low;
	uint64_t delivered;	/* in this transaction */
	uint64_t sids[TX_SIDS];	/* hashes of those written down lately */
	struct array_log log;	/* what it did to rows that arrays have */
	bool changed_rights;	/* in this transaction */

	/* TX_READ */
	struct hot reading[2];	/* what hot_get() gave, by kind */
	bool has_snapshot;	/* SQL was asked since it began */
	uint64_t rights_began;	/* their generation when it began */
	/* a connection to search.db of that generation, or NULL */
	struct tx *signatures;
	unsigned signatures_generation;
	struct signature_cursor cursors[2];
};

/* ---- SQL (store_sql.c) --------------------------------------------------------- */

enum sql_kind { SQL_END, SQL_INT, SQL_TEXT, SQL_BLOB, SQL_NULL };

struct sql_value {
	enum sql_kind kind;
	int64_t number;
	struct slice bytes;
};

static inline struct sql_value sql_i(uint64_t v)
{
	return (struct sql_value){ .kind = SQL_INT, .number = (int64_t)v };
}

static inline struct sql_value sql_t(struct slice v)
{
	return (struct sql_value){ .kind = SQL_TEXT, .bytes = v };
}

static inline struct sql_value sql_b(struct slice v)
{
	return (struct sql_value){ .kind = SQL_BLOB, .bytes = v };
}

/* NULL instead of an empty text. */
static inline struct sql_value sql_t_or_null(struct slice v)
{
	return (struct sql_value){ .kind = v.len ? SQL_TEXT : SQL_NULL,
				   .bytes = v };
}

static inline struct sql_value sql_null(void)
{
	return (struct sql_value){ .kind = SQL_NULL };
}

#define SQL_ARGS(...) \
	((const struct sql_value[]){ __VA_ARGS__ __VA_OPT__(,) { .kind = SQL_END } })

/* Words and status for what SQLite answered; the one place that maps codes. */
enum status sql_failed(struct tx *tx, int code, const char *what);
/*
 * The prepared statement of this text, which is a literal or static: its address
 * is the key. Reset, without bindings of before. NULL: see tx->error.
 */
struct sqlite3_stmt *sql_statement(struct tx *tx, const char *sql);
/* Binds in order; texts and blobs are borrowed until the statement is reset. */
enum status sql_bind(struct tx *tx, struct sqlite3_stmt *stmt,
		     const struct sql_value *values);
/* Runs a statement that gives no rows. */
enum status sql_run(struct tx *tx, const char *sql,
		    const struct sql_value *values);
/* Starts one that does; rows come by sql_next(). */
enum status sql_query(struct tx *tx, struct sqlite3_stmt **stmt,
		      const char *sql, const struct sql_value *values);
/* ST_OK: a row is there; ST_NOT_FOUND: no more, and the statement is reset. */
enum status sql_next(struct tx *tx, struct sqlite3_stmt *stmt);
/* The first row of a query, to be ended with sql_end(). ST_NOT_FOUND. */
enum status sql_first(struct tx *tx, struct sqlite3_stmt **stmt,
		      const char *sql, const struct sql_value *values);
/* One number. ST_NOT_FOUND: no row, *value is 0. */
enum status sql_number(struct tx *tx, uint64_t *value, const char *sql,
		       const struct sql_value *values);
void sql_end(struct sqlite3_stmt *stmt);
/* Rows changed by the last sql_run(). */
uint64_t sql_changes(struct tx *tx);
/* Text without arguments, such as PRAGMA; several statements may be in it. */
enum status sql_exec(struct tx *tx, const char *sql);
void sql_finalize_all(struct tx *tx);

uint64_t sql_column(struct sqlite3_stmt *stmt, int i);
int64_t sql_column_signed(struct sqlite3_stmt *stmt, int i);
/* Borrows until the next step. */
struct slice sql_column_bytes(struct sqlite3_stmt *stmt, int i);
/* A copy in the transaction's memory; ST_NO_MEMORY, ST_LIMIT. */
enum status sql_column_copy(struct tx *tx, struct sqlite3_stmt *stmt, int i,
			    struct slice *out);
bool sql_column_is_null(struct sqlite3_stmt *stmt, int i);

/* ---- schema.c ------------------------------------------------------------------ */

#define SCHEMA_APPLICATION_ID 0x506f7374	/* "Post" */

/* The number this program writes. */
uint32_t schema_version(void);
/* Brings the file to schema_version(), each step in a transaction. ST_DENIED: it
 * is newer, or no store. */
enum status schema_migrate(struct tx *tx);

/* ---- store_upgrade.c --------------------------------------------------------------- */

/* Before the first migration of a store of this version: dir/store.db.before-N is
 * made. ST_FULL: there is no room for it, with words that say how much. */
enum status upgrade_begin(struct tx *tx, int64_t version);
/* The statements of a migration, inside its transaction. */
enum status upgrade_run(struct tx *tx, const char *sql);
/* Copies of 30 days ago go. */
void upgrade_remove_old(struct store *s);

/* ---- store_hooks.c ----------------------------------------------------------------- */

/* In a test build whose environment asks for it: a VFS with crash points and a
 * sync that fails. NULL: SQLite's own. */
const char *store_hooks_vfs(void);

/* ---- store.c -------------------------------------------------------------------- */

/* err of tx with words of our own. */
#define tx_error(tx, status, ...) error_set(&(tx)->error, status, __VA_ARGS__)
int64_t store_now(void);
enum status store_meta_get(struct tx *tx, const char *key, uint64_t *value);
enum status store_meta_set(struct tx *tx, const char *key, uint64_t value);
bool store_is_pinned(struct store *store, uint64_t message);

/* So many more octets: counts them. ST_FULL: not for new mail. */
enum status tx_take_room(struct tx *tx, uint64_t octets);
/* A reading transaction sees what was committed since it began. */
enum status tx_refresh(struct tx *tx);
/* The one error for a tx that is out of memory. */
enum status tx_no_memory(struct tx *tx);

/* What a connection is made to: store.db, or what stands beside it. */
struct tx_database {
	const char *path, *vfs;
	const char *failure;	/* "cannot open the store" */
	enum status (*configure)(struct tx *tx);
	bool is_beside;		/* not store.db */
};
/* For store_connect() and those beside it; store_disconnect() ends it. */
enum status tx_connect(struct store *store, enum tx_mode mode,
		       const struct tx_database *database, struct tx **out,
		       struct error *error);
/* Room in the transaction's memory: ST_NO_MEMORY as words in the error. */
void *tx_alloc(struct tx *tx, size_t octets);
/* A copy there. */
enum status tx_copy(struct tx *tx, struct slice in, struct slice *out);

/* One mailboxd a store: the lock dies with the process. ST_EXISTS: another has it. */
enum status store_lock(const char *dir, int *fd, struct error *error);

/* ---- store_backup.c --------------------------------------------------------------- */

/* Files of backups that were being made when the process was killed. */
void backup_remove_leftovers(const struct store *s);

/* ---- store_hot.c ----------------------------------------------------------------- */

/* The state of a mailbox or account, read at first use. ST_NOT_FOUND. In a
 * reading transaction *hot is good until the next call. */
enum status hot_get(struct tx *tx, enum hot_kind kind, uint64_t id,
		    struct hot **hot);
/* Before now is changed: keeps what undo needs. ST_NO_MEMORY. */
enum status hot_touch(struct tx *tx, struct hot *hot);
/* Its row was deleted. */
enum status hot_remove(struct tx *tx, struct hot *hot);
/* Writes what differs, so that SQL sees it. */
enum status hot_flush(struct tx *tx);
void hot_release(struct tx *tx);	/* the savepoint became part of the rest */
void hot_undo(struct tx *tx);		/* back to the savepoint */
void hot_committed(struct tx *tx);	/* tells the watch function */
void hot_clear(struct tx *tx);

/* ---- store_mailbox.c, store_account.c ---------------------------------------------- */

/* HIGHESTMODSEQ as it is told: at least the beginning of this epoch. */
uint64_t mailbox_told_modseq(const struct store *store, uint64_t stored);
/* Touches, records a gap where the epoch is new, and gives the next modseq. */
enum status mailbox_next_modseq(struct tx *tx, struct hot *mailbox,
				uint64_t *modseq);
enum status mailbox_make_defaults(struct tx *tx, uint64_t account);
/* With what is in them, for an account that goes. */
enum status mailbox_remove_all(struct tx *tx, uint64_t account);
/* By a name in its final form. ST_NOT_FOUND, without words. */
enum status mailbox_find_id(struct tx *tx, uint64_t account, struct slice name,
			    uint64_t *id);
/*
 * A mailbox whose UIDs are used up: another takes its place, with its name, use, rights,
 * annotations and messages, under new UIDs and a new UIDVALIDITY. In a transaction of
 * its own. It being gone meanwhile is ST_OK.
 */
enum status mailbox_renumber(struct tx *tx, uint64_t id);
/* One mailbox, whose name is in its final form; it gets the rights of the one above. */
enum status mailbox_insert(struct tx *tx, uint64_t account, struct slice name,
			   const char *special_use, uint64_t *id);
/* store_mailbox_find() without counting: m->recent is not set. */
enum status mailbox_find_row(struct tx *tx, uint64_t account, struct slice name,
			     struct store_mailbox *m, uint32_t *recent_uid);
/* NFC, INBOX in capitals, no '/' at the end; checks lengths and characters. In
 * the transaction's memory. ST_SYNTAX, ST_LIMIT. */
enum status mailbox_name(struct tx *tx, struct slice in, struct slice *name);
/* ST_QUOTA: so much more does not fit. */
enum status account_check_quota(struct tx *tx, const struct account_state *a,
				uint64_t octets, uint64_t messages);
/* The comparison key of an address, in the transaction's memory. */
enum status account_key(struct tx *tx, const struct address *address,
			struct slice *key);
/* local@domain as it is shown, in the transaction's memory. */
enum status account_render(struct tx *tx, const struct address *address,
			   struct slice *text);

/* ---- store_message.c, store_body.c -------------------------------------------------- */

/* One more or fewer reference to a message; at 0 it becomes garbage. */
enum status message_reference(struct tx *tx, uint64_t message, int change);
/* A row of entry. */
struct entry {
	uint32_t uid;
	uint64_t flags, modseq, message, size, recipient;
	int64_t saved;
};

/* The mailbox and its owner, both touched. ST_NOT_FOUND. */
enum status entry_open(struct tx *tx, uint64_t id, struct hot **mailbox,
		       struct hot **account);
/* Takes the next UID. ST_LIMIT: there is none. */
enum status entry_uid(struct tx *tx, struct hot *mailbox, uint32_t *uid);
/* Counts a row that was added in both, and notes it for the array. */
void entry_count(struct tx *tx, struct hot *mailbox, struct hot *account,
		 const struct entry *e);
/* Adds the row and counts it in both. */
enum status entry_insert(struct tx *tx, struct hot *mailbox,
			 struct hot *account, const struct entry *e);
/* Takes the rows of a range away, leaving a tombstone; with keep also a reference
 * in `expunged`. Counts them out of the mailbox, not of the account. */
enum status entries_remove(struct tx *tx, struct hot *mailbox, struct range r,
			   uint64_t modseq, bool keep);
/* Number of the recipient text; 0 for "". */
enum status recipient_intern(struct tx *tx, struct slice text, uint64_t *id);
/* Its text; borrows until the next call. */
enum status recipient_text(struct tx *tx, uint64_t id, struct slice *text);
/* "Delivered-To: text\r\n"; empty for id 0. Borrows until the next call. */
enum status recipient_prefix(struct tx *tx, uint64_t id, struct buf *prefix);
/* Octets that the prefix of such a recipient has. */
size_t recipient_prefix_octets(struct slice text);
/* Appends octets offset..offset+length of the stored message. ST_NOT_FOUND: a
 * piece is missing. */
enum status body_read(struct tx *tx, uint64_t message, uint64_t offset,
		      size_t length, struct buf *out);
enum status body_insert(struct tx *tx, uint64_t message, uint32_t seq,
			struct slice octets);
/* At the end of a transaction: pages of large bodies leave the page cache. */
void body_forget(struct tx *tx);
enum status body_delete(struct tx *tx, uint64_t message);
/* Pieces of one message become those of another, which has none. */
enum status body_rename(struct tx *tx, uint64_t from, uint64_t to);
/* Row, last piece and references; pieces before it are stored already. */
enum status message_insert(struct tx *tx, const struct store_message *m,
			   int references);
enum status body_delete_orphans(struct tx *tx);

/* ---- store_expunged.c --------------------------------------------------------------- */

/* A mailbox that is about to be removed, and whose messages are kept: its name and
 * keywords stay as long as one of them. */
enum status expunged_remember_gone(struct tx *tx, uint64_t mailbox);
/* After a kept message went: name and keywords go with the last one. */
enum status expunged_forget_gone(struct tx *tx, uint64_t mailbox);
/* Size and parts of a message, in memory of the arena, which is cleared. Where
 * its record is malformed there are no parts. ST_NOT_FOUND. */
enum status message_parts(struct tx *tx, uint64_t message, struct arena *arena,
			  uint64_t *size, struct part **parts, size_t *count);

/* ---- store_search.c, store_search_text.c, store_signature.c ---------------------------- */

enum truth { FALSE, UNKNOWN, TRUE };	/* AND is the least, OR the greatest */

/* Whether what stands in front of the stored octets (Delivered-To) can make such a
 * key hold; field: of HEADER. */
bool text_search_sees_prefix(enum search_op op, struct slice field);
/* HEADER, BODY and TEXT of one search. */
struct text_search;
/* Borrows tx and keys. NULL: no memory. text_search_free() takes NULL. */
struct text_search *text_search_new(struct tx *tx, const struct search_key *keys,
				    size_t count);
void text_search_free(struct text_search *t);
/* What prefix and signature tell of each key, without the body. */
enum status text_search_narrow(struct text_search *t, uint64_t message,
			       uint64_t recipient, unsigned char *truths);
/* What the body tells: no key stays UNKNOWN. */
enum status text_search_look(struct text_search *t, uint64_t message,
			     uint64_t recipient, unsigned char *truths);

/* A blob of a message's signature, until the next call; data NULL: none is at
 * hand. Quick where messages ascend. */
struct slice signature_find(struct tx *tx, enum signature_blob blob,
			    uint64_t message);
/* The search is over, or its slice: nothing stays open. */
void signature_done(struct tx *tx);
/* Before the connection goes. */
void signature_disconnect(struct tx *tx);

#define SIGNATURE_SEAL_OCTETS 4
#define SIGNATURE_PAGE_OCTETS 16384	/* rows are read in order: few, large */
/* In front of the bits of each row. */
uint32_t signature_seal(uint64_t id, enum signature_blob blob, struct slice bits);
/* A connection to search.db; TX_WRITE makes the file. Ended with
 * store_disconnect(). */
enum status signature_connect(struct store *store, enum tx_mode mode,
			      struct tx **tx, struct error *error);
/* store_signature_file.c: opens what is there, or makes it anew; searches ask it from
 * then on. *db: a writing connection that was made before, or NULL; NULL on failure. */
enum status signature_file_open(struct store *store, struct tx **db,
				struct error *error);
/* What is in the file is of no use: it is asked no more, and made anew. */
void signature_damaged(struct store *store, const struct error *error);

/* ---- store_damage.c --------------------------------------------------------------- */

/* After a failure, with its words in tx->error: takes note of what it means for the
 * store. */
void damage_note(struct tx *tx, int code);
/* The store is only read from now on. */
void damage_found(struct tx *tx, const char *where);
/* The end of reading rows that say what a mailbox has, in a reading transaction: where
 * they are damaged, so is the store. Gives st. */
enum status lists_read(struct tx *tx, enum status st);
/*
 * After a failure to read the heavy row of a message, which came first of those from r.low
 * on: names it in the log and gives its UID, to go on behind it. Fails as that did where
 * it is not the message alone.
 */
enum status message_pass_over(struct tx *tx, uint64_t mailbox, struct range r,
			      uint32_t *uid);
/* Logs a message that cannot be read. */
void message_unreadable(struct tx *tx, uint64_t mailbox, uint32_t uid,
			uint64_t message);

/* ---- store_identity.c -------------------------------------------------------------- */

/* Whether there is a log that something may be taken from. Before anything connects. */
bool identity_has_log(const struct store *store);
/* With on, a connection that ends leaves the log as it is. */
void identity_keep_log(struct tx *tx, bool on);
/* ST_DENIED: the log is another store's. */
enum status identity_check(struct tx *tx);

/* ---- store_access.c, store_seen.c ----------------------------------------------------- */

/* After rights were given or taken away, in a write. */
void rights_changed(struct tx *tx);
/* What the account has read, good until the next call; NULL for an owner. */
enum status seen_load(struct tx *tx, const struct store_access *as,
		      const struct ranges **seen);
/* It has read these too, or no longer. ST_LIMIT. */
enum status seen_change(struct tx *tx, const struct store_access *as,
			const struct ranges *uids, bool on, uint64_t modseq);
/* Flags as who has read these sees them. seen NULL: the owner, as they are. */
static inline uint64_t seen_flags(const struct ranges *seen, uint64_t flags,
				  uint32_t uid)
{
	if (!seen)
		return flags;
	return (flags & ~(uint64_t)FLAG_SEEN) |
	       (ranges_has(seen, uid) ? FLAG_SEEN : 0);
}
/* The flags that these rights let somebody set, who is no owner, but for \Seen. */
static inline uint32_t rights_flags(uint32_t rights)
{
	return (rights & STORE_RIGHT_TRASH ? FLAG_DELETED : 0) |
	       (rights & STORE_RIGHT_WRITE ?
		FLAGS_SYSTEM & ~(uint32_t)(FLAG_DELETED | FLAG_SEEN) : 0);
}

/* ---- store_metadata.c ------------------------------------------------------------------- */

/* All of one mailbox also to another (a rename of INBOX, RFC 5464 section 4.1). */
enum status metadata_copy(struct tx *tx, uint64_t from, uint64_t to);
enum status metadata_forget_account(struct tx *tx, uint64_t account);

/* ---- store_keyword.c, store_journal.c ---------------------------------------------------- */

/*
 * The id of the set with these names ("" gives 0), made where it is new. names
 * are sorted and merged without case. ST_SYNTAX: no atom; ST_LIMIT.
 */
enum status keyword_set_intern(struct tx *tx, uint64_t mailbox,
			       struct slice names, uint32_t *set);
/* The set that a STORE of these names makes of set from. As above. */
enum status keyword_set_change(struct tx *tx, uint64_t mailbox, uint32_t from,
			       enum ipc_store_mode mode, struct slice names,
			       uint32_t *to);
/* Borrows from the transaction's memory. ST_NOT_FOUND. */
enum status keyword_set_names(struct tx *tx, uint64_t mailbox, uint32_t set,
			      struct slice *names);
/* Whether these sets have as many different keywords as a mailbox may have. octets: of
 * all their names. */
bool keyword_sets_are_full(const struct array_set *sets, size_t count, size_t octets);
/* As store_keyword_sets(), from SQL. */
enum status keyword_sets_read(struct tx *tx, uint64_t mailbox, uint32_t after,
			      store_keywords_fn *row, void *arg);
/* A row for the actor of the transaction. detail may be "". */
enum status journal_add(struct tx *tx, const char *verb, uint64_t mailbox,
			struct slice mid, const struct ranges *uids,
			struct slice detail);
/* Renders "4:7,9"; cut at 4,000 octets with ",..." behind. */
enum status journal_uids(const struct ranges *uids, struct buf *out);
/* One row. ST_NOT_FOUND. */
enum status journal_row(struct tx *tx, uint64_t id, struct store_journal_row *r);
/* "to=7 uids=4:6": where the uids of a row went, in the same order. */
void journal_target(uint64_t mailbox, const struct ranges *uids,
		    struct buf *detail);
#define JOURNAL_DETAIL_MAX 4200
enum status journal_barred_new(struct store *store);
void journal_barred_free(struct store *store);
bool journal_is_barred(struct store *store, struct slice mid);
enum status journal_prune(struct tx *tx, int64_t now, bool *more);

/* ---- greylisting (store_greylist.c) ------------------------------------------------ */

/* At most so many of those that nobody waits for any more. */
enum status greylist_prune(struct tx *tx, int64_t now, size_t most, bool *more);

#endif
