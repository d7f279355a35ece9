/*
 * What LIST says of a mailbox beside its name (RFC 9051 section 7.3.1), for LIST
 * and for the LIST responses of other commands.
 */
#ifndef IMAPD_LIST_ATTRIBUTES_H
#define IMAPD_LIST_ATTRIBUTES_H

#include "common/ipc_messages.h"
#include "imapd/respond.h"

#include <stdbool.h>

/* "(\HasNoChildren \Sent)". extended: \NonExistent may be said; subscribed: so
 * may \Subscribed. */
void list_attributes_put(struct respond *r, const struct ipc_mailbox *m,
			 bool extended, bool subscribed);
/* ("OLDNAME" ("given")), with a space in front, where the client called it
 * otherwise (section 6.3.9.7). */
void list_oldname_put(struct respond *r, struct slice name, struct slice given);

#endif
