/*
 * The part of session_priv.h about what others did to the selected mailbox.
 *
 * mailboxd's event says that there is something; the sync (CHANGES) brings it.
 * Flags that changed are told as they come, new and vanished messages when the
 * command in progress allows it (RFC 9051 section 7.5.1).
 */
#include "common/fetch_row.h"
#include "imapd/session_priv.h"

/* Expunges told in one go; then the client may have to read. */
#define EXPUNGES_AT_ONCE ((size_t)4096)
/* Ranges of one VANISHED. */
#define VANISHED_AT_ONCE ((size_t)2000)

void imap_news_event(struct imap_session *s, const struct ipc_changed *changed)
{
	if (s->view.handle && changed->handle == s->view.handle &&
	    changed->highestmodseq > s->view.news)
		s->view.news = changed->highestmodseq;
}

bool imap_news_is_stale(const struct imap_session *s)
{
	return s->view.handle && s->view.news > s->view.modseq;
}

/* "* n FETCH (UID u MODSEQ (m)", as far as they are asked for. False: the message
 * is not in the view. */
static bool begin_fetch(struct imap_session *s, bool with_uid, uint32_t uid,
			uint64_t modseq)
{
	struct respond *r = &s->respond;
	uint32_t seq = view_seq(&s->view, uid);

	if (!seq)
		return false;
	respond_slice(r, SLICE("* "));
	respond_u64(r, seq);
	respond_slice(r, SLICE(" FETCH ("));
	/* RFC 7162 section 3.2.4, RFC 9051 section 7.5.2 */
	if (with_uid || (s->enabled & (IMAP_ENABLED_CONDSTORE | IMAP_ENABLED_REV2))) {
		respond_slice(r, SLICE("UID "));
		respond_u64(r, uid);
		respond_char(r, ' ');
	}
	if (s->enabled & IMAP_ENABLED_CONDSTORE) {
		imap_note_modseq(s, modseq);
		respond_slice(r, SLICE("MODSEQ ("));
		respond_u64(r, modseq);
		respond_char(r, ')');
	}
	return true;
}

void imap_tell_flags(struct imap_session *s, bool with_uid, uint32_t uid,
		     uint64_t flags, uint64_t modseq)
{
	struct respond *r = &s->respond;

	if (!begin_fetch(s, with_uid, uid, modseq))
		return;
	respond_str(r, s->enabled & IMAP_ENABLED_CONDSTORE ? " FLAGS " : "FLAGS ");
	view_put_flags(&s->view, r, uid, flags);
	respond_slice(r, SLICE(")\r\n"));
}

void imap_tell_modseq(struct imap_session *s, bool with_uid, uint32_t uid,
		      uint64_t modseq)
{
	if (begin_fetch(s, with_uid, uid, modseq))
		respond_slice(&s->respond, SLICE(")\r\n"));
}

/* A row of the sync: a new message, or flags that changed. */
static enum status take_row(struct imap_session *s, const struct fetch_row *row)
{
	struct view *v = &s->view;

	if (row->uid > view_last_uid(v) && row->uid >= v->uidnext)
		return ranges_add(&v->fresh, row->uid, row->uid);
	if (!view_is_own(v, row->modseq))
		imap_tell_flags(s, false, row->uid, row->flags, row->modseq);
	return ST_OK;
}

static enum status take_rows(struct imap_session *s, struct ipc_rows *rows)
{
	struct fetch_row row;
	enum status st = ST_OK;

	while (st == ST_OK && rows->rows.len && !imap_out_is_full(s)) {
		st = fetch_row_decode(&rows->rows, rows->items, &row);
		if (st == ST_OK)
			st = take_row(s, &row);
	}
	return st;
}

static enum status take_vanished(struct view *v, struct slice set)
{
	struct ranges gone = RANGES_INIT(RANGES_MAX), fresh = RANGES_INIT(RANGES_MAX);
	enum status st = ranges_decode(set, &gone);

	for (size_t i = 0; st == ST_OK && i < gone.count; i++)
		st = ranges_add(&v->vanished, gone.items[i].low, gone.items[i].high);
	/* what came and went in between is never told */
	if (st == ST_OK && v->fresh.count) {
		st = ranges_subtract(&v->fresh, &gone, &fresh);
		if (st == ST_OK)
			st = ranges_copy(&v->fresh, &fresh);
	}
	ranges_free(&gone);
	ranges_free(&fresh);
	return st;
}

static void sync_over(struct imap_session *s, uint64_t modseq)
{
	s->syncs_done++;
	if (modseq > s->view.modseq)
		s->view.modseq = modseq;
	/* no more is there now, whatever an event said */
	s->view.news = s->view.modseq;
}

