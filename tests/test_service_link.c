#include <config.h>

#include "common/service_link.h"

#include "common/clock.h"
#include "tests/support/rig.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The link of a daemon, and a mailboxd that is played here. */
struct link_rig {
	struct rig rig;
	struct service_link_settings settings;
	struct service_link *link;
	char path[64];
	int listener, server;
	struct buf got;
	unsigned ups, events;
	char reason[64];	/* of the last event */
};

static void up(void *context)
{
	((struct link_rig *)context)->ups++;
}

static void event(void *context, const struct ipc_message *m)
{
	struct link_rig *r = context;

	r->events++;
	cr_expect_eq(m->type, IPC_TYPE_SERVICE_KICK);
	snprintf(r->reason, sizeof r->reason, "%.*s",
		 SLICE_ARG(m->service_kick.reason));
}

static void listen_at(struct link_rig *r)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	unlink(r->path);
	snprintf(at.sun_path, sizeof at.sun_path, "%s", r->path);
	r->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	cr_assert_eq(bind(r->listener, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(r->listener, 10), 0);
}

static void init(struct link_rig *r, bool is_there)
{
	*r = (struct link_rig){ .listener = -1, .server = -1,
				.got.max = 32 << 20 };
	snprintf(r->path, sizeof r->path, "/tmp/postroom-service-%d.sock",
		 getpid());
	unlink(r->path);
	r->settings = (struct service_link_settings){
		.path = r->path, .name = "testd", .up = up, .event = event,
		.context = r,
	};
	rig_init(&r->rig);
	rig_connect(&r->rig);	/* a daemon's loop has always something to do */
	if (is_there)
		listen_at(r);
	r->link = service_link_open(r->rig.conns, &r->settings);
	cr_assert(r->link);
}

static void clear(struct link_rig *r)
{
	service_link_close(r->link);
	rig_clear(&r->rig);
	close(r->server);
	close(r->listener);
	unlink(r->path);
	buf_free(&r->got);
}

static void say(struct link_rig *r, unsigned flags, const struct ipc_message *m)
{
	struct buf out = BUF_INIT(4096);

	cr_assert_eq(ipc_encode(&out, 0, flags, m), ST_OK);
	cr_assert_eq(send(r->server, out.data, out.len, MSG_NOSIGNAL),
		     (ssize_t)out.len);
	buf_free(&out);
}

static void say_hello(struct link_rig *r, uint32_t major)
{
	struct ipc_message m = { .type = IPC_TYPE_HELLO };

	m.hello.name = SLICE("mailboxd");
	m.hello.major = major;
	m.hello.features = SLICE_EMPTY;
	say(r, 0, &m);
}

/* Turns until it connects, within patience. */
static void accept_link(struct link_rig *r)
{
	int64_t end = clock_ms() + 8000;

	if (r->server >= 0)
		close(r->server);
	r->server = -1;
	r->got.len = 0;
	while (r->server < 0 && clock_ms() < end) {
		rig_turn(&r->rig, 1);
		r->server = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
		usleep(500);
	}
	cr_assert_geq(r->server, 0);
}

static void receive(struct link_rig *r)
{
	char *at;
	ssize_t n;

	rig_turn(&r->rig, 1);
	cr_assert_eq(buf_reserve(&r->got, 65536, &at), ST_OK);
	n = recv(r->server, at, 65536, 0);
	if (n > 0)
		r->got.len += (size_t)n;
}

/* The next frame; frame borrows from got until the next call. */
static void expect_frame(struct link_rig *r, enum ipc_type type, unsigned flags,
			 struct ipc_message *m)
{
	int64_t end = clock_ms() + 8000;
	static char octets[IPC_FRAME_MAX];
	struct ipc_frame frame;
	size_t used;

	while (ipc_frame_next(buf_slice(&r->got), &frame, &used) != ST_OK) {
		cr_assert_lt(clock_ms(), end, "no frame");
		receive(r);
		usleep(500);
	}
	memcpy(octets, frame.payload.data, frame.payload.len);
	frame.payload.data = octets;
	cr_expect_eq(frame.type, type);
	cr_expect_eq(frame.flags, flags);
	cr_expect_eq(frame.id, 0u);
	cr_assert_eq(ipc_decode(&frame, m), ST_OK);
	buf_consume(&r->got, used);
}

