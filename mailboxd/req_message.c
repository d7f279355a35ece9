/*
 * Requests about messages of an open mailbox: FETCH, READ, SENT, STORE, COPY,
 * EXPUNGE, CHANGES, EARLIER. What streams keeps a cursor between two slices, never a
 * transaction.
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/crash_point.h"
#include "mailboxd/prepare.h"

#define SLICE_MS	20
#define FLAG_ROWS	(FETCH_FLAGS | FETCH_MODSEQ)
/* A STORE of so many messages may run on the loop. */
#define STORE_NOW_MAX	256u
/* Those of COPY, of STORE +FLAGS (\Deleted) and of EXPUNGE (RFC 6851 section 4.2). */
#define MOVE_RIGHTS	(STORE_RIGHT_READ | STORE_RIGHT_TRASH | STORE_RIGHT_EXPUNGE)

/* The session knows the keyword sets and the modseq that were told. */
static void keywords_told(struct request *r)
{
	struct handle *h = session_handle_find(r->session, r->handle);

	if (h && h->keywords_told < r->keywords_told)
		h->keywords_told = r->keywords_told;
}

static void rows_ended(struct request *r, enum status st)
{
	keywords_told(r);
	request_ended(r, st);
}

/* False: the request was failed. */
static bool take_set(struct request *r, struct slice bytes, struct ranges *set)
{
	enum status st;

	*set = (struct ranges)RANGES_INIT(RANGES_MAX);
	st = ranges_decode(bytes, set);
	if (st == ST_OK)
		return true;
	request_finish(r, st);
	return false;
}

/* ---- FETCH ------------------------------------------------------------------- */

struct fetching {
	struct store_fetch fetch;
	bool is_over;		/* all rows were put; what could not be read is told */
	struct ranges uids;
	struct buf rows;
};

static void fetching_free(struct request *r)
{
	struct fetching *f = r->state;

	if (!f)
		return;
	store_fetch_end(r->service->store, &f->fetch);
	ranges_free(&f->uids);
	buf_free(&f->rows);
	free(f);
}

static enum status fetch_unreadable(struct request *r, const struct fetching *f)
{
	return request_fail(r, ST_UNAVAILABLE,
			    f->fetch.unreadable > f->fetch.read_errors ?
			    "SERVERBUG" : "UNAVAILABLE",
			    "a message cannot be read");
}

static enum status fetch_run(struct request *r, struct tx *tx)
{
	struct fetching *f = r->state;
	size_t room = r->room;
	int64_t until = clock_ms() + SLICE_MS;
	enum status st = ST_OK, put;

	st = request_may(r, tx, STORE_RIGHT_READ);
	if (st != ST_OK)
		return st;
	if (f->is_over)
		return fetch_unreadable(r, f);
	if (f->fetch.changed_since && f->fetch.next_uid == 0)
		st = store_since(tx, r->mailbox, &f->fetch.changed_since);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	do {
		f->rows.len = 0;
		st = store_fetch(tx, &f->fetch, room - r->answer.len, &f->rows);
		if (st != ST_OK && st != ST_MORE)
			return request_store_failed(r, st, tx, "");
		/* the sets that these rows name go out before them */
		put = f->fetch.items & FETCH_FLAGS
			? request_put_keywords(r, tx) : ST_OK;
		if (put != ST_OK)
			return request_store_failed(r, put, tx, "");
		put = f->fetch.is_body
			? request_put_body(r, f->fetch.streaming_uid,
					   buf_slice(&f->rows))
			: request_put_rows(r, f->fetch.items,
					   buf_slice(&f->rows));
		if (put != ST_OK)
			return put;
	} while (st == ST_MORE && r->answer.len + REQUEST_ROOM_LEAST <= room &&
		 clock_ms() < until);
	if (st == ST_OK && f->fetch.unreadable) {
		/* a failure drops what is not sent yet: the others go out first */
		f->is_over = true;
		return r->answer.len ? ST_MORE : fetch_unreadable(r, f);
	}
	return st == ST_OK ? request_put_done(r, 0) : st;
}

void req_fetch(struct request *r)
{
	const struct ipc_fetch *m = &r->message.fetch;
	struct fetching *f;

	r->free_state = fetching_free;
	if (!request_handle(r, m->handle, false))
		return;
	f = request_state(r, sizeof *f);
	if (!f || !take_set(r, m->uids, &f->uids))
		return;
	f->rows = (struct buf)BUF_INIT(PREPARE_RECORD_MAX + REQUEST_ROOM_MOST);
	f->fetch = (struct store_fetch){
		.mailbox = r->mailbox, .as = &r->access, .uids = &f->uids,
		.items = m->items,
		.changed_since = m->changed_since,
	};
	request_go(r, PLACE_READER, 0, fetch_run, rows_ended);
}

