#include "imapd/object_id.h"

void object_id_render(char letter, uint64_t number, char at[OBJECT_ID_OCTETS])
{
	at[0] = letter;
	id_number_render(number, at + 1);
}

bool object_id_parse(char letter, struct slice text, uint64_t *number)
{
	return text.len == OBJECT_ID_OCTETS && text.data[0] == letter &&
	       id_number_parse(slice_from(text, 1), number);
}

void object_id_put_mailbox(struct respond *r, uint64_t mailbox)
{
	char id[OBJECT_ID_OCTETS];

	object_id_render(OBJECT_ID_MAILBOX, mailbox, id);
	respond_slice(r, SLICE("MAILBOXID ("));
	respond_slice(r, slice_of(id, sizeof id));
	respond_char(r, ')');
}