static void greet(struct link_rig *r)
{
	struct ipc_message m;
	unsigned ups = r->ups;

	accept_link(r);
	expect_frame(r, IPC_TYPE_HELLO, 0, &m);
	cr_expect(slice_eq(m.hello.name, SLICE("testd")));
	cr_expect(slice_eq(m.hello.features, SLICE("service")));
	say_hello(r, IPC_MAJOR);
	for (int i = 0; i < 1000 && r->ups == ups; i++)
		rig_turn(&r->rig, 1);
	cr_expect_eq(r->ups, ups + 1);
}

static enum status tell_end(struct link_rig *r, const char *sid)
{
	struct ipc_message m = { .type = IPC_TYPE_SERVICE_END };

	m.service_end.sid = slice_str(sid);
	return service_link_tell(r->link, &m);
}

Test(service_link, events_both_ways)
{
	struct link_rig r;
	struct ipc_message m;

	init(&r, true);
	cr_expect_eq(tell_end(&r, "early"), ST_UNAVAILABLE);
	greet(&r);
	cr_expect(service_link_is_up(r.link));
	cr_expect_eq(tell_end(&r, "one"), ST_OK);
	cr_expect_eq(tell_end(&r, "two"), ST_OK);
	expect_frame(&r, IPC_TYPE_SERVICE_END, IPC_EVENT, &m);
	cr_expect(slice_eq(m.service_end.sid, SLICE("one")));
	expect_frame(&r, IPC_TYPE_SERVICE_END, IPC_EVENT, &m);
	cr_expect(slice_eq(m.service_end.sid, SLICE("two")));
	m = (struct ipc_message){ .type = IPC_TYPE_SERVICE_KICK };
	m.service_kick.sid = SLICE_EMPTY;
	m.service_kick.reason = SLICE("enough");
	say(&r, IPC_EVENT, &m);
	for (int i = 0; i < 1000 && !r.events; i++)
		rig_turn(&r.rig, 1);
	cr_expect_str_eq(r.reason, "enough");
	clear(&r);
}

Test(service_link, comes_back)
{
	struct link_rig r;
	struct ipc_message m;

	init(&r, false);
	rig_turn(&r.rig, 3);
	listen_at(&r);
	greet(&r);
	/* mailboxd starts again: all is told anew by up() */
	close(r.server);
	close(r.listener);
	r.server = -1;
	for (int i = 0; i < 1000 && service_link_is_up(r.link); i++)
		rig_turn(&r.rig, 1);
	cr_expect_eq(tell_end(&r, "lost"), ST_UNAVAILABLE);
	listen_at(&r);
	greet(&r);
	cr_expect_eq(tell_end(&r, "found"), ST_OK);
	expect_frame(&r, IPC_TYPE_SERVICE_END, IPC_EVENT, &m);
	cr_expect(slice_eq(m.service_end.sid, SLICE("found")));
	clear(&r);
}

static const struct { const char *name; uint32_t major; unsigned flags; bool hello; }
	strange[] = {
	{ "another major", IPC_MAJOR + 1, 0, true },
	{ "no HELLO at first", 0, IPC_EVENT, false },
	{ "an answer that nobody asked for", IPC_MAJOR, IPC_LAST, true },
};

Test(service_link, what_is_strange_is_left)
{
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		struct ipc_message m = { .type = IPC_TYPE_SERVICE_KICK };
		struct link_rig r;

		m.service_kick.sid = m.service_kick.reason = SLICE_EMPTY;
		init(&r, true);
		accept_link(&r);
		if (strange[i].hello)
			say_hello(&r, strange[i].major);
		if (strange[i].major <= IPC_MAJOR)
			say(&r, strange[i].flags, &m);
		/* and tried again */
		greet(&r);
		cr_expect_eq(r.events, 0u, "%s", strange[i].name);
		clear(&r);
	}
}

Test(service_link, a_mailboxd_that_does_not_read)
{
	char sid[1000];
	struct link_rig r;
	size_t told = 0;

	memset(sid, 's', sizeof sid - 1);
	sid[sizeof sid - 1] = '\0';
	init(&r, true);
	greet(&r);
	cr_expect_not(service_link_is_pressed(r.link));
	while (!service_link_is_pressed(r.link) && told < 100000) {
		cr_assert_eq(tell_end(&r, sid), ST_OK);
		told++;
	}
	cr_expect_lt(told, 100000u);
	/* the ceiling: given up, and told anew to the one that comes next */
	while (tell_end(&r, sid) == ST_OK)
		told++;
	cr_expect_lt(told * 1000, SERVICE_LINK_OUT_MAX * 2);
	cr_expect_not(service_link_is_up(r.link));
	greet(&r);
	clear(&r);
}
