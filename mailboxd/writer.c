#include "mailboxd/writer.h"

#include "common/clock.h"
#include "common/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_OCTETS ((size_t)64 << 20)
#define BATCH_JOBS 512
#define EXIT_BROKEN 70		/* EX_SOFTWARE: trust.md section 3 (b) */
#define SYNC_WITHIN_MS 900	/* a NORMAL commit is synced within a second */
#define TICK_MS 100		/* while something is not synced */
#define IDLE_TICK_MS 1000
#define SPACE_EVERY_MS 1000
#define PRUNE_AGAIN_MS 200	/* after it failed */

struct writer {
	struct store *store;
	struct writer_options options;
	struct tx *tx;
	pthread_t thread;

	pthread_mutex_t lock;	/* what follows */
	pthread_cond_t moved;
	struct job_list queue;
	struct job_list finished;	/* to be collected */
	struct writer_stats stats;
	bool is_stopping;
	bool has_ended;

	pthread_mutex_t writing;	/* tx: the thread, or writer_try_now() */
	int64_t unsynced_since;		/* clock_ms(), 0: all is synced */
	int64_t space_checked;
	atomic_llong prune_after;	/* clock_ms(): it failed, not before */
	atomic_bool may_prune;
	atomic_llong rested_since;	/* clock_ms(); 0: it is at work */
};

/* ---- answers ----------------------------------------------------------------------- */

/* The only way out for a job: nothing is answered before the COMMIT that covers
 * it has returned. */
static void answer(struct writer *w, struct job_list *done)
{
	if (!done->first)
		return;
	pthread_mutex_lock(&w->lock);
	w->stats.jobs += done->count;
	job_list_join(&w->finished, done);
	pthread_mutex_unlock(&w->lock);
	if (w->options.wake)
		w->options.wake(w->options.arg);
}

static void set_status(struct job *job, enum status st,
		       const struct error *error)
{
	job->status = st;
	if (st)
		job->error = *error;
}

static void fail_all(struct job_list *jobs, enum status st,
		     const struct error *error)
{
	for (struct job *job = jobs->first; job; job = job->next)
		set_status(job, st, error);
}

/* ---- batches ------------------------------------------------------------------------ */

static enum job_sync sync_of(const struct job_list *jobs)
{
	for (const struct job *job = jobs->first; job; job = job->next)
		if (job->sync == JOB_SYNC_FULL)
			return JOB_SYNC_FULL;
	return JOB_SYNC_NORMAL;
}

/* One job in its savepoint. Not ST_OK: the whole transaction is lost. */
static enum status run_job(struct writer *w, struct job *job)
{
	struct tx *tx = w->tx;
	enum status st = store_savepoint(tx);

	if (st)
		return st;
	st = job->run(job, tx);
	set_status(job, st, store_error(tx));
	if (store_is_lost(tx))
		return st ? st : ST_UNAVAILABLE;
	if (!st)
		return store_release(tx);
	store_undo(tx);
	return store_is_lost(tx) ? st : ST_OK;
}

static enum status run_each(struct writer *w, struct job_list *jobs)
{
	enum status st = ST_OK;

	for (struct job *job = jobs->first; job && !st; job = job->next)
		st = run_job(w, job);
	return st;
}

/* A job that is alone in its transaction needs no savepoint, which would keep a
 * copy of each page that it changes. *is_over: it failed and was rolled back. */
static enum status run_only_job(struct writer *w, struct job *job, bool *is_over)
{
	enum status st = job->run(job, w->tx);

	set_status(job, st, store_error(w->tx));
	if (store_is_lost(w->tx))
		return st ? st : ST_UNAVAILABLE;
	*is_over = st != ST_OK;
	if (st)
		store_rollback(w->tx);
	return ST_OK;
}

/* ST_OK: committed, each job has its status. Else nothing of it is there;
 * *began: it is worth a second try. */
static enum status run_batch(struct writer *w, struct job_list *jobs,
			     bool *began)
{
	enum status st = store_begin(w->tx, sync_of(jobs));
	bool is_over = false;

	*began = !st;
	if (st)
		return st;
	st = jobs->count == 1 ? run_only_job(w, jobs->first, &is_over) :
				run_each(w, jobs);
	if (st)
		store_rollback(w->tx);
	else if (!is_over)
		st = store_commit(w->tx);
	return st;
}

/* When what is committed must be synced. */
static void note_unsynced(struct writer *w)
{
	if (!store_needs_sync(w->store))
		w->unsynced_since = 0;
	else if (!w->unsynced_since)
		w->unsynced_since = clock_ms();
}

