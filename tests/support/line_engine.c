#include "tests/support/line_engine.h"

#include "common/clock.h"
#include "common/ipc_codec.h"

#include <stdlib.h>

static struct line_engine *self(struct engine *e)
{
	return (struct line_engine *)e;
}

static void say(struct engine *e, struct slice line)
{
	buf_append(&e->out, line);
	buf_append_char(&e->out, '\n');
}

static void fill(struct line_engine *l)
{
	static const char piece[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

	while (l->fill && l->engine.out.len <= ENGINE_OUT_HIGH) {
		size_t n = l->fill < sizeof piece - 1 ? l->fill : sizeof piece - 1;

		buf_append(&l->engine.out, slice_of(piece, n));
		l->fill -= n;
		if (l->fill == 0)
			say(&l->engine, SLICE_EMPTY);
	}
}

static enum want run(struct line_engine *l, struct slice verb, struct slice rest)
{
	struct engine *e = &l->engine;
	struct ipc_message m = { .type = IPC_TYPE_CONTROL };
	unsigned long long n = 0;

	slice_number(rest, UINT32_MAX, &n);
	if (slice_eq(verb, SLICE("echo"))) {
		say(e, rest);
	} else if (slice_eq(verb, SLICE("fill"))) {
		l->fill = n;
		fill(l);
	} else if (slice_eq(verb, SLICE("tls"))) {
		say(e, SLICE("go ahead"));
		return WANT_TLS;
	} else if (slice_eq(verb, SLICE("deflate"))) {
		say(e, SLICE("ok"));
		return WANT_DEFLATE;
	} else if (slice_eq(verb, SLICE("wait"))) {
		e->deadline_ms = clock_ms() + (int64_t)n;
		return WANT_ANSWER;
	} else if (slice_eq(verb, SLICE("ask"))) {
		m.control.verb = rest;
		m.control.args = SLICE_EMPTY;
		engine_ask(e, ++l->last_id, &m);
		return WANT_ANSWER;
	} else if (slice_eq(verb, SLICE("tell"))) {
		say(e, SLICE("told?"));
		e->wants_told = true;
	} else if (slice_eq(verb, SLICE("login"))) {
		e->is_authenticated = true;
	} else if (slice_eq(verb, SLICE("quit"))) {
		say(e, SLICE("bye"));
		return WANT_CLOSE;
	} else {
		say(e, SLICE("what?"));
	}
	return WANT_INPUT;
}

static enum want input(struct engine *e, struct slice in, size_t *used)
{
	size_t end = slice_index(in, '\n');
	struct slice line = slice_head(in, end), verb;

	*used = 0;
	if (end == in.len || self(e)->fill)
		return WANT_INPUT;
	*used = end + 1;
	slice_split(&line, ' ', &verb);
	self(e)->want = run(self(e), verb, line.data ? line : SLICE_EMPTY);
	return self(e)->want;
}

static enum want reply(struct engine *e, uint32_t id, const struct ipc_message *m,
		       bool last)
{
	if (m->type == IPC_TYPE_CREDIT)
		return self(e)->want;
	if (m->type == IPC_TYPE_NOTE)
		say(e, m->note.text);
	else if (m->type == IPC_TYPE_LMTP_REPLY)
		buf_append_fmt(&e->out, "%u%s\n", m->lmtp_reply.code,
			       last ? " last" : "");
	else if (m->type == IPC_TYPE_ERROR)
		say(e, slice_str(status_name((enum status)m->error.code)));
	else
		say(e, slice_str(ipc_type_name(m->type)));
	self(e)->want = last ? WANT_INPUT : WANT_ANSWER;
	return self(e)->want;
}

static enum want event(struct engine *e, const struct ipc_message *m)
{
	self(e)->events++;
	if (m->type == IPC_TYPE_KICK) {
		say(e, m->kick.reason);
		self(e)->want = WANT_CLOSE;
	}
	return self(e)->want;
}

static enum want drained(struct engine *e)
{
	fill(self(e));
	return self(e)->want;
}

static enum want expired(struct engine *e)
{
	e->deadline_ms = 0;
	say(e, SLICE("expired"));
	self(e)->want = WANT_INPUT;
	return WANT_INPUT;
}

static enum want secured(struct engine *e)
{
	self(e)->secured++;
	say(e, SLICE("secured"));
	self(e)->want = WANT_INPUT;
	return WANT_INPUT;
}

static enum want deflated(struct engine *e)
{
	self(e)->want = WANT_INPUT;
	return WANT_INPUT;
}

unsigned line_engine_told_all;

static enum want told(struct engine *e)
{
	line_engine_told_all++;
	self(e)->told++;
	return self(e)->want;
}

static void release(struct engine *e)
{
	if (self(e)->freed)
		*self(e)->freed = true;
	buf_free(&e->out);
	buf_free(&e->requests);
	free(e);
}

struct engine *line_engine_new(void *context, const struct peer_info *peer)
{
	static const struct engine_ops ops = {
		.input = input, .reply = reply, .event = event,
		.drained = drained, .expired = expired, .secured = secured,
		.deflated = deflated,
		.told = told, .free = release,
	};
	struct line_engine *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->engine.ops = &ops;
	l->engine.out.max = ENGINE_OUT_MAX;
	l->engine.requests.max = ENGINE_REQUESTS_MAX;
	say(&l->engine, SLICE("hello"));
	return &l->engine;
}
