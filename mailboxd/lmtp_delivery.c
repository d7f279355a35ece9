#include "mailboxd/lmtp_delivery.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/digest.h"
#include "common/dsn.h"
#include "common/log.h"
#include "mailboxd/intake.h"
#include "mailboxd/reporting.h"
#include "mailboxd/resolve_cache.h"
#include "mailboxd/untold.h"

#include <stdio.h>
#include <stdlib.h>

/* Memory of one transaction's addresses. */
#define ARENA_MAX	((size_t)4 * 1024 * 1024)
#define DELIVERIES_MAX	10000u
/* An account with more room than this is looked up once a second only. */
#define ROOMY_OCTETS	(UINT64_C(1) << 30)
#define ROOMY_MESSAGES	UINT64_C(100000)
/* Told ones are removed from the store when there are so many, or each second. */
#define TOLD_MANY	256u

struct transaction {
	struct job job;		/* first: a job is its transaction */
	struct service *service;
	struct lmtp_delivery *owner;	/* NULL: the session ended */
	struct arena arena;
	uint32_t id;
	struct slice sender, mid, sid, client, helo, login, tls;
	uint64_t announced;	/* SIZE */
	struct intake *intake;
	enum status failed;	/* of the body */
	uint32_t recipients;	/* accepted */
	struct store_delivery *deliveries;
	size_t count, cap;
	struct store_message message;
	int64_t since_ms;
	bool is_running, is_ending;
	bool is_known;		/* in the untold list, under this key */
	unsigned char key[UNTOLD_KEY_OCTETS];
	struct reporting reporting;

	/* ---- the recipient that is being looked up */
	struct slice recipient;
	struct store_delivery *found;
	size_t found_count;
	bool is_roomy;		/* no quota is near: the answer may be kept */
	bool is_foreign;	/* its domain is not ours */
	unsigned notify;
	struct slice orcpt;
};

/* XDONE on its way to the writer. */
struct asking {
	struct job job;
	struct lmtp_delivery *owner;
	uint32_t id;
	struct id mid;
	bool is_barred;		/* it was not there */
};

struct lmtp_delivery {
	struct service *service;
	lmtp_answer_fn *answer;
	void (*moved)(void *arg);
	void *arg;
	struct transaction *open;	/* or NULL */
	struct asking *asking;
};

/* ---- answers --- */

/* How a failure is told: by what happened, not by where. */
static const struct failure {
	enum status status;
	unsigned code;
	const char *enhanced, *text;
} failures[] = {
	{ ST_OK, 250, "2.1.5", "Ok" },
	{ ST_NOT_FOUND, 550, "5.1.1", "No such mailbox" },
	{ ST_DENIED, 550, "5.2.1", "Mailbox is disabled" },
	{ ST_QUOTA, 552, "5.2.2", "Mailbox is full" },
	{ ST_FULL, 452, "4.3.1", "No space left, try again later" },
	{ ST_LIMIT, 451, "4.3.2", "Too much is waiting, try again later" },
	{ ST_SYNTAX, 554, "5.6.0", "Bare CR or LF, or NUL" },
	{ ST_UNAVAILABLE, 451, "4.3.0", "Try again later" },
};

static void answer(struct lmtp_delivery *d, uint32_t id, unsigned code,
		   const char *enhanced, const char *text, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_REPLY };

	m.lmtp_reply = (struct ipc_lmtp_reply){
		code, slice_str(enhanced), slice_str(text),
	};
	d->answer(d->arg, id, &m, last);
}

static const struct failure *failure_of(enum status st)
{
	size_t n = sizeof failures / sizeof *failures;

	for (size_t i = 0; i < n; i++)
		if (failures[i].status == st)
			return &failures[i];
	return &failures[n - 1];
}

static void answer_status(struct transaction *t, enum status st, bool last)
{
	const struct failure *f = failure_of(st);
	const struct settings *s = t->service->settings;

	if (st == ST_QUOTA && s->quota_is_temporary)
		answer(t->owner, t->id, 452, "4.2.2", f->text, last);
	else
		answer(t->owner, t->id, f->code, f->enhanced, f->text, last);
}

/* ---- transactions --- */

static void transaction_free(struct transaction *t)
{
	if (!t)
		return;
	intake_free(t->intake);
	reporting_clear(&t->reporting);
	free(t->deliveries);
	arena_clear(&t->arena);
	free(t);
}

