/*
 * The pool of LMTP connections against a server played here: what a session
 * hears when the server is away, breaks off, comes back.
 */
#include <config.h>

#include "common/clock.h"
#include "common/ipc_codec.h"
#include "common/lmtp_client.h"

#include "tests/support/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MID "m06h0p4ves95gj38a2r4l"

struct lmtp_rig {
	struct rig rig;
	struct lmtp_client *client;
	struct backend *backend;
	char path[64];
	int listener, server;
	struct buf got;		/* by the server */
	enum status state;
	unsigned changes;
};

static struct backend *make_backend(void *context, struct conn *c,
				    struct engine *e)
{
	struct lmtp_rig *r = context;

	r->rig.conn = c;
	r->backend = lmtp_client_backend(r->client, c, e);
	return r->backend;
}

static void state_changed(void *context, enum status state)
{
	struct lmtp_rig *r = context;

	r->state = state;
	r->changes++;
}

static void listen_at(struct lmtp_rig *r)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof at.sun_path, "%s", r->path);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(r->listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(r->listener, 10), 0);
}

static void init(struct lmtp_rig *r, bool is_there)
{
	struct lmtp_client_settings settings = {
		.hostname = "me", .connections = 4, .done_ms = 1000,
		.state_changed = state_changed, .context = r,
	};

	*r = (struct lmtp_rig){ .listener = -1, .server = -1, .got.max = 1 << 20 };
	snprintf(r->path, sizeof r->path, "/tmp/postroom-lmtp-%d.sock", getpid());
	unlink(r->path);
	settings.path = r->path;
	if (is_there)
		listen_at(r);
	rig_init(&r->rig);
	r->client = lmtp_client_new(r->rig.conns, &settings);
	cr_assert(r->client);
	r->rig.service.backend_new = make_backend;
	rig_connect(&r->rig);
	cr_expect(rig_until(&r->rig, "hello\n"));
}

static void clear(struct lmtp_rig *r)
{
	struct conn_loop *l = r->rig.conns;

	conn_abort(r->rig.conn);
	rig_turn(&r->rig, 3);
	lmtp_client_close(r->client);
	rig_turn(&r->rig, 3);
	cr_expect_eq(conn_loop_count(l), 0);
	rig_clear(&r->rig);
	if (r->server >= 0)
		close(r->server);
	if (r->listener >= 0)
		close(r->listener);
	unlink(r->path);
	buf_free(&r->got);
}

/* The server says text, and waits for what ends with `until`. */
static void serve(struct lmtp_rig *r, const char *text, const char *until)
{
	size_t len = strlen(until);

	cr_assert_eq(send(r->server, text, strlen(text), MSG_NOSIGNAL),
		     (ssize_t)strlen(text));
	r->got.len = 0;
	for (int i = 0; i < 20000; i++) {
		char *at;
		ssize_t n;

		rig_turn(&r->rig, 1);
		cr_assert_eq(buf_reserve(&r->got, 4096, &at), ST_OK);
		n = recv(r->server, at, 4096, 0);
		r->got.len += n > 0 ? (size_t)n : 0;
		if (r->got.len >= len &&
		    memcmp(r->got.data + r->got.len - len, until, len) == 0)
			return;
		usleep(n > 0 ? 0 : 200);
	}
	cr_assert(false, "no %s, but %.*s", until, SLICE_ARG(buf_slice(&r->got)));
}

static void accept_link(struct lmtp_rig *r)
{
	if (r->server >= 0)
		close(r->server);
	r->server = -1;
	for (int i = 0; i < 3000 && r->server < 0; i++) {
		rig_turn(&r->rig, 1);
		r->server = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
		usleep(r->server < 0 ? 500 : 0);
	}
	cr_assert_geq(r->server, 0);
	serve(r, "220 here\r\n", "LHLO me\r\n");
	cr_assert_gt(send(r->server, "250-PIPELINING\r\n250-CHUNKING\r\n"
			     "250 XPOSTROOM 1\r\n", 47,
			  MSG_NOSIGNAL), 0);
	rig_turn(&r->rig, 3);
}

