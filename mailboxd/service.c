#include "mailboxd/service.h"

#include "common/clock.h"
#include "mailboxd/fronts.h"
#include "mailboxd/logins.h"
#include "mailboxd/prepare.h"
#include "mailboxd/requests.h"
#include "mailboxd/refusals.h"
#include "mailboxd/given.h"
#include "mailboxd/resolve_cache.h"
#include "mailboxd/throttle.h"
#include "mailboxd/untold.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Of each socket: what a crowd of clients with old passwords may need, and far
 * below what guessing needs. */
#define FAILURES_BURST		300
#define FAILURES_PER_SECOND	10

enum status service_init(struct service *s, struct store *store,
			 struct settings *settings,
			 const struct service_host *host, void *host_data)
{
	memset(s, 0, sizeof *s);
	s->store = store;
	s->host = host;
	s->host_data = host_data;
	s->started_ms = clock_ms();
	s->started_wall_ms = clock_wall_ms();
	watch_init(&s->watch);
	s->logins = logins_new();
	s->fronts = fronts_new();
	s->refusals = refusals_new();
	s->resolved = resolve_cache_new();
	s->untold = untold_new();
	s->throttle = throttle_new(s->started_ms);
	for (size_t i = 0; i < 2; i++)
		ration_init(&s->failures[i], FAILURES_BURST, FAILURES_PER_SECOND,
			    s->started_ms);
	if (!s->logins || !s->fronts || !s->refusals || !s->resolved ||
	    !s->untold || !s->throttle) {
		service_clear(s);
		return ST_NO_MEMORY;
	}
	if (settings->keeps_given)
		s->given = given_new();
	service_configure(s, settings);
	store_watch(store, watch_changed, &s->watch);
	return ST_OK;
}

void service_clear(struct service *s)
{
	while (s->spare_count > 0)
		prepare_free(s->spares[--s->spare_count]);
	logins_free(s->logins);
	given_free(s->given);
	s->given = NULL;
	fronts_free(s->fronts);
	refusals_free(s->refusals);
	resolve_cache_free(s->resolved);
	untold_free(s->untold);
	throttle_free(s->throttle);
	watch_clear(&s->watch);
	s->logins = NULL;
	s->fronts = NULL;
	s->refusals = NULL;
	s->resolved = NULL;
	s->untold = NULL;
	s->throttle = NULL;
}

void service_configure(struct service *s, struct settings *settings)
{
	s->settings = settings;
	s->bodies.max = settings->body_memory;
	if (settings->store.array_octets)
		store_keep_arrays(s->store, settings->store.array_octets);
	service_directory_changed(s);
}

enum status service_submit(struct service *s, struct job *job,
			   enum job_place place)
{
	return s->host->submit(s, job, place);
}

void service_directory_changed(struct service *s)
{
	s->directory++;
}

/* ---- time ------------------------------------------------------------------- */

void service_tick(struct service *s)
{
	int64_t now = clock_ms(), next = INT64_MAX;
	struct session *session, *next_session;

	for (session = s->sessions; session; session = next_session) {
		struct request *r, *next_request;

		next_session = session->next;
		for (r = session->requests; r; r = next_request) {
			next_request = r->next;
			if (r->due_ms && r->due_ms <= now)
				request_expired(r);
			else if (r->is_delayed && r->due_ms < next)
				next = r->due_ms;
		}
	}
	if (next != INT64_MAX)
		s->host->alarm(s, next);
}

/* ---- news ------------------------------------------------------------------- */

static void tell_all(struct service *s)
{
	/* more changed than was kept: every watcher asks what is new to it */
	for (struct session *session = s->sessions; session;
	     session = session->next)
		for (size_t i = 0; i < SESSION_HANDLES_MAX; i++)
			if (session->handles[i])
				session_news(session->handles[i],
					     session->handles[i]->told_modseq + 1);
}

void service_news(struct service *s)
{
	const struct watch_news *news;
	bool all;
	size_t count = watch_take(&s->watch, &news, &all);

	if (all)
		tell_all(s);
	for (size_t i = 0; i < count; i++) {
		struct watch_entry *e = NULL;

		while ((e = watch_next(&s->watch, news[i].mailbox, e)))
			session_news((struct handle *)e, news[i].highestmodseq);
	}
}

/* ---- sessions --------------------------------------------------------------- */

static bool is_named(const struct session *session,
		     const struct ipc_service_kick *k)
{
	if (k->sid.len)
		return slice_eq(k->sid, slice_str(session->sid));
	return k->account == 0 || (k->account == session->account &&
		(k->credential == 0 || k->credential == session->credential));
}

