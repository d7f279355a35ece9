#include "mailboxd/surveyor.h"

#include "common/clock.h"
#include "mailboxd/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define START_MS 3000		/* what waited for the start comes first */
#define SLICE_MS 5
#define RESTS_MS 20		/* the writer rests when nothing came for so long */
#define PAUSE_IDLE 1		/* times what it worked */
#define PAUSE_BUSY 9		/* while the writer is at work */
#define PAUSE_MAX_MS 1000
#define PRIORITY 19

struct surveyor {
	struct store_survey *survey;
	struct writer *writer;
	pthread_t thread;
	int64_t began_ms;	/* clock_ms() of this slice */
	atomic_bool is_stopping;

	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool is_ready;
};

static void wait_for(struct surveyor *v, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&v->lock);
	if (!atomic_load(&v->is_stopping))
		pthread_cond_timedwait(&v->moved, &v->lock, &until);
	pthread_mutex_unlock(&v->lock);
}

static bool pace(void *arg)
{
	struct surveyor *v = arg;
	int64_t worked = clock_ms() - v->began_ms, pause;

	if (worked >= SLICE_MS) {
		pause = worked * (!v->writer || writer_rests_ms(v->writer) >= RESTS_MS ?
				  PAUSE_IDLE : PAUSE_BUSY);
		wait_for(v, pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
		v->began_ms = clock_ms();
	}
	return !atomic_load(&v->is_stopping);
}

static void *surveyor_main(void *arg)
{
	struct surveyor *v = arg;

	/* on Linux: of this thread alone */
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	pthread_mutex_lock(&v->lock);
	v->is_ready = true;
	pthread_cond_broadcast(&v->moved);
	pthread_mutex_unlock(&v->lock);
	wait_for(v, START_MS);
	v->began_ms = clock_ms();
	store_survey_run(v->survey, pace, v);
	return NULL;
}

static void surveyor_free(struct surveyor *v)
{
	store_survey_close(v->survey);
	pthread_mutex_destroy(&v->lock);
	pthread_cond_destroy(&v->moved);
	free(v);
}

enum status surveyor_start(struct store *store, struct writer *writer,
			   struct surveyor **surveyor, struct error *error)
{
	struct surveyor *v;
	enum status st;

	*surveyor = NULL;
	if (!store_wants_survey(store))
		return ST_OK;
	v = calloc(1, sizeof *v);
	if (!v)
		return error_set(error, ST_NO_MEMORY, "no memory for a surveyor");
	v->writer = writer;
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->moved, NULL);
	st = store_survey_open(store, &v->survey, error);
	if (!st && pthread_create(&v->thread, NULL, surveyor_main, v) != 0)
		st = error_set(error, ST_IO, "cannot start the surveyor");
	if (st) {
		surveyor_free(v);
		return st;
	}
	pthread_mutex_lock(&v->lock);
	while (!v->is_ready)
		pthread_cond_wait(&v->moved, &v->lock);
	pthread_mutex_unlock(&v->lock);
	*surveyor = v;
	return ST_OK;
}

void surveyor_stop(struct surveyor *v)
{
	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	atomic_store(&v->is_stopping, true);
	pthread_cond_broadcast(&v->moved);
	pthread_mutex_unlock(&v->lock);
	pthread_join(v->thread, NULL);
	surveyor_free(v);
}
