/* The part of fetch.h about UID FETCH (CHANGEDSINCE n VANISHED), RFC 7162 section
 * 3.2.6. */
#include "imapd/fetch.h"
#include "imapd/resync.h"

/* The UIDs of which the client wants to hear, gone or not. */
static enum status wanted(struct imap_command *c, struct ranges *out)
{
	struct fetch *f = c->data;
	struct numset set = NUMSET_INIT;
	uint32_t next = imap_view(c)->uidnext;
	enum status st = args_set(&f->set, &set) ? ST_OK : ST_SYNTAX;

	if (st == ST_OK)
		st = set.is_saved ? ranges_copy(out, &f->uids)
				  : numset_resolve(&set, next ? next - 1 : 0, out);
	numset_clear(&set);
	return st;
}

/* VANISHED (EARLIER) comes before any FETCH (section 3.2.6). */
static void tell_vanished(struct imap_command *c)
{
	struct fetch *f = c->data;

	if (!f->has_vanished || c->session->line_owner ||
	    !imap_tell_earlier(c->session, &f->vanished, &f->vanished_at))
		return;
	fetch_go_on(c);
}

static void vanished_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct fetch *f = c->data;
	struct ranges set = RANGES_INIT(RANGES_MAX);
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_VANISHED)
		st = ranges_add_encoded(m->vanished.uids, &f->vanished);
	if (st == ST_OK && last)
		st = wanted(c, &set);
	if (st == ST_OK && last)
		st = resync_earlier(imap_view(c), &set, 0, &f->vanished);
	ranges_free(&set);
	if (st != ST_OK) {
		imap_finish_short(c);
	} else if (last) {
		f->has_vanished = true;
		tell_vanished(c);
	}
}

void fetch_vanished_begin(struct imap_command *c)
{
	const struct fetch *f = c->data;
	const struct ipc_message m = {
		.type = IPC_TYPE_EARLIER,
		.earlier = { .handle = imap_view(c)->handle,
			     .since = f->changed_since },
	};

	c->drained = tell_vanished;
	imap_ask(c, &m, vanished_step);
}
