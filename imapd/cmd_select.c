#include "common/fetch_row.h"
#include "imapd/list_attributes.h"
#include "imapd/object_id.h"
#include "imapd/resync.h"
#include "imapd/session_priv.h"

#include <stdlib.h>

/*
 * SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3).
 *
 *   [IMAP4rev2: STATUS to mailboxd -> MAILBOX, for the LIST response]
 *   OPEN to mailboxd -> UIDS, KEYWORDS, OPENED: the view is whole, it is told
 *   and becomes the session's; WATCH asks for news of it from then on.
 *   [QRESYNC: EARLIER -> VANISHED, DONE; FETCH -> ROWS, DONE]
 */
struct select {
	struct view view;
	bool is_examine;
	struct slice name, given;	/* as it is called, as the client did */
	struct ipc_mailbox listed;	/* its texts are in the arena */
	struct resync resync;
	struct ranges vanished, known;	/* of QRESYNC */
	size_t vanished_at;
	uint64_t since;			/* of FETCH: may be less than was asked for */
	bool has_vanished;
};

static void release(struct imap_command *c)
{
	struct select *sel = c->data;

	view_clear(&sel->view);
	resync_clear(&sel->resync);
	ranges_free(&sel->vanished);
	ranges_free(&sel->known);
}

static void put_code(struct respond *r, const char *code, uint64_t n,
		     const char *words)
{
	respond_str(r, "* OK [");
	respond_str(r, code);
	respond_char(r, ' ');
	respond_u64(r, n);
	respond_str(r, "] ");
	respond_str(r, words);
	respond_crlf(r);
}

static void put_count(struct respond *r, uint32_t n, const char *word)
{
	respond_str(r, "* ");
	respond_u64(r, n);
	respond_char(r, ' ');
	respond_str(r, word);
	respond_crlf(r);
}

/* "* LIST () "/" INBOX ("OLDNAME" ("inbox"))" (RFC 9051 section 6.3.2) */
static void put_list(struct respond *r, const struct select *sel)
{
	respond_str(r, "* LIST ");
	list_attributes_put(r, &sel->listed, true, false);
	respond_str(r, " \"/\" ");
	respond_mailbox(r, sel->name);
	list_oldname_put(r, sel->name, sel->given);
	respond_crlf(r);
}

/* The untagged answers, of which the client is to see all (section 6.3.2). */
static void tell(struct imap_session *s, const struct select *sel,
		 const struct ipc_opened *opened)
{
	const struct view *v = &s->view;
	struct respond *r = &s->respond;

	respond_str(r, "* FLAGS ");
	view_put_all_flags(v, r, false);
	respond_str(r, "\r\n* OK [PERMANENTFLAGS ");
	if (v->is_read_only)
		respond_str(r, "()");
	else
		view_put_all_flags(v, r, v->may_add_keywords);
	respond_str(r, "] Flags that are kept\r\n");
	put_count(r, view_count(v), "EXISTS");
	if (!(s->enabled & IMAP_ENABLED_REV2)) {
		put_count(r, view_recent(v), "RECENT");
		if (opened->first_unseen && view_seq(v, opened->first_unseen))
			put_code(r, "UNSEEN", view_seq(v, opened->first_unseen),
				 "First unseen message");
	}
	put_code(r, "UIDVALIDITY", v->uidvalidity, "UIDs valid");
	put_code(r, "UIDNEXT", v->uidnext, "Predicted next UID");
	if (v->modseq)
		put_code(r, "HIGHESTMODSEQ", v->modseq, "Highest mod-sequence");
	respond_str(r, "* OK [");
	object_id_put_mailbox(r, v->mailbox);
	respond_str(r, "] Its id\r\n");
	if (s->enabled & IMAP_ENABLED_REV2)
		put_list(r, sel);
}

static void watch(struct imap_session *s)
{
	const struct ipc_message m = {
		.type = IPC_TYPE_WATCH,
		.watch = { .handle = s->view.handle, .on = 1 },
	};

	/* without it news are told at NOOP only */
	imap_session_ask(s, &m, NULL);
}

