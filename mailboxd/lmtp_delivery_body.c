#include "mailboxd/lmtp_delivery_priv.h"

#include "common/clock.h"
#include "common/crash_point.h"
#include "common/digest.h"
#include "common/log.h"

#include <stdio.h>

static void end(struct lmtp_transaction *t);

static void body_moved(void *arg)
{
	struct lmtp_transaction *t = arg;

	if (!t->owner)
		return;
	if (t->is_ending && !t->is_running)
		end(t);
	else
		t->owner->moved(t->owner->arg);
}

static enum status begin_body(struct lmtp_transaction *t)
{
	if (t->intake)
		return ST_OK;
	t->intake = intake_new(t->service, INTAKE_DELIVERY, body_moved, t);
	return t->intake ? intake_return_path(t->intake, t->sender)
			 : ST_NO_MEMORY;
}

enum status lmtp_delivery_take_data(struct lmtp_delivery *d, uint32_t id,
				    const struct ipc_lmtp_data *m)
{
	struct lmtp_transaction *t = d->open;
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
		lmtp_delivery_answer_status(t, t->failed, false);
		return ST_OK;
	}
	credit.credit.octets = (uint32_t)m->octets.len;
	d->answer(d->arg, id, &credit, false);
	return ST_OK;
}

/* ---- the end --- */

static enum status deliver_run(struct job *job, struct tx *tx)
{
	struct lmtp_transaction *t = (struct lmtp_transaction *)job;
	struct store_actor actor = { .sid = t->sid };
	enum status st;

	store_act_as(tx, &actor);
	st = store_deliver(tx, &t->message, t->deliveries.items,
			   t->deliveries.count);
	if (st == ST_OK && t->is_known)
		st = store_untold_add(tx, t->mid, slice_of((char *)t->key,
							   sizeof t->key),
				      clock_wall_seconds());
	if (st == ST_OK)
		st = reporting_deliver(&t->reporting, tx, t->sender);
	crash_point("lmtp.before_commit");
	return st;
}

static void log_delivered(const struct lmtp_transaction *t)
{
	int64_t ms = clock_ms() - t->since_ms;

	for (size_t i = 0; i < t->deliveries.count; i++)
		log_event("store.delivered", log_slice("sid", t->sid),
			  log_slice("mid", t->mid),
			  log_slice("user", t->deliveries.items[i].recipient),
			  log_str("mailbox",
				  t->message.is_junk ? "\\Junk" : "INBOX"),
			  log_u64("uid", t->deliveries.items[i].uid),
			  log_u64("octets", t->message.size),
			  log_i64("ms", ms));
}

/* One answer a recipient, the last of them LAST; the transaction is over. */
static void answer_all(struct lmtp_transaction *t, unsigned code,
		       const char *enhanced, const char *text)
{
	struct lmtp_delivery *d = t->owner;
	uint32_t id = t->id, left = t->recipients;

	d->open = NULL;
	t->owner = NULL;
	lmtp_transaction_free(t);
	while (left > 0)
		lmtp_delivery_answer(d, id, code, enhanced, text, --left == 0);
}

static void answer_all_status(struct lmtp_transaction *t, enum status st)
{
	const struct lmtp_delivery_failure *f = lmtp_delivery_failure(st);

	/* the mailbox that was found at RCPT is not there: it is looked for again */
	if (st == ST_NOT_FOUND)
		service_directory_changed(t->service);
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
	struct lmtp_transaction *t = (struct lmtp_transaction *)job;
	struct service *s = t->service;
	char text[64];

	t->is_running = false;
	if (status == ST_OK) {
		crash_point("lmtp.before_reply");
		intake_committed(t->intake);
		s->counts.delivered += t->deliveries.count;
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
		lmtp_transaction_free(t);
	} else if (status == ST_OK) {
		snprintf(text, sizeof text, "Stored as %.*s", SLICE_ARG(t->mid));
		answer_all(t, 250, "2.0.0", text);
	} else {
		answer_all_status(t, status);
	}
}

static void end(struct lmtp_transaction *t)
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
	lmtp_delivery_submit(t, PLACE_WRITER, deliver_run, deliver_done);
}

/* The same message whose 250 nobody may have seen? Then true: it is answered. */
static bool is_again(struct lmtp_transaction *t, struct slice digest)
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
	for (size_t i = 0; i < t->deliveries.count; i++) {
		digest_feed(sum, SLICE("\n"));
		digest_feed(sum, t->deliveries.items[i].recipient);
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

void lmtp_delivery_take_end(struct lmtp_delivery *d, uint32_t id,
			    const struct ipc_lmtp_end *m)
{
	struct lmtp_transaction *t = d->open;

	if (!t || t->id != id || t->is_running || t->recipients == 0) {
		lmtp_delivery_answer(d, id, 451, "4.3.0", "Try again later", true);
		return;
	}
	if (t->failed == ST_OK && is_again(t, m->digest))
		return;
	t->is_ending = true;
	t->message.is_junk = m->junk;
	end(t);
}
