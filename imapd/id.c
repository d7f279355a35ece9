#include "imapd/id.h"

#include "imapd/limits.h"

bool imap_id_take(struct imap_args *a)
{
	struct slice field, value;
	unsigned fields = 0;

	if (!args_space(a))
		return false;
	if (args_word(a, "NIL"))
		return args_end(a);
	if (!args_char(a, '('))
		return false;
	while (!args_char(a, ')')) {
		if (fields++ && !args_space(a))
			return false;
		if (fields > LIMIT_ID_FIELDS || !args_string(a, &field) ||
		    !args_space(a) || !args_nstring(a, &value) ||
		    value.len > LIMIT_ID_OCTETS)
			return false;
	}
	return args_end(a);
}

void imap_id_put(struct respond *r)
{
	respond_str(r, "* ID (\"name\" \"Postroom\")\r\n");
}
