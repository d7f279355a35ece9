/*
 * The table of what is spoken (common/protocol_rows.h), for those who show it.
 */
#ifndef COMMON_PROTOCOLS_H
#define COMMON_PROTOCOLS_H

#include "common/protocol_rows.h"

#include <stddef.h>

enum protocol {
	PROTOCOL_SMTP,
	PROTOCOL_LMTP,
	PROTOCOL_POP3,
	PROTOCOL_IMAP,
	PROTOCOL_COUNT
};

enum protocol_kind {
	PROTOCOL_KIND_CAPABILITY,	/* a word of EHLO, LHLO, CAPA, CAPABILITY */
	PROTOCOL_KIND_MECHANISM,	/* of SASL */
	PROTOCOL_KIND_COMMAND,
};

/* PROTOCOL_SMTP_SIZE, ... */
enum protocol_capability {
#define PROTOCOL_ENUM(id, ...) PROTOCOL_##id,
	PROTOCOL_CAPABILITIES(PROTOCOL_ENUM)
#undef PROTOCOL_ENUM
	PROTOCOL_CAPABILITY_COUNT
};

struct protocol_row {
	enum protocol protocol;
	enum protocol_kind kind;
	const char *word, *source, *test;
};

/* Row i of all, NULL behind the last. The capabilities come first, in the order of
 * enum protocol_capability. */
const struct protocol_row *protocol_row(size_t i);
/* id: an enum protocol_capability. */
const struct protocol_row *protocol_capability(int id);
/* "SMTP", "capability". */
const char *protocol_name(enum protocol protocol);
const char *protocol_kind_name(enum protocol_kind kind);

#endif
