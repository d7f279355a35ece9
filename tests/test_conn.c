#include "tests/support/rig.h"

#include "common/clock.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- what the client sends, and what comes back ----------------------------------- */

static const struct {
	const char *name, *in, *out;
	bool is_closed;		/* by us, behind out */
} dialogues[] = {
	{ "nothing",		"",				"hello\n",	false },
	{ "one line",		"echo a\n",			"hello\na\n",	false },
	{ "several",		"echo a\necho b\nwhat\n",
	  "hello\na\nb\nwhat?\n", false },
	{ "an open line",	"echo a\necho",			"hello\na\n",	false },
	{ "end",		"echo a\nquit\n",		"hello\na\nbye\n", true },
	{ "behind the end",	"quit\necho a\n",		"hello\nbye\n",	true },
	{ "nobody answers",	"ask a\n",			"hello\n",	false },
};

Test(conn, dialogues)
{
	for (size_t i = 0; i < sizeof dialogues / sizeof *dialogues; i++)
		for (size_t chunk = 1; chunk <= strlen(dialogues[i].in) + 1; chunk++) {
			struct slice rest = slice_str(dialogues[i].in);
			struct rig r;

			rig_init(&r);
			rig_connect(&r);
			while (rest.len) {
				struct slice part = slice_head(rest, chunk);

				rig_send(&r, part);
				rest = slice_from(rest, part.len);
				rig_turn(&r, 2);
			}
			cr_expect(rig_until(&r, dialogues[i].out), "%s",
				  dialogues[i].name);
			cr_expect_eq(r.got.len, strlen(dialogues[i].out), "%s",
				     dialogues[i].name);
			rig_turn(&r, 4);
			cr_expect_eq(r.client_at_eof, dialogues[i].is_closed,
				     "%s, chunks of %zu", dialogues[i].name, chunk);
			rig_clear(&r);
			cr_expect_eq(r.ended, 1);
		}
}

/* The client goes away after each octet, with and without having read. */
Test(conn, reset_at_every_octet)
{
	static const char script[] = "echo a\nfill 300000\nwait 5\necho b\nquit\n";

	for (size_t n = 0; n < 2 * sizeof script; n++) {
		struct rig r;

		rig_init(&r);
		rig_connect(&r);
		rig_send(&r, slice_of(script, n / 2));
		if (n % 2)
			rig_turn(&r, 3);
		else
			rig_turn_unread(&r, 3);
		close(r.client);
		r.client = -1;
		cr_expect(rig_until_ended(&r), "after %zu octets", n / 2);
		cr_expect_eq(r.closed, 1);
		cr_expect_eq(conn_loop_count(r.conns), 0);
		rig_clear(&r);
	}
}

/* ---- back-pressure ------------------------------------------------------------------ */

Test(conn, output_waits_for_the_client)
{
	struct rig r;
	static char flood[65536];
	size_t sent = 0, before;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("fill 8000000\n"));
	rig_turn_unread(&r, 200);
	cr_expect_leq(rig_engine(&r)->engine.out.len, ENGINE_OUT_HIGH + 64);
	cr_expect_gt(rig_engine(&r)->fill, 5000000);
	/* nor is a client read that does not read */
	memset(flood, 'y', sizeof flood);
	for (int i = 0; i < 100; i++) {
		sent += rig_send(&r, slice_of(flood, sizeof flood));
		rig_turn_unread(&r, 2);
	}
	cr_expect_lt(sent, 2000000, "%zu octets were taken", sent);
	before = r.got.len;
	cr_expect(rig_until(&r, "x\n"));
	cr_expect_eq(r.got.len - before, strlen("hello\n") + 8000001);
	rig_clear(&r);
}