/* The batch failed: each job once, in a transaction of its own. */
static void run_alone(struct writer *w, struct job_list *jobs)
{
	struct job_list one, done = { 0 };
	struct job *job;
	struct error error;
	enum status st;
	bool began;

	while ((job = job_list_take(jobs))) {
		one = (struct job_list){ 0 };
		job_list_append(&one, job);
		st = run_batch(w, &one, &began);
		if (st) {
			error = *store_error(w->tx);
			fail_all(&one, st, &error);
		}
		job_list_join(&done, &one);
	}
	*jobs = done;
}

static void run_jobs(struct writer *w, struct job_list *jobs)
{
	struct error error;
	enum status st;
	bool began;

	if (jobs->count == 0)
		return;
	w->rested_since = 0;
	st = run_batch(w, jobs, &began);
	if (st) {
		error = *store_error(w->tx);
		/* that the store is damaged was said once */
		if (began || !store_is_damaged(w->store))
			log_warning("store.batch_failed", log_status(st),
				    log_u64("jobs", jobs->count),
				    log_error(&error));
		if (st == ST_FULL)
			store_make_room(w->tx);
		if (began && !store_is_broken(w->store) &&
		    !store_is_damaged(w->store))
			run_alone(w, jobs);
		else
			fail_all(jobs, ST_UNAVAILABLE, &error);
	}
	note_unsynced(w);
	/* care() looks once a second whether there is something to prune; a disk
	 * that is nearly full is looked at with each batch */
	if (store_is_tight(w->store))
		w->may_prune = true;
	w->rested_since = clock_ms();
	pthread_mutex_lock(&w->lock);
	w->stats.batches++;
	w->stats.failed += st != ST_OK;
	pthread_mutex_unlock(&w->lock);
}

static void give_up(struct writer *w)
{
	struct error error = *store_error(w->tx);

	log_warning("store.broken", log_error(&error));
	if (w->options.fatal)
		w->options.fatal(w->options.arg, &error);
	else
		_exit(EXIT_BROKEN);
}

/* ---- what is done between batches ------------------------------------------------------ */

static bool prunes_now(const struct writer *w)
{
	return w->may_prune && clock_ms() >= w->prune_after &&
	       !store_is_damaged(w->store);
}

static void prune(struct writer *w)
{
	bool more = false;
	enum status st = store_begin(w->tx, JOB_SYNC_NORMAL);

	if (st) {
		w->may_prune = false;
		return;
	}
	st = store_prune(w->tx, clock_wall_seconds(), &more);
	if (st)
		store_rollback(w->tx);
	else
		st = store_commit(w->tx);
	if (st) {
		log_warning("store.prune_failed", log_error(store_error(w->tx)));
		w->prune_after = clock_ms() + PRUNE_AGAIN_MS;
	}
	note_unsynced(w);
	w->may_prune = more && !st;
}

/* Syncs, checkpoints, looks at the disk. */
static void care(struct writer *w, bool is_idle)
{
	int64_t now = clock_ms();

	if (w->unsynced_since && now - w->unsynced_since >= SYNC_WITHIN_MS &&
	    !store_is_damaged(w->store)) {
		store_sync(w->tx);
		note_unsynced(w);
	}
	if (store_checkpoint(w->tx))
		log_warning("store.checkpoint_failed",
			    log_error(store_error(w->tx)));
	if (now - w->space_checked >= SPACE_EVERY_MS) {
		w->space_checked = now;
		store_check_space(w->store);
		w->may_prune = true;
	}
	/* a full disk is not emptied by waiting for a quiet moment */
	if ((is_idle || !store_has_space(w->store)) && prunes_now(w))
		prune(w);
}

/* ---- the thread ---------------------------------------------------------------------------- */

static void wait_for_jobs(struct writer *w)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (store_needs_sync(w->store) ? TICK_MS : IDLE_TICK_MS) *
			 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&w->moved, &w->lock, &until);
}

