/*
 * mailboxd: accounts, delivery and the store. One loop; beside it the writer's
 * thread, a few readers, the indexer, after an unclean end the surveyor, and libuv's
 * workers for passwords.
 */
#include <config.h>

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/daemon.h"
#include "common/log.h"
#include "mailboxd/indexer.h"
#include "mailboxd/lmtp_backend.h"
#include "mailboxd/offline.h"
#include "mailboxd/peer.h"
#include "mailboxd/prepare.h"
#include "mailboxd/readers.h"
#include "mailboxd/requests.h"
#include "mailboxd/settings.h"
#include "mailboxd/surveyor.h"
#include "mailboxd/untold.h"
#include "mailboxd/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define TICK_MS		1000
#define GENERATIONS	64	/* settings that connections may still look at */
#define STALLED_MS	600000	/* a peer that reads nothing at all */

struct mailboxd {
	struct daemon *daemon;
	struct settings *settings;
	struct settings *old[GENERATIONS];
	size_t old_count;
	struct store *store;
	struct writer *writer;
	struct indexer *indexer;
	struct surveyor *surveyor;	/* NULL after a clean end */
	struct readers *readers, *slow;
	struct service service;
	bool is_serving;

	uv_async_t collect;	/* jobs are done */
	uv_timer_t tick, alarm;
	int64_t alarm_ms;	/* when it is due; 0: not set */

	struct peer_context store_peer, auth_peer, control_peer;
	struct settings_uids lmtp_uids, auth_uids, store_uids, control_uids;
};

/* ---- jobs ----------------------------------------------------------------------- */

struct worker_job {
	uv_work_t work;		/* first */
	struct job *job;
	enum status status;
};

static void worker_run(uv_work_t *work)
{
	struct worker_job *w = (struct worker_job *)work;

	w->status = w->job->run(w->job, NULL);
}

static void worker_done(uv_work_t *work, int cancelled)
{
	struct worker_job *w = (struct worker_job *)work;

	w->job->done(w->job, cancelled ? ST_UNAVAILABLE : w->status, NULL);
	free(w);
}

static enum status worker_submit(struct mailboxd *m, struct job *job)
{
	struct worker_job *w = calloc(1, sizeof *w);

	if (!w)
		return ST_NO_MEMORY;
	w->job = job;
	if (uv_queue_work(&m->daemon->loop, &w->work, worker_run, worker_done)) {
		free(w);
		return ST_UNAVAILABLE;
	}
	return ST_OK;
}

static enum status host_submit(struct service *s, struct job *job,
			       enum job_place place)
{
	struct mailboxd *m = s->host_data;

	switch (place) {
	case PLACE_READER:
		return readers_submit(m->readers, job);
	case PLACE_SLOW:
		return readers_submit(m->slow, job);
	case PLACE_WORKER:
		return worker_submit(m, job);
	case PLACE_WRITER_NOW:
		if (writer_try_now(m->writer, job)) {
			service_news(s);
			return ST_OK;
		}
		return writer_submit(m->writer, job);
	case PLACE_WRITER:
		break;
	}
	return writer_submit(m->writer, job);
}

static void alarm_due(uv_timer_t *timer)
{
	struct mailboxd *m = timer->data;

	m->alarm_ms = 0;
	service_tick(&m->service);
}

static void host_alarm(struct service *s, int64_t due_ms)
{
	struct mailboxd *m = s->host_data;
	int64_t now = clock_ms();

	if (m->alarm_ms && m->alarm_ms <= due_ms)
		return;
	m->alarm_ms = due_ms;
	uv_update_time(&m->daemon->loop);
	uv_timer_start(&m->alarm, alarm_due,
		       due_ms > now ? (uint64_t)(due_ms - now) : 0, 0);
}

static bool host_is_pressed(struct service *s)
{
	return writer_is_pressed(((struct mailboxd *)s->host_data)->writer);
}

static const struct service_host host = {
	.submit = host_submit,
	.alarm = host_alarm,
	.is_pressed = host_is_pressed,
};

/* Any thread. */
static void wake(void *arg)
{
	uv_async_send(&((struct mailboxd *)arg)->collect);
}

static void collect(uv_async_t *async)
{
	struct mailboxd *m = async->data;

	/* answers first, then the news of what they changed */
	writer_collect(m->writer);
	readers_collect(m->readers);
	readers_collect(m->slow);
	service_news(&m->service);
}

/* The writer's thread: the disk can no longer be trusted. The store has logged
 * why; nothing that was not synced may be answered. */
static void fatal(void *arg, const struct error *error)
{
	(void)arg;
	(void)error;
	_exit(EX_SOFTWARE);
}

static void ticked(uv_timer_t *timer)
{
	struct mailboxd *m = timer->data;

	store_check_space(m->store);
	service_told(&m->service);
	service_refused(&m->service);
	service_tick(&m->service);
}

/* ---- configuration ------------------------------------------------------------------ */

struct domains_job {
	struct job job;		/* first */
	struct mailboxd *mailboxd;
	struct settings *settings;
};

static enum status apply_domains_run(struct job *job, struct tx *tx)
{
	return settings_apply_domains(((struct domains_job *)job)->settings, tx);
}

