/*
 * One daemon as a child of postroom: started by fork and exec with its sockets
 * and a socketpair (common/daemon.h has the other end), restarted with back-off.
 */
#ifndef POSTROOM_CHILDREN_H
#define POSTROOM_CHILDREN_H

#include "common/buf.h"
#include "postroom/backoff.h"
#include "postroom/certificates.h"
#include "postroom/sockets.h"

#include <uv.h>

enum child_state {
	CHILD_STOPPED,		/* waits for its restart, or for good */
	CHILD_STARTING,
	CHILD_READY,
	CHILD_STOPPING,
};

/* What all children of one kind share. */
struct child_kind {
	const char *name;	/* "smtpd" */
	enum option_reader daemon;
};

/* Whom a child becomes; only when postroom is root. */
struct child_user {
	bool is_set;
	uid_t uid;
	gid_t gid;
	gid_t groups[4];
	size_t group_count;
};

struct child;

struct child_events {
	/* READY came: code ST_OK, or why it cannot serve. */
	void (*ready)(struct child *c, enum status code, struct slice text);
	/* It ended and its handles are closed; status as waitpid() gives it. */
	void (*ended)(struct child *c, int status);
};

struct child {
	const struct child_kind *kind;
	const struct child_events *events;
	void *owner;
	unsigned worker;
	struct child_user user;
	const char *directory;	/* its POSTROOM_DIRECTORY */
	const char *spool;	/* where its spool is made; NULL: it has none */
	enum child_state state;
	pid_t pid;		/* 0: none */
	int status;		/* of the last one that ended, as waitpid() has it */
	unsigned restarts;
	int64_t ready_ms;	/* when the last one was first ready; 0: it was not */
	struct backoff backoff;
	bool has_control;	/* control is open */
	uv_pipe_t control;
	uv_timer_t restart;
	struct buf in;		/* frames from the child, not whole yet */
};

/* c is zeroed but for kind, events, owner, worker, user and directory. */
void child_init(struct child *c, uv_loop_t *loop);
/* Forks and execs program with the sockets that are its daemon's. ST_IO. */
enum status child_start(struct child *c, const char *program,
			const struct sockets *sockets, int log_fd, bool with_time,
			struct error *err);
/* CONFIG, CERTIFICATE, BEGIN: at the start, and as a reload. */
void child_configure(struct child *c, struct slice config,
		     const struct certificates *certificates, uint32_t generation);
/* Asks it to end within grace_ms. */
void child_stop(struct child *c, uint32_t grace_ms);
/* It ended (from SIGCHLD): events->ended is called. */
void child_reaped(struct child *c, int status);
/* How long the last one served, in ms; negative: it never was ready. */
int64_t child_served(const struct child *c);
/* Closes its handles; memory that it owns goes when the loop runs. */
void child_close(struct child *c);

#endif
