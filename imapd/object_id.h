/*
 * Object ids as a client sees them (RFC 8474): a letter that says what it is, so
 * that no mailbox, message and thread share one (section 5.2) and none begins
 * with a digit (section 8.1), then the number as common/id.h renders it.
 */
#ifndef IMAPD_OBJECT_ID_H
#define IMAPD_OBJECT_ID_H

#include "common/id.h"
#include "imapd/respond.h"

#define OBJECT_ID_MAILBOX	'F'
#define OBJECT_ID_EMAIL		'M'
#define OBJECT_ID_THREAD	'T'
#define OBJECT_ID_OCTETS	(1 + ID_NUMBER_OCTETS)

void object_id_render(char letter, uint64_t number, char at[OBJECT_ID_OCTETS]);
/* False when text is no such id; case counts. */
bool object_id_parse(char letter, struct slice text, uint64_t *number);
/* "MAILBOXID (F...)", the response code and STATUS item (sections 4.1 to 4.3). */
void object_id_put_mailbox(struct respond *r, uint64_t mailbox);

#endif