static void apply_domains_done(struct job *job, enum status status,
			       const struct error *error)
{
	struct domains_job *j = (struct domains_job *)job;

	if (status != ST_OK)
		log_warning("domain.failed", log_status(status), log_error(error));
	service_directory_changed(&j->mailboxd->service);
	free(j);
}

static void apply_domains(struct mailboxd *m)
{
	struct domains_job *j = calloc(1, sizeof *j);

	if (!j)
		return;
	j->job.run = apply_domains_run;
	j->job.done = apply_domains_done;
	j->job.sync = JOB_SYNC_FULL;
	j->mailboxd = m;
	j->settings = m->settings;
	if (service_submit(&m->service, &j->job, PLACE_WRITER) != ST_OK)
		free(j);
}

static void add_uids(struct settings_uids *to, const struct settings_uids *more)
{
	for (size_t i = 0; i < more->count && to->count < SETTINGS_UIDS_MAX; i++)
		to->uids[to->count++] = more->uids[i];
}

static void copy_uids(struct settings_uids *to, const struct settings_uids *a,
		      const struct settings_uids *b)
{
	to->count = 0;
	/* never empty: that would be anybody */
	to->uids[to->count++] = geteuid();
	if (a)
		add_uids(to, a);
	if (b)
		add_uids(to, b);
}

static enum status listen_all(struct mailboxd *m, struct error *err);

static enum status configure(struct daemon *d, struct slice text,
			     struct error *err)
{
	struct mailboxd *m = d->state;
	struct settings *settings;
	enum status st = settings_new(text, &settings, err);

	if (st != ST_OK)
		return st;
	m->daemon = d;
	if (!m->settings) {
		m->settings = settings;
		/* what libraries open by path, while that is still allowed */
		st = prepare_load();
		return st == ST_OK ? ST_OK : error_set(err, st, "charsets");
	}
	if (m->old_count == GENERATIONS)
		settings_free(m->old[--m->old_count]);
	m->old[m->old_count++] = m->settings;
	/* names of users cannot be looked up any more */
	settings->ours = m->settings->ours;
	settings->access = m->settings->access;
	settings->lmtp_guests = m->settings->lmtp_guests;
	settings->lmtp_links = m->settings->lmtp_links;
	settings->auth_links = m->settings->auth_links;
	m->settings = settings;
	service_configure(&m->service, settings);
	log_set_debug(settings->debug);
	apply_domains(m);
	return listen_all(m, err);
}

/* ---- the sockets --------------------------------------------------------------------- */

static bool is_ours(const struct mailboxd *m, uint32_t uid)
{
	const struct settings_uids *lists[] = {
		&m->settings->ours, &m->settings->lmtp_links,
	};

	for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
		for (size_t i = 0; i < lists[k]->count; i++)
			if (lists[k]->uids[i] == uid)
				return true;
	return uid == 0 || uid == geteuid();
}

static struct engine *lmtp_engine_new(void *context, const struct peer_info *p)
{
	struct mailboxd *m = context;
	struct engine *e = lmtp_session_new(&m->settings->lmtp, p,
					    is_ours(m, p->uid));

	if (e)
		e->is_authenticated = true;
	return e;
}

static struct backend *lmtp_backend(void *context, struct conn *c,
				    struct engine *e)
{
	struct mailboxd *m = context;

	(void)e;
	return lmtp_backend_new(&m->service, c);
}

static enum status listen_peers(struct mailboxd *m, const char *name,
				struct peer_context *context,
				const struct settings_uids *uids,
				struct error *err)
{
	struct listener_settings ls = {
		.service = {
			.protocol = "ipc", .stalled_ms = STALLED_MS,
			.engine_new = peer_engine_new,
			.backend_new = peer_backend_new, .context = context,
		},
		.uids = uids->uids, .uid_count = uids->count,
	};

	return daemon_listen(m->daemon, name, &ls, err);
}

static enum status listen_all(struct mailboxd *m, struct error *err)
{
	const struct settings *s = m->settings;
	struct listener_settings lmtp = {
		.service = {
			.protocol = "lmtp", .stalled_ms = STALLED_MS,
			.engine_new = lmtp_engine_new,
			.backend_new = lmtp_backend, .context = m,
		},
		.uids = m->lmtp_uids.uids,
	};
	enum status st;

	copy_uids(&m->lmtp_uids, &s->ours, &s->lmtp_guests);
	add_uids(&m->lmtp_uids, &s->lmtp_links);
	copy_uids(&m->auth_uids, &s->ours, &s->auth_links);
	copy_uids(&m->store_uids, &s->access, NULL);
	copy_uids(&m->control_uids, NULL, NULL);
	m->store_peer = (struct peer_context){ &m->service, SESSION_STORE };
	m->auth_peer = (struct peer_context){ &m->service, SESSION_AUTH };
	m->control_peer = (struct peer_context){ &m->service, SESSION_CONTROL };
	lmtp.uid_count = m->lmtp_uids.count;
	st = daemon_listen(m->daemon, "lmtp", &lmtp, err);
	if (st == ST_OK)
		st = listen_peers(m, "auth", &m->auth_peer, &m->auth_uids, err);
	if (st == ST_OK)
		st = listen_peers(m, "store", &m->store_peer, &m->store_uids, err);
	if (st == ST_OK)
		st = listen_peers(m, "control", &m->control_peer,
				  &m->control_uids, err);
	return st;
}

