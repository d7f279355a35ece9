/*
 * The one writing thread of a store. It takes whatever is waiting into one
 * transaction, each job in a savepoint, commits once, and only then lets the
 * answers go: through one function, writer.c's answer(). The next batch is what
 * came in meanwhile; it never waits on purpose.
 *
 * A batch is synced (FULL) unless all of its jobs are JOB_SYNC_NORMAL; what a
 * NORMAL batch left is synced within a second. A full disk rolls the batch
 * back; its jobs are tried alone, and those that fail get ST_FULL. A failed
 * sync is final: `fatal` is called, on the writer's thread, before any answer of
 * its batch; the process logs and exits 70 (EX_SOFTWARE). Where fatal returns all
 * jobs get ST_UNAVAILABLE.
 *
 * When the queue is empty the thread prunes in small batches and checkpoints.
 */
#ifndef MAILBOXD_WRITER_H
#define MAILBOXD_WRITER_H

#include "mailboxd/job.h"
#include "mailboxd/store.h"

#include <stdint.h>

struct writer;

struct writer_options {
	/* Jobs are ready to collect. Called on the writer's thread, once a
	 * batch: uv_async_send() or the like. May be NULL. */
	void (*wake)(void *arg);
	/* The disk can no longer be trusted. NULL: _exit(70). */
	void (*fatal)(void *arg, const struct error *error);
	void *arg;
	size_t queue_octets;	/* bound of what waits; 0: 64 MiB */
	size_t batch_jobs;	/* most jobs in a transaction; 0: 512 */
};

struct writer_stats {
	uint64_t jobs, batches;
	uint64_t failed;	/* batches that were tried again job by job */
	size_t waiting, waiting_octets;
};

/* Starts the thread. ST_IO, ST_NO_MEMORY. */
enum status writer_start(struct store *store, const struct writer_options *o,
			 struct writer **writer, struct error *error);
/* Runs what is queued, syncs, ends the thread and frees. What was not collected
 * is collected by the calling thread. writer may be NULL. */
void writer_stop(struct writer *writer);

/*
 * Queues a job; any thread. ST_LIMIT: the bound is reached, the job was not
 * taken: read no more from what feeds it and try again after a wake.
 * ST_UNAVAILABLE: the writer has ended.
 */
enum status writer_submit(struct writer *writer, struct job *job);
/*
 * Runs a JOB_SYNC_NORMAL job at once on the calling thread if the writer is
 * idle; done is called before it returns true. False: not taken, submit it.
 */
bool writer_try_now(struct writer *writer, struct job *job);
/* Calls done of all finished jobs, in the order they committed; the loop's
 * thread, after a wake. */
void writer_collect(struct writer *writer);
/* Whether the queue holds more than half its bound. */
bool writer_is_pressed(struct writer *writer);
/* For how long it has had nothing to do; 0: it is at work. Any thread. */
int64_t writer_rests_ms(struct writer *writer);
void writer_stats(struct writer *writer, struct writer_stats *stats);

#endif
