/*
 * Reading threads, each with a read-only connection of its own. A job runs in
 * one read transaction, which ends with it: cursors are carried by the owner
 * from job to job (last UID, offset), never by a held transaction.
 */
#ifndef MAILBOXD_READERS_H
#define MAILBOXD_READERS_H

#include "mailboxd/job.h"
#include "mailboxd/store.h"

struct readers;

struct readers_options {
	void (*wake)(void *arg);	/* as the writer's; any reader's thread */
	void *arg;
	size_t threads;			/* 0: 2 */
	size_t queue_jobs;		/* bound of what waits; 0: 65,536 */
};

/* ST_IO, ST_NO_MEMORY. */
enum status readers_start(struct store *store, const struct readers_options *o,
			  struct readers **readers, struct error *error);
/* Runs what is queued, ends the threads, collects and frees. NULL is fine. */
void readers_stop(struct readers *readers);
/* Any thread. ST_LIMIT: the bound is reached. */
enum status readers_submit(struct readers *readers, struct job *job);
/* Calls done of what is finished; the loop's thread, after a wake. */
void readers_collect(struct readers *readers);

#endif