Test(conn, a_client_that_never_reads_is_closed)
{
	struct rig r;

	rig_init(&r);
	r.service.stalled_ms = 100;
	rig_connect(&r);
	rig_send(&r, SLICE("fill 8000000\n"));
	for (int i = 0; i < 100 && !r.ended; i++) {
		rig_turn_unread(&r, 1);
		usleep(10000);
	}
	cr_expect_eq(r.ended, 1);
	rig_clear(&r);
}

Test(conn, slow_reading_is_progress)
{
	struct rig r;
	char piece[50000];
	int64_t end = clock_ms() + 500;

	rig_init(&r);
	r.service.stalled_ms = 200;
	rig_connect(&r);
	rig_send(&r, SLICE("fill 50000000\n"));
	while (clock_ms() < end) {
		rig_turn_unread(&r, 1);
		cr_expect_neq(recv(r.client, piece, sizeof piece, 0), 0);
		usleep(20000);
	}
	cr_expect_eq(r.ended, 0);
	rig_clear(&r);
}

Test(conn, idle_connections_hold_no_buffers)
{
	struct rig r;
	struct engine *e;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("fill 100000\n"));
	cr_expect(rig_until(&r, "x\n"));
	e = conn_engine(r.conn);
	cr_expect_gt(e->out.cap, 0);
	for (int i = 0; i < 30 && e->out.cap; i++) {
		rig_turn(&r, 1);
		usleep(100000);
	}
	cr_expect_eq(e->out.cap, 0);
	rig_send(&r, SLICE("echo still here\n"));
	cr_expect(rig_until(&r, "still here\n"));
	rig_clear(&r);
}

/* ---- deadlines, ends ------------------------------------------------------------------ */

Test(conn, deadlines)
{
	struct rig r;
	int64_t before;

	rig_init(&r);
	rig_connect(&r);
	before = clock_ms();
	rig_send(&r, SLICE("wait 80\necho behind\n"));
	cr_expect(rig_until(&r, "expired\nbehind\n"));
	cr_expect_geq(clock_ms() - before, 80);
	cr_expect_lt(clock_ms() - before, 1000);
	rig_clear(&r);
}

Test(conn, a_closed_half_is_still_answered)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("echo a\nfill 3000000\necho b\necho"));
	shutdown(r.client, SHUT_WR);
	cr_expect(rig_until(&r, NULL));
	cr_expect_eq(r.got.len, strlen("hello\na\n\nb\n") + 3000000);
	cr_expect(rig_until_ended(&r));
	rig_clear(&r);
}

Test(conn, what_was_said_last_arrives)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("quit\n"));
	rig_turn_unread(&r, 3);
	/* octets that nobody reads would turn a close into a reset */
	rig_send(&r, SLICE("echo more\n"));
	rig_turn_unread(&r, 3);
	cr_expect(rig_until(&r, NULL));
	cr_expect(slice_eq(buf_slice(&r.got), SLICE("hello\nbye\n")));
	cr_expect_eq(r.ended, 0, "it waits for the client's end");
	close(r.client);
	r.client = -1;
	cr_expect(rig_until_ended(&r));
	rig_clear(&r);
}

Test(conn, a_client_that_does_not_end_is_closed)
{
	struct rig r;
	int64_t before = clock_ms();

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("quit\n"));
	cr_expect(rig_until_ended(&r));
	cr_expect_geq(clock_ms() - before, CONN_LINGER_MS);
	rig_clear(&r);
}

Test(conn, told)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("tell\n"));
	cr_expect(rig_until(&r, "told?\n"));
	cr_expect_eq(rig_engine(&r)->told, 0);
	rig_send(&r, SLICE("echo a\n"));
	cr_expect(rig_until(&r, "a\n"));
	cr_expect_eq(rig_engine(&r)->told, 1);
	rig_send(&r, SLICE("tell\n"));
	rig_turn_unread(&r, 3);
	rig_send(&r, SLICE("echo before it was read\n"));
	rig_turn_unread(&r, 3);
	cr_expect_eq(rig_engine(&r)->told, 1);
	cr_expect(rig_until(&r, "read\n"));
	rig_send(&r, SLICE("echo b\n"));
	cr_expect(rig_until(&r, "b\n"));
	cr_expect_eq(rig_engine(&r)->told, 2);
	rig_clear(&r);
}