unsigned service_kick(struct service *s, const struct ipc_service_kick *k)
{
	unsigned count = fronts_kick(s->fronts, k);

	for (struct session *session = s->sessions; session;
	     session = session->next) {
		/* what auth.sock bound is smtpd's own, and in fronts */
		if (session->state != SESSION_BOUND ||
		    session->socket != SESSION_STORE || !is_named(session, k))
			continue;
		session_kick(session, k->reason);
		count++;
	}
	return count;
}

void service_revoke(struct service *s, const struct ipc_service_kick *k)
{
	service_kick(s, k);
	fronts_revoked(s->fronts, k, clock_ms());
}

unsigned service_sessions(const struct service *s, uint64_t account,
			  unsigned scope)
{
	unsigned count = 0;

	for (const struct session *session = s->sessions; session;
	     session = session->next)
		count += session->state == SESSION_BOUND &&
			 session->account == account && session->scope == scope;
	return count;
}

/* ---- parsers ---------------------------------------------------------------- */

struct prepare *service_prepare_take(struct service *s)
{
	return s->spare_count > 0 ? s->spares[--s->spare_count] : prepare_new();
}

void service_prepare_give(struct service *s, struct prepare *p)
{
	if (!p)
		return;
	if (s->spare_count == SERVICE_SPARES) {
		prepare_free(p);
		return;
	}
	prepare_reset(p);
	s->spares[s->spare_count++] = p;
}

/* ---- what was told ------------------------------------------------------------ */

struct told_job {
	struct job job;		/* first */
	struct id mids[UNTOLD_TOLD_MAX];
	size_t count;
};

static enum status told_run(struct job *job, struct tx *tx)
{
	const struct told_job *t = (const struct told_job *)job;
	enum status st = ST_OK;

	for (size_t i = 0; i < t->count && st == ST_OK; i++)
		st = store_untold_remove(tx, id_slice(&t->mids[i]));
	return st;
}

static void told_done(struct job *job, enum status status,
		      const struct error *error)
{
	(void)status;	/* they expire all the same */
	(void)error;
	free(job);
}

void service_told(struct service *s)
{
	struct told_job *t;

	if (untold_told_count(s->untold) == 0)
		return;
	t = calloc(1, sizeof *t);
	if (!t)
		return;
	t->count = untold_take_told(s->untold, t->mids, UNTOLD_TOLD_MAX);
	t->job.run = told_run;
	t->job.done = told_done;
	t->job.sync = JOB_SYNC_NORMAL;
	t->job.octets = sizeof *t;
	if (service_submit(s, &t->job, PLACE_WRITER) != ST_OK)
		free(t);
}

/* ---- what was refused ---------------------------------------------------------- */

struct refused_job {
	struct job job;		/* first */
	struct refused *rows;
};

static enum status refused_run(struct job *job, struct tx *tx)
{
	enum status st = ST_OK;

	for (struct refused *row = ((struct refused_job *)job)->rows;
	     row && st == ST_OK; row = row->next)
		st = store_refusal_add(tx, &row->row);
	return st;
}

/* What could not be written is lost: mail is worth more than the news of it. */
static void refused_done(struct job *job, enum status status,
			 const struct error *error)
{
	(void)status;
	(void)error;
	refused_free(((struct refused_job *)job)->rows);
	free(job);
}

void service_refused(struct service *s)
{
	struct refused *rows = refusals_take(s->refusals, clock_ms(),
					     clock_wall_ms());
	struct refused_job *j = rows ? calloc(1, sizeof *j) : NULL;

	if (!rows)
		return;
	if (!j) {
		refused_free(rows);
		return;
	}
	j->rows = rows;
	j->job.run = refused_run;
	j->job.done = refused_done;
	j->job.sync = JOB_SYNC_NORMAL;
	j->job.octets = sizeof *j + REFUSALS_SECOND * sizeof *rows;
	if (service_submit(s, &j->job, PLACE_WRITER) != ST_OK)
		refused_done(&j->job, ST_UNAVAILABLE, NULL);
}

static enum status load_untold(void *arg, struct slice mid, struct slice key,
			       int64_t at)
{
	struct service *s = arg;

	if (key.len == UNTOLD_KEY_OCTETS)
		untold_load(s->untold, clock_ms(),
			    clock_wall_ms() - at * 1000,
			    (const unsigned char *)key.data, mid);
	return ST_OK;
}

enum status service_load_untold(struct service *s, struct tx *tx)
{
	int64_t old = clock_wall_seconds() - UNTOLD_KEEP_MS / 1000;
	enum status st = store_begin(tx, JOB_SYNC_NORMAL);

	if (st != ST_OK)
		return st;
	st = store_untold_expire(tx, old);
	if (st == ST_OK)
		st = store_untold_list(tx, load_untold, s);
	if (st == ST_OK)
		return store_commit(tx);
	store_rollback(tx);
	return st;
}
