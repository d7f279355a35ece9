/*
 * QRESYNC (RFC 7162 section 3.2): what a client says of its copy of a mailbox
 * with SELECT, and what has vanished since.
 */
#ifndef IMAPD_RESYNC_H
#define IMAPD_RESYNC_H

#include "imapd/args.h"
#include "imapd/view.h"

struct resync {
	bool is_asked;		/* the parameter was there */
	uint32_t uidvalidity;
	uint64_t modseq;	/* not 0 */
	bool has_known;
	struct numset known;	/* UIDs */
	struct numset numbers, uids;	/* they pair up (section 3.2.5.2) */
};

#define RESYNC_INIT { .known = NUMSET_INIT, .numbers = NUMSET_INIT, .uids = NUMSET_INIT }

void resync_clear(struct resync *r);
/* "(uidvalidity modseq [uids] [(numbers uids)])", behind "QRESYNC ". False: a->why
 * may say what was wrong. */
bool resync_read(struct imap_args *a, struct resync *r);
/* The UIDs of which the client wants to hear: those it named, or all below
 * UIDNEXT. Added to out. */
enum status resync_known(const struct resync *r, const struct view *v,
			 struct ranges *out);
/* The highest UID up to which its numbers are ours, so that it has heard of all
 * that vanished there; or 0. */
uint32_t resync_matched(const struct resync *r, const struct view *v);

/*
 * What of vanished is to be told as VANISHED (EARLIER): in wanted, above matched,
 * and not in the view, for what is there is told of in its time, without EARLIER
 * (section 3.2.10). *vanished is replaced.
 */
enum status resync_earlier(const struct view *v, const struct ranges *wanted,
			   uint32_t matched, struct ranges *vanished);

#endif
