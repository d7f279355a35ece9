#include <config.h>

#include "common/ipc_codec.h"
#include "common/store_client.h"

#include "tests/support/rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A connection whose backend is the store client, and a mailboxd played here. */
struct store_rig {
	struct rig rig;
	struct store_client_settings settings;
	char path[64];
	int listener, server;
	struct buf got;		/* frames of the client */
	int64_t credit;		/* what the answer may still be sent */
	int64_t credited;
};

static struct backend *make_backend(void *context, struct conn *c,
				    struct engine *e)
{
	struct store_rig *r = context;

	r->rig.conn = c;
	return store_client_new(&r->settings, c, e);
}

static void listen_at(struct store_rig *r)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(at.sun_path, sizeof at.sun_path, "%s", r->path);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(r->listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(r->listener, 10), 0);
}

static void init(struct store_rig *r, bool is_there)
{
	*r = (struct store_rig){ .listener = -1, .server = -1,
				 .got.max = 1 << 20, .credit = IPC_CREDIT_FIRST };
	snprintf(r->path, sizeof r->path, "/tmp/postroom-test-%d.sock", getpid());
	unlink(r->path);
	r->settings = (struct store_client_settings){ .path = r->path,
						      .name = "lined" };
	rig_init(&r->rig);
	r->rig.service.backend_new = make_backend;
	if (is_there)
		listen_at(r);
	rig_connect(&r->rig);
}

static void clear(struct store_rig *r)
{
	rig_clear(&r->rig);
	if (r->server >= 0)
		close(r->server);
	if (r->listener >= 0)
		close(r->listener);
	unlink(r->path);
	buf_free(&r->got);
}

static void accept_client(struct store_rig *r)
{
	for (int i = 0; i < 100 && r->server < 0; i++) {
		rig_turn(&r->rig, 1);
		r->server = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
	}
	cr_assert_geq(r->server, 0);
}

/* Turns until a frame that is no CREDIT came; CREDITs are added up. */
static void expect_frame(struct store_rig *r, enum ipc_type type,
			 struct ipc_frame *frame)
{
	size_t used;

	for (int i = 0; i < 200; i++) {
		char *at;
		ssize_t n;

		rig_turn(&r->rig, 1);
		cr_assert_eq(buf_reserve(&r->got, 4096, &at), ST_OK);
		n = recv(r->server, at, 4096, 0);
		if (n > 0)
			r->got.len += (size_t)n;
		if (ipc_frame_next(buf_slice(&r->got), frame, &used) == ST_OK) {
			cr_assert_eq(frame->type, type);
			buf_consume(&r->got, used);
			return;
		}
	}
	cr_assert(false, "no frame of type %d came", type);
}

static void say(struct store_rig *r, struct slice octets)
{
	cr_assert_eq(send(r->server, octets.data, octets.len, MSG_NOSIGNAL),
		     (ssize_t)octets.len);
}

static void encode_hello(struct buf *out, uint32_t major)
{
	struct ipc_message m = { .type = IPC_TYPE_HELLO };

	m.hello.name = SLICE("mailboxd");
	m.hello.major = major;
	m.hello.features = SLICE_EMPTY;
	cr_assert_eq(ipc_encode(out, 0, 0, &m), ST_OK);
}

static void encode_note(struct buf *out, uint32_t id, struct slice text, bool last)
{
	struct ipc_message m = { .type = IPC_TYPE_NOTE };

	m.note.text = text;
	cr_assert_eq(ipc_encode(out, id, last ? IPC_LAST : 0, &m), ST_OK);
}

