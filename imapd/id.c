#include "imapd/id.h"

#include "imapd/limits.h"

static const struct {
	const char *name;
	bool (*take)(struct told_peer *t, struct slice value);
} told_fields[] = {
	{ "x-originating-ip",	told_peer_address },
	{ "x-originating-port",	told_peer_port },
	{ "x-session-ext-id",	told_peer_session },
	{ "x-session-id",	told_peer_session },
};

static void take_told(struct told_peer *told, struct slice field, struct slice value)
{
	for (size_t i = 0; i < sizeof told_fields / sizeof *told_fields; i++)
		if (slice_case_eq(field, slice_str(told_fields[i].name)))
			told_fields[i].take(told, value);
}

bool imap_id_take(struct imap_args *a, struct told_peer *told)
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
		if (told && value.data)
			take_told(told, field, value);
	}
	return args_end(a);
}

void imap_id_put(struct respond *r)
{
	respond_str(r, "* ID (\"name\" \"Postroom\")\r\n");
}