/* ---- READ -------------------------------------------------------------------- */

struct reading {
	uint64_t offset, left;
	struct buf octets;
};

static void reading_free(struct request *r)
{
	struct reading *d = r->state;

	if (d)
		buf_free(&d->octets);
	free(d);
}

/* RFC 5530: it is damaged, or cannot be read now. */
static const char *read_detail(enum status st)
{
	return st == ST_UNAVAILABLE ? "SERVERBUG" : st == ST_IO ? "UNAVAILABLE" :
	       request_detail(st);
}

static enum status read_run(struct request *r, struct tx *tx)
{
	struct reading *d = r->state;
	size_t want = r->room;
	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	if (st != ST_OK)
		return st;
	if (d->left < want)
		want = (size_t)d->left;
	d->octets.len = 0;
	st = want ? store_read(tx, r->mailbox, r->message.read.uid, d->offset,
			       want, &d->octets)
		  : ST_OK;
	if (st != ST_OK)
		return request_store_failed(r, st, tx, read_detail(st));
	d->offset += d->octets.len;
	d->left -= d->octets.len;
	st = request_put_body(r, r->message.read.uid, buf_slice(&d->octets));
	if (st != ST_OK)
		return st;
	/* fewer than asked for: that was the end of the message */
	return d->left > 0 && d->octets.len == want ? ST_MORE
						     : request_put_done(r, 0);
}

void req_read(struct request *r)
{
	const struct ipc_read *m = &r->message.read;
	struct reading *d;

	r->free_state = reading_free;
	if (!request_handle(r, m->handle, false))
		return;
	d = request_state(r, sizeof *d);
	if (!d)
		return;
	d->offset = m->offset;
	d->left = m->length;
	d->octets = (struct buf)BUF_INIT(REQUEST_ROOM_MOST);
	request_go(r, PLACE_READER, 0, read_run, request_ended);
}

/* ---- changes: SENT, STORE, COPY, EXPUNGE -------------------------------------- */

struct changing {
	struct ranges uids, source, target;
	struct buf rows;
};

static void changing_free(struct request *r)
{
	struct changing *c = r->state;

	if (!c)
		return;
	ranges_free(&c->uids);
	ranges_free(&c->source);
	ranges_free(&c->target);
	buf_free(&c->rows);
	free(c);
}

/* NULL: the request was failed. */
static struct changing *changing_new(struct request *r, uint32_t handle,
				     bool changes, struct slice uids)
{
	struct changing *c;

	r->free_state = changing_free;
	if (!request_handle(r, handle, changes))
		return NULL;
	c = request_state(r, sizeof *c);
	if (!c || !take_set(r, uids, &c->uids))
		return NULL;
	c->source = (struct ranges)RANGES_INIT(RANGES_MAX);
	c->target = (struct ranges)RANGES_INIT(RANGES_MAX);
	c->rows = (struct buf)BUF_INIT(REQUEST_ANSWER_MAX / 2);
	return c;
}

static enum status sent_run(struct request *r, struct tx *tx)
{
	struct changing *c = r->state;

	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	request_act(r, tx);
	return st == ST_OK ? store_sent(tx, r->mailbox, &c->uids) : st;
}

void req_sent(struct request *r)
{
	const struct ipc_sent *m = &r->message.sent;

	if (changing_new(r, m->handle, false, m->uids))
		request_go(r, PLACE_WRITER, JOB_SYNC_NORMAL, sent_run,
			   request_ended);
}

static enum status store_run(struct request *r, struct tx *tx)
{
	const struct ipc_store *m = &r->message.store;
	struct changing *c = r->state;
	struct store_flag_change change = {
		.mailbox = r->mailbox, .as = &r->access, .uids = &c->uids,
		.mode = (enum ipc_store_mode)m->mode, .flags = m->flags,
		.keywords = m->keywords, .unchanged_since = m->unchanged_since,
		.refused = &c->source, .rows = &c->rows,
	};
	struct buf set = BUF_INIT(RANGES_MAX * 8);
	struct ipc_message out = { .type = IPC_TYPE_STORED };
	struct slice rest;
	enum status st;

