/*
 * The common start, life and end of the five daemons (doc/processes.md).
 *
 * postroom starts a daemon with, in its environment:
 *   POSTROOM_CONTROL_FD  descriptor of a stream socketpair: ipc frames
 *   LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES  listening sockets, from 3 up
 *   POSTROOM_DIRECTORY   becomes the working directory: the run directory, for
 *	mailboxd the store's. Paths of sockets are relative to it
 *   POSTROOM_USER        "uid:gid[,gid...]" to become; only when root. The
 *	directory is then also the root directory (not linkd's)
 *   POSTROOM_LOG_TIME    "0": no time in log lines
 *   POSTROOM_WORKER      number of this process among its like, from 0
 * and sends CONFIG (in as many frames as it takes), CERTIFICATE (none or several)
 * and BEGIN; HELLO in front is taken. The daemon
 * answers READY (code ST_OK, or why it cannot serve; it then exits 78, EX_CONFIG).
 * CONFIG, CERTIFICATE and BEGIN again are a reload, answered by READY: on
 * failure the old settings stay. STOP, SIGTERM or the end of the socketpair end
 * it gracefully. COUNTERS go up each second while something changed.
 *
 * Order: sockets, descriptors, umask · configuration · limits, preload ·
 * configure() · directory, user, parent · prepare() · sandbox · serve() · READY.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include "common/conn.h"
#include "common/listener.h"
#include "common/proc.h"
#include "common/tls.h"

struct daemon;

struct daemon_ops {
	const char *name;	/* "imapd" */
	enum proc_sandbox sandbox;
	/*
	 * Parses the configuration text into settings kept in d->state, at
	 * start and at each reload; on failure d->state is as before. The
	 * certificates are in d->tls already when it is called.
	 */
	enum status (*configure)(struct daemon *d, struct slice text,
				 struct error *err);
	/* Opens what needs the final user but not yet the filter: the store,
	 * threads. May be NULL. */
	enum status (*prepare)(struct daemon *d, struct error *err);
	/* Opens the listeners (daemon_listen()) and whatever else serves. */
	enum status (*serve)(struct daemon *d, struct error *err);
	/* Takes no new work; listeners are closed already. Calls
	 * daemon_stopped() when nothing is in flight; after grace_ms the
	 * process ends all the same. NULL: every engine gets the event KICK, and
	 * the end is when no connection is left. */
	void (*stop)(struct daemon *d, unsigned grace_ms);
	/* The connections are closed; closes the daemon's own handles. May be
	 * NULL. */
	void (*close)(struct daemon *d);
	/* Frees state after the loop ended. May be NULL. */
	void (*finish)(struct daemon *d);
	/* Appends figures for status: name and number in turn, with
	 * daemon_count(). May be NULL. */
	void (*counters)(struct daemon *d, struct buf *cells);
	/* Each second, with the figures that postroom was told: name and number in
	 * turn, as daemon_count() puts them. May be NULL. */
	void (*ticked)(struct daemon *d, struct slice cells);
	/* A frame on the control socket that daemon.c does not know. May be
	 * NULL. */
	void (*control)(struct daemon *d, const struct ipc_message *m);
	uint64_t memory;	/* RLIMIT_AS; 0: none */
	/* It connects to sockets outside of its directory, which is then not its
	 * root directory. */
	bool keeps_root;
};

struct daemon {
	const struct daemon_ops *ops;
	uv_loop_t loop;
	struct conn_loop *conns;
	struct tls_context *tls;	/* the certificates as last given */
	struct proc_socket sockets[PROC_SOCKETS_MAX];
	size_t socket_count;
	unsigned worker;
	unsigned generation;	/* of the last BEGIN */
	void *state;		/* the daemon's own */
	struct daemon_runtime *runtime;	/* daemon.c's own */
};

/* The whole of main(): runs until the end, returns the exit status. */
int daemon_main(const struct daemon_ops *ops, void *state, int argc,
		char **argv);

/*
 * Opens a listener on every inherited socket of that name ("imap" may be two,
 * IPv4 and IPv6). settings as listener.h says. ST_NOT_FOUND: none was passed.
 */
enum status daemon_listen(struct daemon *d, const char *name,
			  const struct listener_settings *settings,
			  struct error *err);
/* One figure for ops->counters. */
void daemon_count(struct buf *cells, const char *name, uint64_t value);
/* See ops->stop. */
void daemon_stopped(struct daemon *d);
/* Ends at once with this exit status after a log line: for failures that a
 * restart has to mend (a failed sync: 70). */
void daemon_fail(struct daemon *d, int status);
/* Sends a message to postroom. ST_LIMIT when it does not read. */
enum status daemon_tell(struct daemon *d, const struct ipc_message *m);

#endif
