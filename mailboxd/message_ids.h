/*
 * Message ids for THREAD and THREADID (RFC 5256 section 3, RFC 5322 section
 * 3.6.4).
 */
#ifndef MAILBOXD_MESSAGE_IDS_H
#define MAILBOXD_MESSAGE_IDS_H

#include "common/buf.h"

/* Octets of one id; longer ones are passed over. */
#define MESSAGE_ID_MAX 998
/* Ids of one References that are kept: the first, and the last ones. */
#define MESSAGE_REFS_MAX 200

/* Appends the first id in body, "<a@b>" without folds, spaces and the quotes of
 * a quoted local part; nothing if there is none. ST_LIMIT, ST_NO_MEMORY. */
enum status message_ids_first(struct slice body, struct buf *out);
/* Appends the ids of References, one space between two. Same outcomes. */
enum status message_ids_all(struct slice body, struct buf *out);

#endif