	ranges_clear(&c->source);
	c->rows.len = 0;
	request_act(r, tx);
	st = request_may(r, tx, STORE_RIGHT_READ);
	if (st != ST_OK)
		return st;
	st = store_flags(tx, &change);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, st == ST_DENIED ? "NOPERM" :
					    request_detail(st));
	if (change.set_high > r->keywords_told)
		st = request_put_keywords(r, tx);
	if (st == ST_OK)
		st = request_put_rows(r, FLAG_ROWS, buf_slice(&c->rows));
	if (st == ST_OK)
		st = ranges_encode(&c->source, &set);
	rest = buf_slice(&set);
	while (st == ST_OK && !r->has_last) {
		out.stored.modseq = change.has_changed ? change.modseq : 0;
		out.stored.refused = slice_head(rest, REQUEST_PIECE);
		rest = slice_from(rest, out.stored.refused.len);
		st = request_put(r, rest.len ? 0 : IPC_LAST, &out);
	}
	buf_free(&set);
	return st;
}

void req_store(struct request *r)
{
	const struct ipc_store *m = &r->message.store;
	struct changing *c = changing_new(r, m->handle, true, m->uids);

	if (!c)
		return;
	if (m->mode > IPC_STORE_REMOVE)
		request_finish(r, ST_SYNTAX);
	else
		request_go(r, ranges_size(&c->uids) <= STORE_NOW_MAX
				? PLACE_WRITER_NOW : PLACE_WRITER,
			   JOB_SYNC_NORMAL, store_run, rows_ended);
}

static enum status put_copied(struct request *r, struct changing *c,
			      const struct store_copy *copy, bool is_over_soft)
{
	struct buf sets[2] = { BUF_INIT(RANGES_MAX * 8), BUF_INIT(RANGES_MAX * 8) };
	struct ipc_message out = { .type = IPC_TYPE_COPIED };
	struct slice from, to;
	enum status st = ranges_encode(&c->source, &sets[0]);

	if (st == ST_OK)
		st = ranges_encode(&c->target, &sets[1]);
	from = buf_slice(&sets[0]);
	to = buf_slice(&sets[1]);
	while (st == ST_OK && !r->has_last) {
		out.copied.uidvalidity = copy->uidvalidity;
		out.copied.modseq = copy->modseq;
		out.copied.over_soft = is_over_soft;
		out.copied.source = slice_head(from, REQUEST_PIECE / 2);
		out.copied.target = slice_head(to, REQUEST_PIECE / 2);
		from = slice_from(from, out.copied.source.len);
		to = slice_from(to, out.copied.target.len);
		st = request_put(r, from.len || to.len ? 0 : IPC_LAST, &out);
	}
	buf_free(&sets[0]);
	buf_free(&sets[1]);
	return st;
}

static enum status copy_run(struct request *r, struct tx *tx)
{
	const struct ipc_copy *m = &r->message.copy;
	struct changing *c = r->state;
	struct store_mailbox to;
	struct store_access access;
	struct store_copy copy = {
		.from = r->mailbox, .uids = &c->uids, .is_move = m->move != 0,
		.from_as = &r->access, .to_as = &access,
		.source = &c->source, .target = &c->target,
	};
	enum status st;

	ranges_clear(&c->source);
	ranges_clear(&c->target);
	request_act(r, tx);
	st = request_may(r, tx, copy.is_move ? MOVE_RIGHTS : STORE_RIGHT_READ);
	if (st != ST_OK)
		return st;
	st = store_access_find(tx, r->account, m->owner, m->name,
			       STORE_RIGHT_INSERT, &to, &access);
	if (st != ST_OK)
		return request_target_failed(r, st, tx, m->owner);
	copy.to = to.id;
	st = store_copy(tx, &copy);
	crash_point("copy.before_commit");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	/* what moves within an account adds nothing to it */
	return put_copied(r, c, &copy, !copy.is_move && c->target.count &&
				       store_access_is_owners(&access) &&
				       request_over_soft(r, tx));
}

static void copy_done(struct request *r, enum status st)
{
	crash_point("copy.before_reply");
	request_ended(r, st);
}

void req_copy(struct request *r)
{
	const struct ipc_copy *m = &r->message.copy;

	if (changing_new(r, m->handle, m->move != 0, m->uids))
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, copy_run,
			   copy_done);
}

static enum status expunge_run(struct request *r, struct tx *tx)
{
	const struct ipc_expunge *m = &r->message.expunge;
	struct changing *c = r->state;
	struct buf set = BUF_INIT(RANGES_MAX * 8);
	struct ipc_message out = { .type = IPC_TYPE_EXPUNGED };
	struct slice rest;
	uint64_t modseq = 0;
	enum status st;