static void ask(struct lmtp_rig *r, const struct ipc_message *m)
{
	struct buf out = BUF_INIT(1 << 16);
	struct ipc_frame frame;
	size_t used;

	cr_assert_eq(ipc_encode(&out, 7, 0, m), ST_OK);
	cr_assert_eq(ipc_frame_next(buf_slice(&out), &frame, &used), ST_OK);
	cr_assert_eq(r->backend->ops->send(r->backend, &frame), ST_OK);
	buf_free(&out);
}

static void ask_mail(struct lmtp_rig *r, unsigned recipients)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_MAIL };

	m.lmtp_mail = (struct ipc_lmtp_mail){
		.sender = SLICE("a"), .mid = SLICE(MID), .sid = SLICE_EMPTY,
		.address = SLICE_EMPTY, .helo = SLICE_EMPTY,
		.login = SLICE_EMPTY, .tls = SLICE_EMPTY, .body = SLICE_EMPTY,
	};
	ask(r, &m);
	m = (struct ipc_message){ .type = IPC_TYPE_LMTP_RCPT };
	m.lmtp_rcpt.recipient = SLICE("b");
	m.lmtp_rcpt.orcpt = SLICE_EMPTY;
	while (recipients--)
		ask(r, &m);
	r->backend->ops->flush(r->backend);
}

static void ask_end(struct lmtp_rig *r)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_DATA };

	m.lmtp_data.octets = SLICE("text\r\n");
	ask(r, &m);
	m = (struct ipc_message){ .type = IPC_TYPE_LMTP_END };
	m.lmtp_end.digest = SLICE_EMPTY;
	ask(r, &m);
	r->backend->ops->flush(r->backend);
}

/* As far as a message whose end was sent. */
static void send_message(struct lmtp_rig *r, unsigned recipients)
{
	ask_mail(r, recipients);
	serve(r, "", "RCPT TO:<b>\r\n");
	serve(r, recipients == 1 ? "250 a\r\n250 b\r\n" : "250 a\r\n250 b\r\n250 b\r\n",
	      "");
	cr_expect(rig_until(&r->rig, recipients == 1 ? "250\n250\n"
						    : "250\n250\n250\n"));
	ask_end(r);
	serve(r, "", "BDAT 6 LAST\r\ntext\r\n");
}

Test(lmtp_client, messages_share_a_connection)
{
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	cr_expect_eq(lmtp_client_state(r.client), ST_OK);
	send_message(&r, 2);
	serve(&r, "250 one\r\n250 two\r\n", "");
	cr_expect(rig_until(&r.rig, "250\n250 last\n"));
	cr_expect_eq(r.backend->open, 0);
	send_message(&r, 1);
	serve(&r, "250 one\r\n", "");
	cr_expect(rig_until(&r.rig, "250 last\n"));
	clear(&r);
}

static void broken_behind_the_end(const char *done, const char *answer)
{
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	send_message(&r, 2);
	accept_link(&r);	/* hangs up, and is there again */
	serve(&r, "", "XDONE " MID "\r\n");
	serve(&r, done, "");
	cr_expect(rig_until(&r.rig, answer));
	clear(&r);
}

Test(lmtp_client, a_lost_reply_is_asked_for)
{
	broken_behind_the_end("250 yes\r\n", "250 last\n");
	broken_behind_the_end("550 no\r\n", "451 last\n");
}

Test(lmtp_client, in_vain)
{
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	send_message(&r, 1);
	close(r.listener);
	unlink(r.path);
	r.listener = -1;
	close(r.server);
	r.server = -1;
	cr_expect(rig_until(&r.rig, "451 last\n"), "after done_ms");
	clear(&r);
}

