/*
 * What lmtp_client.c (pool, transactions, backends) and lmtp_link.c (one
 * connection and its socket) share.
 */
#ifndef COMMON_LMTP_PRIV_H
#define COMMON_LMTP_PRIV_H

#include "common/id.h"
#include "common/lmtp_client.h"
#include "common/lmtp_dialogue.h"

/* ---- one connection ---------------------------------------------------------- */

struct lmtp_job;

struct lmtp_link {
	uv_poll_t poll;
	int fd;
	int events;
	bool is_blocked, is_closed;
	bool is_broken;			/* it cannot go on: its timer closes it */
	struct lmtp_client *client;
	struct lmtp_link *next;		/* of all */
	struct lmtp_dialogue dialogue;
	struct conn_timer timer;
	int64_t used_ms;		/* when it was last given something to do */
	struct lmtp_job *job;		/* whose transaction it carries */
	struct lmtp_job *asked;		/* whose XDONE it carries */
};

/* ST_OK: it is in client->links, not yet ready. ST_MORE: the server's queue is
 * full; ST_UNAVAILABLE. */
enum status lmtp_link_open(struct lmtp_client *client);
/* Without a word; its memory goes in the close callback. The caller sees to
 * job and asked. */
void lmtp_link_close(struct lmtp_link *l);
/* Nothing is under way. */
bool lmtp_link_is_idle(const struct lmtp_link *l);
/* Writes what the dialogue has, polls, sets the deadline. */
void lmtp_link_flush(struct lmtp_link *l);

/* ---- one transaction ----------------------------------------------------------- */

enum lmtp_job_state {
	LMTP_JOB_QUEUED,	/* no link yet: requests wait */
	LMTP_JOB_OPEN,
	LMTP_JOB_ENDED,		/* the last octet went: the server may have it */
	LMTP_JOB_ASKING,	/* the link broke then: XDONE */
};

struct lmtp_job {
	struct lmtp_job *next;		/* of client->queue or client->asking */
	struct lmtp_client *client;
	struct lmtp_backend *owner;	/* NULL: the session is gone */
	struct lmtp_link *link;
	uint32_t id;			/* of the request */
	enum lmtp_job_state state;
	int64_t due_ms;			/* queued or asking: until then */
	int64_t ask_ms;			/* asking: not before then */
	struct buf waiting;		/* queued: its frames */
	struct id mid;
};

struct lmtp_backend {
	struct backend backend;
	struct lmtp_client *client;
	struct conn *conn;
	struct engine *engine;
	struct lmtp_job *job;
};

/* lmtp_job.c */
/* The transaction of b, not yet in the queue. NULL: memory is short. */
struct lmtp_job *lmtp_job_new(struct lmtp_backend *b, uint32_t id);
/* One LMTP_REPLY to whoever asked; last ends and frees the job. */
void lmtp_job_answer(struct lmtp_job *job, unsigned code, struct slice enhanced,
		     struct slice text, bool last);
/* 451 4.3.0, last. */
void lmtp_job_fail(struct lmtp_job *job);
/* Gives what waited to the link, which is idle. */
void lmtp_job_begin(struct lmtp_job *job, struct lmtp_link *l);
/* The same with what still waits. */
void lmtp_job_go_on(struct lmtp_job *job);
/* A further request. ST_MORE: not now. */
enum status lmtp_job_give(struct lmtp_job *job, const struct ipc_frame *frame);
/* The session wants it no more. */
void lmtp_job_give_up(struct lmtp_job *job);

/* ---- the pool ---------------------------------------------------------------------- */

struct lmtp_client {
	struct conn_loop *loop;
	struct lmtp_client_settings settings;
	char *path, *hostname;
	struct lmtp_link *links;
	unsigned link_count;		/* open */
	unsigned handles;		/* not yet closed */
	struct lmtp_job *queue;		/* the oldest first */
	struct lmtp_job *asking;
	enum status state;
	struct conn_timer timer;
	int64_t retry_ms, retry_due_ms;	/* how long between attempts; the next */
	int64_t away_since_ms;		/* no link was ready since; 0: one is */
	int64_t full_until_ms;
	struct buf tells;		/* mids, a space before each */
	int64_t tell_due_ms;
	bool is_closing;
};

/* Takes a job out of queue or asking, where it is in one. */
void lmtp_client_dequeue(struct lmtp_job *job);
/* The server's disk is full: so say sessions for a second. */
void lmtp_client_full(struct lmtp_client *client);
/* A link has nothing to do. */
void lmtp_client_ready(struct lmtp_client *client);
/* The server hung up, or was silent for too long. */
void lmtp_client_lost(struct lmtp_client *client, struct lmtp_link *l);
void lmtp_client_answered(void *link, enum lmtp_step step,
			  const struct lmtp_reply *reply);
/* Octets left: credit for the job, room for its requests. */
void lmtp_client_drained(struct lmtp_client *client, struct lmtp_link *l);
/* The handle of a closed link is closed. */
void lmtp_client_forget(struct lmtp_client *client);

#endif
