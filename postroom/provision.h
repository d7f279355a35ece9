/*
 * Makes the accounts of lab and test, with their domains, over RUN/control.sock;
 * those that are there keep their mail and get the password that was named.
 */
#ifndef POSTROOM_PROVISION_H
#define POSTROOM_PROVISION_H

#include "common/status.h"

#include <stddef.h>

/* users: "address:password". Waits for mailboxd, a few seconds at most. Any
 * failure is told in err. */
enum status provision(const char *run, const char *const *users,
		      size_t count, struct error *err);

#endif
