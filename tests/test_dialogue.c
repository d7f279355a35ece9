#include "tests/dialogue.h"

#include "common/clock.h"
#include "tests/support/allocations.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* An engine that has one of everything: "SAY x" says x, "ASK x" asks a
 * question and says the answer, "TLS", "WAIT" (a deadline), "QUIT". */
struct toy {
	struct engine engine;
	enum want want;
};

static void say(struct engine *e, struct slice text)
{
	buf_append(&e->out, text);
	buf_append_str(&e->out, "\r\n");
}

static enum want toy_line(struct engine *e, struct slice line)
{
	struct toy *t = (struct toy *)e;

	if (slice_starts(line, SLICE("SAY ")))
		say(e, slice_from(line, 4));
	if (slice_starts(line, SLICE("ASK "))) {
		struct ipc_message m = { .type = IPC_TYPE_LMTP_RCPT };

		m.lmtp_rcpt.recipient = slice_from(line, 4);
		m.lmtp_rcpt.orcpt = SLICE_EMPTY;
		engine_ask(e, 7, &m);
		return t->want = WANT_ANSWER;
	}
	if (slice_eq(line, SLICE("WAIT")))
		e->deadline_ms = clock_ms() + 500;
	if (slice_eq(line, SLICE("TLS")))
		return t->want = WANT_TLS;
	return t->want = slice_eq(line, SLICE("QUIT")) ? WANT_CLOSE : WANT_INPUT;
}

static enum want toy_input(struct engine *e, struct slice in, size_t *used)
{
	size_t end = slice_crlf(in);

	*used = 0;
	if (end == in.len)
		return WANT_INPUT;
	*used = end + 2;
	return toy_line(e, slice_head(in, end));
}

static enum want toy_reply(struct engine *e, uint32_t id,
			   const struct ipc_message *m, bool last)
{
	cr_expect_eq(id, 7);
	say(e, m->lmtp_reply.text);
	return ((struct toy *)e)->want = last ? WANT_INPUT : WANT_ANSWER;
}

static enum want toy_event(struct engine *e, const struct ipc_message *m)
{
	say(e, m->kick.reason);
	return ((struct toy *)e)->want = WANT_CLOSE;
}

static enum want toy_drained(struct engine *e)
{
	return ((struct toy *)e)->want;
}

static enum want toy_expired(struct engine *e)
{
	e->deadline_ms = 0;
	say(e, SLICE("time"));
	return WANT_INPUT;
}

static enum want toy_secured(struct engine *e)
{
	say(e, slice_str(e->peer->tls_version));
	return ((struct toy *)e)->want = WANT_INPUT;
}

static void toy_free(struct engine *e)
{
	buf_free(&e->out);
	buf_free(&e->requests);
	free(e);
}

static const struct engine_ops toy_ops = {
	.input = toy_input, .reply = toy_reply, .event = toy_event,
	.drained = toy_drained, .expired = toy_expired, .secured = toy_secured,
	.free = toy_free,
};

static struct engine *toy_start(const struct dialogue *d,
				const struct peer_info *peer, void **context)
{
	struct toy *t = calloc(1, sizeof *t);

	(void)context;
	t->engine.ops = &toy_ops;
	t->engine.peer = peer;
	t->engine.out.max = ENGINE_OUT_MAX;
	t->engine.requests.max = ENGINE_REQUESTS_MAX;
	say(&t->engine, slice_str(dialogue_setting(d, "hello", "hello")));
	return &t->engine;
}

static const struct dialogue_protocol toy = { toy_start, NULL };

Test(dialogue, plays)
{
	static const char text[] =
		"# all kinds of lines\n"
		"set hello good day\n"
		"S: good day\n"
		"C: SAY one\n"
		"C* \"SAY \\x41\\r\\nSAY two\\r\\n\"\n"
		"S: one\n"
		"S~ *\n"
		"S* \"tw\"\n"
		"S: o\n"
		"C: ASK joe@example.org\n"
		"R[j]: lmtp_rcpt recipient=joe@example.org orcpt=\"\"\n"
		"C: ASK x\n"
		"A[j]: lmtp_reply code=250 text=\"it is\"\n"
		"S: it is\n"
		"A[j]: lmtp_reply text=so last\n"
		"S: so\n"
		"R: lmtp_rcpt recipient~*\n"
		"A: lmtp_reply text=x last\n"
		"S: x\n"
		"C: WAIT\n"
		"T: 499\n"
		"T: 1\n"
		"S: time\n"
		"C* \"TLS\\r\\nSAY dropped\\r\\n\"\n"
		"TLS TLSv1.2\n"
		"S: TLSv1.2\n"
		"E: kick reason=bye\n"
		"S: bye\n"
		"X\n";
	const char *problem = dialogue_play_text(text, &toy);

	cr_expect_null(problem, "%s", problem);
}

Test(dialogue, finds_what_is_wrong)
{
	static const struct { const char *text, *problem; } rows[] = {
		{ "S: hello\nnonsense\n", "line 2: the line makes no sense" },
		{ "S: hallo\n", "line 1: another line: wanted 'hallo', "
				"said 'hello\\r\\n'" },
		{ "S~ h*llo\nS: more\n", "line 2: silence*" },
		{ "C: SAY x\nS: hello\n", "line 1: more was said*" },
		{ "S: hello\nC: SAY x\n", "line 0: more was said*" },
		{ "S: hello\nX\n", "line 2: it does not want to close" },
		{ "S: hello\nTLS\n", "line 2: no handshake is wanted" },
		{ "S: hello\nT: expired\n", "line 2: there is no deadline" },
		{ "S: hello\nR: lmtp_rcpt\n", "line 2: nothing was asked" },
		{ "S: hello\nC: ASK x\n", "line 0: *" },
		{ "S: hello\nC: ASK x\nR: lmtp_rcpt recipient=y\n",
		  "line 3: field recipient differs: lmtp_rcpt recipient=\"x\"*" },
		{ "S: hello\nC: ASK x\nR: lmtp_mail\n",
		  "line 3: another message came*" },
		{ "S: hello\nC: ASK x\nR: lmtp_rcpt none=1\n",
		  "line 3: no such field*" },
		{ "S: hello\nC: QUIT\nC: x\nX\nC: SAY x\n",
		  "line 5: closed before this" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *problem = dialogue_play_text(rows[i].text, &toy);
		size_t star = slice_index(slice_str(rows[i].problem), '*');
		bool same = problem && strncmp(problem, rows[i].problem, star) == 0;

		cr_expect(same, "%s\n-> %s", rows[i].text, problem);
	}
}

Test(dialogue, allocations_fail_when_told)
{
	struct buf b = BUF_INIT(1000);

	allocations_fail_at(2);
	cr_expect_eq(buf_append_str(&b, "a"), ST_OK);	/* not counted */
	allocations_count(true);
	cr_expect_eq(buf_reserve(&b, 400, NULL), ST_OK);
	cr_expect_eq(buf_reserve(&b, 900, NULL), ST_NO_MEMORY);
	cr_expect_eq(buf_reserve(&b, 900, NULL), ST_OK);
	allocations_count(false);
	cr_expect(allocations_failed());
	allocations_fail_at(0);
	cr_expect_not(allocations_failed());
	buf_free(&b);
}
