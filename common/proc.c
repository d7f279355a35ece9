#include <config.h>

#include "common/proc.h"

#include "common/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Where passed sockets begin (sd_listen_fds(3)). */
#define SOCKETS_FIRST 3

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

enum status proc_close_descriptors(const int *keep, size_t count,
				   struct error *err)
{
	int kept[PROC_SOCKETS_MAX + 8];
	unsigned from = 3;

	if (count > sizeof kept / sizeof *kept)
		return error_set(err, ST_LIMIT, "%zu descriptors to keep", count);
	memcpy(kept, keep, count * sizeof *kept);
	qsort(kept, count, sizeof *kept, by_number);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)kept[i];

		if (fd > from && close_range(from, fd - 1, 0) != 0)
			return error_set(err, ST_IO, "close_range");
		if (fd >= from)
			from = fd + 1;
	}
	if (close_range(from, ~0u, 0) != 0)
		return error_set(err, ST_IO, "close_range");
	umask(077);
	return ST_OK;
}

static enum status set_limit(int which, uint64_t value, const char *name,
			     struct error *err)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) != 0)
		return error_set(err, ST_IO, "getrlimit %s", name);
	if (value < limit.rlim_max)
		limit.rlim_max = value;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(which, &limit) != 0)
		return error_set(err, ST_IO, "setrlimit %s", name);
	return ST_OK;
}

enum status proc_limit(uint64_t nofile, uint64_t memory, struct error *err)
{
	enum status st = set_limit(RLIMIT_CORE, 0, "CORE", err);

	if (st == ST_OK)
		st = set_limit(RLIMIT_NOFILE, nofile, "NOFILE", err);
#ifndef WITH_SANITIZERS
	if (st == ST_OK && memory)
		st = set_limit(RLIMIT_AS, memory, "AS", err);
#endif
	return st;
}

void proc_preload(void)
{
	time_t now = time(NULL);
	struct tm tm;

	tzset();
	localtime_r(&now, &tm);
	setenv("UV_USE_IO_URING", "0", 1);	/* the filter kills for it */
}

enum status proc_enter(const char *directory, bool is_root_too,
		       struct error *err)
{
	if (chdir(directory) != 0)
		return error_set(err, ST_IO, "chdir %s", directory);
	if (is_root_too && chroot(".") != 0)
		return error_set(err, ST_IO, "chroot %s", directory);
	return ST_OK;
}

enum status proc_become(uid_t uid, gid_t gid, const gid_t *groups,
			size_t group_count, struct error *err)
{
	if (setgroups(group_count, groups) != 0)
		return error_set(err, ST_IO, "setgroups");
	if (setresgid(gid, gid, gid) != 0)
		return error_set(err, ST_IO, "setresgid");
	if (setresuid(uid, uid, uid) != 0)
		return error_set(err, ST_IO, "setresuid");
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		return error_set(err, ST_DENIED, "root could be taken back");
	return ST_OK;
}

enum status proc_bind(const char *name, pid_t parent, struct error *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
		return error_set(err, ST_IO, "PR_SET_PDEATHSIG");
	if (getppid() != parent)
		return error_set(err, ST_CLOSED, "the parent is gone");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return error_set(err, ST_IO, "PR_SET_NO_NEW_PRIVS");
#ifndef WITH_SANITIZERS	/* LeakSanitizer reads its own process */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return error_set(err, ST_IO, "PR_SET_DUMPABLE");
#endif
	prctl(PR_SET_NAME, name, 0, 0, 0);
	return ST_OK;
}

/* The value of a decimal variable, taken out of the environment. */
static bool take_number(const char *name, unsigned long long max,
			unsigned long long *value)
{
	struct slice text = slice_str(getenv(name));
	bool good = slice_number(text, max, value);

	unsetenv(name);
	return good;
}

static enum status name_sockets(struct proc_socket *sockets, size_t count,
				const char *names, struct error *err)
{
	struct slice rest = slice_str(names), name;

	if (!names)
		rest.data = NULL;
	for (size_t i = 0; i < count; i++) {
		sockets[i] = (struct proc_socket){ .fd = SOCKETS_FIRST + (int)i };
		if (fcntl(sockets[i].fd, F_SETFD, FD_CLOEXEC) != 0)
			return error_set(err, ST_IO, "passed socket %d",
					 sockets[i].fd);
		if (!slice_split(&rest, ':', &name))
			continue;
		if (name.len >= sizeof sockets[i].name)
			return error_set(err, ST_LIMIT, "name of a passed socket");
		memcpy(sockets[i].name, name.data, name.len);
	}
	return ST_OK;
}

enum status proc_sockets(struct proc_socket sockets[PROC_SOCKETS_MAX],
			 size_t *count, struct error *err)
{
	unsigned long long pid = 0, n = 0;
	bool is_ours = take_number("LISTEN_PID", INT32_MAX, &pid) &&
		       pid == (unsigned long long)getpid();
	bool has_count = take_number("LISTEN_FDS", 100000, &n);
	const char *names = getenv("LISTEN_FDNAMES");
	enum status st = ST_OK;

	*count = 0;
	if (is_ours && has_count && n > PROC_SOCKETS_MAX)
		st = error_set(err, ST_LIMIT, "%llu sockets passed, at most %d", n,
			       PROC_SOCKETS_MAX);
	else if (is_ours && has_count)
		st = name_sockets(sockets, n, names, err);
	if (st == ST_OK && is_ours)
		*count = n;
	unsetenv("LISTEN_FDNAMES");
	return st;
}
