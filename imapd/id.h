/* ID (RFC 2971), which both engines have: what the client says of itself is
 * read and forgotten, what we say is the program's name. */
#ifndef IMAPD_ID_H
#define IMAPD_ID_H

#include "imapd/args.h"
#include "imapd/respond.h"

/* SP and NIL, or a list of pairs within the limits, to the end. */
bool imap_id_take(struct imap_args *a);
/* "* ID (...)" */
void imap_id_put(struct respond *r);

#endif
