#include <config.h>

#include "tests/support/rig.h"

#include "common/clock.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 8000

static struct engine *make_engine(void *context, const struct peer_info *peer)
{
	return line_engine_new(context, peer);
}

static struct backend *give_backend(void *context, struct conn *c,
				    struct engine *e)
{
	struct rig *r = context;

	r->conn = c;
	return r->backend;
}

static void closed(void *context, struct conn *c)
{
	struct rig *r = context;

	r->closed++;
	r->conn = NULL;
}

static void ended(void *context)
{
	((struct rig *)context)->ended++;
}

void rig_init(struct rig *r)
{
	*r = (struct rig){ .client = -1, .got.max = 64 * 1024 * 1024 };
	cr_assert_eq(uv_loop_init(&r->loop), 0);
	r->conns = conn_loop_new(&r->loop);
	cr_assert(r->conns);
	r->service = (struct conn_service){
		.protocol = "line", .engine_new = make_engine,
		.backend_new = give_backend, .closed = closed, .ended = ended,
		.context = r,
	};
}

void rig_connect(struct rig *r)
{
	struct peer_info peer = { .address = "192.0.2.1",
				  .is_trusted = r->is_trusted };
	int ends[2];

	if (r->client >= 0)
		close(r->client);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	r->client = ends[0];
	r->client_at_eof = false;
	r->got.len = 0;
	r->closed = r->ended = 0;
	cr_assert_eq(conn_open(r->conns, ends[1], &r->service, &peer, NULL), ST_OK);
}

size_t rig_send(struct rig *r, struct slice octets)
{
	ssize_t n = send(r->client, octets.data, octets.len, MSG_NOSIGNAL);

	return n < 0 ? 0 : (size_t)n;
}

void rig_turn_unread(struct rig *r, int turns)
{
	while (turns--)
		uv_run(&r->loop, UV_RUN_NOWAIT);
}

static void client_read(struct rig *r)
{
	char *at;
	ssize_t n;

	while (r->client >= 0 && !r->client_at_eof) {
		cr_assert_eq(buf_reserve(&r->got, 65536, &at), ST_OK);
		n = recv(r->client, at, 65536, 0);
		if (n > 0)
			r->got.len += (size_t)n;
		else if (n == 0 || errno != EAGAIN)
			r->client_at_eof = true;
		else
			break;
	}
}

void rig_turn(struct rig *r, int turns)
{
	while (turns--) {
		uv_run(&r->loop, UV_RUN_NOWAIT);
		client_read(r);
	}
}

static bool ends_with(const struct buf *b, const char *text)
{
	size_t len = strlen(text);

	return b->len >= len && memcmp(b->data + b->len - len, text, len) == 0;
}

static bool until(struct rig *r, bool (*is_done)(const struct rig *, const char *),
		  const char *text)
{
	int64_t end = clock_ms() + PATIENCE_MS;

	for (;;) {
		rig_turn(r, 1);
		if (is_done(r, text))
			return true;
		if (clock_ms() > end)
			return false;
		usleep(200);
	}
}

static bool has_text(const struct rig *r, const char *text)
{
	return text ? ends_with(&r->got, text) : r->client_at_eof;
}

static bool has_ended(const struct rig *r, const char *text)
{
	return r->ended > 0;
}

bool rig_until(struct rig *r, const char *text)
{
	return until(r, has_text, text);
}

bool rig_until_ended(struct rig *r)
{
	return until(r, has_ended, NULL);
}

void rig_clear(struct rig *r)
{
	if (r->client >= 0)
		close(r->client);
	r->client = -1;
	conn_loop_close(r->conns);
	for (int i = 0; i < 100 && uv_run(&r->loop, UV_RUN_NOWAIT); i++)
		;
	cr_expect_eq(uv_loop_close(&r->loop), 0, "a handle was left open");
	buf_free(&r->got);
}
