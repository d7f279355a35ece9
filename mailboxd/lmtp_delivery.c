#include "mailboxd/lmtp_delivery_priv.h"

#include "common/clock.h"
#include "mailboxd/untold.h"

#include <stdlib.h>

/* Memory of one transaction's addresses. */
#define ARENA_MAX	((size_t)4 * 1024 * 1024)
/* Told ones are removed from the store when there are so many, or each second. */
#define TOLD_MANY	256u

/* ---- answers --- */

static const struct lmtp_delivery_failure failures[] = {
	{ ST_OK, 250, "2.1.5", "Ok" },
	{ ST_NOT_FOUND, 550, "5.1.1", "No such mailbox" },
	{ ST_DENIED, 550, "5.2.1", "Mailbox is disabled" },
	{ ST_QUOTA, 552, "5.2.2", "Mailbox is full" },
	{ ST_FULL, 452, "4.3.1", "No space left, try again later" },
	{ ST_LIMIT, 451, "4.3.2", "Too much is waiting, try again later" },
	{ ST_SYNTAX, 554, "5.6.0", "Bare CR or LF, or NUL" },
	{ ST_UNAVAILABLE, 451, "4.3.0", "Try again later" },
};

void lmtp_delivery_answer(struct lmtp_delivery *d, uint32_t id, unsigned code,
			  const char *enhanced, const char *text, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };

	m.lmtp_reply = (struct ipc_lmtp_reply){
		code, slice_str(enhanced), slice_str(text),
	};
	d->answer(d->arg, id, &m, last);
}

const struct lmtp_delivery_failure *lmtp_delivery_failure(enum status st)
{
	size_t n = sizeof failures / sizeof *failures;

	for (size_t i = 0; i < n; i++)
		if (failures[i].status == st)
			return &failures[i];
	return &failures[n - 1];
}

void lmtp_delivery_answer_status(struct lmtp_transaction *t, enum status st, bool last)
{
	const struct lmtp_delivery_failure *f = lmtp_delivery_failure(st);
	const struct settings *s = t->service->settings;

	if (st == ST_QUOTA && s->quota_is_temporary)
		lmtp_delivery_answer(t->owner, t->id, 452, "4.2.2", f->text, last);
	else
		lmtp_delivery_answer(t->owner, t->id, f->code, f->enhanced, f->text, last);
}

/* ---- transactions --- */

void lmtp_transaction_free(struct lmtp_transaction *t)
{
	if (!t)
		return;
	intake_free(t->intake);
	reporting_clear(&t->reporting);
	deliveries_clear(&t->deliveries);
	arena_clear(&t->arena);
	free(t);
}

/* The session no longer wants it; a job on its way takes it along. */
static void transaction_drop(struct lmtp_delivery *d)
{
	struct lmtp_transaction *t = d->open;

	d->open = NULL;
	if (!t)
		return;
	t->owner = NULL;
	if (!t->is_running)
		lmtp_transaction_free(t);
}

