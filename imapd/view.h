/*
 * The selected mailbox as this client has been told of it: which message
 * number means which UID, and what it is still to be told. It is kept as ranges
 * of UIDs, 8 octets each, so a mailbox of 100,000 without gaps costs as much as
 * one of 10.
 *
 * The numbers are what EXISTS and EXPUNGE have told: messages that mailboxd no
 * longer has stay in the view until view_expunge(), new ones are not in it
 * before view_append().
 */
#ifndef IMAPD_VIEW_H
#define IMAPD_VIEW_H

#include "common/ipc_messages.h"
#include "common/ranges.h"
#include "imapd/numset.h"
#include "imapd/respond.h"

/* UIDs low, low+1... have the numbers first, first+1... up to the next span. */
struct view_span {
	uint32_t low;
	uint32_t first;
};

struct view_keywords {
	uint32_t set;		/* id of flags_keyword_set() */
	char *names;		/* separated by one space */
};

/* Modseqs of this session's own changes, which need no telling again. */
#define VIEW_OWN_MAX 32

struct view {
	uint32_t handle;	/* mailboxd's name for it; 0: nothing is selected */
	uint64_t mailbox;	/* id */
	char *name;		/* UTF-8 */
	uint32_t uidvalidity;
	uint32_t uidnext;	/* as last told */
	bool is_read_only;
	bool may_add_keywords;
	uint32_t recent_low, recent_high;	/* 0, 0: none */
	uint64_t modseq;	/* all changes up to it are told or in here */
	uint64_t news;		/* highest modseq mailboxd spoke of */
	uint64_t safe;		/* all changes up to it are told, expunges too */
	struct ranges fresh;	/* UIDs not yet told by EXISTS */
	struct ranges vanished;	/* gone, not yet told by EXPUNGE */
	struct ranges saved;	/* UIDs that "$" stands for (RFC 5182) */
	/* the rest is view.c's */
	struct view_span *spans;
	size_t span_count, span_cap;
	uint32_t count;
	struct view_keywords *keywords;
	size_t keyword_count;
	uint64_t own[VIEW_OWN_MAX];
	unsigned own_count;
};

void view_init(struct view *v);
void view_clear(struct view *v);

/* Messages that the client knows of. */
static inline uint32_t view_count(const struct view *v)
{
	return v->count;
}
/* The UID of a message number, or 0. */
uint32_t view_uid(const struct view *v, uint32_t seq);
/* The number of a UID, or 0 if it is not in the view. O(log spans). */
uint32_t view_seq(const struct view *v, uint32_t uid);
/* The highest UID in the view, or 0. */
uint32_t view_last_uid(const struct view *v);
/* The same for UIDs that ascend from call to call; *at begins as 0 and must be 0
 * again after view_append or view_expunge. */
uint32_t view_seq_next(const struct view *v, size_t *at, uint32_t uid);
bool view_is_recent(const struct view *v, uint32_t uid);
/* \Recent messages in the view. */
uint32_t view_recent(const struct view *v);

/*
 * The UIDs that a client's set names, added to out, which is empty before.
 * is_uid: numbers of the set are UIDs; for "$" it makes no difference. Ranges are as wide as the set's: UIDs in
 * them that are not in the view do not exist in the mailbox either, and none
 * lies beyond the last that the client knows. ST_NOT_FOUND: a message number
 * beyond the last message. ST_NO_MEMORY.
 */
enum status view_resolve(const struct view *v, const struct numset *set,
			 bool is_uid, struct ranges *out);
/* Message numbers of UIDs (all in the view), added to out. */
enum status view_numbers(const struct view *v, const struct ranges *uids,
			 struct ranges *out);

/* All UIDs in the view, added to out. */
enum status view_uids(const struct view *v, struct ranges *out);

/* New messages at the end: UIDs above all others. */
enum status view_append(struct view *v, const struct ranges *uids);
/* Moves the first of these UIDs, at most max of them, from *uids to *taken; those
 * that are not in the view are dropped on the way. */
enum status view_take_first(const struct view *v, struct ranges *uids, size_t max,
			    struct ranges *taken);
/* Takes UIDs out. "* 3 EXPUNGE" (thrice for 3:5) goes to tell unless it is NULL:
 * each number as it counts after those before it. */
enum status view_expunge(struct view *v, const struct ranges *uids,
			 struct respond *tell);

/* Takes in a KEYWORDS. *is_new: it has a name that no set had before. */
enum status view_keywords_add(struct view *v, const struct ipc_keywords *k,
			      bool *is_new);
/* Names of the set, separated by spaces; "" for 0 and the unknown. */
struct slice view_keywords_of(const struct view *v, uint32_t set);
/* "(\Seen $Forwarded)" of a message, with \Recent where it applies. */
void view_put_flags(const struct view *v, struct respond *r, uint32_t uid,
		    uint64_t flags);
/* "(\Answered ... kw)": all there are in the mailbox; any: "\*" behind them. */
void view_put_all_flags(const struct view *v, struct respond *r, bool any);

/* This session changed the mailbox. is_told: the client was shown what came of it;
 * else it may only reckon, which is right while nobody else's change lies between. */
void view_own_change(struct view *v, uint64_t modseq, bool is_told);
bool view_is_own(const struct view *v, uint64_t modseq);

#endif
