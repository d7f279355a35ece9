#include <config.h>

#include "common/lmtp_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <stdlib.h>

#define CONNECTIONS	64
#define IDLE		8
#define REPLY_MS	60000
#define STORED_MS	300000
#define DONE_MS		5000
/* Between attempts to reach the server: doubled from the one to the other. */
#define RETRY_FIRST_MS	50
#define RETRY_LAST_MS	2000
/* A server that starts again is waited for so long before it counts as away. */
#define AWAY_MS		2000
#define FULL_MS		500
#define TELL_MS		1000
#define TELLS_MAX	((size_t)65536)
#define TELLS_LINE	16	/* mids in one XTELL */

static void dispatch(struct lmtp_client *client);

/* ---- what is known of the server ----------------------------------------------- */

static void set_state(struct lmtp_client *client, enum status state)
{
	if (client->state == state)
		return;
	client->state = state;
	log_event("lmtp.state", log_str("socket", client->path),
		  log_status(state));
	if (client->settings.state_changed)
		client->settings.state_changed(client->settings.context, state);
}

enum status lmtp_client_state(const struct lmtp_client *client)
{
	return client->state;
}

static bool has_ready_link(const struct lmtp_client *client)
{
	for (struct lmtp_link *l = client->links; l; l = l->next)
		if (l->dialogue.is_ready)
			return true;
	return false;
}

/* ---- the queue --------------------------------------------------------------------- */

static void append_job(struct lmtp_job **at, struct lmtp_job *job)
{
	while (*at)
		at = &(*at)->next;
	job->next = NULL;
	*at = job;
}

static bool remove_job(struct lmtp_job **at, struct lmtp_job *job)
{
	while (*at && *at != job)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = job->next;
	return true;
}

void lmtp_client_dequeue(struct lmtp_job *job)
{
	if (!remove_job(&job->client->queue, job))
		remove_job(&job->client->asking, job);
}

static void fail_queue(struct lmtp_client *client)
{
	struct lmtp_job *job;

	while ((job = client->queue)) {
		client->queue = job->next;
		lmtp_job_fail(job);
	}
}

/* ---- links ------------------------------------------------------------------------- */

static void set_timer(struct lmtp_client *client)
{
	int64_t due = clock_sooner(client->retry_due_ms, client->full_until_ms);

	due = clock_sooner(due, client->tell_due_ms);
	if (client->away_since_ms && client->state != ST_UNAVAILABLE)
		due = clock_sooner(due, client->away_since_ms + AWAY_MS);
	if (client->queue)
		due = clock_sooner(due, client->queue->due_ms);
	for (struct lmtp_job *job = client->asking; job; job = job->next)
		due = clock_sooner(due, clock_sooner(job->due_ms, job->ask_ms));
	conn_timer_set(client->loop, &client->timer, due);
}

void lmtp_client_full(struct lmtp_client *client)
{
	client->full_until_ms = clock_ms() + FULL_MS;
	set_state(client, ST_FULL);
	set_timer(client);
}

static void retry_later(struct lmtp_client *client, int64_t now)
{
	client->retry_ms = client->retry_ms ? 2 * client->retry_ms
					    : RETRY_FIRST_MS;
	if (client->retry_ms > RETRY_LAST_MS)
		client->retry_ms = RETRY_LAST_MS;
	/* by the clock's low bits: not all processes at once */
	client->retry_due_ms = now + client->retry_ms -
			       now % (client->retry_ms / 4 + 1);
}

static void open_link(struct lmtp_client *client)
{
	int64_t now = clock_ms();

	if (client->is_closing || client->retry_due_ms > now)
		return;
	client->retry_due_ms = 0;
	switch (lmtp_link_open(client)) {
	case ST_OK:
		return;
	case ST_MORE:
		client->retry_due_ms = now + RETRY_FIRST_MS;
		return;
	default:
		retry_later(client, now);
		if (has_ready_link(client))
			return;
		set_state(client, ST_UNAVAILABLE);
		fail_queue(client);
	}
}

