/*
 * What keeps a store well: checkpoints, pruning, copies, checks, repair, restore
 * (store_prune.c, store_backup.c, store_check.c, store_restore.c). Part of store.h.
 */
#ifndef MAILBOXD_STORE_CARE_H
#define MAILBOXD_STORE_CARE_H

#include "common/buf.h"
#include "common/slice.h"
#include "common/status.h"
#include "mailboxd/store_open.h"
#include "mailboxd/store_tx.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;
struct tx;

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
/*
 * SQLite's quick check after an unclean end, beside all else: store_survey_run() on a
 * thread of its own (surveyor.h). What is damaged in the lists of mailboxes is damage of
 * the store (store_is_damaged()); other tables are named in the log, and by
 * store_findings() until the store is closed. Page lists of what is free are left out.
 */
struct store_survey;
/* The last end was unclean, or the survey after one did not come to its end. Never of a
 * new store, an ephemeral one, or as_is. Any thread. */
bool store_wants_survey(const struct store *store);
/* ST_NO_MEMORY, and what store_connect() says. */
enum status store_survey_open(struct store *store, struct store_survey **survey,
			      struct error *error);
void store_survey_close(struct store_survey *survey);	/* NULL is fine */
/* Called before each page that is read from the disk, and often beside that: rests as it
 * likes. False: the survey ends. */
typedef bool store_pace_fn(void *arg);
/*
 * Logs one line at its end. ST_OK: all was looked at, whether or not something was found.
 * ST_MORE: pace ended it; ST_FULL: the disk is nearly full, or the log grew too much
 * meanwhile; others: it failed. Then the next open wants it again.
 */
enum status store_survey_run(struct store_survey *survey, store_pace_fn *pace, void *arg);
/* "TABLE: words" of the first finding and the names of more tables; "": none. */
void store_findings(struct store *store, char text[static STORE_DAMAGE_OCTETS]);
/* In a write: takes away what store_check() finds and the rest can tell: counters are
 * recounted, what nobody refers to goes. *repaired: how many findings. */
enum status store_repair(struct tx *tx, uint64_t *repaired);

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

#endif
