#include "mailboxd/readers.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2
#define QUEUE_JOBS 65536

struct reader {
	struct readers *all;
	struct tx *tx;
	pthread_t thread;
	bool has_thread;
};

struct readers {
	struct readers_options options;
	struct reader *items;
	size_t count;

	pthread_mutex_t lock;	/* what follows */
	pthread_cond_t moved;
	struct job_list queue, finished;
	bool is_stopping;
};

static void run_job(struct reader *r, struct job *job)
{
	enum status st = store_begin(r->tx, JOB_SYNC_NORMAL), ended;

	job->error = (struct error){ 0 };
	if (!st) {
		st = job->run(job, r->tx);
		if (st)
			job->error = *store_error(r->tx);
		ended = store_commit(r->tx);
		if (!st)
			st = ended;
	}
	job->status = st;
	if (st && job->error.status != st)
		job->error = *store_error(r->tx);
}

static struct job *next_job(struct readers *all)
{
	struct job *job;

	pthread_mutex_lock(&all->lock);
	while (!(job = job_list_take(&all->queue)) && !all->is_stopping)
		pthread_cond_wait(&all->moved, &all->lock);
	pthread_mutex_unlock(&all->lock);
	return job;
}

/* True: the collector was not told yet. */
static bool finish(struct readers *all, struct job *job)
{
	bool was_empty;

	pthread_mutex_lock(&all->lock);
	was_empty = !all->finished.first;
	job_list_append(&all->finished, job);
	pthread_mutex_unlock(&all->lock);
	return was_empty;
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	struct readers *all = r->all;
	struct job *job;

	while ((job = next_job(all))) {
		run_job(r, job);
		if (finish(all, job) && all->options.wake)
			all->options.wake(all->options.arg);
	}
	return NULL;
}

static enum status start_one(struct store *store, struct reader *r,
			     struct error *error)
{
	enum status st = store_connect(store, TX_READ, &r->tx, error);

	if (st)
		return st;
	if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
		return error_set(error, ST_IO, "cannot start a reader");
	r->has_thread = true;
	return ST_OK;
}

enum status readers_start(struct store *store, const struct readers_options *o,
			  struct readers **readers, struct error *error)
{
	struct readers *all = calloc(1, sizeof *all);
	enum status st = ST_OK;

	*readers = NULL;
	if (!all)
		return error_set(error, ST_NO_MEMORY, "no memory for readers");
	all->options = *o;
	if (!all->options.threads)
		all->options.threads = THREADS;
	if (!all->options.queue_jobs)
		all->options.queue_jobs = QUEUE_JOBS;
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->moved, NULL);
	all->items = calloc(all->options.threads, sizeof *all->items);
	if (!all->items)
		st = error_set(error, ST_NO_MEMORY, "no memory for readers");
	for (; !st && all->count < all->options.threads; all->count++) {
		all->items[all->count].all = all;
		st = start_one(store, &all->items[all->count], error);
	}
	if (st) {
		readers_stop(all);
		return st;
	}
	*readers = all;
	return ST_OK;
}

void readers_stop(struct readers *all)
{
	if (!all)
		return;
	pthread_mutex_lock(&all->lock);
	all->is_stopping = true;
	pthread_cond_broadcast(&all->moved);
	pthread_mutex_unlock(&all->lock);
	for (size_t i = 0; i < all->count; i++) {
		if (all->items[i].has_thread)
			pthread_join(all->items[i].thread, NULL);
		store_disconnect(all->items[i].tx);
	}
	readers_collect(all);
	pthread_mutex_destroy(&all->lock);
	pthread_cond_destroy(&all->moved);
	free(all->items);
	free(all);
}

enum status readers_submit(struct readers *all, struct job *job)
{
	enum status st = ST_OK;

	pthread_mutex_lock(&all->lock);
	if (all->is_stopping) {
		st = ST_UNAVAILABLE;
	} else if (all->queue.count >= all->options.queue_jobs) {
		st = ST_LIMIT;
	} else {
		job_list_append(&all->queue, job);
	}
	pthread_mutex_unlock(&all->lock);
	/* not under the lock, which the woken thread would only wait for */
	if (!st)
		pthread_cond_signal(&all->moved);
	return st;
}

void readers_collect(struct readers *all)
{
	struct job_list done = { 0 };
	struct job *job;

	pthread_mutex_lock(&all->lock);
	job_list_join(&done, &all->finished);
	pthread_mutex_unlock(&all->lock);
	while ((job = job_list_take(&done)))
		job->done(job, job->status, &job->error);
}
