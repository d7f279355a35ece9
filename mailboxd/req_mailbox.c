/*
 * Requests about mailboxes: LIST, STATUS, CREATE, DELETE, RENAME, SUBSCRIBE,
 * OPEN, CLOSE, WATCH, QUOTA.
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

/* ---- LIST, STATUS -------------------------------------------------------------- */

static enum status put_mailbox(struct request *r, unsigned flags,
			       const struct store_mailbox *m)
{
	struct ipc_message out = { .type = IPC_TYPE_MAILBOX };

	out.mailbox = (struct ipc_mailbox){
		.name = m->name, .attributes = m->attributes,
		.special_use = m->special_use, .id = m->id,
		.uidvalidity = m->uidvalidity, .uidnext = m->uidnext,
		.messages = m->messages, .unseen = m->unseen,
		.recent = m->recent, .deleted = m->deleted,
		.octets = m->octets, .deleted_octets = m->deleted_octets,
		.highestmodseq = m->highestmodseq,
	};
	return request_put(r, flags, &out);
}

static enum status list_row(void *arg, const struct store_mailbox *m)
{
	return put_mailbox(arg, 0, m);
}

static enum status list_run(struct request *r, struct tx *tx)
{
	const struct ipc_list *m = &r->message.list;
	uint64_t owner;
	enum status st = store_access_owner(tx, r->account, m->owner, &owner);

	if (st == ST_NOT_FOUND)	/* as if nothing were given */
		return request_put_done(r, 0);
	if (st == ST_OK && owner != r->account)
		st = store_mailbox_list_other(tx, r->account, owner, m->what,
					      list_row, r);
	else if (st == ST_OK)
		st = store_mailbox_list(tx, owner, m->what, list_row, r);
	return st == ST_OK ? request_put_done(r, 0)
			   : request_store_failed(r, st, tx, "");
}

void req_list(struct request *r)
{
	request_go(r, PLACE_READER, 0, list_run, request_ended);
}

static enum status status_run(struct request *r, struct tx *tx)
{
	const struct ipc_status *q = &r->message.status;
	struct store_mailbox m;
	struct store_access access;
	bool has_children = false;
	enum status st = store_access_find(tx, r->account, q->owner, q->name,
					   STORE_RIGHT_READ, &m, &access);

	if (st == ST_OK && store_access_is_owners(&access))
		st = store_mailbox_has_children(tx, &m, &has_children);
	else if (st == ST_OK)
		st = store_seen_status(tx, &access, &m);
	if (has_children)
		m.attributes |= IPC_MAILBOX_HAS_CHILDREN;
	return st == ST_OK ? put_mailbox(r, IPC_LAST, &m)
			   : request_store_failed(r, st, tx, st == ST_DENIED ?
						  "NOPERM" : "NONEXISTENT");
}

void req_status(struct request *r)
{
	request_go(r, PLACE_READER, 0, status_run, request_ended);
}

/* ---- changes to mailboxes -------------------------------------------------------- */

static enum status changed(struct request *r, struct tx *tx, enum status st,
			   struct slice owner)
{
	return st == ST_OK ? request_put_done(r, 0)
			   : request_store_failed(r, st, tx,
				st == ST_DENIED && owner.len ? "NOPERM" :
				request_detail(st));
}

static enum status create_run(struct request *r, struct tx *tx)
{
	const struct ipc_create *m = &r->message.create;
	uint64_t id;
	enum status st;

	request_act(r, tx);
	st = store_access_create(tx, r->account, m->owner, m->name, m->special_use,
				 &id);
	return st == ST_OK ? request_put_done(r, id) :
			     changed(r, tx, st, m->owner);
}

void req_create(struct request *r)
{
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, create_run, request_ended);
}

static enum status delete_run(struct request *r, struct tx *tx)
{
	const struct ipc_delete *m = &r->message.delete;

	request_act(r, tx);
	return changed(r, tx, store_access_delete(tx, r->account, m->owner, m->name),
		       m->owner);
}

void req_delete(struct request *r)
{
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, delete_run, request_ended);
}

static enum status rename_run(struct request *r, struct tx *tx)
{
	const struct ipc_rename *m = &r->message.rename;

	request_act(r, tx);
	return changed(r, tx, store_access_rename(tx, r->account, m->owner, m->from,
						  m->to), m->owner);
}

void req_rename(struct request *r)
{
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, rename_run, request_ended);
}

static enum status subscribe_run(struct request *r, struct tx *tx)
{
	const struct ipc_subscribe *m = &r->message.subscribe;

	request_act(r, tx);
	return changed(r, tx, store_mailbox_subscribe(tx, r->account, m->name,
						      m->on != 0), SLICE_EMPTY);
}

void req_subscribe(struct request *r)
{
	request_go(r, PLACE_WRITER, JOB_SYNC_FULL, subscribe_run, request_ended);
}

/* ---- OPEN: a handle for the session ----------------------------------------------- */

struct opening {
	bool take_recent;
	struct ranges uids;
	struct store_opened opened;
	struct store_access access;
};

static void opening_free(struct request *r)
{
	struct opening *o = r->state;

	if (o)
		ranges_free(&o->uids);
	free(o);
}

