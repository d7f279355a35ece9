/*
 * proc_sandbox(): Landlock and the seccomp filter (doc/processes.md).
 */
#include <config.h>

#include "common/proc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Landlock ------------------------------------------------------------------- */

/* All rights of ABI 1; later ones are added where the kernel knows them. */
#define ACCESS_FS_1	((UINT64_C(1) << 13) - 1)
/* Of TCP, from ABI 4. */
#define ACCESS_NET_BIND	UINT64_C(1)
#define ACCESS_NET_CONNECT UINT64_C(2)

/* The kernel's structure of ABI 4; older kernels are given a shorter one. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
};

static uint64_t fs_rights(long abi)
{
	unsigned bits = abi >= 5 ? 16 : abi >= 3 ? 15 : abi >= 2 ? 14 : 13;

	return (UINT64_C(1) << bits) - 1;
}

/* Best effort: an old kernel has none, and a container may forbid it. */
static void restrict_files(enum proc_sandbox kind)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset set = { .fs = fs_rights(abi), .net = ACCESS_NET_BIND };
	size_t octets = abi >= 4 ? sizeof set : sizeof set.fs;
	int rules;

	if (abi < 1)
		return;
	if (kind != PROC_SANDBOX_LINK)
		set.net |= ACCESS_NET_CONNECT;
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, octets, 0);
	if (rules < 0)
		return;
	if (kind == PROC_SANDBOX_STORE) {
		int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		struct landlock_path_beneath_attr below = {
			.allowed_access = set.fs, .parent_fd = here,
		};

		if (here >= 0)
			syscall(SYS_landlock_add_rule, rules,
				LANDLOCK_RULE_PATH_BENEATH, &below, 0);
		close(here);
	}
	syscall(SYS_landlock_restrict_self, rules, 0);
	close(rules);
}

/* ---- seccomp ----------------------------------------------------------------------- */

#define CALL(name) SCMP_SYS(name)

/* What each of them may do. */
static const int calls_common[] = {
	CALL(read), CALL(write), CALL(readv), CALL(writev), CALL(recvmsg),
	CALL(sendmsg), CALL(recvfrom), CALL(sendto), CALL(close),
	CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_ctl),
	CALL(epoll_create1), CALL(poll), CALL(ppoll), CALL(eventfd2),
	CALL(timerfd_create), CALL(timerfd_settime), CALL(pipe2),
	CALL(futex), CALL(munmap), CALL(mremap), CALL(brk), CALL(madvise),
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_nanosleep),
	CALL(nanosleep), CALL(gettimeofday), CALL(time), CALL(getrandom),
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn),
	CALL(sigaltstack), CALL(exit), CALL(exit_group), CALL(getpid),
	CALL(gettid), CALL(getppid), CALL(getuid), CALL(geteuid), CALL(getgid),
	CALL(getegid), CALL(tgkill), CALL(sched_yield), CALL(sched_getaffinity),
	CALL(restart_syscall), CALL(rseq), CALL(membarrier),
	CALL(set_robust_list), CALL(sysinfo), CALL(getrusage), CALL(uname),
	CALL(accept4), CALL(shutdown), CALL(getsockopt), CALL(setsockopt),
	CALL(getpeername), CALL(getsockname), CALL(fstat), CALL(lseek),
};

static const int calls_front[] = {
	CALL(connect),
	CALL(pread64), CALL(pwrite64), CALL(ftruncate),	/* smtpd's spool */
};

/* SQLite's unix VFS, and threads. */
static const int calls_store[] = {
	CALL(openat), CALL(open), CALL(pread64), CALL(pwrite64), CALL(preadv),
	CALL(pwritev), CALL(fsync), CALL(fdatasync), CALL(ftruncate),
	CALL(fallocate), CALL(stat), CALL(lstat), CALL(newfstatat), CALL(statx),
	CALL(unlink), CALL(unlinkat), CALL(rename), CALL(renameat),
	CALL(renameat2), CALL(access), CALL(faccessat), CALL(faccessat2),
	CALL(readlink), CALL(readlinkat), CALL(getcwd), CALL(fchown),
	CALL(fchmod), CALL(fchmodat), CALL(chmod), CALL(mkdir), CALL(mkdirat),
	CALL(rmdir), CALL(getdents64), CALL(statfs), CALL(fstatfs), CALL(fcntl),
	CALL(flock), CALL(utimensat), CALL(sched_setaffinity), CALL(msync), CALL(sync_file_range),
	CALL(fadvise64),
};

