/*
 * What a trusted client says of another, on whose behalf it speaks: XCLIENT (who
 * the client of this session is) and XFORWARD (where the next message came from),
 * as the XCLIENT_README and XFORWARD_README of Postfix describe them. One table
 * has the attributes of both; no session and no I/O.
 */
#ifndef SMTPD_TOLD_CLIENT_H
#define SMTPD_TOLD_CLIENT_H

#include "common/buf.h"

#include <stdbool.h>

#define TOLD_VALUE_MAX 255

enum told_attribute {
	TOLD_NAME, TOLD_ADDR, TOLD_PORT, TOLD_PROTO, TOLD_HELO, TOLD_LOGIN,
	TOLD_DESTADDR, TOLD_DESTPORT, TOLD_IDENT, TOLD_SOURCE,
	TOLD_COUNT
};

enum told_command { TOLD_XCLIENT = 1, TOLD_XFORWARD = 2 };

struct told_client {
	struct {
		bool is_told;	/* also where it is [UNAVAILABLE]: then empty */
		char text[TOLD_VALUE_MAX + 1];
	} values[TOLD_COUNT];
};

/*
 * Takes "NAME=value ADDR=value" of a command; what is not named keeps its value.
 * Addresses come out in their shortest form, without brackets and "IPv6:".
 * ST_SYNTAX, and nothing has changed: an attribute the command does not have, one
 * twice, none at all, a bad value.
 */
enum status told_client_parse(struct told_client *c, enum told_command command,
			      struct slice arguments);
/* Empty: not told, or unavailable. */
struct slice told_client_value(const struct told_client *c,
			       enum told_attribute attribute);
/* Appends " NAME ADDR ..." for EHLO. */
void told_client_words(enum told_command command, struct buf *out);

#endif