/* Moves the next batch over; *idle: the queue was empty. False: the end. */
static bool next_batch(struct writer *w, struct job_list *batch, bool *idle)
{
	struct job *job;
	bool goes_on;

	pthread_mutex_lock(&w->lock);
	if (!w->queue.first && !w->is_stopping && !prunes_now(w))
		wait_for_jobs(w);
	*idle = !w->queue.first;
	while (batch->count < w->options.batch_jobs &&
	       (job = job_list_take(&w->queue)))
		job_list_append(batch, job);
	goes_on = batch->count > 0 || !w->is_stopping;
	if (!goes_on)
		w->has_ended = true;
	pthread_mutex_unlock(&w->lock);
	return goes_on;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct job_list batch = { 0 };
	bool idle;

	while (next_batch(w, &batch, &idle)) {
		pthread_mutex_lock(&w->writing);
		run_jobs(w, &batch);
		/* a log that was not synced may hold the batch: who asks again
		 * after the start is told, a refusal now could be wrong */
		if (store_is_broken(w->store))
			give_up(w);
		answer(w, &batch);
		if (!store_is_broken(w->store)) {
			care(w, idle);
			if (store_is_broken(w->store))
				give_up(w);
		}
		pthread_mutex_unlock(&w->writing);
	}
	store_sync(w->tx);
	return NULL;
}

/* ---- the face ------------------------------------------------------------------------------- */

enum status writer_start(struct store *store, const struct writer_options *o,
			 struct writer **writer, struct error *error)
{
	struct writer *w = calloc(1, sizeof *w);
	enum status st;

	*writer = NULL;
	if (!w)
		return error_set(error, ST_NO_MEMORY, "no memory for a writer");
	w->store = store;
	w->options = *o;
	w->rested_since = clock_ms();
	if (!w->options.queue_octets)
		w->options.queue_octets = QUEUE_OCTETS;
	if (!w->options.batch_jobs)
		w->options.batch_jobs = BATCH_JOBS;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->writing, NULL);
	pthread_cond_init(&w->moved, NULL);
	st = store_connect(store, TX_WRITE, &w->tx, error);
	if (!st && pthread_create(&w->thread, NULL, writer_main, w) != 0) {
		st = error_set(error, ST_IO, "cannot start the writer");
		store_disconnect(w->tx);
	}
	if (st) {
		free(w);
		return st;
	}
	*writer = w;
	return ST_OK;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->is_stopping = true;
	pthread_cond_signal(&w->moved);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	writer_collect(w);
	store_disconnect(w->tx);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->writing);
	pthread_cond_destroy(&w->moved);
	free(w);
}

enum status writer_submit(struct writer *w, struct job *job)
{
	enum status st = ST_OK;
	bool was_empty = false;

	pthread_mutex_lock(&w->lock);
	if (w->is_stopping || w->has_ended) {
		st = ST_UNAVAILABLE;
	} else if (w->queue.octets + job->octets > w->options.queue_octets &&
		   w->queue.first) {
		st = ST_LIMIT;
	} else {
		job_list_append(&w->queue, job);
		was_empty = w->queue.count == 1;
	}
	pthread_mutex_unlock(&w->lock);
	if (was_empty)
		pthread_cond_signal(&w->moved);
	return st;
}

bool writer_try_now(struct writer *w, struct job *job)
{
	struct job_list one = { 0 };
	bool is_idle;

	if (job->sync != JOB_SYNC_NORMAL ||
	    pthread_mutex_trylock(&w->writing) != 0)
		return false;
	pthread_mutex_lock(&w->lock);
	is_idle = !w->queue.first && !w->finished.first && !w->is_stopping;
	pthread_mutex_unlock(&w->lock);
	if (!is_idle || store_is_broken(w->store)) {
		pthread_mutex_unlock(&w->writing);
		return false;
	}
	job_list_append(&one, job);
	run_jobs(w, &one);
	if (store_is_broken(w->store))
		give_up(w);
	pthread_mutex_unlock(&w->writing);
	job->done(job, job->status, &job->error);
	return true;
}

void writer_collect(struct writer *w)
{
	struct job_list done = { 0 };
	struct job *job;

	pthread_mutex_lock(&w->lock);
	job_list_join(&done, &w->finished);
	pthread_mutex_unlock(&w->lock);
	while ((job = job_list_take(&done)))
		job->done(job, job->status, &job->error);
}

bool writer_is_pressed(struct writer *w)
{
	bool is;

	pthread_mutex_lock(&w->lock);
	is = w->queue.octets > w->options.queue_octets / 2;
	pthread_mutex_unlock(&w->lock);
	return is;
}

int64_t writer_rests_ms(struct writer *w)
{
	int64_t since = w->rested_since;

	return since ? clock_ms() - since : 0;
}

void writer_stats(struct writer *w, struct writer_stats *stats)
{
	pthread_mutex_lock(&w->lock);
	*stats = w->stats;
	stats->waiting = w->queue.count;
	stats->waiting_octets = w->queue.octets;
	pthread_mutex_unlock(&w->lock);
}
