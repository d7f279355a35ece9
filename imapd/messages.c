/* The part of session_priv.h about the messages that a command names. */
#include "imapd/session_priv.h"

bool imap_take_messages(struct imap_command *c, struct ranges *uids)
{
	struct numset set = NUMSET_INIT;
	enum status st;

	*uids = (struct ranges)RANGES_INIT(NUMSET_MAX + 1);
	if (!args_set(&c->args, &set)) {
		imap_bad_args(c, "Message set expected");
		return false;
	}
	st = view_resolve(imap_view(c), &set, c->is_uid, uids);
	numset_clear(&set);
	if (st == ST_OK)
		return true;
	ranges_free(uids);
	if (st == ST_NOT_FOUND)
		imap_bad(c, "[CLIENTBUG] No message has that number");
	else
		imap_finish_short(c);
	return false;
}