static void finish(struct imap_command *c)
{
	const struct select *sel = c->data;

	imap_finish(c, IMAP_OK, imap_view(c)->is_read_only ? "READ-ONLY" : "READ-WRITE",
		    sel->is_examine ? "EXAMINE completed" : "SELECT completed");
}

/* Flags that changed (RFC 7162 section 3.2.5.1). */
static void rows_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct imap_session *s = c->session;
	struct fetch_row row;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_ROWS)
		while (!imap_out_is_full(s) &&
		       fetch_row_decode(&m->rows.rows, m->rows.items, &row) == ST_OK)
			imap_tell_flags(s, true, row.uid, row.flags, row.modseq);
	if (last && (m->type != IPC_TYPE_ROWS || !m->rows.rows.len))
		finish(c);
}

static void ask_rows(struct imap_command *c)
{
	const struct select *sel = c->data;
	struct buf uids = BUF_INIT((NUMSET_MAX + 1) * 8);
	struct ipc_message m = {
		.type = IPC_TYPE_FETCH,
		.fetch = { .handle = imap_view(c)->handle,
			   .items = FETCH_FLAGS | FETCH_MODSEQ,
			   .changed_since = sel->since },
	};

	if (ranges_encode(&sel->known, &uids) != ST_OK) {
		imap_finish_short(c);
	} else if (sel->known.count == 0) {
		finish(c);
	} else {
		m.fetch.uids = buf_slice(&uids);
		imap_ask(c, &m, rows_step);
	}
	buf_free(&uids);
}

static void tell_vanished(struct imap_command *c)
{
	struct select *sel = c->data;

	if (!sel->has_vanished ||
	    !imap_tell_earlier(c->session, &sel->vanished, &sel->vanished_at))
		return;
	c->drained = NULL;
	ask_rows(c);
}

static void vanished_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct select *sel = c->data;
	const struct view *v = imap_view(c);
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_VANISHED)
		st = ranges_add_encoded(m->vanished.uids, &sel->vanished);
	if (m->type == IPC_TYPE_DONE)
		sel->since = m->done.value;
	if (st == ST_OK && last)
		st = resync_known(&sel->resync, v, &sel->known);
	if (st == ST_OK && last)
		st = resync_earlier(v, &sel->known, resync_matched(&sel->resync, v),
				    &sel->vanished);
	if (st != ST_OK) {
		imap_finish_short(c);
	} else if (last) {
		sel->has_vanished = true;
		tell_vanished(c);
	}
}

static void resynchronise(struct imap_command *c)
{
	const struct select *sel = c->data;
	const struct ipc_message m = {
		.type = IPC_TYPE_EARLIER,
		.earlier = { .handle = imap_view(c)->handle,
			     .since = sel->resync.modseq },
	};

	c->drained = tell_vanished;
	imap_ask(c, &m, vanished_step);
}

/* The view is whole: it becomes the session's. */
static void opened(struct imap_command *c, const struct ipc_opened *o)
{
	struct imap_session *s = c->session;
	struct select *sel = c->data;
	struct view *v = &sel->view;
	enum status st = view_append(v, &v->fresh);

	if (st != ST_OK) {
		imap_finish_short(c);
		return;
	}
	ranges_clear(&v->fresh);
	v->handle = o->handle;
	v->mailbox = o->id;
	v->uidvalidity = o->uidvalidity;
	v->uidnext = o->uidnext;
	v->is_read_only = sel->is_examine || o->read_only;
	v->may_add_keywords = o->more_keywords;
	if (!(s->enabled & IMAP_ENABLED_REV2)) {
		v->recent_low = o->recent_lo;
		v->recent_high = o->recent_hi;
	}
	v->modseq = v->news = v->safe = o->highestmodseq;
	s->view = *v;
	view_init(v);
	s->state = IMAP_STATE_SELECTED;
	tell(s, sel, o);
	watch(s);
	/* of another UIDVALIDITY nothing is known (RFC 7162 section 3.2.5) */
	if (sel->resync.is_asked && sel->resync.uidvalidity == o->uidvalidity)
		resynchronise(c);
	else
		finish(c);
}

