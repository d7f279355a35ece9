#include "fuzz/engine_run.h"

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "common/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define SAID_MAX	((size_t)64 << 20)

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "engine_run: %s\n", what);
	abort();
}

static void take(struct engine_run *run, enum want want)
{
	/* the end is the end */
	if (run->want != WANT_CLOSE)
		run->want = want;
}

void engine_run_answer(struct engine_run *run, uint32_t id,
		       const struct ipc_message *m, bool last)
{
	take(run, run->engine->ops->reply(run->engine, id, m, last));
}

/* Requests are taken away before they are answered, as a backend does. */
static bool answer_requests(struct engine_run *run)
{
	struct buf asked = run->engine->requests;
	struct slice in = buf_slice(&asked);
	struct ipc_frame frame;
	struct ipc_message m;
	size_t used;

	if (in.len == 0)
		return false;
	run->engine->requests = (struct buf)BUF_INIT(ENGINE_REQUESTS_MAX);
	while (in.len) {
		check(ipc_frame_next(in, &frame, &used) == ST_OK &&
		      ipc_decode(&frame, &m) == ST_OK && frame.id != 0,
		      "malformed request");
		run->nth++;
		run->answer(run, frame.id, &m);
		in = slice_from(in, used);
	}
	buf_free(&asked);
	return true;
}

static bool flush(struct engine_run *run)
{
	struct engine *e = run->engine;

	if (e->out.len == 0)
		return false;
	check(buf_append(&run->said, buf_slice(&e->out)) == ST_OK,
	      "too much was said");
	e->out.len = 0;
	take(run, e->ops->drained(e));
	if (e->wants_told && e->ops->told) {
		e->wants_told = false;
		take(run, e->ops->told(e));
	}
	return true;
}

/* Offers what has come; what is left is kept for the next time. */
static void offer(struct engine_run *run, struct slice *in)
{
	struct engine *e = run->engine;
	size_t used = 1;
	bool moved = true;

	while (moved) {
		moved = false;
		for (used = 1; used && in->len && run->want == WANT_INPUT;) {
			take(run, e->ops->input(e, *in, &used));
			check(used <= in->len, "more was used than there is");
			*in = slice_from(*in, used);
			moved = moved || used;
		}
		moved = answer_requests(run) || moved;
		moved = flush(run) || moved;
		if (run->want == WANT_TLS) {
			in->len = 0;
			run->is_secured = true;
			run->peer->is_secure = true;
			run->peer->tls_version = "TLSv1.3";
			run->peer->tls_cipher = "TLS_AES_256_GCM_SHA384";
			run->want = WANT_INPUT;
			take(run, e->ops->secured(e));
			moved = true;
		}
	}
}

/* An engine that waits has a deadline, or something to be answered. */
static void let_time_pass(struct engine_run *run, struct slice *in)
{
	struct engine *e = run->engine;

	for (int i = 0; run->want == WANT_ANSWER; i++) {
		check(i < 1000 && e->deadline_ms != 0, "it waits for ever");
		if (e->deadline_ms > clock_ms())
			clock_fake_advance(e->deadline_ms - clock_ms());
		take(run, e->ops->expired(e));
		offer(run, in);
	}
}

void engine_run(struct engine_run *run, struct slice in, size_t chunk)
{
	struct slice come = slice_head(in, 0);

	run->said = (struct buf)BUF_INIT(SAID_MAX);
	run->want = WANT_INPUT;
	run->nth = 0;
	offer(run, &come);
	for (size_t at = 0; at < in.len && run->want != WANT_CLOSE &&
	     !run->is_secured;) {
		size_t n = chunk && chunk < in.len - at ? chunk : in.len - at;

		come = slice_of(in.data + at - come.len, come.len + n);
		at += n;
		offer(run, &come);
		let_time_pass(run, &come);
	}
	run->engine->ops->free(run->engine);
}

void engine_run_client(struct engine_run *run, const uint8_t *data, size_t size,
		       size_t chunk, struct buf *said)
{
	if (run->engine)
		engine_run(run, slice_of((const char *)data + 2, size - 2), chunk);
	*said = run->said;
}

int engine_run_both(engine_session *session, engine_extract *extract,
		    const uint8_t *data, size_t size)
{
	struct buf kept[2];
	static int null = -1;

	if (size < 2)
		return 0;
	if (null < 0)
		null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_open("fuzz", null, false);
	for (size_t i = 0; i < 2; i++) {
		struct buf said = { 0 };

		kept[i] = (struct buf)BUF_INIT(SAID_MAX);
		clock_fake(1000000, 1795504127000);
		session(data, size, i, &said);
		if (extract)
			extract(buf_slice(&said), &kept[i]);
		else
			check(buf_append(&kept[i], buf_slice(&said)) == ST_OK,
			      "too much was said");
		buf_free(&said);
	}
	if (!slice_eq(buf_slice(&kept[0]), buf_slice(&kept[1]))) {
		fprintf(stderr, "whole:\n%.*s\npieces:\n%.*s\n",
			SLICE_ARG(buf_slice(&kept[0])),
			SLICE_ARG(buf_slice(&kept[1])));
		abort();
	}
	buf_free(&kept[0]);
	buf_free(&kept[1]);
	return 0;
}
