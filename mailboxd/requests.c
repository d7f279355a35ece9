#include "mailboxd/requests.h"

#include "common/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STORE	SESSION_STORE
#define BOTH	(SESSION_STORE | SESSION_AUTH)
#define CONTROL	SESSION_CONTROL
#define WAIT	REQUEST_DEADLINE_MS

/* type, sockets, bound, silent, start, more, deadline */
static const struct request_type types[] = {
	{ IPC_TYPE_AUTH, BOTH, false, false, req_auth, req_auth_more, 2 * WAIT },
	{ IPC_TYPE_MAY_SEND, SESSION_AUTH, false, false, req_may_send, NULL, WAIT },
	{ IPC_TYPE_GREYLIST, SESSION_AUTH, false, false, req_greylist, NULL, WAIT },
	{ IPC_TYPE_VERIFY, SESSION_AUTH, false, false, req_verify, NULL, WAIT },
	{ IPC_TYPE_LIST, STORE, true, false, req_list, NULL, WAIT },
	{ IPC_TYPE_STATUS, STORE, true, false, req_status, NULL, WAIT },
	{ IPC_TYPE_CREATE, STORE, true, false, req_create, NULL, WAIT },
	{ IPC_TYPE_DELETE, STORE, true, false, req_delete, NULL, WAIT },
	{ IPC_TYPE_RENAME, STORE, true, false, req_rename, NULL, WAIT },
	{ IPC_TYPE_SUBSCRIBE, STORE, true, false, req_subscribe, NULL, WAIT },
	{ IPC_TYPE_OPEN, STORE, true, false, req_open, NULL, WAIT },
	{ IPC_TYPE_CLOSE, STORE, true, false, req_close, NULL, WAIT },
	{ IPC_TYPE_WATCH, STORE, true, false, req_watch, NULL, WAIT },
	{ IPC_TYPE_METADATA_GET, STORE, true, false, req_metadata_get, NULL,
	  WAIT },
	{ IPC_TYPE_METADATA_SET, STORE, true, false, req_metadata_set, NULL,
	  WAIT },
	{ IPC_TYPE_QUOTA, STORE, true, false, req_quota, NULL, WAIT },
	{ IPC_TYPE_QUOTA_SET, STORE, true, false, req_quota_set, NULL, WAIT },
	{ IPC_TYPE_FETCH, STORE, true, false, req_fetch, NULL, WAIT },
	{ IPC_TYPE_READ, STORE, true, false, req_read, NULL, WAIT },
	{ IPC_TYPE_SENT, STORE, true, true, req_sent, NULL, WAIT },
	{ IPC_TYPE_STORE, STORE, true, false, req_store, NULL, WAIT },
	{ IPC_TYPE_COPY, STORE, true, false, req_copy, NULL, WAIT },
	{ IPC_TYPE_EXPUNGE, STORE, true, false, req_expunge, NULL, WAIT },
	{ IPC_TYPE_CHANGES, STORE, true, false, req_changes, NULL, WAIT },
	{ IPC_TYPE_EARLIER, STORE, true, false, req_earlier, NULL, WAIT },
	{ IPC_TYPE_APPEND, STORE, true, false, req_append, req_append_more,
	  10 * 60000 },
	{ IPC_TYPE_SEARCH, STORE, true, false, req_search, NULL,
	  REQUEST_SEARCH_MS },
	{ IPC_TYPE_SORT, STORE, true, false, req_sort, NULL,
	  REQUEST_SEARCH_MS },
	{ IPC_TYPE_THREAD, STORE, true, false, req_thread, NULL,
	  REQUEST_SEARCH_MS },
	{ IPC_TYPE_CONTROL, CONTROL, false, false, req_control, req_control_more,
	  10 * 60000 },
};

const struct request_type *request_type_find(unsigned type)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}

/* ---- life ------------------------------------------------------------------- */

static void unlink_request(struct request *r)
{
	if (!r->session)
		return;
	*r->at = r->next;
	if (r->next)
		r->next->at = r->at;
	r->session->open--;
	r->session = NULL;
}

static void request_free(struct request *r)
{
	unlink_request(r);
	if (r->free_state)
		r->free_state(r);
	else
		free(r->state);
	buf_wipe(&r->frame);
	buf_free(&r->answer);
	free(r);
}

