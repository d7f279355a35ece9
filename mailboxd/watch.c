#include "mailboxd/watch.h"

#include <stdlib.h>
#include <string.h>

void watch_init(struct watch *w)
{
	memset(w, 0, sizeof *w);
	pthread_mutex_init(&w->lock, NULL);
}

void watch_clear(struct watch *w)
{
	free(w->news);
	free(w->taken);
	pthread_mutex_destroy(&w->lock);
}

static struct watch_entry **bucket(struct watch *w, uint64_t mailbox)
{
	/* ids are given in order: the low bits spread well */
	return &w->buckets[mailbox % WATCH_BUCKETS];
}

struct watch_entry *watch_next(struct watch *w, uint64_t mailbox,
			       const struct watch_entry *entry)
{
	struct watch_entry *e = entry ? entry->next : *bucket(w, mailbox);

	while (e && e->mailbox != mailbox)
		e = e->next;
	return e;
}

enum status watch_add(struct watch *w, struct watch_entry *entry)
{
	struct watch_entry **head = bucket(w, entry->mailbox);
	struct watch_entry *other = NULL;

	while (entry->is_exclusive &&
	       (other = watch_next(w, entry->mailbox, other)))
		if (other->is_exclusive)
			return ST_DENIED;
	entry->next = *head;
	entry->at = head;
	if (entry->next)
		entry->next->at = &entry->next;
	*head = entry;
	w->entries++;
	return ST_OK;
}

void watch_remove(struct watch *w, struct watch_entry *entry)
{
	if (!entry->at)
		return;
	*entry->at = entry->next;
	if (entry->next)
		entry->next->at = entry->at;
	entry->next = NULL;
	entry->at = NULL;
	w->entries--;
}

/* Room for one more; false when it cannot be had. */
static bool grow(struct watch *w)
{
	size_t cap = w->news_cap ? 2 * w->news_cap : 64;
	struct watch_news *news;

	if (w->news_count < w->news_cap)
		return true;
	if (w->news_count >= WATCH_NEWS_MAX)
		return false;
	news = realloc(w->news, cap * sizeof *news);
	if (!news)
		return false;
	w->news = news;
	w->news_cap = cap;
	return true;
}

void watch_changed(void *arg, uint64_t mailbox, uint64_t highestmodseq)
{
	struct watch *w = arg;

	pthread_mutex_lock(&w->lock);
	if (grow(w))
		w->news[w->news_count++] = (struct watch_news){
			mailbox, highestmodseq,
		};
	else
		w->overflow = true;
	pthread_mutex_unlock(&w->lock);
}

size_t watch_take(struct watch *w, const struct watch_news **news, bool *all)
{
	struct watch_news *had = w->taken;
	size_t had_cap = w->taken_cap, count;

	pthread_mutex_lock(&w->lock);
	count = w->news_count;
	*all = w->overflow;
	w->taken = w->news;
	w->taken_cap = w->news_cap;
	w->news = had;
	w->news_cap = had_cap;
	w->news_count = 0;
	w->overflow = false;
	pthread_mutex_unlock(&w->lock);
	*news = w->taken;
	return count;
}