/* Nothing of ours ever does these: whoever tries is not us any more. */
static const int calls_never[] = {
	CALL(execve), CALL(execveat), CALL(ptrace), CALL(process_vm_readv),
	CALL(process_vm_writev), CALL(bpf), CALL(mount), CALL(umount2),
	CALL(pivot_root), CALL(chroot), CALL(setuid), CALL(setgid),
	CALL(setreuid), CALL(setregid), CALL(setresuid), CALL(setresgid),
	CALL(setfsuid), CALL(setfsgid), CALL(setgroups), CALL(capset),
	CALL(keyctl), CALL(add_key), CALL(request_key), CALL(io_uring_setup),
	CALL(io_uring_enter), CALL(io_uring_register), CALL(init_module),
	CALL(finit_module), CALL(delete_module), CALL(kexec_load),
	CALL(unshare), CALL(setns), CALL(perf_event_open), CALL(reboot),
	CALL(userfaultfd), CALL(personality),
};

/* Calls that are allowed with some arguments only. */
struct rule {
	int call;
	bool is_masked;		/* (argument & mask) == value, else argument == value */
	unsigned argument;
	uint64_t mask, value;
};

static const struct rule rules_common[] = {
	{ CALL(mmap), true, 2, PROT_EXEC, 0 },
	{ CALL(mprotect), true, 2, PROT_EXEC, 0 },
	{ CALL(ioctl), false, 1, 0, FIONBIO },
	{ CALL(ioctl), false, 1, 0, FIONREAD },
	{ CALL(ioctl), false, 1, 0, SIOCOUTQ },
	{ CALL(ioctl), false, 1, 0, TCGETS },	/* libconfuse at a reload */
	{ CALL(socket), false, 0, 0, AF_UNIX },
	{ CALL(prlimit64), false, 2, 0, 0 },	/* to read them */
	{ CALL(prctl), false, 0, 0, PR_SET_NAME },
};

/* The only one that reaches other hosts. */
static const struct rule rules_link[] = {
	{ CALL(socket), false, 0, 0, AF_INET },
	{ CALL(socket), false, 0, 0, AF_INET6 },
};

static const struct rule rules_front[] = {
	{ CALL(fcntl), false, 1, 0, F_GETFL },
	{ CALL(fcntl), false, 1, 0, F_SETFL },
	{ CALL(fcntl), false, 1, 0, F_GETFD },
	{ CALL(fcntl), false, 1, 0, F_SETFD },
	/* glibc's fstat() */
	{ CALL(newfstatat), true, 3, AT_EMPTY_PATH, AT_EMPTY_PATH },
};

static const struct rule rules_store[] = {
	{ CALL(clone), true, 0, CLONE_THREAD, CLONE_THREAD },
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static int add_calls(scmp_filter_ctx ctx, uint32_t action, const int *calls,
		     size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++)
		if (calls[i] >= 0)	/* not every machine has every call */
			rc = seccomp_rule_add(ctx, action, calls[i], 0);
	return rc;
}

static int add_rules(scmp_filter_ctx ctx, const struct rule *rules, size_t count)
{
	int rc = 0;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const struct rule *r = &rules[i];
		struct scmp_arg_cmp match = {
			.arg = r->argument,
			.op = r->is_masked ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
			.datum_a = r->is_masked ? r->mask : r->value,
			.datum_b = r->value,
		};

		if (r->call >= 0)
			rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->call,
						    1, &match);
	}
	return rc;
}

static enum status filter_calls(enum proc_sandbox kind, struct error *err)
{
	bool is_front = kind != PROC_SANDBOX_STORE;
#ifdef WITH_TEST_HOOKS
	uint32_t unknown = SCMP_ACT_KILL_PROCESS;
#else
	uint32_t unknown = SCMP_ACT_ERRNO(EPERM);
#endif
	scmp_filter_ctx ctx = seccomp_init(unknown);
	int rc = 0;

