#include "imapd/status_items.h"

#include "imapd/object_id.h"

struct status_item {
	const char *name;
	uint64_t (*value)(const struct ipc_mailbox *m);	/* NULL: the limit */
};

#define VALUE(field) \
	static uint64_t value_##field(const struct ipc_mailbox *m) \
	{ \
		return m->field; \
	}
VALUE(messages)
VALUE(recent)
VALUE(uidnext)
VALUE(uidvalidity)
VALUE(unseen)
VALUE(octets)
VALUE(deleted)
VALUE(deleted_octets)
VALUE(highestmodseq)
VALUE(id)
#undef VALUE

static const struct status_item rows[] = {
	{ "MESSAGES",		value_messages },	/* RFC 3501 */
	{ "RECENT",		value_recent },
	{ "UIDNEXT",		value_uidnext },
	{ "UIDVALIDITY",	value_uidvalidity },
	{ "UNSEEN",		value_unseen },
	{ "SIZE",		value_octets },		/* RFC 8438 */
	{ "DELETED",		value_deleted },	/* RFC 9051 */
	{ "DELETED-STORAGE",	value_deleted_octets },	/* RFC 9208 */
	{ "HIGHESTMODSEQ",	value_highestmodseq },	/* RFC 7162 */
	{ "MAILBOXID",		value_id },		/* RFC 8474 */
	{ "APPENDLIMIT",	NULL },			/* RFC 7889 */
};

#define COUNT (sizeof rows / sizeof *rows)

static bool take_item(struct imap_args *a, unsigned *items)
{
	struct slice name;

	if (!args_name(a, &name))
		return false;
	for (size_t i = 0; i < COUNT; i++)
		if (slice_case_eq(name, slice_str(rows[i].name))) {
			*items |= 1u << i;
			return true;
		}
	a->why = "Unknown STATUS item";
	return false;
}

bool status_items_take(struct imap_args *a, unsigned *items)
{
	*items = 0;
	if (!args_char(a, '('))
		return false;
	do
		if (!take_item(a, items))
			return false;
	while (args_char(a, ' '));
	return args_char(a, ')');
}

bool status_items_use_modseq(unsigned items)
{
	for (size_t i = 0; i < COUNT; i++)
		if (items & 1u << i && rows[i].value == value_highestmodseq)
			return true;
	return false;
}

static void put_item(struct respond *r, const struct status_item *item,
		     const struct ipc_mailbox *mailbox, uint64_t append_limit)
{
	if (item->value == value_id) {
		object_id_put_mailbox(r, mailbox->id);
		return;
	}
	respond_str(r, item->name);
	respond_char(r, ' ');
	respond_u64(r, item->value ? item->value(mailbox) : append_limit);
}

void status_items_put(struct respond *r, unsigned items,
		      const struct ipc_mailbox *mailbox, uint64_t append_limit)
{
	bool is_first = true;

	respond_str(r, "* STATUS ");
	respond_mailbox(r, mailbox->name);
	respond_str(r, " (");
	for (size_t i = 0; i < COUNT; i++) {
		if (!(items & 1u << i))
			continue;
		if (!is_first)
			respond_char(r, ' ');
		is_first = false;
		put_item(r, &rows[i], mailbox, append_limit);
	}
	respond_str(r, ")\r\n");
}
