/*
 * The arrays (store_array.h) of the mailboxes in use. SQLite is the truth: an
 * array is made by one scan, then only the writer changes it, after its COMMIT
 * and before the answers and events of that commit. So what an array holds was
 * committed, and a reader's snapshot that is taken after a look at it is at
 * least as new.
 *
 * The writer notes what a transaction does to rows of `entry` and `keyword_set`
 * in a log; an undone savepoint takes its part back, a rollback all of it, and
 * arrays_commit() brings the rest to the arrays that are there or being made.
 * Whoever changes those tables notes it.
 *
 * Memory is bounded: the mailboxes used longest ago go. One lock guards all of
 * it; under it at most about a frame is copied or one job's changes are made.
 */
#ifndef MAILBOXD_STORE_ARRAYS_H
#define MAILBOXD_STORE_ARRAYS_H

#include "mailboxd/store_array.h"

struct arrays;
struct hot;
struct mailbox_state;
struct store;
struct tx;

#define ARRAYS_OCTETS ((size_t)64 << 20)

/* ---- what a transaction does ---------------------------------------------------- */

enum array_change_kind {
	ARRAY_APPEND,	/* uid low is this message, with flags add */
	ARRAY_FLAGS,	/* low..high: flags & keep | add */
	ARRAY_REMOVE,	/* low..high, at this modseq */
	ARRAY_SET,	/* keyword set low has these names */
};

struct array_change {
	enum array_change_kind kind;
	uint32_t low, high;
	uint64_t mailbox;
	uint64_t keep, add, modseq, message;
	uint64_t commit;	/* the cache's own */
	struct slice names;	/* the log has a copy of its own */
};

struct array_log {
	struct array_change *items;
	size_t count, cap;
	size_t savepoint;	/* count at the last one */
	bool is_lost;		/* something could not be noted */
};

void array_log_note(struct array_log *log, const struct array_change *change);
/* Takes back what was noted beyond this count. */
void array_log_cut(struct array_log *log, size_t count);
bool array_log_has(const struct array_log *log, uint64_t mailbox);
void array_log_free(struct array_log *log);

/* ---- the cache ------------------------------------------------------------------- */

/* octets: the bound of all arrays together. NULL: no memory. */
struct arrays *arrays_new(size_t octets);
void arrays_free(struct arrays *all);
/* Another bound. Any thread. */
void arrays_bound(struct arrays *all, size_t octets);
/* What they take now. Any thread. */
size_t arrays_octets(const struct arrays *all);

/*
 * Before a look, in a reading transaction, which gets a new snapshot where an
 * array is made: ST_OK: it is there now, though it may go at any moment;
 * ST_NOT_FOUND: no such mailbox; ST_LIMIT: it is too large to be kept, or could
 * not be made: ask SQL.
 */
enum status arrays_want(struct tx *tx, uint64_t mailbox);

/* Called under the lock: quick, and without calls back into this file. */
typedef enum status arrays_look_fn(const struct array *a,
				   const struct mailbox_state *m, void *arg);
/* Any thread. ST_NOT_FOUND: not in memory (now); else what look returned. */
enum status arrays_look(struct arrays *all, uint64_t mailbox,
			arrays_look_fn *look, void *arg);

/*
 * After COMMIT, with store->write_lock held: the log comes to the arrays, and
 * the state of the mailboxes that were touched.
 */
void arrays_commit(struct arrays *all, struct array_log *log,
		   struct hot *const *touched, size_t count);

/* ---- making one (store_array_load.c) ---------------------------------------------- */

/* Claims the making of a mailbox's array: ST_OK and *ticket; ST_EXISTS: it is
 * there (perhaps after waiting for another thread's); ST_LIMIT. */
enum status arrays_begin_load(struct arrays *all, uint64_t mailbox,
			      uint64_t *ticket);
/* Whether an array of so many messages may be kept at all. */
bool arrays_fits(const struct arrays *all, uint64_t messages);
/*
 * Ends it. a: what a snapshot taken after the claim has, moved from the caller,
 * and m its state; NULL: it failed. What was committed meanwhile is added.
 * ST_LIMIT: not kept.
 */
enum status arrays_end_load(struct arrays *all, uint64_t mailbox,
			    uint64_t ticket, struct array *a,
			    const struct mailbox_state *m);

/* Marks of messages, copied under the lock. */
#define ARRAY_MARKS 1024	/* at once */
struct array_marks {
	struct range range;	/* UIDs that are asked for */
	size_t count;
	bool is_last;		/* there are no more of the range */
	struct {
		uint32_t uid;
		uint64_t flags, modseq, message;
	} items[ARRAY_MARKS];
};

/* To look with: fills a struct array_marks with the first ones of its range. */
enum status array_look_marks(const struct array *a, const struct mailbox_state *m,
			     void *arg);

#endif
