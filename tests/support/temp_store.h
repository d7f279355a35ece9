/*
 * A store of its own for a test, in a directory that goes away, with the domain
 * example.test and the accounts ann and bob.
 */
#ifndef TESTS_TEMP_STORE_H
#define TESTS_TEMP_STORE_H

#include "mailboxd/store.h"

struct temp_store {
	char dir[64];
	struct store_options options;	/* of the next open */
	struct store *store;
	struct tx *write, *read;
	uint64_t ann, bob;		/* accounts */
	uint64_t inbox;			/* ann's */
};

/* Makes the directory and the store. options may be NULL. Asserts. */
void temp_store_open(struct temp_store *t, const struct store_options *options);
/* Ends it, as mailboxd would, or as kill -9 would, and opens it again. */
void temp_store_reopen(struct temp_store *t, bool clean);
/* The two halves of a clean one: in between the files may be others. */
void temp_store_suspend(struct temp_store *t);
void temp_store_resume(struct temp_store *t);
/* As temp_store_suspend(), but the files are as kill -9 would leave them. */
void temp_store_kill(struct temp_store *t);
/* The reading connection is a new one, with nothing of the file in memory. */
void temp_store_reconnect(struct temp_store *t);
/* A file of the directory under another name, and its removal. */
void temp_store_copy(const struct temp_store *t, const char *from,
		     const char *to);
void temp_store_forget(const struct temp_store *t, const char *name);
/* Checks every invariant, ends the store and removes the directory. */
void temp_store_close(struct temp_store *t);
/* Findings of store_check(); 0 where all is sound. */
size_t temp_store_check(struct temp_store *t);

/* A transaction of one verb: `temp_begin(t); st = verb; temp_end(t, st)`. A
 * status that is not ST_OK rolls back. Returns st. */
void temp_begin(struct temp_store *t);
enum status temp_end(struct temp_store *t, enum status st);

/* An address of a literal text; asserts that it is one. */
struct address temp_address(struct tx *tx, const char *text);
/* Fills a message with these octets and its record. */
void temp_message(struct temp_store *t, struct store_message *m,
		  struct slice octets, struct buf *record);
/* Delivers octets to a mailbox in a transaction; gives the UID. */
uint32_t temp_deliver(struct temp_store *t, uint64_t mailbox,
		      struct slice octets);
/* A small message with this subject, to ann's INBOX. */
uint32_t temp_mail(struct temp_store *t, const char *subject);
/* The mailbox of ann with this name. */
uint64_t temp_mailbox(struct temp_store *t, const char *name);
struct store_mailbox temp_status(struct temp_store *t, uint64_t mailbox);
/* "1:3,7" as ranges, and back. */
void temp_ranges(struct ranges *r, const char *text);
const char *temp_ranges_text(const struct ranges *r);

#endif