enum status request_new(struct session *s, const struct request_type *type,
			const struct ipc_frame *frame)
{
	struct request *r = calloc(1, sizeof *r);
	struct ipc_frame own = *frame;

	if (!r)
		return ST_NO_MEMORY;
	r->frame = (struct buf)BUF_INIT(IPC_PAYLOAD_MAX);
	r->answer = (struct buf)BUF_INIT(REQUEST_ANSWER_MAX);
	r->service = s->service;
	r->type = type;
	r->id = frame->id;
	r->credit = IPC_CREDIT_ANSWER;
	r->due_ms = clock_ms() + type->deadline_ms;
	r->account = s->account;
	r->scope = s->scope;
	memcpy(r->sid, s->sid, sizeof r->sid);
	memcpy(r->client, s->address, sizeof r->client);
	if (buf_append(&r->frame, frame->payload) != ST_OK) {
		free(r);
		return ST_NO_MEMORY;
	}
	own.payload = buf_slice(&r->frame);
	if (ipc_decode(&own, &r->message) != ST_OK) {
		request_free(r);
		return ST_SYNTAX;
	}
	r->session = s;
	r->next = s->requests;
	r->at = &s->requests;
	if (r->next)
		r->next->at = &r->next;
	s->requests = r;
	s->open++;
	s->service->counts.requests++;
	type->start(r);
	return ST_OK;
}

void request_orphan(struct request *r)
{
	unlink_request(r);
	r->is_cancelled = true;
	if (!r->is_running)
		request_free(r);
}

/* ---- sending ------------------------------------------------------------------ */

static void wake(struct session *s)
{
	if (s->wake)
		s->wake(s);
}

/* Moves frames to the session while there is credit and room; true when all
 * are gone. */
static bool send(struct request *r)
{
	struct session *s = r->session;
	struct slice rest = buf_slice(&r->answer);
	size_t moved = 0;

	while (rest.len > 0 && r->credit > 0 && s->out->len < SESSION_OUT_HIGH) {
		struct ipc_frame frame;
		size_t used;

		/* our own frames: they are whole */
		if (ipc_frame_next(rest, &frame, &used) != ST_OK)
			break;
		moved += used;
		r->credit -= (int64_t)used;
		rest = slice_from(rest, used);
	}
	if (moved > 0 && buf_append(s->out, slice_head(buf_slice(&r->answer),
							moved)) != ST_OK) {
		s->state = SESSION_DEAD;
		rest = SLICE_EMPTY;
		moved = r->answer.len;
	}
	buf_consume(&r->answer, moved);
	if (moved > 0)
		wake(s);
	return rest.len == 0;
}

static void submit(struct request *r, enum job_sync sync);

/* Sends what may be sent, and does what is next when all of it is out. */
static void advance(struct request *r)
{
	if (r->is_running)
		return;
	if (!r->session) {
		request_free(r);
		return;
	}
	if (!send(r))
		return;
	if (r->is_ending) {
		struct session *s = r->session;

		request_free(r);
		wake(s);
	} else if (r->is_stream && r->credit >= IPC_CREDIT_ANSWER / 4) {
		r->is_stream = false;
		submit(r, r->job.sync);
	}
}

void request_flush(struct request *r)
{
	if (r->session)
		send(r);
}

void request_tell(struct request *r, const struct ipc_message *m)
{
	if (ipc_encode(r->session->out, r->id, 0, m) != ST_OK)
		r->session->state = SESSION_DEAD;
	wake(r->session);
}

void request_credit(struct request *r, uint32_t octets)
{
	struct ipc_message m = { .type = IPC_TYPE_CREDIT, .credit = { octets } };

	request_tell(r, &m);
}

void request_resume(struct request *r)
{
	if (!r->is_running &&
	    (r->is_ending || r->is_stream || r->answer.len > 0))
		advance(r);
}

static void put_error(struct request *r, enum status st)
{
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	m.error.code = (uint32_t)st;
	m.error.detail = slice_str(r->detail);
	m.error.text = slice_str(r->text[0] ? r->text : status_name(st));
	request_put(r, IPC_LAST, &m);
}

void request_finish(struct request *r, enum status st)
{
	r->is_ending = true;
	r->is_stream = false;
	r->due_ms = 0;
	if (r->type->is_silent) {
		r->answer.len = 0;
	} else if (st != ST_OK) {
		/* what was sent stays sent; what was not is dropped */
		r->answer.len = 0;
		put_error(r, st);
	} else if (!r->has_last) {
		request_put_done(r, 0);
	}
	advance(r);
}

void request_ended(struct request *r, enum status st)
{
	if (st != ST_MORE) {
		request_finish(r, st);
		return;
	}
	r->is_stream = true;
	r->due_ms = clock_ms() + r->type->deadline_ms;
	advance(r);
}

/* ---- jobs ----------------------------------------------------------------------- */

static enum status job_run(struct job *job, struct tx *tx)
{
	struct request *r = (struct request *)job;

	/* a job of the writer may run twice, and begins anew each time */
	r->answer.len = 0;
	r->has_last = false;
	r->detail[0] = r->text[0] = '\0';
	return r->run(r, tx);
}

/* What it found of rights that were changed, others need not look for again. */
static void keep_access(struct request *r)
{
	struct handle *h = session_handle_find(r->session, r->handle);

	if (h && h->access.generation < r->access.generation)
		h->access = r->access;
}

