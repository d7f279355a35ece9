#include <config.h>

#include "common/lmtp_priv.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/unix_socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Until greeting and LHLO are answered. */
#define GREETING_MS	5000
/* Within a message nothing is waited for from the server: the session counts how
 * long its client takes, and gives the job up. */
#define SESSION_MS	INT64_C(86400000)
/* One that was not used for so long goes, where enough others are idle. */
#define IDLE_MS		10000
/* A job's message is credited, and more taken, below this. */
#define OUT_LOW		((size_t)32 * 1024)

static void link_ready(uv_poll_t *poll, int status, int events);

bool lmtp_link_is_idle(const struct lmtp_link *l)
{
	return l->dialogue.is_ready && !l->job && !l->asked && !l->is_closed &&
	       !l->is_broken &&
	       lmtp_dialogue_pending(&l->dialogue) == 0;
}

static void poll_link(struct lmtp_link *l)
{
	int events = UV_READABLE | (l->is_blocked ? UV_WRITABLE : 0);

	if (events != l->events)
		uv_poll_start(&l->poll, events, link_ready);
	l->events = events;
}

static int64_t patience(const struct lmtp_link *l)
{
	const struct lmtp_client_settings *s = &l->client->settings;

	if (!l->dialogue.is_ready)
		return GREETING_MS;
	if (lmtp_dialogue_pending(&l->dialogue) == 0 && l->dialogue.out.len == 0)
		return l->job ? SESSION_MS : IDLE_MS;
	return lmtp_dialogue_pending(&l->dialogue) &&
	       lmtp_dialogue_next(&l->dialogue) == LMTP_STEP_STORED
		? s->stored_ms : s->reply_ms;
}

static void set_deadline(struct lmtp_link *l)
{
	if (!l->is_broken)
		conn_timer_set(l->client->loop, &l->timer,
			       l->used_ms + patience(l));
}

void lmtp_link_flush(struct lmtp_link *l)
{
	struct buf *out = &l->dialogue.out;
	bool had = out->len > 0;

	while (out->len && !l->is_blocked && !l->is_closed) {
		ssize_t n = send(l->fd, out->data, out->len, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(out, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			l->is_blocked = true;
		else if (errno != EINTR)
			out->len = 0;	/* reading finds the end */
	}
	if (l->is_closed)
		return;
	if (out->len == 0 && out->cap > 2 * LMTP_CHUNK_LATER)
		buf_free(out);
	if (had)
		l->used_ms = clock_ms();
	poll_link(l);
	set_deadline(l);
	if (had && out->len <= OUT_LOW)
		lmtp_client_drained(l->client, l);
}

static void read_link(struct lmtp_link *l)
{
	char *scratch = conn_loop_scratch(l->client->loop);
	ssize_t n = recv(l->fd, scratch, CONN_READ_MAX, 0);
	bool was_ready = l->dialogue.is_ready;
	enum status st;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	st = n <= 0 ? ST_CLOSED
		    : lmtp_dialogue_feed(&l->dialogue,
					 slice_of(scratch, (size_t)n));
	if (st != ST_OK) {
		if (st != ST_CLOSED)
			log_warning("lmtp.protocol",
				    log_str("socket", l->client->path),
				    log_status(st));
		lmtp_client_lost(l->client, l);
		return;
	}
	if (l->is_closed)
		return;
	l->used_ms = clock_ms();
	if ((l->dialogue.is_ready && !was_ready) || lmtp_link_is_idle(l))
		lmtp_client_ready(l->client);
	lmtp_link_flush(l);
}

static void link_ready(uv_poll_t *poll, int status, int events)
{
	struct lmtp_link *l = poll->data;

	if (status < 0) {
		lmtp_client_lost(l->client, l);
		return;
	}
	if (events & UV_READABLE)
		read_link(l);
	if ((events & UV_WRITABLE) && !l->is_closed) {
		l->is_blocked = false;
		lmtp_link_flush(l);
	}
}

static unsigned idle_links(const struct lmtp_client *client)
{
	unsigned n = 0;

	for (struct lmtp_link *l = client->links; l; l = l->next)
		n += lmtp_link_is_idle(l);
	return n;
}

static void timer_due(struct conn_timer *t, int64_t now)
{
	struct lmtp_link *l = (struct lmtp_link *)
		((char *)t - offsetof(struct lmtp_link, timer));

	if (!l->is_broken && now < l->used_ms + patience(l)) {
		set_deadline(l);
	} else if (!lmtp_link_is_idle(l)) {
		if (!l->is_broken)
			log_warning("lmtp.timeout",
				    log_str("socket", l->client->path));
		lmtp_client_lost(l->client, l);
	} else if (idle_links(l->client) > l->client->settings.idle) {
		lmtp_link_close(l);
	} else {
		buf_free(&l->dialogue.out);
		buf_free(&l->dialogue.body);
		l->used_ms = now;
		set_deadline(l);
	}
}

enum status lmtp_link_open(struct lmtp_client *client)
{
	struct lmtp_link *l;
	int fd;
	enum status st = unix_socket_connect(client->path, &fd);

	if (st != ST_OK)
		return st;
	l = calloc(1, sizeof *l);
	if (!l || uv_poll_init(conn_loop_uv(client->loop), &l->poll, fd)) {
		free(l);
		close(fd);
		return ST_NO_MEMORY;
	}
	l->poll.data = l;
	l->fd = fd;
	l->client = client;
	l->timer.due = timer_due;
	l->used_ms = clock_ms();
	lmtp_dialogue_init(&l->dialogue, client->hostname);
	l->dialogue.answered = lmtp_client_answered;
	l->dialogue.context = l;
	l->dialogue.way = client->settings.way;
	l->dialogue.is_foreign = client->settings.is_foreign;
	l->next = client->links;
	client->links = l;
	client->link_count++;
	client->handles++;
	poll_link(l);
	set_deadline(l);
	return ST_OK;
}

static void closed(uv_handle_t *handle)
{
	struct lmtp_link *l = handle->data;
	struct lmtp_client *client = l->client;

	lmtp_dialogue_clear(&l->dialogue);
	free(l);
	lmtp_client_forget(client);
}

void lmtp_link_close(struct lmtp_link *l)
{
	struct lmtp_link **at = &l->client->links;

	if (l->is_closed)
		return;
	l->is_closed = true;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->client->link_count--;
	conn_timer_set(l->client->loop, &l->timer, 0);
	uv_close((uv_handle_t *)&l->poll, closed);
	close(l->fd);
}
