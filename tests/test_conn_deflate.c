#include "tests/support/rig.h"

#include "common/conn_priv.h"
#include "common/deflate.h"

#include <criterion/criterion.h>
#include <unistd.h>

/* A client that compresses: what it got, unpacked, is in plain. */
struct client {
	struct rig rig;
	struct deflate *deflate;
	struct buf plain;
	size_t clear;		/* octets of rig.got that came in clear */
	size_t seen;		/* of rig.got, unpacked so far */
};

static void begin(struct client *c)
{
	*c = (struct client){ .deflate = deflate_new(), .plain = BUF_INIT(1 << 28) };
	rig_init(&c->rig);
	rig_connect(&c->rig);
	rig_send(&c->rig, SLICE("deflate\n"));
	cr_assert(rig_until(&c->rig, "ok\n"));
	c->seen = c->rig.got.len;
}

static void end(struct client *c)
{
	deflate_free(c->deflate);
	buf_free(&c->plain);
	rig_clear(&c->rig);
}

static void say(struct client *c, struct slice text)
{
	struct buf packed = BUF_INIT(1 << 26);
	struct slice rest;

	cr_assert_eq(deflate_pack(c->deflate, text, true, &packed), ST_OK);
	rest = buf_slice(&packed);
	for (int i = 0; rest.len && i < 100 && !c->rig.ended; i++) {
		rest = slice_from(rest, rig_send(&c->rig, rest));
		rig_turn(&c->rig, 1);
	}
	buf_free(&packed);
}

static void hear(struct client *c)
{
	struct slice in = slice_from(buf_slice(&c->rig.got), c->seen);
	size_t n;

	c->seen = c->rig.got.len;
	do {
		char *at;

		cr_assert_eq(buf_reserve(&c->plain, 65536, &at), ST_OK);
		cr_assert_eq(deflate_unpack(c->deflate, &in, at, 65536, &n), ST_OK);
		c->plain.len += n;
	} while (in.len || n == 65536);
}

static bool until(struct client *c, const char *text)
{
	for (int i = 0; i < 2000; i++) {
		rig_turn(&c->rig, 1);
		hear(c);
		if (c->plain.len >= strlen(text) &&
		    slice_eq(slice_from(buf_slice(&c->plain), c->plain.len - strlen(text)),
			     slice_str(text)))
			return true;
		usleep(500);
	}
	return false;
}

Test(conn_deflate, both_ways)
{
	struct client c;

	begin(&c);
	say(&c, SLICE("echo a\necho"));
	cr_expect(until(&c, "a\n"));
	say(&c, SLICE(" b\n"));
	cr_expect(until(&c, "a\nb\n"));
	say(&c, SLICE("fill 3000000\n"));
	cr_expect(until(&c, "x\n"));
	cr_expect_eq(c.plain.len, strlen("a\nb\n") + 3000001);
	cr_expect_lt(c.rig.got.len, 100000);
	say(&c, SLICE("quit\n"));
	cr_expect(until(&c, "bye\n"));
	end(&c);
}

/* What was said in clear behind the command is not run (trust.md's F2). */
Test(conn_deflate, nothing_in_clear_behind_it)
{
	struct rig r;

	rig_init(&r);
	rig_connect(&r);
	rig_send(&r, SLICE("deflate\necho injected\n"));
	cr_expect(rig_until_ended(&r));
	cr_expect_str_eq((buf_append_char(&r.got, '\0'), r.got.data), "hello\nok\n");
	rig_clear(&r);
}

/* 64 MiB of one line in 64 KiB: its sender's own turns, bounded memory. */
Test(conn_deflate, a_bomb_costs_no_memory)
{
	static char zeros[1 << 20];
	struct client c;

	begin(&c);
	memset(zeros, 'z', sizeof zeros);
	for (int i = 0; i < 64; i++)
		say(&c, slice_of(zeros, sizeof zeros));
	/* a line without end: what may wait is there, and no more is read */
	cr_assert_eq(c.rig.ended, 0);
	cr_expect_leq(c.rig.conn->in.len, CONN_IN_MAX + CONN_READ_MAX);
	cr_expect_leq(c.rig.conn->in.cap, c.rig.conn->in.max);
	cr_expect(conn_deflate_has_input(c.rig.conn));
	cr_expect_eq(c.rig.conn->events & UV_READABLE, 0);
	end(&c);
}

Test(conn_deflate, at_rest_and_awake)
{
	struct client c;

	begin(&c);
	for (int i = 0; i < 3; i++) {
		say(&c, SLICE("echo again\n"));
		cr_expect(until(&c, "again\n"));
		for (int k = 0; k < 13; k++) {
			rig_turn(&c.rig, 1);
			usleep(100000);
		}
	}
	end(&c);
}