/* An owner's own is not looked for twice. */
static enum status open_access(struct request *r, struct tx *tx)
{
	const struct ipc_open *m = &r->message.open;
	struct opening *o = r->state;

	if (m->owner.len)
		return store_access_find(tx, r->account, m->owner, m->name,
					 STORE_RIGHT_READ, &o->opened.mailbox,
					 &o->access);
	o->access = (struct store_access){
		.account = r->account, .owner = r->account,
		.rights = STORE_RIGHTS_ALL,
	};
	return ST_OK;
}

/* Everything but OPENED, which needs the handle. */
static enum status open_run(struct request *r, struct tx *tx)
{
	struct opening *o = r->state;
	enum status st = open_access(r, tx);

	ranges_clear(&o->uids);
	if (st == ST_OK)
		st = store_mailbox_open(tx, o->access.owner, r->message.open.name,
					o->take_recent, &o->uids, &o->opened);
	o->access.mailbox = o->opened.mailbox.id;
	if (st == ST_OK && !store_access_is_owners(&o->access))
		st = store_seen_opened(tx, &o->access, &o->uids, &o->opened);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, st == ST_DENIED ? "NOPERM" :
					    request_detail(st));
	r->mailbox = o->access.mailbox;
	r->keywords_told = 0;
	st = request_put_set(r, IPC_TYPE_UIDS, &o->uids);
	return st == ST_OK ? request_put_keywords(r, tx) : st;
}

static void open_done(struct request *r, enum status st)
{
	struct opening *o = r->state;
	const struct ipc_open *m = &r->message.open;
	const struct store_mailbox *box = &o->opened.mailbox;
	struct ipc_message out = { .type = IPC_TYPE_OPENED };
	struct handle *h;

	if (st == ST_OK && m->take_recent && !m->read_only &&
	    !o->take_recent && store_has_recent(&o->opened) &&
	    !store_is_damaged(r->service->store)) {
		/* the \Recent ones become this session's: that is a change */
		o->take_recent = true;
		request_go(r, PLACE_WRITER, JOB_SYNC_NORMAL, open_run, open_done);
		return;
	}
	if (st == ST_OK) {
		st = session_handle_open(r->session, r->handle, &o->access,
					 m->read_only != 0, m->exclusive != 0,
					 &h);
		if (st == ST_DENIED)
			request_fail(r, st, "IN-USE", "another session has it");
		else if (st != ST_OK)
			request_fail(r, st, "LIMIT", "too many open mailboxes");
	}
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	h->told_modseq = box->highestmodseq;
	h->keywords_told = r->keywords_told;
	out.opened = (struct ipc_opened){
		.handle = h->id, .id = o->access.mailbox,
		.uidvalidity = box->uidvalidity, .uidnext = box->uidnext,
		.messages = box->messages, .unseen = box->unseen,
		.first_unseen = o->opened.first_unseen,
		.recent_lo = o->opened.recent_lo,
		.recent_hi = o->opened.recent_hi,
		.highestmodseq = box->highestmodseq,
		.read_only = m->read_only != 0 ||
			     !(o->access.rights & STORE_RIGHTS_CHANGE) ||
			     store_is_damaged(r->service->store),
		.more_keywords = o->opened.more_keywords,
		.rights = o->access.rights,
	};
	request_finish(r, request_put(r, IPC_LAST, &out));
}

void req_open(struct request *r)
{
	struct opening *o;

	r->free_state = opening_free;
	o = request_state(r, sizeof *o);
	if (!o)
		return;
	o->uids = (struct ranges)RANGES_INIT(RANGES_MAX);
	r->handle = session_handle_next(r->session);
	request_go(r, PLACE_READER, 0, open_run, open_done);
}

void req_close(struct request *r)
{
	struct handle *h = session_handle_find(r->session,
					       r->message.close.handle);

	if (h)
		session_handle_close(r->session, h);
	request_finish(r, h ? ST_OK : ST_NOT_FOUND);
}

/* ---- WATCH --------------------------------------------------------------------------- */

static enum status watch_run(struct request *r, struct tx *tx)
{
	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	if (st == ST_OK)
		store_mailbox_modseq(tx, r->mailbox, r->state);
	return st;
}

static void watch_done(struct request *r, enum status st)
{
	struct handle *h = session_handle_find(r->session, r->handle);
	struct session *s = r->session;
	uint64_t modseq = st == ST_OK ? *(uint64_t *)r->state : 0;

	request_finish(r, st);
	/* what changed before the watch began is news as well */
	if (h && s->state == SESSION_BOUND)
		session_news(h, modseq);
}

void req_watch(struct request *r)
{
	const struct ipc_watch *m = &r->message.watch;
	struct handle *h;

	if (!request_handle(r, m->handle, false))
		return;
	h = session_handle_find(r->session, m->handle);
	h->watch.wants_news = m->on != 0;
	if (!m->on)
		request_finish(r, ST_OK);
	else if (request_state(r, sizeof(uint64_t)))
		request_go(r, PLACE_READER, 0, watch_run, watch_done);
}

/* ---- QUOTA -------------------------------------------------------------------------- */