Test(lmtp_client, broken_before_the_end)
{
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	ask_mail(&r, 1);
	serve(&r, "", "RCPT TO:<b>\r\n");
	close(r.server);
	r.server = -1;
	cr_expect(rig_until(&r.rig, "451 last\n"));
	cr_expect_eq(r.backend->open, 0);
	clear(&r);
}

Test(lmtp_client, nobody_there_then_somebody)
{
	struct lmtp_rig r;

	init(&r, false);
	cr_expect_eq(r.state, ST_UNAVAILABLE);
	ask_mail(&r, 1);
	cr_expect(rig_until(&r.rig, "451 last\n"));
	listen_at(&r);
	accept_link(&r);
	cr_expect_eq(r.state, ST_OK);
	send_message(&r, 1);
	serve(&r, "250 one\r\n", "");
	cr_expect(rig_until(&r.rig, "250 last\n"));
	clear(&r);
}

Test(lmtp_client, full)
{
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	ask_mail(&r, 1);
	serve(&r, "", "RCPT TO:<b>\r\n");
	serve(&r, "452 4.3.1 The disk is full\r\n503 5.5.1 MAIL first\r\n", "");
	cr_expect(rig_until(&r.rig, "452 last\n"));
	cr_expect_eq(r.state, ST_FULL);
	for (int i = 0; i < 300 && r.state != ST_OK; i++) {
		rig_turn(&r.rig, 1);
		usleep(10000);
	}
	cr_expect_eq(r.state, ST_OK, "it is tried again after a second");
	clear(&r);
}

Test(lmtp_client, given_up)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_ABORT };
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	ask_mail(&r, 1);
	serve(&r, "", "RCPT TO:<b>\r\n");
	ask(&r, &m);
	r.backend->ops->flush(r.backend);
	serve(&r, "", "RSET\r\n");
	serve(&r, "250 a\r\n250 b\r\n250 reset\r\n", "");
	/* the late replies are nobody's */
	cr_expect(slice_eq(buf_slice(&r.rig.got), SLICE("hello\n")));
	send_message(&r, 1);
	serve(&r, "250 one\r\n", "");
	cr_expect(rig_until(&r.rig, "250 last\n"));
	clear(&r);
}

/* Told mids go with the next message, or by themselves after a moment. */
Test(lmtp_client, tells)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_TELL };
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	m.lmtp_tell.mid = SLICE(MID);
	ask(&r, &m);
	ask(&r, &m);
	serve(&r, "", "XTELL " MID " " MID "\r\n");
	serve(&r, "250 Ok\r\n", "");
	ask(&r, &m);
	ask_mail(&r, 1);
	serve(&r, "", "RCPT TO:<b>\r\n");
	cr_expect(slice_starts(buf_slice(&r.got), SLICE("XTELL " MID "\r\nMAIL ")));
	clear(&r);
}

/* A client may take its time in the middle of a message; the session counts it. */
Test(lmtp_client, a_slow_message_keeps_its_connection)
{
	struct ipc_message m = { .type = IPC_TYPE_LMTP_DATA };
	struct lmtp_rig r;

	init(&r, true);
	accept_link(&r);
	ask_mail(&r, 1);
	serve(&r, "", "RCPT TO:<b>\r\n");
	serve(&r, "250 a\r\n250 b\r\n", "");
	cr_expect(rig_until(&r.rig, "250\n250\n"));
	clock_fake(clock_ms(), clock_wall_ms());
	for (int i = 0; i < 6; i++) {	/* an hour */
		clock_fake_advance(600000);
		conn_loop_expire(r.rig.conns);
		rig_turn(&r.rig, 3);
	}
	clock_real();
	m.lmtp_data.octets = SLICE("text\r\n");
	ask(&r, &m);
	ask_end(&r);
	serve(&r, "", "BDAT 12 LAST\r\ntext\r\ntext\r\n");
	serve(&r, "250 one\r\n", "");
	cr_expect(rig_until(&r.rig, "250 last\n"));
	clear(&r);
}
