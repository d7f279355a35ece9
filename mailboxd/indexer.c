#include "mailboxd/indexer.h"

#include "common/clock.h"
#include "common/log.h"
#include "mailboxd/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define SLICE_MS 5
#define RESTS_MS 20		/* the writer rests when nothing came for so long */
#define LOOK_AGAIN_MS 25	/* while it does not */
#define BUSY_EVERY_MS 1000	/* one slice all the same */
#define MISSED_EVERY_MS 20	/* where a search had to read a message for want of one */
#define MISSED_SLICE_MS 10
#define NOTHING_MS 500		/* nothing is to do */
#define PAUSE_MS 10000		/* it failed */
#define PRIORITY 19

struct indexer {
	struct store_index *index;
	struct writer *writer;
	pthread_t thread;
	int64_t worked_ms;	/* clock_ms() of the last slice */
	bool is_paused;

	pthread_mutex_t lock;	/* what follows */
	pthread_cond_t moved;
	bool is_ready, is_stopping;
};

/* False: the end. */
static bool wait_for(struct indexer *x, int64_t ms)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&x->lock);
	if (ms > 0 && !x->is_stopping)
		pthread_cond_timedwait(&x->moved, &x->lock, &until);
	goes_on = !x->is_stopping;
	pthread_mutex_unlock(&x->lock);
	return goes_on;
}

static bool may_work(const struct indexer *x)
{
	int64_t pause_ms = store_index_is_missed(x->index) ? MISSED_EVERY_MS :
							     BUSY_EVERY_MS;

	return !x->writer || writer_rests_ms(x->writer) >= RESTS_MS ||
	       clock_ms() - x->worked_ms >= pause_ms;
}

/* One slice; gives how long to wait for the next. */
static int64_t work(struct indexer *x)
{
	unsigned slice_ms = store_index_is_missed(x->index) ? MISSED_SLICE_MS :
							      SLICE_MS;
	enum status st = store_index_step(x->index, slice_ms);

	x->worked_ms = clock_ms();
	if (st == ST_OK || st == ST_MORE) {
		x->is_paused = false;
		return st == ST_OK ? NOTHING_MS : 0;
	}
	if (!x->is_paused)
		log_warning("search.paused", log_status(st),
			    log_error(store_index_error(x->index)));
	x->is_paused = true;
	return PAUSE_MS;
}

static void *indexer_main(void *arg)
{
	struct indexer *x = arg;
	int64_t wait_ms = 0;

	/* on Linux: of this thread alone */
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	pthread_mutex_lock(&x->lock);
	x->is_ready = true;
	pthread_cond_broadcast(&x->moved);
	pthread_mutex_unlock(&x->lock);
	while (wait_for(x, wait_ms))
		wait_ms = may_work(x) ? work(x) : LOOK_AGAIN_MS;
	return NULL;
}

static void indexer_free(struct indexer *x)
{
	store_index_close(x->index);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->moved);
	free(x);
}

enum status indexer_start(struct store *store, struct writer *writer,
			  struct indexer **indexer, struct error *error)
{
	struct indexer *x = calloc(1, sizeof *x);
	enum status st;

	*indexer = NULL;
	if (!x)
		return error_set(error, ST_NO_MEMORY, "no memory for an indexer");
	x->writer = writer;
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->moved, NULL);
	st = store_index_open(store, &x->index, error);
	if (!st && pthread_create(&x->thread, NULL, indexer_main, x) != 0)
		st = error_set(error, ST_IO, "cannot start the indexer");
	if (st) {
		indexer_free(x);
		return st;
	}
	pthread_mutex_lock(&x->lock);
	while (!x->is_ready)
		pthread_cond_wait(&x->moved, &x->lock);
	pthread_mutex_unlock(&x->lock);
	*indexer = x;
	return ST_OK;
}

void indexer_stop(struct indexer *x)
{
	if (!x)
		return;
	pthread_mutex_lock(&x->lock);
	x->is_stopping = true;
	pthread_cond_broadcast(&x->moved);
	pthread_mutex_unlock(&x->lock);
	pthread_join(x->thread, NULL);
	indexer_free(x);
}