static void job_done(struct job *job, enum status status,
		     const struct error *error)
{
	struct request *r = (struct request *)job;

	r->is_running = false;
	r->outcome = status;
	if (!r->session) {
		request_free(r);
		return;
	}
	if (!store_access_is_owners(&r->access))
		keep_access(r);
	if (status != ST_OK && status != ST_MORE && !r->text[0] && error)
		snprintf(r->text, sizeof r->text, "%s", error->text);
	r->done(r, status);
}

static void submit(struct request *r, enum job_sync sync)
{
	enum status st;

	r->job.run = job_run;
	r->job.done = job_done;
	r->job.sync = sync;
	r->job.octets = sizeof *r + r->frame.len;
	r->room = r->credit < REQUEST_ROOM_LEAST ? REQUEST_ROOM_LEAST
		: r->credit > REQUEST_ROOM_MOST ? REQUEST_ROOM_MOST
		: (size_t)r->credit;
	r->is_running = true;
	st = service_submit(r->service, &r->job, r->place);
	if (st == ST_OK)
		return;
	r->is_running = false;
	request_fail(r, ST_UNAVAILABLE, "", st == ST_LIMIT ? "too much is waiting"
						      : "the store has stopped");
	r->done(r, ST_UNAVAILABLE);
}

void request_go(struct request *r, enum job_place place, enum job_sync sync,
		request_run *run, request_done *done)
{
	r->place = place;
	r->run = run;
	r->done = done;
	submit(r, sync);
}

void request_delay(struct request *r, int64_t ms, request_done *done)
{
	r->done = done;
	r->is_delayed = true;
	r->due_ms = clock_ms() + ms;
	r->service->host->alarm(r->service, r->due_ms);
}

void request_expired(struct request *r)
{
	if (r->is_delayed) {
		r->is_delayed = false;
		r->due_ms = clock_ms() + r->type->deadline_ms;
		r->done(r, ST_OK);
		return;
	}
	r->due_ms = 0;
	if (r->is_running) {
		/* the answer must not wait for it: an orphan takes it along */
		request_cancel(r);
		return;
	}
	if (r->is_ending || r->is_stream)
		return;	/* it waits for the asking side, not for us */
	request_fail(r, ST_UNAVAILABLE, "", "too slow");
	request_finish(r, ST_UNAVAILABLE);
}

void request_cancel(struct request *r)
{
	struct session *s = r->session;
	struct ipc_message m = { .type = IPC_TYPE_ERROR };

	r->is_cancelled = true;
	if (r->is_ending && r->answer.len == 0)
		return;
	m.error = (struct ipc_error){
		ST_UNAVAILABLE, SLICE_EMPTY, SLICE("cancelled"),
	};
	if (!r->type->is_silent &&
	    ipc_encode(s->out, r->id, IPC_LAST, &m) != ST_OK)
		s->state = SESSION_DEAD;
	request_orphan(r);
	wake(s);
}

/* ---- what handlers put ------------------------------------------------------------ */

enum status request_put(struct request *r, unsigned flags,
			const struct ipc_message *m)
{
	if (flags & IPC_LAST)
		r->has_last = true;
	return ipc_encode(&r->answer, r->id, flags, m);
}

enum status request_put_done(struct request *r, uint64_t value)
{
	struct ipc_message m = { .type = IPC_TYPE_DONE, .done = { value } };

	return request_put(r, IPC_LAST, &m);
}

/* at: the field of m that carries a piece of octets. */
static enum status put_in_pieces(struct request *r, struct ipc_message *m,
				 struct slice *at, struct slice octets,
				 size_t piece)
{
	enum status st = ST_OK;

	while (octets.len > 0 && st == ST_OK) {
		*at = slice_head(octets, piece);
		octets = slice_from(octets, at->len);
		st = request_put(r, 0, m);
	}
	return st;
}

/* The first rows that fit in one piece, at least one: only a row that is larger
 * is cut, so that who reads need not put rows together. */
static struct slice whole_rows(struct slice rows, uint32_t items)
{
	struct slice rest = rows;
	struct fetch_row row;
	size_t end = 0;

	while (fetch_row_decode(&rest, items, &row) == ST_OK) {
		if (end && rows.len - rest.len > REQUEST_PIECE)
			break;
		end = rows.len - rest.len;
	}
	return end ? slice_head(rows, end) : rows;
}

enum status request_put_rows(struct request *r, uint32_t items,
			     struct slice rows)
{
	struct ipc_message m = { .type = IPC_TYPE_ROWS, .rows = { .items = items } };
	enum status st = ST_OK;

	while (rows.len > 0 && st == ST_OK) {
		struct slice whole = whole_rows(rows, items);

		rows = slice_from(rows, whole.len);
		st = put_in_pieces(r, &m, &m.rows.rows, whole, REQUEST_PIECE);
	}
	return st;
}

