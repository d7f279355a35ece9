#include "imapd/list_attributes.h"

static void put_word(struct respond *r, bool *is_first, struct slice word)
{
	if (!*is_first)
		respond_char(r, ' ');
	*is_first = false;
	respond_slice(r, word);
}

void list_attributes_put(struct respond *r, const struct ipc_mailbox *m,
			 bool extended, bool subscribed)
{
	uint32_t attributes = m->attributes;
	bool is_first = true;

	respond_char(r, '(');
	if (attributes & IPC_MAILBOX_NONEXISTENT && extended)
		put_word(r, &is_first, SLICE("\\NonExistent"));
	else if (attributes & (IPC_MAILBOX_NOSELECT | IPC_MAILBOX_NONEXISTENT))
		put_word(r, &is_first, SLICE("\\Noselect"));
	if (subscribed && attributes & IPC_MAILBOX_SUBSCRIBED)
		put_word(r, &is_first, SLICE("\\Subscribed"));
	put_word(r, &is_first, attributes & IPC_MAILBOX_HAS_CHILDREN
				       ? SLICE("\\HasChildren")
				       : SLICE("\\HasNoChildren"));
	if (m->special_use.len)
		put_word(r, &is_first, m->special_use);
	respond_char(r, ')');
}

void list_oldname_put(struct respond *r, struct slice name, struct slice given)
{
	if (slice_eq(name, given))
		return;
	respond_str(r, " (\"OLDNAME\" (");
	respond_mailbox(r, given);
	respond_str(r, "))");
}
