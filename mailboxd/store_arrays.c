#include "mailboxd/store_arrays.h"

#include "mailboxd/store_priv.h"

#include <stdlib.h>
#include <time.h>

#define BUCKETS 1024
/* Changes that a transaction may note, and that may come to an array in the
 * making. */
#define LOG_MOST ((size_t)1 << 20)
/* A scan of a mailbox by another thread is waited for so long. */
#define LOAD_WAIT_S 2

struct kept {
	struct kept *next;		/* in the hash chain */
	struct kept *newer, *older;	/* in the order of use */
	uint64_t mailbox;
	uint64_t ticket;	/* of the thread that makes it; 0: it is there */
	bool is_stale;		/* this commit has not come to it yet */
	uint64_t commit;	/* modseq of the mailbox after this commit */
	size_t octets;		/* as counted */
	struct array array;
	struct mailbox_state state;
	/* while it is made */
	struct array_log pending;
	bool has_state;		/* state is a later commit's */
};

struct arrays {
	pthread_mutex_t lock;
	pthread_cond_t made;
	atomic_size_t max, octets;
	uint64_t last_ticket;
	struct kept *buckets[BUCKETS];
	struct kept *newest, *oldest;
};

/* ---- the log -------------------------------------------------------------------- */

static bool log_grow(struct array_log *log)
{
	size_t cap = log->cap ? log->cap * 2 : 64;
	struct array_change *grown;

	if (log->count < log->cap)
		return true;
	if (log->count >= LOG_MOST)
		return false;
	grown = realloc(log->items, cap * sizeof *grown);
	if (!grown)
		return false;
	log->items = grown;
	log->cap = cap;
	return true;
}

void array_log_note(struct array_log *log, const struct array_change *change)
{
	struct array_change c = *change;

	if (log->is_lost)
		return;
	if (c.names.len) {
		char *copy = malloc(c.names.len);

		log->is_lost = copy == NULL;
		if (!copy)
			return;
		memcpy(copy, c.names.data, c.names.len);
		c.names.data = copy;
	} else {
		c.names = SLICE_EMPTY;
	}
	if (log_grow(log)) {
		log->items[log->count++] = c;
		return;
	}
	if (c.names.len)
		free((char *)c.names.data);
	log->is_lost = true;
}

void array_log_cut(struct array_log *log, size_t count)
{
	while (log->count > count)
		if (log->items[--log->count].names.len)
			free((char *)log->items[log->count].names.data);
}

bool array_log_has(const struct array_log *log, uint64_t mailbox)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->items[i].mailbox == mailbox)
			return true;
	return log->is_lost;
}

void array_log_free(struct array_log *log)
{
	array_log_cut(log, 0);
	free(log->items);
	*log = (struct array_log){ 0 };
}

/* ---- the table -------------------------------------------------------------------- */

struct arrays *arrays_new(size_t octets)
{
	struct arrays *all = calloc(1, sizeof *all);

	if (!all)
		return NULL;
	atomic_store(&all->max, octets);
	pthread_mutex_init(&all->lock, NULL);
	pthread_cond_init(&all->made, NULL);
	return all;
}

size_t arrays_octets(const struct arrays *all)
{
	return atomic_load(&all->octets);
}

static struct kept **chain_of(struct arrays *all, uint64_t mailbox)
{
	struct kept **at = &all->buckets[mailbox % BUCKETS];

	while (*at && (*at)->mailbox != mailbox)
		at = &(*at)->next;
	return at;
}

static void unlink_use(struct arrays *all, struct kept *k)
{
	*(k->newer ? &k->newer->older : &all->newest) = k->older;
	*(k->older ? &k->older->newer : &all->oldest) = k->newer;
	k->newer = k->older = NULL;
}

static void link_newest(struct arrays *all, struct kept *k)
{
	k->older = all->newest;
	*(all->newest ? &all->newest->newer : &all->oldest) = k;
	all->newest = k;
}

static void used(struct arrays *all, struct kept *k)
{
	if (all->newest == k)
		return;
	unlink_use(all, k);
	link_newest(all, k);
}

static void recount(struct arrays *all, struct kept *k)
{
	size_t now = sizeof *k + array_octets(&k->array);

	atomic_fetch_add(&all->octets, now - k->octets);
	k->octets = now;
}