Test(store_client, passes_requests_and_answers_at_every_chunk)
{
	for (size_t chunk = 1; chunk < 100; chunk += 3) {
		struct buf answer = BUF_INIT(4096);
		struct ipc_frame frame;
		struct store_rig r;
		struct slice rest;

		init(&r, true);
		rig_turn(&r.rig, 3);
		errno = 0;
		cr_expect_lt(accept(r.listener, NULL, NULL), 0,
			     "nothing was asked: no connection");
		rig_send(&r.rig, SLICE("ask something\necho behind\n"));
		accept_client(&r);
		expect_frame(&r, IPC_TYPE_HELLO, &frame);
		expect_frame(&r, IPC_TYPE_CONTROL, &frame);
		encode_hello(&answer, IPC_MAJOR);
		encode_note(&answer, frame.id, SLICE("one"), false);
		encode_note(&answer, frame.id + 1, SLICE("of another"), true);
		encode_note(&answer, frame.id, SLICE("two"), true);
		for (rest = buf_slice(&answer); rest.len;) {
			struct slice part = slice_head(rest, chunk);

			say(&r, part);
			rig_turn(&r.rig, 2);
			rest = slice_from(rest, part.len);
		}
		cr_expect(rig_until(&r.rig, "two\nbehind\n"));
		cr_expect(slice_eq(buf_slice(&r.rig.got),
				   SLICE("hello\none\ntwo\nbehind\n")));
		buf_free(&answer);
		clear(&r);
	}
}

Test(store_client, nobody_there)
{
	struct store_rig r;

	init(&r, false);
	rig_send(&r.rig, SLICE("ask something\necho behind\n"));
	cr_expect(rig_until(&r.rig, "unavailable\nbehind\n"));
	listen_at(&r);
	rig_send(&r.rig, SLICE("ask again\n"));
	accept_client(&r);
	clear(&r);
}

static const struct {
	const char *name;
	const char *octets;	/* instead of an answer; NULL: hangs up */
	size_t len;
	uint32_t major;
} losses[] = {
	{ "hangs up",		NULL, 0,				IPC_MAJOR },
	{ "another major",	NULL, 0,				IPC_MAJOR + 1 },
	{ "too long a frame",	"\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 12,	IPC_MAJOR },
	{ "an unknown type",	"\0\0\0\0\xff\xff\0\0\1\0\0\0", 12,	IPC_MAJOR },
	{ "a field too long",	"\4\0\0\0\x83\0\0\0\1\0\0\0\xff\0\0\0", 16, IPC_MAJOR },
};

Test(store_client, every_loss_is_answered)
{
	for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
		struct buf hello = BUF_INIT(4096);
		struct ipc_frame frame;
		struct store_rig r;

		init(&r, true);
		rig_send(&r.rig, SLICE("ask something\n"));
		accept_client(&r);
		expect_frame(&r, IPC_TYPE_HELLO, &frame);
		expect_frame(&r, IPC_TYPE_CONTROL, &frame);
		encode_hello(&hello, losses[i].major);
		say(&r, buf_slice(&hello));
		rig_turn(&r.rig, 3);
		if (losses[i].octets)
			say(&r, slice_of(losses[i].octets, losses[i].len));
		else if (losses[i].major == IPC_MAJOR)
			shutdown(r.server, SHUT_RDWR);
		cr_expect(rig_until(&r.rig, "unavailable\n"), "%s", losses[i].name);
		rig_send(&r.rig, SLICE("echo alive\n"));
		cr_expect(rig_until(&r.rig, "alive\n"), "%s", losses[i].name);
		buf_free(&hello);
		clear(&r);
	}
}

