/*
 * What a mailbox may be called (RFC 9051 section 5.1). mailboxd checks again;
 * this gives the client the reason.
 */
#ifndef IMAPD_MAILBOX_NAME_H
#define IMAPD_MAILBOX_NAME_H

#include "common/slice.h"

#define MAILBOX_SEPARATOR '/'

/* NULL: a good name for a new mailbox; else the answer to give, with its response
 * code in front. */
const char *mailbox_name_fault(struct slice name);

#endif
