/*
 * APPEND: several messages come in through the same door as deliveries
 * (mailboxd/intake.h), and are stored all or none.
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

#include "common/crash_point.h"
#include "common/id.h"
#include "mailboxd/intake.h"

#define MESSAGES_MAX 1000u

struct one {
	struct intake *intake;
	struct id mid;
	uint32_t flags;
	struct buf keywords;
	int64_t internaldate;
	int32_t zone;
	bool is_binary;		/* may have parts that are stored in base64 */
	uint64_t octets;	/* announced */
	uint64_t came;
};

struct appending {
	struct one *messages;
	struct store_append *rows;	/* of the commit */
	size_t count;
	uint64_t octets;	/* of all */
	uint32_t owed;		/* credit held back */
	enum status failed;
	const char *detail, *text;	/* of that failure */
	bool is_committing;	/* APPEND_COMMIT came */
	uint32_t uidvalidity;
	struct ranges uids;
	bool is_over_soft;	/* the account, by now */
};

static void appending_free(struct request *r)
{
	struct appending *a = r->state;

	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++) {
		intake_free(a->messages[i].intake);
		buf_free(&a->messages[i].keywords);
	}
	ranges_free(&a->uids);
	free(a->messages);
	free(a->rows);
	free(a);
}

/* A failure found while a job looks at the request waits for the job, which has
 * words of its own meanwhile. */
static enum status fail(struct request *r, enum status st, const char *detail,
			const char *text)
{
	struct appending *a = r->state;

	a->failed = st;
	a->detail = detail;
	a->text = text;
	if (!r->is_running)
		request_finish(r, request_fail(r, st, detail, text));
	return ST_OK;
}

static enum status fail_spoilt(struct request *r, const struct one *one,
			       enum status st)
{
	if (st != ST_SYNTAX)
		return fail(r, st, "", "could not be stored");
	return fail(r, st, one->is_binary ? "UNKNOWN-CTE" : "CANNOT",
		    "NUL in a message");
}

/* ---- where to ----------------------------------------------------------------- */

static enum status find_target(struct request *r, struct tx *tx,
			       struct store_access *access)
{
	const struct ipc_append *m = &r->message.append;
	struct store_mailbox box;
	enum status st = store_access_find(tx, r->account, m->owner, m->name,
					   STORE_RIGHT_INSERT, &box, access);

	return st == ST_OK ? st : request_target_failed(r, st, tx, m->owner);
}

/* ---- the commit --------------------------------------------------------------- */

static enum status commit_run(struct request *r, struct tx *tx)
{
	struct appending *a = r->state;
	struct store_access access;
	enum status st;

	ranges_clear(&a->uids);
	request_act(r, tx);
	st = find_target(r, tx, &access);
	if (st != ST_OK)
		return st;
	st = store_append(tx, access.mailbox, &access, a->rows, a->count,
			  &a->uidvalidity);
	crash_point("append.before_commit");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	for (size_t i = 0; i < a->count && st == ST_OK; i++)
		st = ranges_add(&a->uids, a->rows[i].uid, a->rows[i].uid);
	a->is_over_soft = store_access_is_owners(&access) &&
			  request_over_soft(r, tx);
	return st;
}

static enum status put_appended(struct request *r, struct appending *a)
{
	struct buf set = BUF_INIT(MESSAGES_MAX * 8);
	struct ipc_message out = { .type = IPC_TYPE_APPENDED };
	enum status st = ranges_encode(&a->uids, &set);

	out.appended.uidvalidity = a->uidvalidity;
	out.appended.uids = buf_slice(&set);
	out.appended.over_soft = a->is_over_soft;
	if (st == ST_OK)
		st = request_put(r, IPC_LAST, &out);
	buf_free(&set);
	return st;
}

static void commit_done(struct request *r, enum status st)
{
	struct appending *a = r->state;

	crash_point("append.before_reply");
	if (st == ST_OK) {
		for (size_t i = 0; i < a->count; i++)
			intake_committed(a->messages[i].intake);
		r->service->counts.appended += a->count;
		st = put_appended(r, a);
	}
	request_finish(r, st);
}

/* All octets are there: ends the parsing and stores, unless pieces are still on
 * their way, which will come back here. */
static void commit(struct request *r)
{
	struct appending *a = r->state;

	free(a->rows);
	a->rows = calloc(a->count, sizeof *a->rows);
	if (!a->rows) {
		request_finish(r, ST_NO_MEMORY);
		return;
	}
	for (size_t i = 0; i < a->count; i++) {
		struct one *m = &a->messages[i];
		struct store_append *row = &a->rows[i];
		enum status st = intake_end(m->intake, &row->message);

		if (st == ST_MORE)
			return;
		if (st != ST_OK) {
			fail_spoilt(r, m, st);
			return;
		}
		row->message.mid = id_slice(&m->mid);
		row->message.sid = slice_str(r->sid);
		row->message.sender = SLICE_EMPTY;
		row->message.client = row->message.helo = SLICE_EMPTY;
		row->message.login = row->message.tls = SLICE_EMPTY;
		row->message.internaldate = m->internaldate;
		row->message.zone = m->zone;
		row->flags = m->flags;
		row->keywords = buf_slice(&m->keywords);
		r->job.octets += row->message.tail.len;
	}
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, commit_run, commit_done);
}

