#include "mailboxd/intake.h"

#include "mailboxd/binary_door.h"
#include "mailboxd/prepare.h"
#include "mailboxd/return_path.h"

#include <stdlib.h>
#include <string.h>

/* Pieces of one message that may be on their way to the writer; one where the
 * budget is used up. */
#define PIECES_IN_FLIGHT 2u
/* So much of any message is taken whatever the budget has left: what most mail is,
 * and many slow senders of large messages must not hold it up. */
#define SMALL ((size_t)32 * 1024)

struct piece {
	struct job job;		/* first: the job is the piece */
	struct service *service;
	struct intake *intake;	/* NULL: given up meanwhile */
	uint64_t message;
	uint32_t seq;
	bool is_abort;		/* takes stored pieces out again */
	struct buf octets;
};

struct intake {
	struct service *service;
	enum intake_kind kind;
	void (*moved)(void *arg);
	void *arg;
	struct intake *next, **at;	/* those that wait for memory */

	uint64_t message;
	struct prepare *prepare;
	struct return_path filter;	/* of a delivery */
	struct binary_door *door;	/* of an APPEND of a literal8 */
	struct buf body;	/* of the piece that is being filled */
	struct buf record;
	uint64_t octets;	/* all of them, as stored */
	uint32_t pieces;	/* given to the writer */
	uint32_t in_flight;
	size_t counted;		/* of body, in the budget */
	struct piece *flying[PIECES_IN_FLIGHT];
	enum status failed;	/* ST_OK: nothing did */
	char last;		/* octet fed, for line ends */
	bool is_ended, is_committed;
	bool is_admitted;	/* to the budget, with a whole piece */
};

/* ---- memory ------------------------------------------------------------------ */

static void stop_waiting(struct intake *i)
{
	if (!i->at)
		return;
	*i->at = i->next;
	if (i->next)
		i->next->at = i->at;
	i->at = NULL;
}

static void wait_for_memory(struct intake *i)
{
	if (i->at)
		return;
	i->next = i->service->hungry;
	i->at = &i->service->hungry;
	if (i->next)
		i->next->at = &i->next;
	i->service->hungry = i;
}

static bool has_room(const struct service *s)
{
	return s->bodies.used < s->bodies.max;
}

static void budget_give(struct service *s, size_t octets)
{
	struct intake *i;

	s->bodies.used -= octets;
	while (has_room(s) && (i = s->hungry)) {
		stop_waiting(i);
		i->moved(i->arg);
	}
}

static void count_body(struct intake *i)
{
	size_t octets = i->is_admitted ? STORE_CHUNK : i->body.len;

	i->service->bodies.used += octets - i->counted;
	i->counted = octets;
}

bool intake_is_ready(struct intake *i)
{
	if (i->failed != ST_OK)
		return true;	/* what comes is thrown away */
	if (i->in_flight >= (has_room(i->service) ? PIECES_IN_FLIGHT : 1u))
		return false;	/* its own piece will tell */
	/* who was admitted goes on: else nobody could ever end */
	if (i->is_admitted || i->body.len < SMALL)
		return true;
	if (!has_room(i->service)) {
		wait_for_memory(i);
		return false;
	}
	i->is_admitted = true;
	count_body(i);
	return true;
}

/* ---- life -------------------------------------------------------------------- */

static enum status feed_append(void *arg, struct slice in);

struct intake *intake_new(struct service *service, enum intake_kind kind,
			  void (*moved)(void *arg), void *arg)
{
	struct intake *i = calloc(1, sizeof *i);

	if (!i)
		return NULL;
	i->service = service;
	i->kind = kind;
	i->moved = moved;
	i->arg = arg;
	i->message = store_message_id(service->store);
	i->body = (struct buf)BUF_INIT(STORE_CHUNK);
	i->record = (struct buf)BUF_INIT(PREPARE_RECORD_MAX);
	i->prepare = service_prepare_take(service);
	return_path_init(&i->filter);
	if (kind == INTAKE_BINARY)
		i->door = binary_door_new(feed_append, i);
	if (!i->prepare || (kind == INTAKE_BINARY && !i->door)) {
		service_prepare_give(service, i->prepare);
		binary_door_free(i->door);
		free(i);
		return NULL;
	}
	return i;
}

