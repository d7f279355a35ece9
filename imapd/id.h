/* ID (RFC 2971), which both engines have: what the client says of itself is
 * read and forgotten, what we say is the program's name. A trusted client says before
 * its login whom it speaks for (Dovecot, "Forwarding parameters"). */
#ifndef IMAPD_ID_H
#define IMAPD_ID_H

#include "common/told_peer.h"
#include "imapd/args.h"
#include "imapd/respond.h"

/* SP and NIL, or a list of pairs within the limits, to the end. told: takes
 * x-originating-ip, x-originating-port and x-session-id, where they are good; NULL:
 * the client is nobody to say so. */
bool imap_id_take(struct imap_args *a, struct told_peer *told);
/* "* ID (...)" */
void imap_id_put(struct respond *r);

#endif