/* ---- start and end --------------------------------------------------------------------- */

/* Before there is a writer's thread: the domains of the configuration, and what
 * may not have been told before the last end. */
static enum status first_writes(struct mailboxd *m, struct error *err)
{
	struct tx *tx;
	enum status st = store_connect(m->store, TX_WRITE, &tx, err);

	if (st != ST_OK)
		return st;
	st = store_begin(tx, JOB_SYNC_FULL);
	if (st == ST_OK) {
		st = settings_apply_domains(m->settings, tx);
		if (st == ST_OK)
			st = store_commit(tx);
		else
			store_rollback(tx);
	}
	if (st == ST_OK)
		st = service_load_untold(&m->service, tx);
	if (st != ST_OK)
		error_set(err, st, "first writes: %.100s",
			  store_error(tx)->text);
	store_disconnect(tx);
	return st;
}

static enum status open_store(struct daemon *d, struct error *err)
{
	struct mailboxd *m = d->state;
	struct writer_options wo = { .wake = wake, .fatal = fatal, .arg = m };
	struct readers_options ro = { .wake = wake, .arg = m };
	struct readers_options slow = { .wake = wake, .arg = m, .threads = 1 };
	enum status st = store_open(&m->settings->store, &m->store, err);

	if (st != ST_OK)
		return st;
	uv_async_init(&d->loop, &m->collect, collect);
	uv_timer_init(&d->loop, &m->tick);
	uv_timer_init(&d->loop, &m->alarm);
	m->collect.data = m->tick.data = m->alarm.data = m;
	st = service_init(&m->service, m->store, m->settings, &host, m);
	m->is_serving = st == ST_OK;
	if (st == ST_OK)
		st = first_writes(m, err);
	if (st == ST_OK)
		st = writer_start(m->store, &wo, &m->writer, err);
	if (st == ST_OK)
		st = readers_start(m->store, &ro, &m->readers, err);
	if (st == ST_OK)
		st = indexer_start(m->store, m->writer, &m->indexer, err);
	if (st == ST_OK)
		st = surveyor_start(m->store, m->writer, &m->surveyor, err);
	if (st == ST_OK)
		st = readers_start(m->store, &slow, &m->slow, err);
	return st;
}

static enum status serve(struct daemon *d, struct error *err)
{
	struct mailboxd *m = d->state;

	log_set_debug(m->settings->debug);
	uv_timer_start(&m->tick, ticked, TICK_MS, TICK_MS);
	return listen_all(m, err);
}

static void close_handles(struct daemon *d)
{
	struct mailboxd *m = d->state;

	if (!m->store)
		return;
	uv_close((uv_handle_t *)&m->collect, NULL);
	uv_close((uv_handle_t *)&m->tick, NULL);
	uv_close((uv_handle_t *)&m->alarm, NULL);
}

static void finish(struct daemon *d)
{
	struct mailboxd *m = d->state;

	/* what was taken is committed before the end */
	surveyor_stop(m->surveyor);
	indexer_stop(m->indexer);
	readers_stop(m->readers);
	readers_stop(m->slow);
	writer_stop(m->writer);
	if (m->is_serving)
		service_clear(&m->service);
	store_close(m->store);
	settings_free(m->settings);
	while (m->old_count > 0)
		settings_free(m->old[--m->old_count]);
}

static void counters(struct daemon *d, struct buf *cells)
{
	struct mailboxd *m = d->state;
	const struct service_counts *c = &m->service.counts;

	daemon_count(cells, "delivered", c->delivered);
	daemon_count(cells, "delivered-octets", c->delivered_octets);
	daemon_count(cells, "failed-deliveries", c->deliveries_failed);
	daemon_count(cells, "refused-recipients", c->refused_recipients);
	daemon_count(cells, "appended", c->appended);
	daemon_count(cells, "logins", c->logins);
	daemon_count(cells, "failed-logins", c->logins_failed);
	daemon_count(cells, "requests", c->requests);
}

static const struct daemon_ops ops = {
	.name = "mailboxd",
	.sandbox = PROC_SANDBOX_STORE,
	.configure = configure,
	.prepare = open_store,
	.serve = serve,
	.close = close_handles,
	.finish = finish,
	.counters = counters,
};

/* One processor stays free for the loop and the writer. */
static void size_worker_pool(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	char text[24];

	snprintf(text, sizeof text, "%ld", processors > 2 ? processors - 1 : 1L);
	setenv("UV_THREADPOOL_SIZE", text, 0);
}

int main(int argc, char **argv)
{
	struct mailboxd m = { 0 };

	crash_point_load();
	if (argc > 1 && strcmp(argv[1], "--offline") == 0)
		return offline_main(argc - 2, argv + 2);
	size_worker_pool();
	return daemon_main(&ops, &m, argc, argv);
}