static void piece_free(struct piece *p)
{
	budget_give(p->service, p->octets.len);
	buf_free(&p->octets);
	free(p);
}

static enum status abort_run(struct job *job, struct tx *tx)
{
	return store_body_abort(tx, ((struct piece *)job)->message);
}

static void abort_done(struct job *job, enum status status,
		       const struct error *error)
{
	(void)status;	/* what stays is removed at the next open */
	(void)error;
	piece_free((struct piece *)job);
}

/* Behind the pieces that are still on their way: the writer keeps the order. */
static void take_back(struct intake *i)
{
	struct piece *p = calloc(1, sizeof *p);

	if (!p)
		return;
	p->service = i->service;
	p->message = i->message;
	p->job.run = abort_run;
	p->job.done = abort_done;
	p->job.sync = JOB_SYNC_NORMAL;
	p->job.octets = sizeof *p;
	if (service_submit(i->service, &p->job, PLACE_WRITER) != ST_OK)
		free(p);
}

void intake_free(struct intake *i)
{
	if (!i)
		return;
	stop_waiting(i);
	for (size_t n = 0; n < PIECES_IN_FLIGHT; n++)
		if (i->flying[n])
			i->flying[n]->intake = NULL;
	if (i->pieces > 0 && !i->is_committed)
		take_back(i);
	budget_give(i->service, i->counted);
	service_prepare_give(i->service, i->prepare);
	binary_door_free(i->door);
	buf_free(&i->body);
	buf_free(&i->record);
	free(i);
}

void intake_committed(struct intake *i)
{
	i->is_committed = true;
}

uint64_t intake_octets(const struct intake *i)
{
	return i->octets;
}

/* ---- pieces ------------------------------------------------------------------- */

static enum status piece_run(struct job *job, struct tx *tx)
{
	struct piece *p = (struct piece *)job;

	return store_body_put(tx, p->message, p->seq, buf_slice(&p->octets));
}

static void piece_done(struct job *job, enum status status,
		       const struct error *error)
{
	struct piece *p = (struct piece *)job;
	struct intake *i = p->intake;

	(void)error;
	if (i) {
		for (size_t n = 0; n < PIECES_IN_FLIGHT; n++)
			if (i->flying[n] == p)
				i->flying[n] = NULL;
		i->in_flight--;
		if (status != ST_OK && i->failed == ST_OK)
			i->failed = status;
	}
	piece_free(p);
	if (i)
		i->moved(i->arg);
}

/* The full piece goes to the writer, its memory with it. */
static enum status piece_send(struct intake *i)
{
	struct piece *p = calloc(1, sizeof *p);
	size_t slot = 0;
	enum status st;

	if (!p)
		return ST_NO_MEMORY;
	p->service = i->service;
	p->intake = i;
	p->message = i->message;
	p->seq = i->pieces;
	p->octets = i->body;
	p->job.run = piece_run;
	p->job.done = piece_done;
	p->job.sync = JOB_SYNC_NORMAL;
	p->job.octets = sizeof *p;	/* the budget counts the others */
	i->body = (struct buf)BUF_INIT(STORE_CHUNK);
	i->counted = 0;
	while (slot + 1 < PIECES_IN_FLIGHT && i->flying[slot])
		slot++;
	i->flying[slot] = p;
	i->in_flight++;
	i->pieces++;
	st = service_submit(i->service, &p->job, PLACE_WRITER);
	if (st != ST_OK) {
		i->flying[slot] = NULL;
		i->in_flight--;
		piece_free(p);
		return ST_UNAVAILABLE;
	}
	return ST_OK;
}

/* ---- octets --------------------------------------------------------------------- */

/* Octets as they are stored. */
static enum status keep(void *arg, struct slice octets)
{
	struct intake *i = arg;
	enum status st = prepare_feed(i->prepare, octets);

