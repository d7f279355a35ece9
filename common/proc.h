/*
 * The steps by which a daemon gives up what it does not need (doc/processes.md;
 * each a function, failure is fatal unless said otherwise). common/daemon.c
 * calls them in this order.
 */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Closes all descriptors but 0-2 and those in keep (ascending or not), sets
 * umask 077. */
enum status proc_close_descriptors(const int *keep, size_t count,
				   struct error *err);

/* CORE 0, NOFILE raised to nofile or the hard limit, whichever is less. memory:
 * RLIMIT_AS in octets, 0: as it is (always so in sanitizer builds). */
enum status proc_limit(uint64_t nofile, uint64_t memory, struct error *err);

/* Loads what libraries would open by path later: time zone, resolver and locale
 * data, charset converters, the random generator, libuv's thread pool. */
void proc_preload(void);

/* Changes to directory (the store for mailboxd, the run directory for the
 * others); chroots into it when is_root_too. */
enum status proc_enter(const char *directory, bool is_root_too,
		       struct error *err);

/* Becomes uid and gid without supplementary groups but `groups`, and makes sure
 * that there is no way back. */
enum status proc_become(uid_t uid, gid_t gid, const gid_t *groups,
			size_t group_count, struct error *err);

/* Ends with the parent (PDEATHSIG, and whether it is gone already), no new
 * privileges, not dumpable, PR_SET_NAME. After proc_become(). */
enum status proc_bind(const char *name, pid_t parent, struct error *err);

/* What the process may still do. */
enum proc_sandbox {
	PROC_SANDBOX_FRONT,	/* smtpd popd imapd: accept, connect to Unix sockets */
	PROC_SANDBOX_STORE,	/* mailboxd: files below its directory, Unix sockets */
	PROC_SANDBOX_LINK,	/* linkd: accept, connect to Unix sockets and over IP */
};

/*
 * Landlock where the kernel has it (best effort), then the seccomp filter. What
 * it does not know is EPERM in a release, and logged; with test hooks the
 * process is killed, so that a test sees it; off in sanitizer builds. exec,
 * ptrace, mount and their kind always kill.
 */
enum status proc_sandbox(enum proc_sandbox kind, struct error *err);

/* Tries what is forbidden and prints a line each, "openat denied"; for the
 * hidden option --sandbox-selftest. Returns the exit status. */
int proc_sandbox_selftest(enum proc_sandbox kind);

/* systemd's and our supervisor's way to pass sockets. */
#define PROC_SOCKETS_MAX 64
struct proc_socket {
	char name[64];	/* the `listen` title, or lmtp auth store control */
	int fd;
};
/* Reads LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES and takes them out of the
 * environment; descriptors get FD_CLOEXEC. None: *count is 0. ST_SYNTAX,
 * ST_LIMIT. */
enum status proc_sockets(struct proc_socket sockets[PROC_SOCKETS_MAX],
			 size_t *count, struct error *err);

#endif
