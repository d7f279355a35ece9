#include "common/conn_priv.h"

#include "common/clock.h"

#include <stdlib.h>

/* Connections settled in one turn before sockets are looked at again. */
#define SETTLE_MAX 256

static void idle(uv_idle_t *handle)
{
	(void)handle;	/* its being active keeps the loop from sleeping */
}

void conn_mark(struct conn *c)
{
	struct conn_loop *l = c->loop;

	if (c->is_marked || c->phase == CONN_CLOSED)
		return;
	if (!l->marked)
		uv_idle_start(&l->idle, idle);
	c->is_marked = true;
	c->next_marked = NULL;
	*l->marked_end = c;
	l->marked_end = &c->next_marked;
}

static struct conn *take_marked(struct conn_loop *l)
{
	struct conn *c = l->marked;

	if (c) {
		l->marked = c->next_marked;
		if (!l->marked)
			l->marked_end = &l->marked;
		c->is_marked = false;
	}
	return c;
}

static void arm_timer(struct conn_loop *l);

static void settle_marked(struct conn_loop *l)
{
	struct conn *c;

	for (int n = 0; n < SETTLE_MAX && (c = take_marked(l)); n++)
		conn_settle(c);
	if (l->is_closing)
		return;
	if (!l->marked)
		uv_idle_stop(&l->idle);
	arm_timer(l);
}

static void prepared(uv_prepare_t *handle)
{
	settle_marked(handle->data);
}

static void checked(uv_check_t *handle)
{
	settle_marked(handle->data);
}

static void timer_due(uv_timer_t *handle)
{
	struct conn_loop *l = handle->data;
	int64_t now = clock_ms();
	struct wheel_entry *e;

	l->timer_ms = 0;
	while ((e = wheel_take(&l->wheel, now))) {
		struct conn_timer *t = (struct conn_timer *)e;

		t->due(t, now);
	}
	arm_timer(l);
}

/* A timer that comes too early does no harm, so that it is only ever moved to
 * an earlier time. */
static void arm_timer(struct conn_loop *l)
{
	int64_t next = wheel_next(&l->wheel);
	int64_t now;

	if (next == 0 || l->is_closing || (l->timer_ms && l->timer_ms <= next))
		return;
	now = clock_ms();
	l->timer_ms = next;
	uv_update_time(l->uv);
	uv_timer_start(&l->timer, timer_due, next > now ? (uint64_t)(next - now) : 0,
		       0);
}

void conn_loop_expire(struct conn_loop *l)
{
	timer_due(&l->timer);
}

struct conn_loop *conn_loop_new(uv_loop_t *loop)
{
	struct conn_loop *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->uv = loop;
	l->marked_end = &l->marked;
	l->cipher.max = 256 * 1024;
	wheel_init(&l->wheel, clock_ms());
	uv_prepare_init(loop, &l->prepare);
	uv_check_init(loop, &l->check);
	uv_idle_init(loop, &l->idle);
	uv_timer_init(loop, &l->timer);
	l->prepare.data = l->check.data = l->idle.data = l->timer.data = l;
	l->handles = 4;
	uv_prepare_start(&l->prepare, prepared);
	uv_check_start(&l->check, checked);
	/* connections and deadlines keep a loop running, these do not */
	uv_unref((uv_handle_t *)&l->prepare);
	uv_unref((uv_handle_t *)&l->check);
	return l;
}

static void free_when_done(struct conn_loop *l)
{
	if (l->is_closing && l->handles == 0 && l->closing == 0) {
		buf_free(&l->cipher);
		free(l);
	}
}

static void handle_closed(uv_handle_t *handle)
{
	struct conn_loop *l = handle->data;

	l->handles--;
	free_when_done(l);
}

void conn_loop_close(struct conn_loop *l)
{
	if (!l)
		return;
	l->is_closing = true;
	while (l->first)
		conn_close(l->first);
	uv_close((uv_handle_t *)&l->prepare, handle_closed);
	uv_close((uv_handle_t *)&l->check, handle_closed);
	uv_close((uv_handle_t *)&l->idle, handle_closed);
	uv_close((uv_handle_t *)&l->timer, handle_closed);
}

void conn_timer_set(struct conn_loop *l, struct conn_timer *t, int64_t due_ms)
{
	wheel_set(&l->wheel, &t->entry, due_ms);
}

char *conn_loop_scratch(struct conn_loop *l)
{
	return l->in;
}

uv_loop_t *conn_loop_uv(struct conn_loop *l)
{
	return l->uv;
}

size_t conn_loop_count(const struct conn_loop *l)
{
	return l->count;
}

size_t conn_loop_unauthenticated(const struct conn_loop *l)
{
	return l->unauthenticated;
}

void conn_loop_add(struct conn_loop *l, struct conn *c)
{
	c->prev = l->last;
	if (l->last)
		l->last->next = c;
	else
		l->first = c;
	l->last = c;
	l->count++;
	l->closing++;
}

static void unmark(struct conn_loop *l, struct conn *c)
{
	struct conn **at = &l->marked;

	while (*at && *at != c)
		at = &(*at)->next_marked;
	if (*at) {
		*at = c->next_marked;
		if (!*at)
			l->marked_end = at;
	}
	c->is_marked = false;
}

void conn_loop_remove(struct conn_loop *l, struct conn *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		l->first = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		l->last = c->prev;
	l->count--;
	if (c->is_counted)
		l->unauthenticated--;
	c->is_counted = false;
	conn_timer_set(l, &c->deadline, 0);
	if (c->is_marked)
		unmark(l, c);
}

void conn_loop_forget(struct conn_loop *l)
{
	l->closing--;
	free_when_done(l);
}

void conn_each(struct conn_loop *l, void (*f)(struct conn *c, void *data),
	       void *data)
{
	for (struct conn *c = l->first; c; c = c->next)
		f(c, data);
}

bool conn_loop_evict(struct conn_loop *l)
{
	for (struct conn *c = l->first; c; c = c->next)
		if (c->is_counted && !c->is_aborted) {
			conn_abort(c);
			return true;
		}
	return false;
}
