/*
 * What daemon.c (start and end) and daemon_control.c (the socketpair to
 * postroom) share.
 */
#ifndef COMMON_DAEMON_PRIV_H
#define COMMON_DAEMON_PRIV_H

#include "common/daemon.h"

struct daemon_listener {
	char name[64];
	struct listener *listener;
};

struct daemon_runtime {
	/* the socketpair */
	int control;
	struct buf in, out;
	bool is_polled, is_blocked;
	struct buf config;	/* CONFIG so far, the one in use after BEGIN */
	bool has_config;	/* a CONFIG came since the last BEGIN */
	struct error refused;	/* what was wrong with a CERTIFICATE */
	/* handles */
	uv_poll_t poll;
	uv_timer_t second;	/* counters, and looking for the end of a stop */
	uv_signal_t terminate, interrupt;
	struct buf counters;	/* as last told */
	/* life */
	bool is_started;	/* READY was said */
	bool is_stopping, is_over;
	int64_t stop_due_ms;
	int exit_status;
	struct daemon_listener listeners[PROC_SOCKETS_MAX];
	size_t listener_count;
};

#define DAEMON_CONFIG_MAX	((size_t)4 * 1024 * 1024)

/* daemon_control.c */
/* Blocks until BEGIN came. */
enum status daemon_control_begin(struct daemon *d, struct error *err);
/* Watches the socketpair from the loop. */
void daemon_control_open(struct daemon *d);
void daemon_control_close(struct daemon *d);
/* READY, with the error where it failed. Blocks until it is written. */
void daemon_control_ready(struct daemon *d, enum status st,
			  const struct error *err);

/* daemon.c */
/* BEGIN came: takes certificates and configuration into use. */
enum status daemon_configure(struct daemon *d, struct error *err);
void daemon_stop(struct daemon *d, unsigned grace_ms);

#endif
