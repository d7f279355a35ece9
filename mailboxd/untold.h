/*
 * Messages that were committed, and whose 250 the client may not have seen
 * (decisions.md, exactly once; crash points P5 and P6). If the same sender sends
 * the same octets to the same recipients again, it is answered with the first
 * mid and not stored twice. Only what came through smtpd (XPOSTROOM) is kept,
 * until smtpd tells that the reply was seen, or for an hour. In memory: what is
 * lost with mailboxd itself is found by XDONE.
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

struct untold *untold_new(void);
void untold_free(struct untold *u);
/* key: a digest of client, sender, recipients and octets. Without memory it is
 * UNTOLD_NEW and forgotten. */
enum untold_state untold_begin(struct untold *u, int64_t now_ms,
			       const unsigned char key[UNTOLD_KEY_OCTETS],
			       struct slice mid, struct id *first);
/* The message was stored, or was not. */
void untold_stored(struct untold *u, struct slice mid, bool good);
/* The client has certainly seen the reply. */
void untold_tell(struct untold *u, struct slice mid);
size_t untold_count(const struct untold *u);

#endif