/* The session no longer wants it; a job on its way takes it along. */
static void transaction_drop(struct lmtp_delivery *d)
{
	struct transaction *t = d->open;

	d->open = NULL;
	if (!t)
		return;
	t->owner = NULL;
	if (!t->is_running)
		transaction_free(t);
}

static void take_mail(struct lmtp_delivery *d, uint32_t id,
		      const struct ipc_lmtp_mail *m)
{
	struct transaction *t;

	transaction_drop(d);
	if (!store_has_space(d->service->store)) {
		answer(d, id, 452, "4.3.1", "No space left, try again later", true);
		return;
	}
	if (store_is_broken(d->service->store)) {
		answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	t = calloc(1, sizeof *t);
	if (!t) {
		answer(d, id, 451, "4.3.0", "Out of memory", true);
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
		transaction_free(t);
		answer(d, id, 451, "4.3.0", "Out of memory", true);
		return;
	}
	d->open = t;
	answer(d, id, 250, "2.1.0", "Sender ok", true);
}

/* ---- recipients --- */

static bool has_delivery(const struct transaction *t, uint64_t mailbox)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->deliveries[i].mailbox == mailbox)
			return true;
	return false;
}

/* An address that leads to a mailbox already in counts, and adds nothing. */
static enum status add_delivery(struct transaction *t,
				const struct store_delivery *one)
{
	if (has_delivery(t, one->mailbox))
		return ST_OK;
	if (t->count == DELIVERIES_MAX)
		return ST_LIMIT;
	if (t->count == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 4;
		struct store_delivery *grown =
			realloc(t->deliveries, cap * sizeof *grown);

		if (!grown)
			return ST_NO_MEMORY;
		t->deliveries = grown;
		t->cap = cap;
	}
	t->deliveries[t->count++] = *one;
	return ST_OK;
}

/* Nothing is sent on to other servers, whoever asks. */
static void answer_foreign(struct transaction *t)
{
	struct buf text = BUF_INIT(1024);

	buf_append_fmt(&text, "<%.*s>: this server delivers to its own domains only",
		       SLICE_ARG(t->recipient));
	buf_append_char(&text, '\0');
	answer(t->owner, t->id, 550, "5.7.1", text.len ? text.data : "Not our domain",
	       true);
	buf_free(&text);
}

static void rcpt_answer(struct transaction *t, enum status st)
{
	for (size_t i = 0; i < t->found_count && st == ST_OK; i++)
		st = add_delivery(t, &t->found[i]);
	if (st == ST_OK && t->notify & DSN_SUCCESS)
		st = reporting_recipient(&t->reporting, t->recipient, t->orcpt,
					 t->found_count > 1);
	if (st == ST_OK)
		t->recipients++;
	else
		t->service->counts.refused_recipients++;
	if (st != ST_OK)
		log_event("lmtp.refused", log_slice("sid", t->sid),
			  log_slice("mid", t->mid),
			  log_slice("rcpt", t->recipient), log_status(st));
	if (st == ST_NOT_FOUND && t->is_foreign)
		answer_foreign(t);
	else
		answer_status(t, st, true);
}

/* The targets are copied to where they outlive the transaction. */
static enum status copy_found(struct transaction *t,
			      const struct store_target *targets, size_t count)
{
	t->found = arena_array(&t->arena, count, sizeof *t->found);
	t->found_count = 0;
	for (size_t i = 0; t->found && i < count; i++) {
		struct slice to = arena_copy(&t->arena, targets[i].recipient);

		if (!to.data)
			return ST_NO_MEMORY;
		t->found[t->found_count++] = (struct store_delivery){
			.mailbox = targets[i].mailbox,
			.account = targets[i].account, .recipient = to,
		};
	}
	return t->found ? ST_OK : ST_NO_MEMORY;
}

/* Whether the address is somebody else's; <postmaster> alone is ours. */
static bool is_foreign(struct tx *tx, const struct address *address)
{
	struct store_domain domain;

	return address->domain.len > 0 &&
	       store_domain_find(tx, address->domain, &domain) == ST_NOT_FOUND;
}

