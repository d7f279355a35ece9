#include "popd/session_priv.h"

/* Ranges that fit in one frame. */
#define UPDATE_RANGES ((size_t)8000)

/* DELE, RSET and QUIT: RFC 1939 sections 5 and 6. What was marked is deleted at
 * QUIT, all of it in one transaction. */

void pop_cmd_dele(struct pop_session *s, struct slice arguments)
{
	struct pop_message *message = pop_message_argument(s, arguments);

	if (!message)
		return;
	maildrop_delete(&s->maildrop, message);
	pop_ok(s, "Marked to be deleted");
}

void pop_cmd_rset(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	maildrop_reset(&s->maildrop);
	pop_ok(s, "Nothing is marked");
}

/*
 * Deletes what is marked, from s->update_next on, as much as one request
 * carries; the rest with the next answer. Only a set of more than 8,000 gaps
 * takes several. False: nothing is left.
 */
static bool update(struct pop_session *s)
{
	const struct maildrop *drop = &s->maildrop;
	struct ranges uids = RANGES_INIT(UPDATE_RANGES);
	struct buf set = BUF_INIT(UPDATE_RANGES * 8);
	struct ipc_message m = { .type = IPC_TYPE_EXPUNGE };
	enum status st = ST_OK;
	bool is_left;

	for (; s->update_next < drop->count; s->update_next++) {
		const struct pop_message *message = &drop->messages[s->update_next];

		if (!message->is_deleted)
			continue;
		st = ranges_add(&uids, message->uid, message->uid);
		if (st != ST_OK)
			break;
	}
	if (st == ST_OK || st == ST_LIMIT)
		st = ranges_encode(&uids, &set);
	if (st != ST_OK)
		s->trouble = st;
	m.expunge.handle = s->handle;
	m.expunge.uids = buf_slice(&set);
	m.expunge.all = 1;
	is_left = set.len > 0;
	if (is_left)
		s->update_request = pop_ask(s, &m);
	ranges_free(&uids);
	buf_free(&set);
	return is_left;
}

void pop_cmd_quit(struct pop_session *s, struct slice arguments)
{
	(void)arguments;
	if (s->state == POP_STATE_TRANSACTION && s->maildrop.deleted) {
		pop_enter(s, POP_STATE_UPDATE);
		update(s);
		return;
	}
	pop_ok(s, "Bye");
	pop_enter(s, POP_STATE_CLOSED);
}

void pop_update_answer(struct pop_session *s, const struct ipc_message *m,
		       bool last)
{
	if (!last)
		return;
	if (m->type == IPC_TYPE_EXPUNGED && update(s))
		return;
	if (m->type == IPC_TYPE_EXPUNGED)
		pop_ok(s, "Bye");
	else
		pop_err(s, "[SYS/TEMP] Some deleted messages not removed: the mail "
			   "store cannot write now");
	pop_enter(s, POP_STATE_CLOSED);
}
