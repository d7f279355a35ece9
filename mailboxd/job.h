/*
 * A piece of work for the store's threads: `run` on the writer's or a reader's
 * thread, inside a transaction; `done` on whatever thread collects, normally
 * the loop. The owner embeds it as the first member of its own struct, keeps it
 * untouched from submit to done, and frees it in done. One that is no longer
 * wanted is marked so by its owner and let run out.
 */
#ifndef MAILBOXD_JOB_H
#define MAILBOXD_JOB_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

struct tx;

/* What a batch of the writer must have on disk before it answers. */
enum job_sync {
	JOB_SYNC_FULL,		/* synced before the answer */
	JOB_SYNC_NORMAL,	/* survives kill -9; synced within a second. Only
				 * flags, body pieces of an unfinished message,
				 * recent marks, "read" rows, what was refused,
				 * greylisting */
};

struct job {
	/* For the writer: inside a savepoint; anything but ST_OK undoes what it
	 * did, and it alone. It may run twice (the batch failed, then it is
	 * tried alone), so it starts from scratch each time.
	 * For readers: inside a read transaction of its own. ST_MORE is an
	 * answer like others: the owner submits again to go on. */
	enum status (*run)(struct job *job, struct tx *tx);
	/* status: what run returned, or why the transaction failed (ST_FULL,
	 * ST_UNAVAILABLE, ST_IO). error has the words where it is no ST_OK. */
	void (*done)(struct job *job, enum status status,
		     const struct error *error);
	size_t octets;		/* memory it holds, counted against the bound */
	enum job_sync sync;	/* for the writer */

	/* ---- of the threads */
	struct job *next;
	enum status status;
	struct error error;
};

/* Jobs in the order they came. */
struct job_list {
	struct job *first, *last;
	size_t count, octets;
};

void job_list_append(struct job_list *list, struct job *job);
/* The first one off the list, or NULL. */
struct job *job_list_take(struct job_list *list);
/* Moves all of from to the end of to. */
void job_list_join(struct job_list *to, struct job_list *from);

#endif