enum status request_put_body(struct request *r, uint32_t uid,
			     struct slice octets)
{
	struct ipc_message m = { .type = IPC_TYPE_BODY, .body = { .uid = uid } };

	return put_in_pieces(r, &m, &m.body.octets, octets, IPC_PIECE_MAX);
}

enum status request_put_pieces(struct request *r, struct slice octets)
{
	struct ipc_message m = { .type = IPC_TYPE_PIECE };

	return put_in_pieces(r, &m, &m.piece.octets, octets, IPC_PIECE_MAX);
}

enum status request_put_set(struct request *r, enum ipc_type type,
			    const struct ranges *set)
{
	struct buf encoded = BUF_INIT(RANGES_MAX * 8);
	struct ipc_message m = { .type = type };
	struct slice *at = type == IPC_TYPE_VANISHED ? &m.vanished.uids
						     : &m.uids.set;
	enum status st = ranges_encode(set, &encoded);

	/* a piece is whole ranges of 8 octets */
	if (st == ST_OK)
		st = put_in_pieces(r, &m, at, buf_slice(&encoded), REQUEST_PIECE);
	buf_free(&encoded);
	return st;
}

static enum status put_keywords(void *arg, uint32_t set, struct slice names)
{
	struct request *r = arg;
	struct ipc_message m = {
		.type = IPC_TYPE_KEYWORDS, .keywords = { r->handle, set, names },
	};

	if (set > r->keywords_told)
		r->keywords_told = set;
	return request_put(r, 0, &m);
}

enum status request_put_keywords(struct request *r, struct tx *tx)
{
	return store_keyword_sets(tx, r->mailbox, r->keywords_told, put_keywords,
				  r);
}

enum status request_fail(struct request *r, enum status st,
			 const char *detail, const char *text)
{
	snprintf(r->detail, sizeof r->detail, "%s", detail);
	snprintf(r->text, sizeof r->text, "%s", text);
	return st;
}

enum status request_store_failed(struct request *r, enum status st,
				 struct tx *tx, const char *detail)
{
	return request_fail(r, st, detail, store_error(tx)->text);
}

enum status request_target_failed(struct request *r, enum status st, struct tx *tx,
				  struct slice owner)
{
	return request_store_failed(r, st, tx,
		st == ST_DENIED ? "NOPERM" : st != ST_NOT_FOUND ? "" :
		owner.len ? "NONEXISTENT" : "TRYCREATE");
}

const char *request_detail(enum status st)
{
	switch (st) {
	case ST_NOT_FOUND: return "NONEXISTENT";
	case ST_EXISTS: return "ALREADYEXISTS";
	case ST_SYNTAX:
	case ST_DENIED: return "CANNOT";
	case ST_LIMIT: return "LIMIT";
	case ST_QUOTA: return "OVERQUOTA";
	default: return "";
	}
}

struct slice scope_word(unsigned scope)
{
	return scope == STORE_SCOPE_IMAP ? SLICE("imap")
	     : scope == STORE_SCOPE_POP3 ? SLICE("pop3") : SLICE("smtp");
}

void request_act(struct request *r, struct tx *tx)
{
	struct store_actor actor = {
		.account = r->account, .sid = slice_str(r->sid),
		.service = r->scope ? scope_word(r->scope) : SLICE_EMPTY,
		.client = slice_str(r->client),
	};

	store_act_as(tx, &actor);
}

/* ---- what handlers need ------------------------------------------------------------- */

bool request_handle(struct request *r, uint32_t handle, bool changes)
{
	struct handle *h = session_handle_find(r->session, handle);

	if (!h) {
		request_fail(r, ST_NOT_FOUND, "", "no such handle");
		request_finish(r, ST_NOT_FOUND);
		return false;
	}
	if (changes && h->read_only) {
		request_fail(r, ST_DENIED, "READ-ONLY", "opened read-only");
		request_finish(r, ST_DENIED);
		return false;
	}
	r->handle = handle;
	r->mailbox = h->watch.mailbox;
	r->access = h->access;
	r->keywords_told = h->keywords_told;
	return true;
}

enum status request_may(struct request *r, struct tx *tx, uint32_t rights)
{
	enum status st;

	if (store_access_is_owners(&r->access))
		return ST_OK;
	st = store_access_check(tx, &r->access, rights);
	if (st == ST_NOT_FOUND)	/* that it is there was known */
		st = ST_DENIED;
	return st == ST_OK ? st : request_store_failed(r, st, tx, "NOPERM");
}

void *request_state(struct request *r, size_t octets)
{
	void *state = calloc(1, octets);

	/* finishing may end r */
	r->state = state;
	if (!state)
		request_finish(r, ST_NO_MEMORY);
	return state;
}