static void sync_step(struct imap_session *s, struct ipc_message *m, bool last)
{
	struct view *v = &s->view;
	enum status st = ST_OK;

	/* that mailbox was left meanwhile */
	if (v->handle != s->sync_handle) {
		s->syncs_done += last;
		return;
	}
	switch (m->type) {
	case IPC_TYPE_ROWS:
		st = take_rows(s, &m->rows);
		break;
	case IPC_TYPE_VANISHED:
		st = take_vanished(v, m->vanished.uids);
		break;
	case IPC_TYPE_CHANGED:
		sync_over(s, m->changed.highestmodseq);
		return;
	default:
		/* ERROR: what is known so far is told */
		if (last)
			sync_over(s, 0);
	}
	if (st != ST_OK)
		imap_bye(s, "[UNAVAILABLE] Internal error");
}

static bool sync_begin(struct imap_session *s)
{
	const struct ipc_message m = {
		.type = IPC_TYPE_CHANGES,
		.changes = { .handle = s->view.handle, .since = s->view.modseq },
	};

	if (!s->view.handle || !imap_session_ask(s, &m, sync_step))
		return false;
	s->sync_handle = s->view.handle;
	s->syncs_begun++;
	return true;
}

unsigned imap_news_sync(struct imap_session *s)
{
	/* one in flight may have looked before the change */
	if (s->syncs_begun != s->syncs_done) {
		s->sync_wanted = true;
		return s->syncs_begun + 1;
	}
	return sync_begin(s) ? s->syncs_begun : s->syncs_done;
}

void imap_news_go_on(struct imap_session *s)
{
	if (s->syncs_begun != s->syncs_done || !s->sync_wanted)
		return;
	s->sync_wanted = false;
	/* who waits for it must not wait for ever */
	if (!sync_begin(s))
		s->syncs_done = ++s->syncs_begun;
}

bool imap_tell_earlier(struct imap_session *s, const struct ranges *vanished,
		       size_t *at)
{
	struct respond *r = &s->respond;

	while (*at < vanished->count && !imap_out_is_full(s)) {
		size_t n = vanished->count - *at;
		const struct ranges piece = {
			.items = vanished->items + *at,
			.count = n < VANISHED_AT_ONCE ? n : VANISHED_AT_ONCE,
		};

		respond_slice(r, SLICE("* VANISHED (EARLIER) "));
		respond_set(r, &piece);
		respond_crlf(r);
		*at += piece.count;
	}
	return *at == vanished->count;
}

/* "* VANISHED set", in place of EXPUNGE (RFC 7162 section 3.2.10). */
static enum status tell_vanished(struct imap_session *s, const struct ranges *uids)
{
	enum status st = view_expunge(&s->view, uids, NULL);

	respond_slice(&s->respond, SLICE("* VANISHED "));
	respond_set(&s->respond, uids);
	respond_crlf(&s->respond);
	s->told_vanished = true;
	return st;
}

static bool tell_expunges(struct imap_session *s)
{
	struct view *v = &s->view;
	struct ranges taken = RANGES_INIT(RANGES_MAX);
	enum status st = ST_OK;

	while (st == ST_OK && v->vanished.count && !imap_out_is_full(s)) {
		ranges_clear(&taken);
		st = view_take_first(v, &v->vanished, EXPUNGES_AT_ONCE, &taken);
		if (st == ST_OK && taken.count)
			st = s->enabled & IMAP_ENABLED_QRESYNC
				     ? tell_vanished(s, &taken)
				     : view_expunge(v, &taken, &s->respond);
	}
	ranges_free(&taken);
	if (st != ST_OK)
		imap_bye(s, "[UNAVAILABLE] Internal error");
	return v->vanished.count == 0 || s->is_ending;
}

bool imap_news_tell(struct imap_session *s, bool with_expunges)
{
	struct view *v = &s->view;
	struct respond *r = &s->respond;

	if (!v->handle)
		return true;
	if (imap_out_is_full(s) || (with_expunges && !tell_expunges(s)))
		return false;
	if (v->fresh.count == 0)
		return true;
	if (view_append(v, &v->fresh) != ST_OK) {
		imap_bye(s, "[UNAVAILABLE] Internal error");
		return true;
	}
	v->uidnext = view_last_uid(v) + 1;
	ranges_clear(&v->fresh);
	respond_slice(r, SLICE("* "));
	respond_u64(r, view_count(v));
	respond_slice(r, SLICE(" EXISTS\r\n"));
	if (!(s->enabled & IMAP_ENABLED_REV2)) {
		respond_slice(r, SLICE("* "));
		respond_u64(r, view_recent(v));
		respond_slice(r, SLICE(" RECENT\r\n"));
	}
	return true;
}
