/*
 * SASLprep (RFC 4013): names and passwords as they are compared and hashed,
 * whoever typed them on which system: mapped, NFKC, prohibited and
 * bidirectional characters refused. As a query: code points that Unicode 3.2
 * did not know are allowed and stay as they are (section 2.5), so that a
 * password may hold what keyboards offer today.
 */
#ifndef MAILBOXD_SASLPREP_H
#define MAILBOXD_SASLPREP_H

#include "common/buf.h"

#define SASLPREP_MAX	((size_t)1024)	/* octets, before */

/*
 * Appends the prepared text to out. ST_SYNTAX: not UTF-8, a prohibited
 * character, left-to-right and right-to-left mixed, or nothing is left of it;
 * ST_LIMIT: too long; ST_NO_MEMORY.
 */
enum status saslprep(struct slice text, struct buf *out);

#endif
