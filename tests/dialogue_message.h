/*
 * Messages between the daemons as the dialogues write them.
 */
#ifndef TESTS_DIALOGUE_MESSAGE_H
#define TESTS_DIALOGUE_MESSAGE_H

#include "common/arena.h"
#include "common/buf.h"
#include "common/ipc_messages.h"

/* "raw\x00 text" with its quotes at the beginning of *in; leaves what follows.
 * False: malformed. */
bool dialogue_unquote(struct slice *in, struct arena *arena, struct slice *out);
/* "type field=value ... [last]" to a message; NULL, or what is wrong. */
const char *dialogue_message_parse(struct slice text, struct arena *arena,
				   struct ipc_message *m, bool *last);
/* Compares with "type field=value field~pattern"; NULL, or what differs. */
const char *dialogue_message_match(struct slice text, struct arena *arena,
				   const struct ipc_message *m);
/* "type field=value ..." of all fields, for what a test prints. */
void dialogue_message_render(const struct ipc_message *m, struct buf *out);
/* text against a pattern in which each * stands for any octets. */
bool dialogue_like(struct slice text, struct slice pattern);
/* Octets with escapes, without quotes. */
void dialogue_escape(struct slice octets, struct buf *out);

#endif
