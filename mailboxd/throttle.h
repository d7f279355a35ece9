/*
 * How long a failed login waits for its answer (design: trust.md section 2).
 * Failures are counted by (address, account) and by address alone, an IPv6
 * address by its /64. The delay grows 0, 0, 1, 2, 4, 8, 15 s with distinct
 * wrong passwords: the same one again (a phone with an old password) counts
 * once. An address that logged in to the account well in the last 30 days has
 * a count of its own for it, so that strangers cannot slow its owner down.
 * Nothing is ever locked.
 *
 * The table has a fixed number of slots under a keyed hash; the oldest makes
 * room. It lives in memory only: after a start every failure waits at least a
 * second for a minute, so that a restart gains an attacker nothing.
 *
 * Pure: the caller gives the time and does the waiting.
 */
#ifndef MAILBOXD_THROTTLE_H
#define MAILBOXD_THROTTLE_H

#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* Failures of one address that may wait at once; more are answered at once. */
#define THROTTLE_WAITING_MAX	4

struct throttle;

/* now_ms: clock_ms(). NULL when memory is short. */
struct throttle *throttle_new(int64_t now_ms);
void throttle_free(struct throttle *t);

/*
 * A login begins, before anything of it is looked at. False: it should be
 * refused at once, for so many of that address are being looked at or wait for
 * their answer, after failures enough that the next one would wait. So an
 * address learns of no more than THROTTLE_WAITING_MAX guesses a delay, however
 * many connections it opens. An address that is known for the account is always
 * let in. *is_counted: throttle_end() gives it back.
 */
bool throttle_begin(struct throttle *t, int64_t now_ms, struct slice address,
		    struct slice account, bool *is_counted);
void throttle_end(struct throttle *t, struct slice address);
/* Whether the address logged in to the account well in the last 30 days. */
bool throttle_is_known(const struct throttle *t, int64_t now_ms,
		       struct slice address, struct slice account);

/*
 * A login failed. tag: password_tag() of account and password, 32 octets.
 * Gives how many milliseconds the answer should wait; it is -1 when so many
 * answers to that address wait already that this one should be refused at
 * once. One that waits does so to its end, whether or not the client does: the
 * answer that does not come at once says as much as the one that comes late.
 */
int64_t throttle_failed(struct throttle *t, int64_t now_ms,
			struct slice address, struct slice account,
			const unsigned char tag[32]);

/* A login went well: the count of that address and account begins anew. */
void throttle_good(struct throttle *t, int64_t now_ms, struct slice address,
		   struct slice account);

/* The delay that the next distinct failure would meet: for status and tests. */
int64_t throttle_delay(const struct throttle *t, int64_t now_ms,
		       struct slice address, struct slice account);

#endif