/* ---- is there a mailbox, and room ------------------------------------------------ */

static enum status check_run(struct request *r, struct tx *tx)
{
	const struct appending *a = r->state;
	struct store_access access;
	enum status st = find_target(r, tx, &access);

	if (st != ST_OK)
		return st;
	st = a->octets ? store_quota_check(tx, access.owner, a->octets, a->count)
		       : ST_OK;
	return st == ST_OK ? ST_OK
			   : request_store_failed(r, st, tx, request_detail(st));
}

static void check_done(struct request *r, enum status st)
{
	struct appending *a = r->state;

	if (st == ST_OK && a->failed != ST_OK)
		st = request_fail(r, a->failed, a->detail, a->text);
	if (st != ST_OK)
		request_finish(r, st);
	else if (a->is_committing)
		commit(r);
}

/* ---- what comes -------------------------------------------------------------------- */

static void moved(void *arg)
{
	struct request *r = arg;
	struct appending *a = r->state;

	if (!r->session || r->is_ending)
		return;
	if (a->owed > 0) {
		request_credit(r, a->owed);
		a->owed = 0;
	}
	if (a->is_committing && !r->is_running)
		commit(r);
}

static bool is_whole(const struct appending *a)
{
	return a->count == 0 || a->messages[a->count - 1].came ==
				a->messages[a->count - 1].octets;
}

static enum status take_message(struct request *r,
				const struct ipc_append_message *m)
{
	struct appending *a = r->state;
	struct one *one;

	if (!is_whole(a))
		return ST_SYNTAX;
	if (m->octets > r->service->settings->lmtp.message_max)
		return fail(r, ST_LIMIT, "TOOBIG", "message too big");
	if (a->count == MESSAGES_MAX)
		return fail(r, ST_LIMIT, "LIMIT", "too many messages");
	if (!store_has_space(r->service->store))
		return fail(r, ST_FULL, "", "disk is full");
	one = &a->messages[a->count];
	*one = (struct one){
		.mid = id_make(ID_MESSAGE), .flags = m->flags,
		.keywords = BUF_INIT(IPC_PAYLOAD_MAX),
		.internaldate = m->internaldate, .zone = (int32_t)m->zone,
		.octets = m->octets,
	};
	one->is_binary = m->binary;
	one->intake = intake_new(r->service, m->binary ? INTAKE_BINARY : INTAKE_APPEND,
				 moved, r);
	if (!one->intake || buf_append(&one->keywords, m->keywords) != ST_OK) {
		intake_free(one->intake);
		return fail(r, ST_NO_MEMORY, "", "no memory");
	}
	a->count++;
	a->octets += m->octets;
	if (!r->is_running)
		request_go(r, PLACE_READER, 0, check_run, check_done);
	return ST_OK;
}

static enum status take_data(struct request *r,
			     const struct ipc_append_data *m)
{
	struct appending *a = r->state;
	struct one *one = a->count ? &a->messages[a->count - 1] : NULL;
	uint32_t octets = (uint32_t)m->octets.len;
	enum status st;

	if (!one || m->octets.len > one->octets - one->came)
		return ST_SYNTAX;
	one->came += octets;
	st = intake_feed(one->intake, m->octets);
	if (st != ST_OK)
		return fail_spoilt(r, one, st);
	/* base64 is longer than what was announced */
	if (one->is_binary &&
	    intake_octets(one->intake) > r->service->settings->lmtp.message_max)
		return fail(r, ST_LIMIT, "TOOBIG", "message too big in base64");
	if (intake_is_ready(one->intake))
		request_credit(r, octets);
	else
		a->owed += octets;
	return ST_OK;
}

enum status req_append_more(struct request *r, const struct ipc_message *m)
{
	struct appending *a = r->state;

	if (a->failed != ST_OK)
		return ST_OK;	/* the ERROR is on its way */
	if (a->is_committing)
		return ST_SYNTAX;
	switch (m->type) {
	case IPC_TYPE_APPEND_MESSAGE:
		return take_message(r, &m->append_message);
	case IPC_TYPE_APPEND_DATA:
		return take_data(r, &m->append_data);
	case IPC_TYPE_APPEND_COMMIT:
		if (!is_whole(a) || a->count == 0 ||
		    m->append_commit.messages != a->count)
			return ST_SYNTAX;
		a->is_committing = true;
		if (!r->is_running)
			commit(r);
		return ST_OK;
	default:
		return ST_SYNTAX;
	}
}

void req_append(struct request *r)
{
	struct appending *a;

	r->free_state = appending_free;
	a = request_state(r, sizeof *a);
	if (!a)
		return;
	a->uids = (struct ranges)RANGES_INIT(MESSAGES_MAX);
	a->messages = calloc(MESSAGES_MAX, sizeof *a->messages);
	if (!a->messages)
		request_finish(r, ST_NO_MEMORY);
	else
		request_go(r, PLACE_READER, 0, check_run, check_done);
}
