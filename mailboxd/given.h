/*
 * Passwords that were given on the command line of `postroom lab` and `test`, in clear
 * and in memory only: APOP (RFC 1939 section 7) cannot be checked without. Nothing of
 * it goes to the store, and a password that is no longer the account's is of no use:
 * who passes here has its verifier checked as with any other login.
 */
#ifndef MAILBOXD_GIVEN_H
#define MAILBOXD_GIVEN_H

#include "common/buf.h"

#include <stdbool.h>

#define GIVEN_MAX 64

struct given;
/* Ended with given_free(), which wipes it and takes NULL. NULL: no memory. */
struct given *given_new(void);
void given_free(struct given *g);
/* For that account, by its address in any case; in place of an earlier one. ST_LIMIT:
 * GIVEN_MAX are kept, or one of the two is too long; ST_NO_MEMORY. */
enum status given_keep(struct given *g, struct slice name, struct slice password);
/* digest: 32 hex digits in lower case, the MD5 of challenge and password. ST_OK: the
 * password was appended to out; ST_DENIED; ST_LIMIT, ST_NO_MEMORY. */
enum status given_check(const struct given *g, struct slice name,
			struct slice challenge, struct slice digest, struct buf *out);

#endif
