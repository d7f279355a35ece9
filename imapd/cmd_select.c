#include "imapd/list_attributes.h"
#include "imapd/object_id.h"
#include "imapd/session_priv.h"

#include <stdlib.h>

/*
 * SELECT and EXAMINE (RFC 9051 sections 6.3.2 and 6.3.3).
 *
 *   [IMAP4rev2: STATUS to mailboxd -> MAILBOX, for the LIST response]
 *   OPEN to mailboxd -> UIDS, KEYWORDS, OPENED: the view is whole, it is told
 *   and becomes the session's; WATCH asks for news of it from then on.
 */
struct select {
	struct view view;
	bool is_examine;
	struct slice name, given;	/* as it is called, as the client did */
	struct ipc_mailbox listed;	/* its texts are in the arena */
};

static void release(struct imap_command *c)
{
	struct select *sel = c->data;

	view_clear(&sel->view);
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
	v->modseq = v->news = o->highestmodseq;
	s->view = *v;
	view_init(v);
	s->state = IMAP_STATE_SELECTED;
	tell(s, sel, o);
	watch(s);
	imap_finish(c, IMAP_OK, s->view.is_read_only ? "READ-ONLY" : "READ-WRITE",
		    sel->is_examine ? "EXAMINE completed" : "SELECT completed");
}

static enum status take_uids(struct view *v, struct slice set)
{
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	enum status st = ranges_decode(set, &uids);

	for (size_t i = 0; st == ST_OK && i < uids.count; i++)
		st = ranges_add(&v->fresh, uids.items[i].low, uids.items[i].high);
	ranges_free(&uids);
	return st;
}

static void open_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct select *sel = c->data;
	enum status st = ST_OK;
	bool is_new;

	switch (m->type) {
	case IPC_TYPE_UIDS:
		st = take_uids(&sel->view, m->uids.set);
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

	if (args_end(a))
		return true;
	if (!args_space(a) || !args_char(a, '('))
		return false;
	do {
		if (!args_word(a, "CONDSTORE"))
			return false;
		imap_enable(c->session, IMAP_ENABLED_CONDSTORE);
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
	view_init(&sel->view);
	sel->is_examine = is_examine;
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