static unsigned count_opening(const struct lmtp_client *client)
{
	unsigned n = 0;

	for (struct lmtp_link *l = client->links; l; l = l->next)
		n += !l->dialogue.is_ready;
	return n;
}

/* As many new links as there are jobs without one, within the limit. */
static void open_links(struct lmtp_client *client)
{
	unsigned opening = count_opening(client), wanted = 0;

	for (struct lmtp_job *job = client->queue; job; job = job->next)
		wanted++;
	if (client->asking || client->link_count == 0)
		wanted++;
	while (opening < wanted && client->link_count < client->settings.connections) {
		unsigned before = client->link_count;

		open_link(client);
		if (client->link_count == before)
			break;
		opening++;
	}
}

static struct lmtp_link *idle_link(struct lmtp_client *client)
{
	for (struct lmtp_link *l = client->links; l; l = l->next)
		if (lmtp_link_is_idle(l))
			return l;
	return NULL;
}

/* ---- told ones ----------------------------------------------------------------------- */

static void add_tell(struct lmtp_client *client, const struct ipc_frame *frame)
{
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK ||
	    m.lmtp_tell.mid.len != ID_OCTETS ||
	    buf_room(&client->tells) < ID_OCTETS + 1)
		return;
	buf_append(&client->tells, m.lmtp_tell.mid);
	buf_append_char(&client->tells, ' ');
	if (!client->tell_due_ms) {
		client->tell_due_ms = clock_ms() + TELL_MS;
		set_timer(client);
	}
}

/* Puts the told mids before what l does next. */
static void send_tells(struct lmtp_client *client, struct lmtp_link *l)
{
	struct slice rest = buf_slice(&client->tells);

	while (rest.len && l->dialogue.has_xpostroom) {
		struct slice line = slice_head(rest, TELLS_LINE * (ID_OCTETS + 1));

		lmtp_dialogue_tell(&l->dialogue, slice_head(line, line.len - 1));
		rest = slice_from(rest, line.len);
	}
	client->tells.len = 0;
	client->tell_due_ms = 0;
}

/* ---- who gets which link --------------------------------------------------------------- */

static bool ask_one(struct lmtp_client *client, int64_t now)
{
	struct lmtp_job *job = client->asking;
	struct lmtp_link *l;

	while (job && (job->link || job->ask_ms > now))
		job = job->next;
	l = job ? idle_link(client) : NULL;
	if (!l)
		return false;
	if (!l->dialogue.has_xpostroom) {
		lmtp_client_dequeue(job);
		lmtp_job_fail(job);
		return true;
	}
	job->ask_ms = 0;
	job->link = l;
	l->asked = job;
	lmtp_dialogue_done(&l->dialogue, id_slice(&job->mid));
	lmtp_link_flush(l);
	return true;
}

static bool begin_one(struct lmtp_client *client)
{
	struct lmtp_job *job = client->queue;
	struct lmtp_link *l = job ? idle_link(client) : NULL;

	if (!l)
		return false;
	client->queue = job->next;
	if (client->tells.len)
		send_tells(client, l);
	lmtp_job_begin(job, l);
	lmtp_link_flush(l);
	return true;
}

static void dispatch(struct lmtp_client *client)
{
	int64_t now = clock_ms();

	while (!client->is_closing && ask_one(client, now))
		;
	while (!client->is_closing && begin_one(client))
		;
	if (client->queue || client->asking || client->link_count == 0)
		open_links(client);
	set_timer(client);
}

void lmtp_client_ready(struct lmtp_client *client)
{
	client->retry_ms = client->retry_due_ms = client->away_since_ms = 0;
	if (!client->full_until_ms)
		set_state(client, ST_OK);
	if (client->queue || client->asking)
		dispatch(client);
}