static void take_mail(struct lmtp_delivery *d, uint32_t id,
		      const struct ipc_lmtp_mail *m)
{
	struct lmtp_transaction *t;

	transaction_drop(d);
	if (!store_has_space(d->service->store)) {
		lmtp_delivery_answer(d, id, 452, "4.3.1", "No space left, try again later", true);
		return;
	}
	if (store_is_broken(d->service->store) ||
	    store_is_damaged(d->service->store)) {
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	t = calloc(1, sizeof *t);
	if (!t) {
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Out of memory", true);
		return;
	}
	t->arena = (struct arena)ARENA_INIT(ARENA_MAX);
	t->service = d->service;
	t->owner = d;
	t->id = id;
	t->announced = m->octets;
	t->since_ms = clock_ms();
	t->sender = arena_copy(&t->arena, m->sender);
	t->mid = arena_copy(&t->arena, m->mid);
	t->sid = arena_copy(&t->arena, m->sid);
	t->client = arena_copy(&t->arena, m->address);
	t->helo = arena_copy(&t->arena, m->helo);
	t->tls = arena_copy(&t->arena, m->tls);
	t->login = arena_copy(&t->arena, m->login);
	reporting_init(&t->reporting, d->service, &t->arena);
	t->reporting.envid = arena_copy(&t->arena, m->envid);
	if (!t->reporting.envid.data) {
		lmtp_transaction_free(t);
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Out of memory", true);
		return;
	}
	d->open = t;
	lmtp_delivery_answer(d, id, 250, "2.1.0", "Sender ok", true);
}

void lmtp_delivery_submit(struct lmtp_transaction *t, enum job_place place,
			  enum status (*run)(struct job *job, struct tx *tx),
			  void (*done)(struct job *job, enum status status,
				       const struct error *error))
{
	enum status st;

	t->job.run = run;
	t->job.done = done;
	t->job.sync = JOB_SYNC_FULL;
	t->job.octets = sizeof *t + t->message.prepared.len;
	t->is_running = true;
	st = service_submit(t->service, &t->job, place);
	if (st != ST_OK)
		done(&t->job, st, NULL);
}

/* ---- XDONE --- */

static enum status ask_run(struct job *job, struct tx *tx)
{
	struct lmtp_asking *a = (struct lmtp_asking *)job;
	enum status st = store_mid_done(tx, id_slice(&a->mid));

	/* its "no" writes that this mid is barred: that must be committed */
	a->is_barred = st == ST_NOT_FOUND;
	return a->is_barred ? ST_OK : st;
}

static void ask_done(struct job *job, enum status status,
		     const struct error *error)
{
	struct lmtp_asking *a = (struct lmtp_asking *)job;
	struct lmtp_delivery *d = a->owner;
	uint32_t id = a->id;
	bool barred = a->is_barred;

	(void)error;
	free(a);
	if (!d)
		return;
	d->asking = NULL;
	if (status != ST_OK)
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Try again later", true);
	else if (barred)
		lmtp_delivery_answer(d, id, 550, "5.2.0", "No", true);
	else
		lmtp_delivery_answer(d, id, 250, "2.0.0", "Yes", true);
}

static void take_ask(struct lmtp_delivery *d, uint32_t id,
		     const struct ipc_lmtp_ask *m)
{
	struct lmtp_asking *a = d->asking ? NULL : calloc(1, sizeof *a);

	if (!a || m->mid.len != ID_OCTETS) {
		free(a);
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	a->owner = d;
	a->id = id;
	memcpy(a->mid.text, m->mid.data, ID_OCTETS);
	a->job.run = ask_run;
	a->job.done = ask_done;
	a->job.sync = JOB_SYNC_FULL;
	d->asking = a;
	if (service_submit(d->service, &a->job, PLACE_WRITER) != ST_OK)
		ask_done(&a->job, ST_UNAVAILABLE, NULL);
}

/* ---- the face --- */

struct lmtp_delivery *lmtp_delivery_new(struct service *service,
					lmtp_answer_fn *answer_fn,
					void (*moved)(void *arg), void *arg)
{
	struct lmtp_delivery *d = calloc(1, sizeof *d);

	if (d) {
		d->service = service;
		d->answer = answer_fn;
		d->moved = moved;
		d->arg = arg;
	}
	return d;
}

void lmtp_delivery_close(struct lmtp_delivery *d)
{
	if (!d)
		return;
	transaction_drop(d);
	if (d->asking)
		d->asking->owner = NULL;
	free(d);
}

bool lmtp_delivery_is_busy(const struct lmtp_delivery *d)
{
	return d->asking || (d->open && (d->open->is_running || d->open->is_ending));
}

enum status lmtp_delivery_send(struct lmtp_delivery *d,
			       const struct ipc_frame *frame)
{
	struct ipc_message m;

	if (ipc_decode(frame, &m) != ST_OK)
		return ST_OK;	/* our own engine wrote it */
	switch (m.type) {
	case IPC_TYPE_LMTP_MAIL:
		take_mail(d, frame->id, &m.lmtp_mail);
		return ST_OK;
	case IPC_TYPE_LMTP_RCPT:
		lmtp_delivery_take_rcpt(d, frame->id, &m.lmtp_rcpt);
		return ST_OK;
	case IPC_TYPE_LMTP_DATA:
		return lmtp_delivery_take_data(d, frame->id, &m.lmtp_data);
	case IPC_TYPE_LMTP_END:
		lmtp_delivery_take_end(d, frame->id, &m.lmtp_end);
		return ST_OK;
	case IPC_TYPE_LMTP_ABORT:
		transaction_drop(d);
		return ST_OK;
	case IPC_TYPE_LMTP_TELL:
		untold_tell(d->service->untold, m.lmtp_tell.mid);
		if (untold_told_count(d->service->untold) >= TOLD_MANY)
			service_told(d->service);
		return ST_OK;
	case IPC_TYPE_LMTP_ASK:
		take_ask(d, frame->id, &m.lmtp_ask);
		return ST_OK;
	default:
		return ST_OK;
	}
}
