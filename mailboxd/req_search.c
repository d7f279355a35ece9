/*
 * SEARCH of an open mailbox: slices on a reader, so that one long search does
 * not keep the others waiting.
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/search_program.h"

#define SLICE_MS 20

struct searching {
	struct store_search search;
	struct ranges found;
	int64_t until_ms;
};

static void searching_free(struct request *r)
{
	struct searching *s = r->state;

	if (s)
		ranges_free(&s->found);
	free(s);
}

static enum status search_run(struct request *r, struct tx *tx)
{
	struct searching *s = r->state;
	enum status st = request_may(r, tx, STORE_RIGHT_READ);

	if (st != ST_OK)
		return st;
	st = store_search(tx, &s->search, SLICE_MS);
	if (st == ST_MORE)
		return clock_ms() < s->until_ms
			? st : request_fail(r, ST_UNAVAILABLE, "", "too slow");
	if (st != ST_OK)
		return request_store_failed(r, st, tx, request_detail(st));
	st = request_put_set(r, IPC_TYPE_UIDS, &s->found);
	return st == ST_OK ? request_put_done(r, s->search.modseq) : st;
}

void req_search(struct request *r)
{
	const struct ipc_search *m = &r->message.search;
	struct searching *s;
	enum status st;

	r->free_state = searching_free;
	if (!request_handle(r, m->handle, false))
		return;
	st = search_program_check(m->program);
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	s = request_state(r, sizeof *s);
	if (!s)
		return;
	s->found = (struct ranges)RANGES_INIT(RANGES_MAX);
	s->until_ms = clock_ms() + REQUEST_SEARCH_MS;
	s->search = (struct store_search){
		.mailbox = r->mailbox, .as = &r->access, .program = m->program,
		.now = clock_wall_seconds(), .found = &s->found,
	};
	request_go(r, PLACE_READER, 0, search_run, request_ended);
}