void lmtp_client_lost(struct lmtp_client *client, struct lmtp_link *l)
{
	struct lmtp_job *job = l->job;
	int64_t now = clock_ms();
	bool was_ready = l->dialogue.is_ready;

	if (l->asked)
		l->asked->link = NULL;	/* it is asked again */
	l->job = l->asked = NULL;
	lmtp_link_close(l);
	if (client->is_closing)
		return;
	if (!was_ready)
		retry_later(client, now);
	if (!client->away_since_ms && !has_ready_link(client))
		client->away_since_ms = now;
	if (job) {
		job->link = NULL;
		if (job->state == LMTP_JOB_ENDED && job->owner &&
		    l->dialogue.has_xpostroom && job->mid.text[0]) {
			job->state = LMTP_JOB_ASKING;
			job->due_ms = now + client->settings.done_ms;
			append_job(&client->asking, job);
		} else {
			lmtp_job_fail(job);
		}
	}
	dispatch(client);
}

void lmtp_client_drained(struct lmtp_client *client, struct lmtp_link *l)
{
	struct lmtp_job *job = l->job;
	struct ipc_message m = { .type = IPC_TYPE_CREDIT };

	if (!job || !job->owner || job->state != LMTP_JOB_OPEN)
		return;
	if (job->waiting.len)
		lmtp_job_go_on(job);
	conn_wake(job->owner->conn);	/* requests may wait there too */
	m.credit.octets = (uint32_t)l->dialogue.uncredited;
	l->dialogue.uncredited = 0;
	if (m.credit.octets)
		conn_reply(job->owner->conn, job->id, &m, false);
}

/* ---- deadlines ---------------------------------------------------------------------------- */

static void expire_jobs(struct lmtp_client *client, int64_t now)
{
	struct lmtp_job *job, *next;

	while ((job = client->queue) && job->due_ms <= now) {
		client->queue = job->next;
		lmtp_job_fail(job);
	}
	for (job = client->asking; job; job = next) {
		next = job->next;
		if (job->due_ms > now)
			continue;
		log_warning("lmtp.unknown", log_slice("mid", id_slice(&job->mid)));
		lmtp_client_dequeue(job);
		lmtp_job_fail(job);
	}
}

static void timer_due(struct conn_timer *t, int64_t now)
{
	struct lmtp_client *client = (struct lmtp_client *)
		((char *)t - offsetof(struct lmtp_client, timer));
	struct lmtp_link *l;

	if (client->full_until_ms && client->full_until_ms <= now) {
		client->full_until_ms = 0;
		set_state(client, has_ready_link(client) ? ST_OK
							 : ST_UNAVAILABLE);
	}
	if (client->away_since_ms && now - client->away_since_ms >= AWAY_MS &&
	    client->state != ST_UNAVAILABLE) {
		set_state(client, ST_UNAVAILABLE);
		fail_queue(client);
	}
	expire_jobs(client, now);
	if (client->tell_due_ms && client->tell_due_ms <= now) {
		l = idle_link(client);
		client->tell_due_ms = now + TELL_MS;
		if (l) {
			send_tells(client, l);
			lmtp_link_flush(l);
		}
	}
	if (client->retry_due_ms && client->retry_due_ms <= now)
		client->retry_due_ms = 0;
	dispatch(client);
}

/* ---- backends -------------------------------------------------------------------------------- */

static enum status begin_job(struct lmtp_backend *b, const struct ipc_frame *frame)
{
	struct ipc_message m;
	struct lmtp_job *job;

	if (b->job)
		lmtp_job_give_up(b->job);
	if (ipc_decode(frame, &m) != ST_OK)
		return ST_OK;
	job = lmtp_job_new(b, frame->id);
	if (!job || ipc_frame_put(&job->waiting, frame) != ST_OK)
		return ST_MORE;
	if (m.lmtp_mail.mid.len == ID_OCTETS)
		memcpy(job->mid.text, m.lmtp_mail.mid.data, ID_OCTETS);
	job->due_ms = clock_ms() + b->client->settings.reply_ms;
	append_job(&b->client->queue, job);
	return ST_OK;
}