	st = request_may(r, tx, STORE_RIGHT_EXPUNGE);
	if (st != ST_OK)
		return st;
	ranges_clear(&c->source);
	request_act(r, tx);
	/* an empty set is every \Deleted message, but never simply every one */
	st = store_expunge(tx, r->mailbox,
			   c->uids.count || m->all ? &c->uids : NULL,
			   m->all != 0, &c->source, &modseq);
	crash_point("expunge.before_commit");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	st = ranges_encode(&c->source, &set);
	rest = buf_slice(&set);
	while (st == ST_OK && !r->has_last) {
		out.expunged.modseq = modseq;
		out.expunged.uids = slice_head(rest, REQUEST_PIECE);
		rest = slice_from(rest, out.expunged.uids.len);
		st = request_put(r, rest.len ? 0 : IPC_LAST, &out);
	}
	buf_free(&set);
	return st;
}

static void expunge_done(struct request *r, enum status st)
{
	crash_point("expunge.before_reply");
	request_ended(r, st);
}

void req_expunge(struct request *r)
{
	const struct ipc_expunge *m = &r->message.expunge;

	if (changing_new(r, m->handle, true, m->uids))
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, expunge_run,
			   expunge_done);
}

/* ---- CHANGES --------------------------------------------------------------------- */

struct asking {
	struct store_changes changes;
	struct ranges vanished;
	struct buf rows;
};

static void asking_free(struct request *r)
{
	struct asking *a = r->state;

	if (!a)
		return;
	ranges_free(&a->vanished);
	buf_free(&a->rows);
	free(a);
}

static enum status changes_run(struct request *r, struct tx *tx)
{
	struct asking *a = r->state;
	struct ipc_message out = { .type = IPC_TYPE_CHANGED };
	enum status st, put;

	st = request_may(r, tx, STORE_RIGHT_READ);
	if (st != ST_OK)
		return st;
	a->rows.len = 0;
	st = store_changes(tx, &a->changes, r->room, &a->rows);
	if (st != ST_OK && st != ST_MORE)
		return request_store_failed(r, st, tx, request_detail(st));
	/* the sets that these rows name go out before them */
	put = request_put_keywords(r, tx);
	if (put != ST_OK)
		return request_store_failed(r, put, tx, "");
	put = request_put_rows(r, FLAG_ROWS, buf_slice(&a->rows));
	if (put != ST_OK || st == ST_MORE)
		return put != ST_OK ? put : st;
	st = request_put_set(r, IPC_TYPE_VANISHED, &a->vanished);
	out.changed = (struct ipc_changed){
		r->handle, a->changes.highestmodseq, a->changes.uidnext,
		a->changes.messages,
	};
	return st == ST_OK ? request_put(r, IPC_LAST, &out) : st;
}

static void changes_done(struct request *r, enum status st)
{
	struct asking *a = r->state;
	struct handle *h = session_handle_find(r->session, r->handle);

	if (h && st == ST_OK && h->told_modseq < a->changes.highestmodseq)
		h->told_modseq = a->changes.highestmodseq;
	rows_ended(r, st);
}

/* False: the request was failed. */
static bool asking_begin(struct request *r, uint32_t handle, uint64_t since)
{
	struct asking *a;

	r->free_state = asking_free;
	if (!request_handle(r, handle, false))
		return false;
	a = request_state(r, sizeof *a);
	if (!a)
		return false;
	a->vanished = (struct ranges)RANGES_INIT(RANGES_MAX);
	a->rows = (struct buf)BUF_INIT(REQUEST_ROOM_MOST + 64);
	a->changes = (struct store_changes){
		.mailbox = r->mailbox, .since = since, .as = &r->access,
		.vanished = &a->vanished,
	};
	return true;
}

void req_changes(struct request *r)
{
	if (asking_begin(r, r->message.changes.handle, r->message.changes.since))
		request_go(r, PLACE_READER, 0, changes_run, changes_done);
}

static enum status earlier_run(struct request *r, struct tx *tx)
{
	struct asking *a = r->state;
	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	if (st != ST_OK)
		return st;
	st = store_vanished(tx, &a->changes);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	st = request_put_set(r, IPC_TYPE_VANISHED, &a->vanished);
	return st == ST_OK ? request_put_done(r, a->changes.since) : st;
}

void req_earlier(struct request *r)
{
	if (asking_begin(r, r->message.earlier.handle, r->message.earlier.since))
		request_go(r, PLACE_READER, 0, earlier_run, request_ended);
}