/* Whether what arrives within the second of the cache cannot fill the account. */
static bool is_roomy(struct tx *tx, uint64_t account)
{
	struct store_quota q;

	return store_quota(tx, account, &q) == ST_OK &&
	       (q.limit_octets == 0 ||
		(q.used_octets < q.limit_octets &&
		 q.limit_octets - q.used_octets > ROOMY_OCTETS)) &&
	       (q.limit_messages == 0 ||
		(q.used_messages < q.limit_messages &&
		 q.limit_messages - q.used_messages > ROOMY_MESSAGES));
}

static enum status resolve(struct transaction *t, struct tx *tx, bool make)
{
	struct arena arena = ARENA_INIT(8192);
	struct address address;
	const struct store_target *targets;
	size_t count = 0;
	uint64_t account;
	enum status st = address_parse(t->recipient,
				       ADDRESS_NO_DOMAIN | ADDRESS_UTF8, &arena,
				       &address);

	if (st == ST_OK && make)
		st = store_account_ensure(tx, &address, &account);
	if (st == ST_OK)
		st = store_resolve(tx, &address, t->announced, NULL, NULL,
				   &targets, &count);
	if (st == ST_OK)
		st = copy_found(t, targets, count);
	t->is_roomy = st == ST_OK && count == 1 &&
		      is_roomy(tx, targets[0].account);
	if (st == ST_NOT_FOUND)
		t->is_foreign = is_foreign(tx, &address);
	arena_clear(&arena);
	return st == ST_SYNTAX ? ST_NOT_FOUND : st;
}

static enum status resolve_run(struct job *job, struct tx *tx)
{
	return resolve((struct transaction *)job, tx, false);
}

static enum status resolve_make_run(struct job *job, struct tx *tx)
{
	return resolve((struct transaction *)job, tx, true);
}

static void cache_found(struct transaction *t)
{
	struct resolved one = { 0 };

	if (t->found_count != 1 || !t->is_roomy ||
	    t->found[0].recipient.len > sizeof one.recipient)
		return;
	one.account = t->found[0].account;
	one.mailbox = t->found[0].mailbox;
	one.recipient_octets = t->found[0].recipient.len;
	memcpy(one.recipient, t->found[0].recipient.data, one.recipient_octets);
	resolve_cache_keep(t->service->resolved, t->recipient,
			   t->service->directory, clock_ms(), &one);
}

