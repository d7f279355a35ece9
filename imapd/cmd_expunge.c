#include "imapd/session_priv.h"

static void expunge_step(struct imap_command *c, struct ipc_message *m, bool last)
{
	struct view *v = imap_view(c);
	enum status st = ST_OK;

	if (m->type == IPC_TYPE_ERROR) {
		imap_finish_error(c, &m->error);
		return;
	}
	if (m->type == IPC_TYPE_EXPUNGED) {
		st = ranges_add_encoded(m->expunged.uids, &v->vanished);
		if (m->expunged.uids.len)
			view_own_change(v, m->expunged.modseq, true);
		/* HIGHESTMODSEQ of the answer is to be this one at least */
		if (m->expunged.uids.len && m->expunged.modseq > v->modseq)
			c->news = IMAP_NEWS_FRESH;
	}
	if (st != ST_OK)
		imap_finish_short(c);
	else if (last)
		imap_finish(c, IMAP_OK, NULL, "EXPUNGE completed");
}

/* EXPUNGE (RFC 9051 section 6.4.3) and UID EXPUNGE (RFC 4315 section 2.1). What
 * is gone is told as news are. */
void imap_cmd_expunge(struct imap_command *c)
{
	struct ipc_message m = {
		.type = IPC_TYPE_EXPUNGE,
		.expunge = { .handle = imap_view(c)->handle, .uids = SLICE_EMPTY },
	};
	struct ranges uids = RANGES_INIT(NUMSET_MAX);
	struct buf encoded = BUF_INIT(NUMSET_MAX * 8 + 8);

	if (c->is_uid) {
		if (!args_space(&c->args)) {
			imap_bad(c, "Message set expected");
			return;
		}
		if (!imap_take_messages(c, &uids))
			return;
	}
	if (!args_end(&c->args)) {
		imap_bad(c, "Nothing more expected");
	} else if (c->is_uid && uids.count == 0) {
		/* an empty set would mean all */
		imap_finish(c, IMAP_OK, NULL, "EXPUNGE completed");
	} else if (ranges_encode(&uids, &encoded) != ST_OK) {
		imap_finish_short(c);
	} else {
		m.expunge.uids = buf_slice(&encoded);
		imap_ask(c, &m, expunge_step);
	}
	buf_free(&encoded);
	ranges_free(&uids);
}
