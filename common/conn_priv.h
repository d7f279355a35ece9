/*
 * What conn.c (life and engine), conn_io.c (socket and TLS), conn_deflate.c
 * (compression between the two) and conn_loop.c (deadlines and the list of marked
 * connections) share.
 */
#ifndef COMMON_CONN_PRIV_H
#define COMMON_CONN_PRIV_H

#include "common/conn.h"
#include "common/tls.h"

/* Buffers larger than this are given back after a moment of quiet. */
#define CONN_KEEP_OCTETS	((size_t)512)
#define CONN_QUIET_MS		1000

struct conn_loop {
	uv_loop_t *uv;
	uv_prepare_t prepare;	/* settles what timers and closings marked */
	uv_check_t check;	/* settles what sockets marked */
	uv_idle_t idle;		/* runs while any is marked */
	uv_timer_t timer;	/* the wheel's next tick */
	unsigned handles;	/* of these, not yet closed */
	bool is_closing;
	int64_t timer_ms;	/* when it is set to; 0: it is not */
	struct wheel wheel;
	struct conn *first, *last;	/* all, in the order they were opened */
	size_t count, unauthenticated;
	struct conn *marked, **marked_end;
	size_t closing;		/* connections whose handle is not closed yet */
	struct buf cipher;	/* scratch of one flush */
	char in[CONN_READ_MAX];	/* what was read just now */
	char plain[TLS_RECORD_MAX];
};

enum conn_phase {
	CONN_PROXY,	/* the header of a balancer has not come whole */
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_LINGER,	/* the last reply was sent: input is discarded */
	CONN_CLOSED,	/* only the handle is left */
};

struct conn {
	uv_poll_t poll;
	int fd;
	int events;		/* polled now */
	struct conn_loop *loop;
	struct conn *next, *prev;
	struct conn *next_marked;
	const struct conn_service *service;
	struct engine *engine;
	struct backend *backend;
	struct tls *tls;
	struct conn_squeeze *squeeze;	/* compression is active; else NULL */
	struct buf in;		/* received, the engine has not taken it yet */
	struct buf cipher;	/* encrypted, not yet sent */
	struct conn_timer deadline;
	int64_t phase_due_ms;	/* handshake or lingering must be over; 0 */
	int64_t stalled_due_ms;	/* output must have moved; 0: none waits */
	int64_t quiet_due_ms;	/* buffers go back; 0: none to give */
	enum conn_phase phase;
	enum want want;
	bool is_marked;
	bool is_starved;	/* input took nothing and wants more octets */
	bool is_blocked;	/* the socket takes no more for now */
	bool at_eof;		/* the client closed its half */
	bool is_shut;		/* we closed ours */
	bool is_aborted;
	bool is_counted;	/* in loop->unauthenticated */
	bool told_waits;	/* engine->wants_told, and it was sent */
	uint32_t told_skip;	/* octets that had arrived before that */
	void *user;
	struct peer_info peer;
};

/* conn.c */
/* Gives octets to the engine, keeps what it does not take. False: c closed. */
bool conn_feed(struct conn *c, struct slice in);
/* After a handshake: makes the engine, or tells it. False: c closed. */
bool conn_secured(struct conn *c);
/* Begins with the handshake or the engine, as the service has it. False: c
 * closed. */
bool conn_begin(struct conn *c);
/* Gives the engine's requests to the backend. */
void conn_pass_requests(struct conn *c);
void conn_settle(struct conn *c);
void conn_expire(struct conn_timer *t, int64_t now_ms);
/* Ends backend and engine; what is to be sent is encrypted already. */
void conn_release(struct conn *c);
/* Ends it now; c's memory goes in the handle's close callback. */
void conn_close(struct conn *c);

/* The same for octets that are not compressed, or no longer. */
bool conn_feed_plain(struct conn *c, struct slice in);

/* conn_deflate.c */
/* All that was said in clear is sent: begins. False: c closed. */
bool conn_deflate_begin(struct conn *c);
/* Compressed octets came. False: c closed. */
bool conn_deflate_feed(struct conn *c, struct slice in);
/* Gives the engine more of them, where it has room. False: c closed. */
bool conn_deflate_go_on(struct conn *c);
/* Some wait to be unpacked; some of what was packed waits to be sent. */
bool conn_deflate_has_input(const struct conn *c);
bool conn_deflate_has_output(const struct conn *c);
/* conn_flush() of an engine's octets. */
enum status conn_deflate_flush(struct conn *c, bool *moved);
bool conn_deflate_is_large(const struct conn *c);
void conn_deflate_rest(struct conn *c);
void conn_deflate_free(struct conn *c);

/* conn_io.c */
/* Sends off the front of out, over TLS where that is active. As conn_flush(). */
enum status conn_send(struct conn *c, struct buf *out, bool *moved);
void conn_readable(uv_poll_t *poll, int status, int events);
/* Polls for what the state asks for. */
void conn_poll(struct conn *c);
/* Sends what there is. ST_OK: all; ST_MORE: the socket is full; else the
 * connection is over. *moved: something left. */
enum status conn_flush(struct conn *c, bool *moved);
/* Begins the handshake that the engine or the service asked for. False: c
 * closed. */
bool conn_handshake(struct conn *c);
/* All replies are sent: says goodbye, and waits for the client to end. */
void conn_linger(struct conn *c);

/* How long a handshake, or a header in front of it, may take. */
int64_t conn_handshake_ms(const struct conn *c);

/* conn_loop.c */
void conn_mark(struct conn *c);
void conn_loop_add(struct conn_loop *l, struct conn *c);
void conn_loop_remove(struct conn_loop *l, struct conn *c);
/* The handle of a removed connection is closed. */
void conn_loop_forget(struct conn_loop *l);

#endif