/* The goodbye may be asked for before the reply was written, as far as octets in
 * the socket tell; the end of a client that read it all tells it too, though the
 * conversation is over. A reset does not. */
Test(conn, told_by_the_end)
{
	for (int is_read = 0; is_read < 2; is_read++) {
		struct rig r;

		rig_init(&r);
		rig_connect(&r);
		rig_turn(&r, 3);
		rig_send(&r, SLICE("tell\nquit\n"));
		if (is_read)
			cr_expect(rig_until(&r, "told?\nbye\n"));
		else
			rig_turn_unread(&r, 3);
		line_engine_told_all = 0;
		close(r.client);
		r.client = -1;
		cr_expect(rig_until_ended(&r));
		cr_expect_eq(line_engine_told_all, (unsigned)is_read);
		rig_clear(&r);
	}
}

/* ---- the backend ------------------------------------------------------------------------ */

struct fake_backend {
	struct backend backend;
	unsigned sent, refuse, flushed, closed;
	uint32_t last_id;
};

static enum status fake_send(struct backend *b, const struct ipc_frame *frame)
{
	struct fake_backend *f = (struct fake_backend *)b;

	if (f->refuse)
		return ST_MORE;
	f->sent++;
	f->last_id = frame->id;
	b->open++;
	return ST_OK;
}

static void fake_flush(struct backend *b)
{
	((struct fake_backend *)b)->flushed++;
}

static void fake_close(struct backend *b)
{
	((struct fake_backend *)b)->closed++;
}

static const struct backend_ops fake_ops = {
	.send = fake_send, .flush = fake_flush, .close = fake_close,
};

static void answer(struct rig *r, struct fake_backend *f, struct slice text)
{
	struct ipc_message m = { .type = IPC_TYPE_NOTE };

	m.note.text = text;
	f->backend.open--;
	conn_reply(r->conn, f->last_id, &m, true);
}

Test(conn, requests_and_replies)
{
	struct fake_backend f = { .backend.ops = &fake_ops, .refuse = 1 };
	struct rig r;

	rig_init(&r);
	r.backend = &f.backend;
	rig_connect(&r);
	rig_send(&r, SLICE("ask a\necho behind\n"));
	rig_turn(&r, 5);
	cr_expect_eq(f.sent, 0);
	f.refuse = 0;
	conn_wake(r.conn);
	rig_turn(&r, 2);
	cr_expect_eq(f.sent, 1);
	cr_expect_eq(f.flushed, 1);
	cr_expect(rig_until(&r, "hello\n"), "input waits for the answer");
	answer(&r, &f, SLICE("the answer"));
	cr_expect(rig_until(&r, "the answer\nbehind\n"));
	/* an open request outlives the client's half */
	rig_send(&r, SLICE("ask b\n"));
	shutdown(r.client, SHUT_WR);
	rig_turn(&r, 5);
	cr_expect_eq(r.ended, 0);
	answer(&r, &f, SLICE("late"));
	cr_expect(rig_until(&r, NULL));
	cr_expect(slice_eq(slice_from(buf_slice(&r.got), r.got.len - 5),
			   SLICE("late\n")));
	cr_expect_eq(f.closed, 1);
	rig_clear(&r);
}

Test(conn, events_reach_the_engine)
{
	struct ipc_message m = { .type = IPC_TYPE_KICK };
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	rig_turn(&r, 2);
	m.kick.reason = SLICE("go away");
	conn_event(r.conn, &m);
	cr_expect(rig_until(&r, NULL));
	cr_expect(slice_eq(buf_slice(&r.got), SLICE("hello\ngo away\n")));
	rig_clear(&r);
}

static void abort_it(struct conn *c, void *data)
{
	conn_abort(c);
	++*(unsigned *)data;
}

