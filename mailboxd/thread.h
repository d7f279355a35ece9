/*
 * THREAD (RFC 5256 section 3, draft-ietf-morg-inthread section 4): which message
 * answers which. It takes the messages
 * that were found, in the order of the mailbox, and gives a tree; it knows no store.
 * Nothing recurses, whatever the messages refer to; memory and work are bounded.
 */
#ifndef MAILBOXD_THREAD_H
#define MAILBOXD_THREAD_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Messages and those they refer to; more are refused. */
#define THREAD_NODES_MAX ((size_t)4 << 20)
/* Octets of subjects and ids that are kept. */
#define THREAD_TEXT_MAX ((size_t)128 << 20)

/* The tree as it travels: u32, little endian, each a UID or one of these. A child
 * stands behind its parent; siblings stand in parentheses of their own, and so does
 * each thread. A thread that begins with parentheses has a parent that is not there. */
#define THREAD_OPEN UINT32_C(0)
#define THREAD_CLOSE UINT32_MAX

struct thread_message {
	uint32_t uid;
	int64_t sent;		/* section 2.2 */
	int64_t arrival;	/* INTERNALDATE */
	bool is_reply;		/* or forward, by its subject */
	struct slice subject;	/* base subject, mapped */
	struct slice message_id;	/* "<a@b>" or empty */
	struct slice refs;	/* one space between two */
};

struct threads;
/* Ended with threads_free(), which takes NULL; NULL: no memory. */
struct threads *threads_new(void);
void threads_free(struct threads *t);
/* One more message; its texts are copied. ST_LIMIT, ST_NO_MEMORY. */
enum status threads_add(struct threads *t, const struct thread_message *m);
/* Appends the tree; once. ST_LIMIT (too many messages are referred to, or out has
 * no room), ST_NO_MEMORY. */
enum status threads_by_subject(struct threads *t, struct buf *out);
enum status threads_by_references(struct threads *t, struct buf *out);
enum status threads_by_refs(struct threads *t, struct buf *out);

#endif