	if (!ctx)
		return error_set(err, ST_NO_MEMORY, "no memory for the filter");
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);	/* all threads */
	if (unknown != SCMP_ACT_KILL_PROCESS)	/* a rule may not repeat it */
		rc = add_calls(ctx, SCMP_ACT_KILL_PROCESS, calls_never,
			       COUNT(calls_never));
	rc = rc ? rc : add_calls(ctx, SCMP_ACT_ALLOW, calls_common,
				 COUNT(calls_common));
	rc = rc ? rc : add_rules(ctx, rules_common, COUNT(rules_common));
	if (is_front) {
		rc = rc ? rc : add_calls(ctx, SCMP_ACT_ALLOW, calls_front,
					 COUNT(calls_front));
		rc = rc ? rc : add_rules(ctx, rules_front, COUNT(rules_front));
		if (kind == PROC_SANDBOX_LINK)
			rc = rc ? rc : add_rules(ctx, rules_link,
						 COUNT(rules_link));
	} else {
		rc = rc ? rc : add_calls(ctx, SCMP_ACT_ALLOW, calls_store,
					 COUNT(calls_store));
		rc = rc ? rc : add_rules(ctx, rules_store, COUNT(rules_store));
		/* its flags cannot be seen: glibc then takes clone */
		rc = rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
						CALL(clone3), 0);
	}
	rc = rc ? rc : seccomp_load(ctx);
	seccomp_release(ctx);
	if (rc) {
		errno = -rc;
		return error_set(err, ST_IO, "seccomp");
	}
	return ST_OK;
}

/* Sanitizers read maps, start a tracer, open their reports. */
#ifdef WITH_SANITIZERS
static const bool has_sandbox = false;
#else
static const bool has_sandbox = true;
#endif

enum status proc_sandbox(enum proc_sandbox kind, struct error *err)
{
	struct rlimit none = { 0, 0 };

	if (!has_sandbox)
		return ST_OK;
	if (kind != PROC_SANDBOX_STORE && setrlimit(RLIMIT_NPROC, &none) != 0)
		return error_set(err, ST_IO, "setrlimit NPROC");
	restrict_files(kind);
	return filter_calls(kind, err);
}

/* ---- the self-test ---------------------------------------------------------------- */

static long try_openat(void)
{
	return syscall(SYS_openat, AT_FDCWD, "/etc/passwd", O_RDONLY);
}

static long try_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	long fd = syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? fd : connect((int)fd, (struct sockaddr *)&to, sizeof to);
}

static long try_execve(void)
{
	char *none[] = { NULL };

	return syscall(SYS_execve, "/bin/true", none, none);
}

static long try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long try_ptrace(void)
{
	return syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0);
}

static long try_setuid(void)
{
	return syscall(SYS_setuid, 0);
}

static long try_mmap_exec(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static const struct {
	const char *name;
	long (*run)(void);
	bool is_of_link;	/* linkd may */
} attempts[] = {
	{ "openat", try_openat, false },
	{ "connect", try_connect, true },
	{ "execve", try_execve, false },
	{ "fork", try_fork, false },
	{ "ptrace", try_ptrace, false },
	{ "setuid", try_setuid, false },
	{ "mmap-exec", try_mmap_exec, false },
};

/* In a child, as an attempt may be its end: 0 allowed, 1 denied, 2 no sandbox. */
static const char *run_attempt(enum proc_sandbox kind, long (*run)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		struct error err;
		pid_t parent = getppid();

		if (proc_bind("selftest", parent, &err) != ST_OK ||
		    proc_sandbox(kind, &err) != ST_OK) {
			fprintf(stderr, "%s\n", err.text);
			_exit(2);
		}
		_exit(run() < 0 ? 1 : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return "untried";
	if (WIFSIGNALED(status))
		return "killed";
	return WEXITSTATUS(status) == 0 ? "allowed"
	     : WEXITSTATUS(status) == 1 ? "denied" : "untried";
}

int proc_sandbox_selftest(enum proc_sandbox kind)
{
	int failures = 0;

	if (!has_sandbox)
		puts("sandbox off");
	for (size_t i = 0; has_sandbox && i < COUNT(attempts); i++) {
		const char *how = run_attempt(kind, attempts[i].run);

		printf("%s %s\n", attempts[i].name, how);
		if (kind == PROC_SANDBOX_LINK && attempts[i].is_of_link)
			continue;
		failures += how[0] == 'a' || how[0] == 'u';
	}
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
