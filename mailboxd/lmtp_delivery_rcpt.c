#include "mailboxd/lmtp_delivery_priv.h"

#include "common/clock.h"
#include "common/dsn.h"
#include "common/log.h"
#include "mailboxd/resolve_cache.h"

/* An account with more room than this is looked up once a second only. */
#define ROOMY_OCTETS	(UINT64_C(1) << 30)
#define ROOMY_MESSAGES	UINT64_C(100000)

/* Nothing is sent on to other servers, whoever asks. */
static void answer_foreign(struct lmtp_transaction *t)
{
	struct buf text = BUF_INIT(1024);

	buf_append_fmt(&text, "<%.*s>: this server delivers to its own domains only",
		       SLICE_ARG(t->recipient));
	buf_append_char(&text, '\0');
	lmtp_delivery_answer(t->owner, t->id, 550, "5.7.1",
			     text.len ? text.data : "Not our domain", true);
	buf_free(&text);
}

static void rcpt_answer(struct lmtp_transaction *t, enum status st)
{
	for (size_t i = 0; i < t->found_count && st == ST_OK; i++)
		st = deliveries_add(&t->deliveries, &t->found[i]);
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
		lmtp_delivery_answer_status(t, st, true);
}

static enum status take_found(struct lmtp_transaction *t,
			      const struct store_target *targets, size_t count)
{
	enum status st = deliveries_of(targets, count, &t->arena, &t->found);

	t->found_count = st == ST_OK ? count : 0;
	return st;
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

static enum status resolve(struct lmtp_transaction *t, struct tx *tx, bool make)
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
		st = take_found(t, targets, count);
	t->is_roomy = st == ST_OK && count == 1 &&
		      is_roomy(tx, targets[0].account);
	if (st == ST_NOT_FOUND)
		t->is_foreign = is_foreign(tx, &address);
	arena_clear(&arena);
	return st == ST_SYNTAX ? ST_NOT_FOUND : st;
}

static enum status resolve_run(struct job *job, struct tx *tx)
{
	return resolve((struct lmtp_transaction *)job, tx, false);
}

static enum status resolve_make_run(struct job *job, struct tx *tx)
{
	return resolve((struct lmtp_transaction *)job, tx, true);
}

static void cache_found(struct lmtp_transaction *t)
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

static void resolve_done(struct job *job, enum status status,
			 const struct error *error)
{
	struct lmtp_transaction *t = (struct lmtp_transaction *)job;
	bool was_made = job->run == resolve_make_run;

	t->is_running = false;
	if (!t->owner) {
		lmtp_transaction_free(t);
		return;
	}
	if (status == ST_NOT_FOUND && !was_made &&
	    t->service->settings->store.first_use) {
		lmtp_delivery_submit(t, PLACE_WRITER, resolve_make_run, resolve_done);
		return;
	}
	if (status == ST_OK)
		cache_found(t);
	else if (lmtp_delivery_failure(status)->code < 500 && error)
		log_warning("lmtp.failed", log_slice("sid", t->sid),
			    log_slice("mid", t->mid), log_error(error));
	rcpt_answer(t, status);
}

void lmtp_delivery_take_rcpt(struct lmtp_delivery *d, uint32_t id,
			     const struct ipc_lmtp_rcpt *m)
{
	struct lmtp_transaction *t = d->open;
	const struct resolved *known;

	if (!t || t->id != id || t->is_running) {
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	t->recipient = arena_copy(&t->arena, m->recipient);
	t->found_count = 0;
	t->is_foreign = false;
	t->notify = m->notify;
	t->orcpt = arena_copy(&t->arena, m->orcpt);
	if (!t->recipient.data || !t->orcpt.data) {
		lmtp_delivery_answer(d, id, 452, "4.5.3", "Too many recipients", true);
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

		rcpt_answer(t, take_found(t, &one, 1));
		return;
	}
	lmtp_delivery_submit(t, PLACE_READER, resolve_run, resolve_done);
}