/* What credit allows, and no more, is sent; CREDITs are read. */
static void stream(struct store_rig *r, uint32_t id, size_t *left)
{
	static char piece[8192];
	struct ipc_frame frame;
	size_t used;
	char *at;
	ssize_t n;

	memset(piece, 'z', sizeof piece);
	while (*left && r->credit > 0) {
		struct buf out = BUF_INIT(65536);

		encode_note(&out, id, slice_of(piece, sizeof piece), --*left == 0);
		r->credit -= (int64_t)out.len;
		say(r, buf_slice(&out));
		buf_free(&out);
	}
	cr_assert_eq(buf_reserve(&r->got, 4096, &at), ST_OK);
	n = recv(r->server, at, 4096, 0);
	if (n > 0)
		r->got.len += (size_t)n;
	while (ipc_frame_next(buf_slice(&r->got), &frame, &used) == ST_OK) {
		struct ipc_message m;

		cr_assert_eq(ipc_decode(&frame, &m), ST_OK);
		cr_assert_eq(m.type, IPC_TYPE_CREDIT);
		r->credit += m.credit.octets;
		r->credited += m.credit.octets;
		buf_consume(&r->got, used);
	}
}

Test(store_client, a_client_that_does_not_read_holds_nothing)
{
	size_t left = 2000;	/* frames of 8 KiB */
	struct buf hello = BUF_INIT(4096);
	struct ipc_frame frame;
	struct store_rig r;
	int64_t credited;

	init(&r, true);
	rig_send(&r.rig, SLICE("ask much\n"));
	accept_client(&r);
	expect_frame(&r, IPC_TYPE_HELLO, &frame);
	expect_frame(&r, IPC_TYPE_CONTROL, &frame);
	encode_hello(&hello, IPC_MAJOR);
	say(&r, buf_slice(&hello));
	for (int i = 0; i < 300; i++) {
		stream(&r, frame.id, &left);
		rig_turn_unread(&r.rig, 2);
	}
	credited = r.credited;
	cr_expect_gt(left, 1000, "%zu frames are still with mailboxd", left);
	cr_expect_leq(r.credit, 0);
	cr_expect_lt(rig_engine(&r.rig)->engine.out.len, ENGINE_OUT_HIGH + 65536);
	/* and when it reads, all of it comes */
	for (int i = 0; i < 20000 && left; i++) {
		stream(&r, frame.id, &left);
		rig_turn(&r.rig, 1);
	}
	cr_expect_eq(left, 0);
	cr_expect_gt(r.credited, credited);
	for (int i = 0; i < 200; i++)
		rig_turn(&r.rig, 1);
	cr_expect_eq(r.rig.got.len, strlen("hello\n") + 2000 * 8193u);
	buf_free(&hello);
	clear(&r);
}

Test(store_client, events)
{
	struct ipc_message m = { .type = IPC_TYPE_KICK };
	struct buf out = BUF_INIT(4096);
	struct ipc_frame frame;
	struct store_rig r;

	init(&r, true);
	rig_send(&r.rig, SLICE("ask something\n"));
	accept_client(&r);
	expect_frame(&r, IPC_TYPE_HELLO, &frame);
	encode_hello(&out, IPC_MAJOR);
	m.kick.reason = SLICE("enough");
	cr_assert_eq(ipc_encode(&out, 0, IPC_EVENT, &m), ST_OK);
	say(&r, buf_slice(&out));
	cr_expect(rig_until(&r.rig, NULL));
	cr_expect(slice_eq(buf_slice(&r.rig.got), SLICE("hello\nenough\n")));
	buf_free(&out);
	clear(&r);
}

Test(store_client, once)
{
	struct buf out = BUF_INIT(4096);
	struct ipc_frame frame;
	struct store_rig r;
	char end;

	init(&r, true);
	r.settings.is_once = true;
	rig_send(&r.rig, SLICE("ask something\n"));
	accept_client(&r);
	expect_frame(&r, IPC_TYPE_HELLO, &frame);
	expect_frame(&r, IPC_TYPE_CONTROL, &frame);
	encode_hello(&out, IPC_MAJOR);
	encode_note(&out, frame.id, SLICE("yes"), true);
	say(&r, buf_slice(&out));
	cr_expect(rig_until(&r.rig, "yes\n"));
	rig_turn(&r.rig, 3);
	cr_expect_eq(recv(r.server, &end, 1, 0), 0, "the connection has ended");
	buf_free(&out);
	clear(&r);
}