Test(conn, those_before_login_go_first)
{
	struct rig r;
	unsigned aborted = 0;

	rig_init(&r);
	rig_connect(&r);
	cr_expect_eq(conn_loop_unauthenticated(r.conns), 1);
	rig_send(&r, SLICE("login\n"));
	rig_turn(&r, 3);
	cr_expect_eq(conn_loop_unauthenticated(r.conns), 0);
	cr_expect_not(conn_loop_evict(r.conns));
	conn_each(r.conns, abort_it, &aborted);
	cr_expect_eq(aborted, 1);
	cr_expect(rig_until_ended(&r));
	rig_connect(&r);
	cr_expect(conn_loop_evict(r.conns));
	cr_expect(rig_until_ended(&r));
	rig_clear(&r);
}

/* ---- the header of a balancer --------------------------------------------------------- */

static bool note_client(void *context, struct conn *c, int fd,
			struct peer_info *peer)
{
	(void)context;
	(void)c;
	(void)fd;
	peer->is_trusted = strcmp(peer->address, "192.0.2.99") == 0;
	return strcmp(peer->address, "192.0.2.66") != 0;
}

static const struct {
	const char *name, *in, *out, *address;
	bool is_trusted, is_closed;
} proxied[] = {
	{ "a client", "PROXY TCP4 192.0.2.9 192.0.2.8 1000 25\r\necho a\n",
	  "hello\na\n", "192.0.2.9", true, false },
	{ "the balancer itself", "PROXY UNKNOWN\r\necho a\n", "hello\na\n",
	  "192.0.2.1", true, false },
	{ "no header", "echo a\n", "", NULL, true, true },
	{ "a client that is refused", "PROXY TCP4 192.0.2.66 192.0.2.8 1 2\r\n",
	  "", NULL, true, true },
	{ "somebody else needs none", "echo a\n", "hello\na\n", "192.0.2.1",
	  false, false },
	{ "and may not give one",
	  "PROXY TCP4 192.0.2.9 192.0.2.8 1000 25\r\necho a\n",
	  "hello\nwhat?\na\n", "192.0.2.1", false, false },
};

Test(conn, proxied)
{
	for (size_t i = 0; i < sizeof proxied / sizeof *proxied; i++)
		for (size_t chunk = 1; chunk <= strlen(proxied[i].in); chunk++) {
			struct slice rest = slice_str(proxied[i].in);
			struct rig r;

			rig_init(&r);
			r.is_trusted = proxied[i].is_trusted;
			r.service.is_proxied = true;
			r.service.proxied = note_client;
			rig_connect(&r);
			while (rest.len) {
				struct slice part = slice_head(rest, chunk);

				rig_send(&r, part);
				rest = slice_from(rest, part.len);
				rig_turn(&r, 2);
			}
			rig_turn(&r, 4);
			cr_expect(slice_eq(buf_slice(&r.got),
					   slice_str(proxied[i].out)),
				  "%s, chunks of %zu: %.*s", proxied[i].name,
				  chunk, SLICE_ARG(buf_slice(&r.got)));
			cr_expect_eq(r.closed, proxied[i].is_closed, "%s",
				     proxied[i].name);
			if (!proxied[i].is_closed)
				cr_expect_str_eq(conn_peer(r.conn)->address,
						 proxied[i].address);
			rig_clear(&r);
		}
}

Test(conn, a_header_that_does_not_come_ends_it)
{
	struct rig r;

	rig_init(&r);
	r.is_trusted = r.service.is_proxied = true;
	r.service.handshake_ms = 50;
	rig_connect(&r);
	rig_send(&r, SLICE("PROXY TCP4 "));
	for (int i = 0; i < 100 && !r.ended; i++) {
		rig_turn(&r, 1);
		usleep(10000);
	}
	cr_expect_eq(r.ended, 1);
	rig_clear(&r);
}
