/* The part of conn_priv.h about compression (RFC 4978): between the engine and TLS
 * or the socket. */
#include "common/conn_priv.h"
#include "common/deflate.h"
#include "common/log.h"

#include <stdlib.h>

/* Octets of an engine that are packed in one go. */
#define PACK_MAX ((size_t)64 * 1024)

struct conn_squeeze {
	struct deflate *deflate;
	struct buf in;		/* compressed, not yet unpacked */
	struct buf out;		/* compressed, not yet sent */
	bool has_more;		/* the last step of unpacking filled its room */
};

void conn_deflate_free(struct conn *c)
{
	struct conn_squeeze *q = c->squeeze;

	if (!q)
		return;
	deflate_free(q->deflate);
	buf_free(&q->in);
	buf_free(&q->out);
	free(q);
	c->squeeze = NULL;
}

bool conn_deflate_begin(struct conn *c)
{
	struct conn_squeeze *q = calloc(1, sizeof *q);

	c->squeeze = q;
	if (q)
		q->deflate = deflate_new();
	if (!q || !q->deflate) {
		conn_close(c);
		return false;
	}
	/* whatever came behind the command is compressed, or the client's mistake */
	q->in = c->in;
	c->in = (struct buf)BUF_INIT(q->in.max);
	q->out.max = 4 * PACK_MAX;
	c->want = c->engine->ops->deflated(c->engine);
	c->is_starved = false;
	return conn_deflate_go_on(c);
}

bool conn_deflate_has_input(const struct conn *c)
{
	return c->squeeze && (c->squeeze->in.len || c->squeeze->has_more);
}

bool conn_deflate_has_output(const struct conn *c)
{
	return c->squeeze && c->squeeze->out.len;
}

static bool fail(struct conn *c, enum status st)
{
	log_warning("conn.deflate_failed", log_str("proto", c->service->protocol),
		    log_str("client", c->peer.address),
		    log_str("status", status_name(st)));
	conn_close(c);
	return false;
}

bool conn_deflate_go_on(struct conn *c)
{
	struct conn_squeeze *q = c->squeeze;
	size_t budget = CONN_READ_MAX;
	struct slice in;
	enum status st = ST_OK;

	while (conn_deflate_has_input(c) && budget && c->in.len < CONN_IN_MAX) {
		char *plain = c->loop->plain;
		size_t room = budget < sizeof c->loop->plain ? budget
							     : sizeof c->loop->plain;
		size_t n;

		in = buf_slice(&q->in);
		st = deflate_unpack(q->deflate, &in, plain, room, &n);
		buf_consume(&q->in, q->in.len - in.len);
		q->has_more = n == room;
		budget -= n;
		if (n && !conn_feed_plain(c, slice_of(plain, n)))
			return false;
		if (st != ST_OK)
			return fail(c, st);
	}
	return true;
}

bool conn_deflate_feed(struct conn *c, struct slice in)
{
	if (buf_append(&c->squeeze->in, in) != ST_OK)
		return fail(c, ST_LIMIT);
	return conn_deflate_go_on(c);
}

enum status conn_deflate_flush(struct conn *c, bool *moved)
{
	struct conn_squeeze *q = c->squeeze;
	struct buf *out = &c->engine->out;
	enum status st;

	do {
		if (q->out.len == 0 && out->len) {
			struct slice piece = slice_head(buf_slice(out), PACK_MAX);

			st = deflate_pack(q->deflate, piece, piece.len == out->len,
					  &q->out);
			if (st != ST_OK)
				return st;
			buf_consume(out, piece.len);
		}
		st = conn_send(c, &q->out, moved);
	} while (st == ST_OK && out->len);
	return st;
}

bool conn_deflate_is_large(const struct conn *c)
{
	const struct conn_squeeze *q = c->squeeze;

	return q && (deflate_is_awake(q->deflate) || q->in.cap > CONN_KEEP_OCTETS ||
		     q->out.cap > CONN_KEEP_OCTETS);
}

void conn_deflate_rest(struct conn *c)
{
	struct conn_squeeze *q = c->squeeze;

	if (!q || conn_deflate_has_input(c) || q->out.len)
		return;
	deflate_rest(q->deflate);
	buf_free(&q->in);
	buf_free(&q->out);
}