static void submit(struct transaction *t, enum job_place place,
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

static void resolve_done(struct job *job, enum status status,
			 const struct error *error)
{
	struct transaction *t = (struct transaction *)job;
	bool was_made = job->run == resolve_make_run;

	t->is_running = false;
	if (!t->owner) {
		transaction_free(t);
		return;
	}
	if (status == ST_NOT_FOUND && !was_made &&
	    t->service->settings->store.first_use) {
		submit(t, PLACE_WRITER, resolve_make_run, resolve_done);
		return;
	}
	if (status == ST_OK)
		cache_found(t);
	else if (failure_of(status)->code < 500 && error)
		log_warning("lmtp.failed", log_slice("sid", t->sid),
			    log_slice("mid", t->mid), log_error(error));
	rcpt_answer(t, status);
}

static void take_rcpt(struct lmtp_delivery *d, uint32_t id,
		      const struct ipc_lmtp_rcpt *m)
{
	struct transaction *t = d->open;
	const struct resolved *known;

	if (!t || t->id != id || t->is_running) {
		answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	t->recipient = arena_copy(&t->arena, m->recipient);
	t->found_count = 0;
	t->is_foreign = false;
	t->notify = m->notify;
	t->orcpt = arena_copy(&t->arena, m->orcpt);
	if (!t->recipient.data || !t->orcpt.data) {
		answer(d, id, 452, "4.5.3", "Too many recipients", true);
		return;
	}
	known = resolve_cache_find(d->service->resolved, t->recipient,
				   d->service->directory, clock_ms());
	if (known) {
		struct store_target one = {
			.account = known->account, .mailbox = known->mailbox,
			.recipient = slice_of(known->recipient,
					      known->recipient_octets),
		};

		rcpt_answer(t, copy_found(t, &one, 1));
		return;
	}
	submit(t, PLACE_READER, resolve_run, resolve_done);
}

/* ---- the body --- */

static void end(struct transaction *t);

static void body_moved(void *arg)
{
	struct transaction *t = arg;

	if (!t->owner)
		return;
	if (t->is_ending && !t->is_running)
		end(t);
	else
		t->owner->moved(t->owner->arg);
}

static enum status begin_body(struct transaction *t)
{
	if (t->intake)
		return ST_OK;
	t->intake = intake_new(t->service, INTAKE_DELIVERY, body_moved, t);
	return t->intake ? intake_return_path(t->intake, t->sender)
			 : ST_NO_MEMORY;
}

static enum status take_data(struct lmtp_delivery *d, uint32_t id,
			     const struct ipc_lmtp_data *m)
{
	struct transaction *t = d->open;
	struct ipc_message credit = { .type = IPC_TYPE_CREDIT };

	if (!t || t->id != id || t->failed != ST_OK)
		return ST_OK;	/* refused, and told so */
	t->failed = begin_body(t);
	if (t->failed == ST_OK && !intake_is_ready(t->intake))
		return ST_MORE;
	if (t->failed == ST_OK)
		t->failed = intake_feed(t->intake, m->octets);
	reporting_octets(&t->reporting, m->octets);
	crash_point("lmtp.data");
	if (t->failed != ST_OK) {
		answer_status(t, t->failed, false);
		return ST_OK;
	}
	credit.credit.octets = (uint32_t)m->octets.len;
	d->answer(d->arg, id, &credit, false);
	return ST_OK;
}

/* ---- the end --- */

static enum status deliver_run(struct job *job, struct tx *tx)
{
	struct transaction *t = (struct transaction *)job;
	struct store_actor actor = { .sid = t->sid };
	enum status st;

	store_act_as(tx, &actor);
	st = store_deliver(tx, &t->message, t->deliveries, t->count);
	if (st == ST_OK && t->is_known)
		st = store_untold_add(tx, t->mid, slice_of((char *)t->key,
							   sizeof t->key),
				      clock_wall_seconds());
	if (st == ST_OK)
		st = reporting_deliver(&t->reporting, tx, t->sender);
	crash_point("lmtp.before_commit");
	return st;
}

static void log_delivered(const struct transaction *t)
{
	int64_t ms = clock_ms() - t->since_ms;

	for (size_t i = 0; i < t->count; i++)
		log_event("store.delivered", log_slice("sid", t->sid),
			  log_slice("mid", t->mid),
			  log_slice("user", t->deliveries[i].recipient),
			  log_str("mailbox", "INBOX"),
			  log_u64("uid", t->deliveries[i].uid),
			  log_u64("octets", t->message.size),
			  log_i64("ms", ms));
}

/* One answer a recipient, the last of them LAST; the transaction is over. */
static void answer_all(struct transaction *t, unsigned code,
		       const char *enhanced, const char *text)
{
	struct lmtp_delivery *d = t->owner;
	uint32_t id = t->id, left = t->recipients;

	d->open = NULL;
	t->owner = NULL;
	transaction_free(t);
	while (left > 0)
		answer(d, id, code, enhanced, text, --left == 0);
}

static void answer_all_status(struct transaction *t, enum status st)
{
	const struct failure *f = failure_of(st);

	/* what was taken at RCPT and is full now: which of the recipients it is
	 * will be told when the message comes again */
	if (st == ST_QUOTA || st == ST_NOT_FOUND || st == ST_DENIED)
		answer_all(t, 452, "4.2.2", "Try again later");
	else
		answer_all(t, f->code, f->enhanced, f->text);
}

static void deliver_done(struct job *job, enum status status,
			 const struct error *error)
{
	struct transaction *t = (struct transaction *)job;
	struct service *s = t->service;
	char text[64];

	t->is_running = false;
	if (status == ST_OK) {
		crash_point("lmtp.before_reply");
		intake_committed(t->intake);
		s->counts.delivered += t->count;
		s->counts.delivered_octets += t->message.size;
		log_delivered(t);
	} else {
		s->counts.deliveries_failed++;
		log_warning("lmtp.failed", log_slice("sid", t->sid),
			    log_slice("mid", t->mid), log_status(status),
			    log_error(error));
	}
	if (t->is_known)
		untold_stored(s->untold, t->mid, status == ST_OK);
	if (!t->owner) {
		transaction_free(t);
	} else if (status == ST_OK) {
		snprintf(text, sizeof text, "Stored as %.*s", SLICE_ARG(t->mid));
		answer_all(t, 250, "2.0.0", text);
	} else {
		answer_all_status(t, status);
	}
}

static void end(struct transaction *t)
{
	enum status st = t->failed;

	if (st == ST_OK)
		st = begin_body(t);
	if (st == ST_OK)
		st = intake_end(t->intake, &t->message);
	if (st == ST_MORE)
		return;	/* body_moved() comes back here */
	if (st == ST_OK)
		st = reporting_end(&t->reporting, t->sender, t->mid, t->sid);
	if (st != ST_OK) {
		answer_all_status(t, st);
		return;
	}
	t->message.mid = t->mid;
	t->message.sid = t->sid;
	t->message.sender = t->sender;
	t->message.client = t->client;
	t->message.helo = t->helo;
	t->message.login = t->login;
	t->message.tls = t->tls;
	t->message.internaldate = INT64_MIN;
	crash_point("lmtp.whole");
	submit(t, PLACE_WRITER, deliver_run, deliver_done);
}

/* The same message whose 250 nobody may have seen? Then true: it is answered. */
static bool is_again(struct transaction *t, struct slice digest)
{
	struct digest *sum;
	struct id first;
	char text[64];

	if (digest.len == 0 || t->service->settings->store.ephemeral)
		return false;
	sum = digest_new();
	if (!sum)
		return false;
	digest_feed(sum, t->login.len ? t->login : t->client);
	digest_feed(sum, SLICE("\n"));
	digest_feed(sum, t->sender);
	for (size_t i = 0; i < t->count; i++) {
		digest_feed(sum, SLICE("\n"));
		digest_feed(sum, t->deliveries[i].recipient);
	}
	digest_feed(sum, digest);
	digest_finish(sum, t->key);
	digest_free(sum);
	switch (untold_begin(t->service->untold, clock_ms(), t->key, t->mid, t->sid,
			     &first)) {
	case UNTOLD_NEW:
		t->is_known = true;
		return false;
	case UNTOLD_BUSY:
		answer_all(t, 451, "4.3.2", "The same message is being stored");
		return true;
	case UNTOLD_AGAIN:
		break;
	}
	log_event("lmtp.again", log_slice("sid", t->sid), log_slice("mid", t->mid),
		  log_str("first", first.text));
	snprintf(text, sizeof text, "Stored as %s", first.text);
	answer_all(t, 250, "2.0.0", text);
	return true;
}

static void take_end(struct lmtp_delivery *d, uint32_t id,
		     const struct ipc_lmtp_end *m)
{
	struct transaction *t = d->open;

	if (!t || t->id != id || t->is_running || t->recipients == 0) {
		answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	if (t->failed == ST_OK && is_again(t, m->digest))
		return;
	t->is_ending = true;
	end(t);
}

/* ---- XDONE --- */

static enum status ask_run(struct job *job, struct tx *tx)
{
	struct asking *a = (struct asking *)job;
	enum status st = store_mid_done(tx, id_slice(&a->mid));

	/* its "no" writes that this mid is barred: that must be committed */
	a->is_barred = st == ST_NOT_FOUND;
	return a->is_barred ? ST_OK : st;
}

static void ask_done(struct job *job, enum status status,
		     const struct error *error)
{
	struct asking *a = (struct asking *)job;
	struct lmtp_delivery *d = a->owner;
	uint32_t id = a->id;
	bool barred = a->is_barred;

	(void)error;
	free(a);
	if (!d)
		return;
	d->asking = NULL;
	if (status != ST_OK)
		answer(d, id, 451, "4.3.0", "Try again later", true);
	else if (barred)
		answer(d, id, 550, "5.2.0", "No", true);
	else
		answer(d, id, 250, "2.0.0", "Yes", true);
}

static void take_ask(struct lmtp_delivery *d, uint32_t id,
		     const struct ipc_lmtp_ask *m)
{
	struct asking *a = d->asking ? NULL : calloc(1, sizeof *a);

	if (!a || m->mid.len != ID_OCTETS) {
		free(a);
		answer(d, id, 451, "4.3.0", "Try again later", true);
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
		take_rcpt(d, frame->id, &m.lmtp_rcpt);
		return ST_OK;
	case IPC_TYPE_LMTP_DATA:
		return take_data(d, frame->id, &m.lmtp_data);
	case IPC_TYPE_LMTP_END:
		take_end(d, frame->id, &m.lmtp_end);
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
