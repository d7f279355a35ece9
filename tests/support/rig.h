/*
 * A loop with one connection over a socketpair, whose other end the test plays:
 * nothing blocks, the test turns the loop.
 */
#ifndef TESTS_SUPPORT_RIG_H
#define TESTS_SUPPORT_RIG_H

#include "common/conn.h"

#include "tests/support/line_engine.h"

struct rig {
	uv_loop_t loop;
	struct conn_loop *conns;
	struct conn_service service;	/* of the line protocol; change it before
					 * rig_connect() */
	bool is_trusted;		/* the client */
	struct backend *backend;	/* what backend_new gives; may be NULL */
	struct conn *conn;		/* NULL once it is closed */
	unsigned closed, ended;
	int client;
	bool client_at_eof;
	struct buf got;			/* by the client */
};

void rig_init(struct rig *r);
/* A new connection; the client's end is r->client. */
void rig_connect(struct rig *r);
/* Sends as the client; returns what the socket took. */
size_t rig_send(struct rig *r, struct slice octets);
/* Turns the loop; the client reads all, or nothing. */
void rig_turn(struct rig *r, int turns);
void rig_turn_unread(struct rig *r, int turns);
/* Turns until got ends with text, or the client is at EOF where text is NULL;
 * false after a few seconds. */
bool rig_until(struct rig *r, const char *text);
/* Turns until the connection is gone. */
bool rig_until_ended(struct rig *r);
/* Closes all; every connection has ended. */
void rig_clear(struct rig *r);

static inline struct line_engine *rig_engine(struct rig *r)
{
	return (struct line_engine *)conn_engine(r->conn);
}

#endif
