/*
 * SORT and THREAD of an open mailbox: a search in slices, then what is compared of
 * each message that was found, in slices too, then the order, and at last the answer
 * as it is read.
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/search_program.h"
#include "mailboxd/sort_table.h"
#include "mailboxd/thread.h"

#define SLICE_MS 20
#define ANSWER_MAX ((size_t)64 << 20)

enum stage { SEARCHING, READING, ORDERING, TELLING };

struct ordering {
	enum stage stage;
	struct store_search search;
	struct ranges found;
	struct store_order order;
	struct sort_table *table;	/* SORT */
	struct threads *threads;	/* THREAD */
	enum ipc_thread_algorithm algorithm;
	struct buf answer;
	size_t told;			/* octets of it */
	int64_t until_ms;
};

static void ordering_free(struct request *r)
{
	struct ordering *o = r->state;

	if (!o)
		return;
	ranges_free(&o->found);
	sort_table_free(o->table);
	threads_free(o->threads);
	buf_free(&o->answer);
	free(o);
}

static enum status add_row(void *arg, const struct store_order_row *row)
{
	struct ordering *o = arg;
	const struct sort_row sorted = {
		.uid = row->uid,
		.values = { [IPC_SORT_ARRIVAL] = row->arrival,
			    [IPC_SORT_DATE] = row->sent,
			    [IPC_SORT_SIZE] = (int64_t)row->size },
		.texts = { [IPC_SORT_CC] = row->cc, [IPC_SORT_FROM] = row->from,
			   [IPC_SORT_SUBJECT] = row->subject, [IPC_SORT_TO] = row->to,
			   [IPC_SORT_DISPLAYFROM] = row->display_from,
			   [IPC_SORT_DISPLAYTO] = row->display_to },
	};
	const struct thread_message threaded = {
		.uid = row->uid, .sent = row->sent, .arrival = row->arrival,
		.is_reply = row->is_reply,
		.subject = row->subject, .message_id = row->message_id,
		.refs = row->refs,
	};

	return o->table ? sort_table_add(o->table, &sorted) :
			  threads_add(o->threads, &threaded);
}

static enum status put_in_order(struct ordering *o)
{
	if (o->table)
		return sort_table_order(o->table, &o->answer);
	switch (o->algorithm) {
	case IPC_THREAD_REFERENCES:
		return threads_by_references(o->threads, &o->answer);
	case IPC_THREAD_REFS:
		return threads_by_refs(o->threads, &o->answer);
	default:
		return threads_by_subject(o->threads, &o->answer);
	}
}

/* As much as this slice should. */
static enum status tell(struct request *r, struct ordering *o)
{
	struct ipc_message m = { .type = IPC_TYPE_ORDER };
	enum status st = ST_OK;

	do {
		struct slice rest = slice_from(buf_slice(&o->answer), o->told);
		size_t n = rest.len < REQUEST_PIECE ? rest.len : REQUEST_PIECE;

		m.order.tokens = slice_head(rest, n);
		o->told += n;
		if (n > 0)
			st = request_put(r, 0, &m);
	} while (st == ST_OK && o->told < o->answer.len && r->answer.len < r->room);
	if (st == ST_OK && o->told < o->answer.len)
		return ST_MORE;
	return st == ST_OK ? request_put_done(r, o->search.modseq) : st;
}

/* The next stage, or the same again. Rows are put in order in a run of its own, in
 * which nothing is read: so long there is no snapshot to keep. */
static enum status advance(struct request *r, struct tx *tx, struct ordering *o)
{
	enum status st;

	switch (o->stage) {
	case SEARCHING:
		st = store_search(tx, &o->search, SLICE_MS);
		break;
	case READING:
		st = store_order(tx, &o->order, SLICE_MS, add_row, o);
		break;
	case ORDERING:
		st = put_in_order(o);
		break;
	default:
		return tell(r, o);
	}
	if (st != ST_OK)
		return st;
	o->stage++;
	return ST_MORE;
}

static enum status order_run(struct request *r, struct tx *tx)
{
	struct ordering *o = r->state;
	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	if (st != ST_OK)
		return st;
	st = advance(r, tx, o);
	if (st == ST_MORE)
		return o->stage == TELLING || clock_ms() < o->until_ms
			? st : request_fail(r, ST_UNAVAILABLE, "", "too slow");
	if (st == ST_LIMIT)
		return request_fail(r, st, "LIMIT", "too many messages");
	return st == ST_OK ? st : request_store_failed(r, st, tx, request_detail(st));
}

static void begin(struct request *r, uint32_t handle, struct slice program,
		  struct slice keys)
{
	struct ordering *o;
	enum status st;

	r->free_state = ordering_free;
	if (!request_handle(r, handle, false))
		return;
	st = search_program_check(program);
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	o = request_state(r, sizeof *o);
	if (!o)
		return;
	o->found = (struct ranges)RANGES_INIT(RANGES_MAX);
	o->answer = (struct buf)BUF_INIT(ANSWER_MAX);
	o->until_ms = clock_ms() + REQUEST_SEARCH_MS;
	o->search = (struct store_search){
		.mailbox = r->mailbox, .as = &r->access, .program = program,
		.now = clock_wall_seconds(), .found = &o->found,
	};
	o->order = (struct store_order){ .mailbox = r->mailbox, .uids = &o->found };
	if (keys.len > 0) {
		o->table = sort_table_new(keys);
		o->order.what = sort_keys_have(keys, IPC_SORT_DISPLAYFROM) ||
				sort_keys_have(keys, IPC_SORT_DISPLAYTO) ?
				STORE_ORDER_DISPLAY : STORE_ORDER_SORT;
	} else {
		o->threads = threads_new();
		o->algorithm = r->message.thread.algorithm;
		o->order.what = STORE_ORDER_THREAD;
	}
	if (!o->table && !o->threads)
		request_finish(r, ST_NO_MEMORY);
	else
		request_go(r, PLACE_READER, 0, order_run, request_ended);
}

void req_sort(struct request *r)
{
	const struct ipc_sort *m = &r->message.sort;

	if (sort_keys_are_valid(m->keys))
		begin(r, m->handle, m->program, m->keys);
	else
		request_finish(r, ST_SYNTAX);
}

void req_thread(struct request *r)
{
	const struct ipc_thread *m = &r->message.thread;

	if (m->algorithm <= IPC_THREAD_REFS)
		begin(r, m->handle, m->program, SLICE_EMPTY);
	else
		request_finish(r, ST_SYNTAX);
}