static void drop(struct arrays *all, struct kept *k)
{
	*chain_of(all, k->mailbox) = k->next;
	unlink_use(all, k);
	atomic_fetch_sub(&all->octets, k->octets);
	if (k->ticket)
		pthread_cond_broadcast(&all->made);
	array_clear(&k->array);
	array_log_free(&k->pending);
	free(k);
}

static void drop_all(struct arrays *all)
{
	while (all->newest)
		drop(all, all->newest);
}

/* The ones used longest ago go, but never one that is being made. */
static void shrink(struct arrays *all)
{
	struct kept *k = all->oldest, *newer;

	for (; k && arrays_octets(all) > atomic_load(&all->max); k = newer) {
		newer = k->newer;
		if (!k->ticket)
			drop(all, k);
	}
}

void arrays_bound(struct arrays *all, size_t octets)
{
	atomic_store(&all->max, octets);
	pthread_mutex_lock(&all->lock);
	shrink(all);
	pthread_mutex_unlock(&all->lock);
}

void arrays_free(struct arrays *all)
{
	if (!all)
		return;
	drop_all(all);
	pthread_mutex_destroy(&all->lock);
	pthread_cond_destroy(&all->made);
	free(all);
}

enum status arrays_look(struct arrays *all, uint64_t mailbox,
			arrays_look_fn *look, void *arg)
{
	enum status st = ST_NOT_FOUND;
	struct kept *k;

	pthread_mutex_lock(&all->lock);
	k = *chain_of(all, mailbox);
	if (k && !k->ticket) {
		used(all, k);
		st = look(&k->array, &k->state, arg);
	}
	pthread_mutex_unlock(&all->lock);
	return st;
}

/* ---- commits ------------------------------------------------------------------------ */

/* The removals of one mailbox from change i on, in one pass; gives the change
 * behind them. */
static size_t remove_run(struct array *a, const struct array_log *log, size_t i)
{
	enum { MOST = 256 };
	struct range ranges[MOST];
	size_t count = 0, first = i;

	for (; i < log->count && count < MOST; i++) {
		const struct array_change *c = &log->items[i];

		if (c->kind != ARRAY_REMOVE ||
		    c->mailbox != log->items[first].mailbox ||
		    (count && c->low <= ranges[count - 1].high))
			break;
		ranges[count++] = (struct range){ c->low, c->high };
	}
	array_remove(a, ranges, count, log->items[i - 1].modseq);
	return i;
}

/* Makes change i (and those that go with it); gives the next one. A failure
 * leaves *is_good false: the array is no longer true. */
static size_t make_change(struct array *a, const struct array_log *log,
			  size_t i, bool *is_good)
{
	const struct array_change *c = &log->items[i];

	switch (c->kind) {
	case ARRAY_APPEND:
		*is_good = array_append(a, c->low, c->add, c->modseq,
					c->message) == ST_OK;
		break;
	case ARRAY_FLAGS:
		array_set_flags(a, (struct range){ c->low, c->high }, c->keep,
				c->add, c->modseq);
		break;
	case ARRAY_REMOVE:
		return remove_run(a, log, i);
	case ARRAY_SET:
		*is_good = array_add_set(a, c->low, c->names) == ST_OK;
	}
	return i + 1;
}

/* What a commit tells an array that is still being made is kept for it, with the
 * modseq after that commit: the snapshot may have it already. */
static void keep_pending(struct kept *k, const struct array_change *change)
{
	struct array_change c = *change;

	c.commit = k->commit;
	array_log_note(&k->pending, &c);
}

/* Marks the arrays to which this commit is new. A mailbox that went goes. */
static void mark_stale(struct arrays *all, struct hot *const *touched,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct hot *h = touched[i];
		struct kept *k = h->kind == HOT_MAILBOX ?
			*chain_of(all, h->id) : NULL;

		if (k && h->now.is_gone) {
			drop(all, k);
		} else if (k) {
			k->commit = h->now.mailbox.highestmodseq;
			k->is_stale = k->commit > k->state.highestmodseq;
		}
	}
}

static void take_states(struct arrays *all, struct hot *const *touched,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct hot *h = touched[i];
		struct kept *k = h->kind == HOT_MAILBOX ?
			*chain_of(all, h->id) : NULL;

		if (!k)
			continue;
		k->state = h->now.mailbox;
		k->has_state = true;
		k->is_stale = false;
		recount(all, k);
	}
}