	i->octets += octets.len;
	while (octets.len > 0 && st == ST_OK) {
		struct slice part;

		/* only when more follows: the last piece is the tail */
		if (i->body.len == STORE_CHUNK) {
			st = piece_send(i);
			if (st != ST_OK)
				break;
		}
		part = slice_head(octets, STORE_CHUNK - i->body.len);
		st = buf_append(&i->body, part);
		octets = slice_from(octets, part.len);
		count_body(i);
	}
	return st;
}

/* Whether every CR has its LF and every LF its CR, with what came before. */
static bool lines_are_good(struct intake *i, struct slice in)
{
	const char *at = in.data, *end = in.data + in.len;

	if (memchr(in.data, '\0', in.len))
		return false;
	if (i->last == '\r' && *at++ != '\n')
		return false;
	while (at < end) {
		const char *cr = memchr(at, '\r', (size_t)(end - at));
		const char *stop = cr ? cr : end;

		if (memchr(at, '\n', (size_t)(stop - at)))
			return false;
		if (!cr || cr + 1 == end)
			break;
		if (cr[1] != '\n')
			return false;
		at = cr + 2;
	}
	i->last = end[-1];
	return true;
}

static enum status feed_delivery(struct intake *i, struct slice in)
{
	if (!lines_are_good(i, in))
		return ST_SYNTAX;
	return return_path_feed(&i->filter, in, keep, i);
}

/* Bare CR and bare LF become CRLF. */
static enum status feed_append(void *arg, struct slice in)
{
	struct intake *i = arg;
	enum status st = ST_OK;

	if (memchr(in.data, '\0', in.len))
		return ST_SYNTAX;
	while (in.len > 0 && st == ST_OK) {
		size_t n = 0;

		if (i->last == '\r' && in.data[0] != '\n')
			st = keep(i, SLICE("\n"));
		if (in.data[0] == '\n' && i->last != '\r' && st == ST_OK)
			st = keep(i, SLICE("\r"));
		/* up to the octet whose neighbour has to be looked at */
		do {
			i->last = in.data[n++];
		} while (n < in.len && i->last != '\r' && in.data[n] != '\n');
		if (st == ST_OK)
			st = keep(i, slice_head(in, n));
		in = slice_from(in, n);
	}
	return st;
}

enum status intake_return_path(struct intake *i, struct slice sender)
{
	struct buf line = BUF_INIT(2048);
	enum status st = buf_append(&line, SLICE("Return-Path: <"));

	if (st == ST_OK)
		st = buf_append(&line, sender);
	if (st == ST_OK)
		st = buf_append(&line, SLICE(">\r\n"));
	if (st == ST_OK)
		st = keep(i, buf_slice(&line));
	buf_free(&line);
	if (st != ST_OK)
		i->failed = st;
	return st;
}

enum status intake_feed(struct intake *i, struct slice octets)
{
	if (i->failed != ST_OK || octets.len == 0)
		return i->failed;
	switch (i->kind) {
	case INTAKE_DELIVERY:
		i->failed = feed_delivery(i, octets);
		break;
	case INTAKE_APPEND:
		i->failed = feed_append(i, octets);
		break;
	case INTAKE_BINARY:
		i->failed = binary_door_feed(i->door, octets);
		break;
	}
	return i->failed;
}

static enum status last_octets(struct intake *i)
{
	if (i->kind == INTAKE_BINARY) {
		enum status st = binary_door_end(i->door);

		if (st != ST_OK)
			return st;
	}
	if (i->kind != INTAKE_DELIVERY)
		return i->last == '\r' ? keep(i, SLICE("\n")) : ST_OK;
	if (i->last == '\r')
		return ST_SYNTAX;
	return return_path_end(&i->filter, keep, i);
}

enum status intake_end(struct intake *i, struct store_message *message)
{
	if (!i->is_ended && i->failed == ST_OK) {
		i->is_ended = true;
		i->failed = last_octets(i);
		if (i->failed == ST_OK)
			i->failed = prepare_end(i->prepare, &i->record);
	}
	if (i->failed != ST_OK)
		return i->failed;
	if (i->in_flight > 0)
		return ST_MORE;
	message->id = i->message;
	message->prepared = buf_slice(&i->record);
	message->size = i->octets;
	message->pieces = i->pieces;
	message->tail = buf_slice(&i->body);
	return ST_OK;
}
