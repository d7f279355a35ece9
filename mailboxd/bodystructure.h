/*
 * BODYSTRUCTURE and BODY (RFC 9051 section 7.5.2), rendered once, ready to send.
 */
#ifndef MAILBOXD_BODYSTRUCTURE_H
#define MAILBOXD_BODYSTRUCTURE_H

#include "common/mime.h"
#include "mailboxd/envelope.h"

/*
 * Appends the structure of a parsed message to full and, without extension
 * data, to basic. s goes on from the message's own envelope. ST_LIMIT,
 * ST_NO_MEMORY: give the record up.
 */
enum status bodystructure_put(const struct mime *m, struct envelope_state *s,
			      struct buf *full, struct buf *basic);

#endif
