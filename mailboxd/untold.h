/*
 * Messages that were committed, and whose 250 the client may not have seen
 * (decisions.md, exactly once; crash points P5 and P6). If the same sender sends
 * the same octets to the same recipients again, it is answered with the first
 * mid and not stored twice. Only what came through smtpd (XPOSTROOM) is kept,
 * until smtpd tells that the reply was seen, or for an hour. The list is in
 * memory; the store has it too, written in the transaction of each delivery
 * (store_untold_add()), so that it outlives mailboxd. What was told is removed
 * there some time later, in bulk.
 */
#ifndef MAILBOXD_UNTOLD_H
#define MAILBOXD_UNTOLD_H

#include "common/id.h"
#include "common/slice.h"

#include <stdbool.h>
#include <stdint.h>

#define UNTOLD_KEY_OCTETS	32u
#define UNTOLD_KEEP_MS		INT64_C(3600000)
#define UNTOLD_MAX		100000u	/* the oldest goes */

struct untold;

enum untold_state {
	UNTOLD_NEW,	/* it was not there, and is now: being stored */
	UNTOLD_BUSY,	/* the first one is being stored right now */
	UNTOLD_AGAIN,	/* stored already: *first is its mid */
};

/* mids that were told and are to be removed from the store. */
#define UNTOLD_TOLD_MAX		1024u

struct untold *untold_new(void);
void untold_free(struct untold *u);
/* key: a digest of client, sender, recipients and octets; sid: the client's
 * session, in which the same message once more is another one, for a client that
 * sends again has lost its connection. Without memory it is UNTOLD_NEW and
 * forgotten. */
enum untold_state untold_begin(struct untold *u, int64_t now_ms,
			       const unsigned char key[UNTOLD_KEY_OCTETS],
			       struct slice mid, struct slice sid,
			       struct id *first);
/* The message was stored, or was not. */
void untold_stored(struct untold *u, struct slice mid, bool good);
/* The client has certainly seen the reply. */
void untold_tell(struct untold *u, struct slice mid);
size_t untold_count(const struct untold *u);
/* From the store, at start: a stored one, so many milliseconds old. */
void untold_load(struct untold *u, int64_t now_ms, int64_t age_ms,
		 const unsigned char key[UNTOLD_KEY_OCTETS], struct slice mid);
/* Those told since the last call, at most max; and how many wait. */
size_t untold_take_told(struct untold *u, struct id *mids, size_t max);
size_t untold_told_count(const struct untold *u);

#endif
