#include "common/protocols.h"

static const struct protocol_row rows[] = {
#define CAPABILITY(id, protocol, word, source, test) \
	{ PROTOCOL_##protocol, PROTOCOL_KIND_CAPABILITY, word, source, test },
#define MECHANISM(protocol, word, source, test) \
	{ PROTOCOL_##protocol, PROTOCOL_KIND_MECHANISM, word, source, test },
#define COMMAND(protocol, word, source, test) \
	{ PROTOCOL_##protocol, PROTOCOL_KIND_COMMAND, word, source, test },
	PROTOCOL_CAPABILITIES(CAPABILITY)
	PROTOCOL_MECHANISMS(MECHANISM)
	PROTOCOL_COMMANDS(COMMAND)
};

const struct protocol_row *protocol_row(size_t i)
{
	return i < sizeof rows / sizeof *rows ? &rows[i] : NULL;
}

const struct protocol_row *protocol_capability(int id)
{
	return &rows[id];
}

const char *protocol_name(enum protocol protocol)
{
	static const char *const names[PROTOCOL_COUNT] = {
		"SMTP", "LMTP", "POP3", "IMAP",
	};

	return names[protocol];
}

const char *protocol_kind_name(enum protocol_kind kind)
{
	static const char *const names[] = { "capability", "mechanism", "command" };

	return names[kind];
}
