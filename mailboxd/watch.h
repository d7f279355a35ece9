/*
 * Which open mailbox belongs to which session, and who wants news of it. The
 * store calls watch_changed() after each commit, on whatever thread committed;
 * the loop picks the news up with watch_take() and passes them on.
 */
#ifndef MAILBOXD_WATCH_H
#define MAILBOXD_WATCH_H

#include "common/status.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_BUCKETS	4096u
/* News that may wait for the loop; beyond it all mailboxes count as changed. */
#define WATCH_NEWS_MAX	65536u

/* One open mailbox; embedded in the session's handle. */
struct watch_entry {
	uint64_t mailbox;
	bool is_exclusive;	/* POP3 has the maildrop */
	bool wants_news;
	struct watch_entry *next, **at;	/* of the bucket */
};

struct watch_news {
	uint64_t mailbox, highestmodseq;
};

struct watch {
	struct watch_entry *buckets[WATCH_BUCKETS];
	size_t entries;		/* registered, all of them */
	pthread_mutex_t lock;	/* of what follows */
	struct watch_news *news;
	size_t news_count, news_cap;
	bool overflow;
	/* ---- taken by the loop */
	struct watch_news *taken;
	size_t taken_cap;
};

void watch_init(struct watch *w);
void watch_clear(struct watch *w);

/* ST_DENIED: exclusive is asked for, and another entry has it. */
enum status watch_add(struct watch *w, struct watch_entry *entry);
/* Harmless for an entry that is not in. */
void watch_remove(struct watch *w, struct watch_entry *entry);
/* Registered for that mailbox, the first or the one behind entry; or NULL. */
struct watch_entry *watch_next(struct watch *w, uint64_t mailbox,
			       const struct watch_entry *entry);

/* A store_watch_fn; arg is the struct watch. Any thread. */
void watch_changed(void *arg, uint64_t mailbox, uint64_t highestmodseq);
/* What came since: an array that holds until the next call. *all: more changed
 * than was kept, so every mailbox counts. */
size_t watch_take(struct watch *w, const struct watch_news **news, bool *all);

#endif
