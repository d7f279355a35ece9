/*
 * The transactions of the LMTP client: what each was asked, and how it ends.
 */
#include "common/lmtp_priv.h"

#include "common/clock.h"

#include <stdlib.h>

/* An XDONE that is answered by a temporary failure is put again after this. */
#define ASK_AGAIN_MS 100

struct lmtp_job *lmtp_job_new(struct lmtp_backend *b, uint32_t id)
{
	struct lmtp_job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->client = b->client;
	job->owner = b;
	job->id = id;
	job->waiting.max = 4 * LMTP_CHUNK_MAX;
	b->job = job;
	b->backend.open++;
	return job;
}

/* Nobody waits for it any more. */
static void job_detach(struct lmtp_job *job)
{
	if (!job->owner)
		return;
	job->owner->job = NULL;
	job->owner->backend.open--;
	job->owner = NULL;
}

static void job_free(struct lmtp_job *job)
{
	job_detach(job);
	if (job->link && job->link->job == job)
		job->link->job = NULL;
	for (struct lmtp_link *l = job->client->links; l; l = l->next)
		if (l->asked == job)
			l->asked = NULL;
	buf_free(&job->waiting);
	free(job);
}

void lmtp_job_answer(struct lmtp_job *job, unsigned code, struct slice enhanced,
		     struct slice text, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };
	struct conn *c = job->owner ? job->owner->conn : NULL;
	uint32_t id = job->id;

	m.lmtp_reply.code = code;
	m.lmtp_reply.enhanced = enhanced;
	m.lmtp_reply.text = text;
	if (last)
		job_free(job);
	if (c)
		conn_reply(c, id, &m, last);
}

void lmtp_job_fail(struct lmtp_job *job)
{
	lmtp_job_answer(job, 451, SLICE("4.3.0"),
			SLICE("Temporarily unavailable, try again later"), true);
}

/* ---- while it has a link ---------------------------------------------------------- */

/* Not closed here: a caller further up may be reading from it. */
static void break_link(struct lmtp_link *l)
{
	l->is_broken = true;
	conn_timer_set(l->client->loop, &l->timer, clock_ms());
}

static enum status give_message(struct lmtp_job *job, const struct ipc_message *m)
{
	struct lmtp_dialogue *d = &job->link->dialogue;
	enum status st;

	switch (m->type) {
	case IPC_TYPE_LMTP_MAIL:
		return lmtp_dialogue_mail(d, &m->lmtp_mail);
	case IPC_TYPE_LMTP_RCPT:
		return lmtp_dialogue_rcpt(d, &m->lmtp_rcpt);
	case IPC_TYPE_LMTP_DATA:
		return lmtp_dialogue_data(d, m->lmtp_data.octets);
	case IPC_TYPE_LMTP_END:
		st = lmtp_dialogue_end(d, m->lmtp_end.digest, m->lmtp_end.junk);
		job->state = LMTP_JOB_ENDED;
		return st;
	default:
		return ST_OK;
	}
}

enum status lmtp_job_give(struct lmtp_job *job, const struct ipc_frame *frame)
{
	struct lmtp_link *l = job->link;
	struct ipc_message m;
	enum status st;

	if (job->state != LMTP_JOB_OPEN || ipc_decode(frame, &m) != ST_OK)
		return ST_OK;
	st = give_message(job, &m);
	if (st == ST_OK || st == ST_MORE)
		return st;
	break_link(l);
	return ST_OK;
}

void lmtp_job_begin(struct lmtp_job *job, struct lmtp_link *l)
{
	job->state = LMTP_JOB_OPEN;
	job->link = l;
	l->job = job;
	lmtp_job_go_on(job);
}

void lmtp_job_go_on(struct lmtp_job *job)
{
	struct lmtp_backend *owner = job->owner;
	size_t passed = 0;

	/* MAIL may be refused without asking, which ends the job */
	while (owner->job == job && passed < job->waiting.len) {
		struct ipc_frame frame;
		size_t used;

		if (ipc_frame_next(slice_from(buf_slice(&job->waiting), passed),
				   &frame, &used) != ST_OK ||
		    lmtp_job_give(job, &frame) == ST_MORE)
			break;
		passed += used;
	}
	if (owner->job == job)
		buf_consume(&job->waiting, passed);
}

void lmtp_job_give_up(struct lmtp_job *job)
{
	struct lmtp_link *l = job->link;

	job_detach(job);
	if (job->state == LMTP_JOB_ENDED)
		return;		/* the server answers, and it is over then */
	if (job->state == LMTP_JOB_OPEN) {
		if (lmtp_dialogue_abort(&l->dialogue) == ST_OK)
			lmtp_link_flush(l);
		else
			break_link(l);
	}
	lmtp_client_dequeue(job);
	job_free(job);
}

/* ---- what the server says ----------------------------------------------------------- */

static void answer(struct lmtp_job *job, const struct lmtp_reply *r, bool last)
{
	lmtp_job_answer(job, r->code, r->enhanced, r->text, last);
}

/* The transaction is refused on the way: what is under way of it is undone. */
static void refused(struct lmtp_link *l, const struct lmtp_reply *r)
{
	if (lmtp_dialogue_abort(&l->dialogue) != ST_OK)
		break_link(l);
	answer(l->job, r, true);
}

static void asked(struct lmtp_link *l, const struct lmtp_reply *r)
{
	struct lmtp_job *job = l->asked;

	l->asked = NULL;
	if (!job)
		return;
	if (r->code / 100 == 4) {
		job->ask_ms = clock_ms() + ASK_AGAIN_MS;
		return;
	}
	lmtp_client_dequeue(job);
	if (r->code / 100 == 2)
		lmtp_job_answer(job, 250, SLICE("2.0.0"), SLICE("Stored"), true);
	else
		lmtp_job_fail(job);
}

void lmtp_client_answered(void *link, enum lmtp_step step,
			  const struct lmtp_reply *r)
{
	struct lmtp_link *l = link;
	bool good = r->code / 100 == 2;

	if (r->code == 452 && slice_eq(r->enhanced, SLICE("4.3.1")))
		lmtp_client_full(l->client);
	if (step == LMTP_STEP_DONE)
		asked(l, r);
	if (!l->job)
		return;
	switch (step) {
	case LMTP_STEP_MAIL:
		answer(l->job, r, !good);
		break;
	case LMTP_STEP_RCPT:
		answer(l->job, r, false);
		break;
	case LMTP_STEP_CHUNK:
	case LMTP_STEP_DATA:
		refused(l, r);
		break;
	case LMTP_STEP_STORED:
		answer(l->job, r, r->last);
		break;
	default:
		break;
	}
}