static enum status send_request(struct backend *backend,
				const struct ipc_frame *frame)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;
	struct lmtp_job *job = b->job;

	if (frame->type == IPC_TYPE_LMTP_TELL) {
		add_tell(b->client, frame);
		return ST_OK;
	}
	if (frame->type == IPC_TYPE_LMTP_MAIL)
		return begin_job(b, frame);
	if (!job || job->id != frame->id)
		return ST_OK;	/* it is over */
	if (frame->type == IPC_TYPE_LMTP_ABORT) {
		lmtp_job_give_up(job);
		return ST_OK;
	}
	if (job->waiting.len)
		return ipc_frame_put(&job->waiting, frame) == ST_OK ? ST_OK : ST_MORE;
	return lmtp_job_give(job, frame);
}

static void flush(struct backend *backend)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;

	if (b->client->queue)
		dispatch(b->client);
	if (b->job && b->job->link && b->job->link->job == b->job)
		lmtp_link_flush(b->job->link);
}

static void close_backend(struct backend *backend)
{
	struct lmtp_backend *b = (struct lmtp_backend *)backend;

	if (b->job)
		lmtp_job_give_up(b->job);
	free(b);
}

struct backend *lmtp_client_backend(struct lmtp_client *client, struct conn *c,
				    struct engine *e)
{
	static const struct backend_ops ops = {
		.send = send_request, .flush = flush, .close = close_backend,
	};
	struct lmtp_backend *b = calloc(1, sizeof *b);

	if (!b)
		return NULL;
	b->backend.ops = &ops;
	b->client = client;
	b->conn = c;
	b->engine = e;
	return &b->backend;
}

/* ---- life -------------------------------------------------------------------------------------- */

static void set_defaults(struct lmtp_client_settings *s)
{
	s->connections = s->connections ? s->connections : CONNECTIONS;
	s->idle = s->idle ? s->idle : IDLE;
	s->reply_ms = s->reply_ms ? s->reply_ms : REPLY_MS;
	s->stored_ms = s->stored_ms ? s->stored_ms : STORED_MS;
	s->done_ms = s->done_ms ? s->done_ms : DONE_MS;
}

static void free_when_done(struct lmtp_client *client)
{
	if (!client->is_closing || client->handles)
		return;
	buf_free(&client->tells);
	free(client->path);
	free(client->hostname);
	free(client);
}

void lmtp_client_forget(struct lmtp_client *client)
{
	client->handles--;
	free_when_done(client);
}

struct lmtp_client *lmtp_client_new(struct conn_loop *l,
				    const struct lmtp_client_settings *settings)
{
	struct lmtp_client *client = calloc(1, sizeof *client);

	if (!client)
		return NULL;
	client->loop = l;
	client->settings = *settings;
	set_defaults(&client->settings);
	client->path = strdup(settings->path);
	client->hostname = strdup(settings->hostname);
	client->tells.max = TELLS_MAX;
	client->timer.due = timer_due;
	client->away_since_ms = clock_ms();
	if (!client->path || !client->hostname) {
		client->is_closing = true;
		free_when_done(client);
		return NULL;
	}
	dispatch(client);
	return client;
}

void lmtp_client_close(struct lmtp_client *client)
{
	struct lmtp_link *l;

	if (!client)
		return;
	l = client->tells.len ? idle_link(client) : NULL;
	if (l) {
		send_tells(client, l);
		lmtp_link_flush(l);
	}
	client->is_closing = true;
	client->handles++;
	fail_queue(client);
	while (client->asking) {
		struct lmtp_job *job = client->asking;

		client->asking = job->next;
		lmtp_job_fail(job);
	}
	while ((l = client->links)) {
		if (l->job)
			lmtp_job_fail(l->job);
		lmtp_link_close(l);
	}
	conn_timer_set(client->loop, &client->timer, 0);
	lmtp_client_forget(client);
}