static void make_changes(struct arrays *all, const struct array_log *log)
{
	struct kept *k = NULL;

	for (size_t i = 0; i < log->count; ) {
		const struct array_change *c = &log->items[i];
		bool is_good = true;
		size_t next = i + 1;

		if (!k || k->mailbox != c->mailbox)
			k = *chain_of(all, c->mailbox);
		if (k && k->ticket)
			keep_pending(k, c);
		else if (k && (k->is_stale || c->kind == ARRAY_SET))
			next = make_change(&k->array, log, i, &is_good);
		if (!is_good) {
			drop(all, k);
			k = NULL;
		}
		i = next;
	}
}

void arrays_commit(struct arrays *all, struct array_log *log,
		   struct hot *const *touched, size_t count)
{
	pthread_mutex_lock(&all->lock);
	if (log->is_lost)
		drop_all(all);
	mark_stale(all, touched, count);
	make_changes(all, log);
	take_states(all, touched, count);
	shrink(all);
	pthread_mutex_unlock(&all->lock);
	array_log_cut(log, 0);
	log->savepoint = 0;
	log->is_lost = false;
}

/* ---- making one ---------------------------------------------------------------------- */

/* False: it takes too long. */
static bool wait_made(struct arrays *all, const struct timespec *until)
{
	return pthread_cond_timedwait(&all->made, &all->lock, until) == 0;
}

enum status arrays_begin_load(struct arrays *all, uint64_t mailbox,
			      uint64_t *ticket)
{
	enum status st = ST_EXISTS;
	struct timespec until;
	struct kept *k;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LOAD_WAIT_S;
	pthread_mutex_lock(&all->lock);
	while ((k = *chain_of(all, mailbox)) && k->ticket)
		if (!wait_made(all, &until)) {
			pthread_mutex_unlock(&all->lock);
			return ST_LIMIT;
		}
	if (!k && (k = calloc(1, sizeof *k))) {
		k->mailbox = mailbox;
		k->ticket = *ticket = ++all->last_ticket;
		k->next = all->buckets[mailbox % BUCKETS];
		all->buckets[mailbox % BUCKETS] = k;
		link_newest(all, k);
		st = ST_OK;
	}
	pthread_mutex_unlock(&all->lock);
	return k ? st : ST_LIMIT;
}

bool arrays_fits(const struct arrays *all, uint64_t messages)
{
	return messages < atomic_load(&all->max) / ARRAY_MESSAGE_OCTETS;
}

/* Commits that the snapshot did not have. */
static bool add_pending(struct kept *k, uint64_t seen)
{
	struct array_log *log = &k->pending;
	bool is_good = !log->is_lost;

	for (size_t i = 0; i < log->count && is_good; )
		/* a set may come twice */
		if (log->items[i].commit <= seen &&
		    log->items[i].kind != ARRAY_SET)
			i++;
		else
			i = make_change(&k->array, log, i, &is_good);
	return is_good;
}

enum status arrays_end_load(struct arrays *all, uint64_t mailbox,
			    uint64_t ticket, struct array *a,
			    const struct mailbox_state *m)
{
	struct kept *k;
	bool is_kept = false;

	pthread_mutex_lock(&all->lock);
	k = *chain_of(all, mailbox);
	if (k && k->ticket == ticket) {
		if (a) {
			k->array = *a;
			*a = (struct array){ 0 };
			is_kept = add_pending(k, m->highestmodseq);
		}
		/* the snapshot may be newer than the last commit that came here */
		if (m && (!k->has_state ||
			  k->state.highestmodseq < m->highestmodseq))
			k->state = *m;
		array_log_free(&k->pending);
		recount(all, k);
		is_kept = is_kept && k->octets <= atomic_load(&all->max);
		if (is_kept)
			k->ticket = 0;
		else
			drop(all, k);
		shrink(all);
	}
	pthread_cond_broadcast(&all->made);
	pthread_mutex_unlock(&all->lock);
	if (a)
		array_clear(a);
	return is_kept ? ST_OK : ST_LIMIT;
}

enum status array_look_marks(const struct array *a, const struct mailbox_state *m,
			     void *arg)
{
	struct array_marks *k = arg;
	size_t i = array_find(a, k->range.low);

	for (k->count = 0; i < a->count && a->uids[i] <= k->range.high &&
			   k->count < ARRAY_MARKS; i++, k->count++) {
		k->items[k->count].uid = a->uids[i];
		k->items[k->count].flags = a->flags[i];
		k->items[k->count].modseq = a->modseqs[i];
		k->items[k->count].message = a->messages[i];
	}
	k->is_last = i == a->count || a->uids[i] > k->range.high;
	return ST_OK;
}