static void open_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct select *sel = c->data;
	enum status st = ST_OK;
	bool is_new;

	switch (m->type) {
	case IPC_TYPE_UIDS:
		st = ranges_add_encoded(m->uids.set, &sel->view.fresh);
		break;
	case IPC_TYPE_KEYWORDS:
		st = view_keywords_add(&sel->view, &m->keywords, &is_new);
		break;
	case IPC_TYPE_OPENED:
		opened(c, &m->opened);
		return;
	case IPC_TYPE_ERROR:
		imap_finish_error(c, &m->error);
		return;
	default:
		st = last ? ST_SYNTAX : ST_OK;
	}
	if (st != ST_OK)
		imap_finish_short(c);
}

static void open_mailbox(struct imap_command *c)
{
	const struct select *sel = c->data;
	bool is_rev2 = c->session->enabled & IMAP_ENABLED_REV2;
	const struct ipc_message m = {
		.type = IPC_TYPE_OPEN,
		.open = { .name = sel->name, .read_only = sel->is_examine,
			  .take_recent = !sel->is_examine && !is_rev2 },
	};

	imap_ask(c, &m, open_step);
}

static void listed_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct select *sel = c->data;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_MAILBOX) {
		sel->listed = m->mailbox;
		sel->listed.special_use = arena_copy(&c->arena, m->mailbox.special_use);
		if (!sel->listed.special_use.data) {
			imap_finish_short(c);
			return;
		}
	}
	if (last)
		open_mailbox(c);
}

static char *copy_name(struct slice name)
{
	char *copy = malloc(name.len + 1);

	if (!copy)
		return NULL;
	memcpy(copy, name.data, name.len);
	copy[name.len] = '\0';
	return copy;
}

/* "(" parameters ")" (RFC 4466 section 2.1) */
static bool take_parameters(struct imap_command *c)
{
	struct imap_args *a = &c->args;
	struct select *sel = c->data;

	if (args_end(a))
		return true;
	if (!args_space(a) || !args_char(a, '('))
		return false;
	do {
		if (args_word(a, "CONDSTORE")) {
			imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
			continue;
		}
		if (sel->resync.is_asked || !args_word(a, "QRESYNC"))
			return false;
		if (!(c->session->enabled & IMAP_ENABLED_QRESYNC)) {
			a->why = "QRESYNC is for those who said ENABLE QRESYNC";
			return false;
		}
		if (!args_space(a) || !resync_read(a, &sel->resync))
			return false;
	} while (args_space(a));
	return args_char(a, ')') && args_end(a);
}

static void begin(struct imap_command *c, bool is_examine)
{
	struct ipc_message m = { .type = IPC_TYPE_STATUS };
	struct select *sel = arena_alloc(&c->arena, sizeof *sel);

	if (!sel) {
		imap_finish_short(c);
		return;
	}
	*sel = (struct select){
		.is_examine = is_examine,
		.resync = RESYNC_INIT,
		.vanished = RANGES_INIT(RANGES_MAX),
		.known = RANGES_INIT(NUMSET_MAX + 1),
	};
	view_init(&sel->view);
	c->data = sel;
	c->release = release;
	if (!args_space(&c->args) || !args_mailbox(&c->args, &sel->name) ||
	    !take_parameters(c)) {
		imap_bad_args(c, "One mailbox name expected");
		return;
	}
	sel->given = c->args.given;
	sel->view.name = copy_name(sel->name);
	if (!sel->view.name) {
		imap_finish_short(c);
		return;
	}
	/* also where the new one cannot be opened (section 6.3.2) */
	if (c->session->state == IMAP_STATE_SELECTED)
		respond_str(imap_out(c), "* OK [CLOSED] Previous mailbox is closed\r\n");
	imap_unselect(c->session);
	m.status.name = sel->name;
	if (c->session->enabled & IMAP_ENABLED_REV2)
		imap_ask(c, &m, listed_step);
	else
		open_mailbox(c);
}

void imap_cmd_select(struct imap_command *c)
{
	begin(c, false);
}

void imap_cmd_examine(struct imap_command *c)
{
	begin(c, true);
}
