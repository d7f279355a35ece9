#include <config.h>

#include "postroom/programs.h"

#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define WORDS_MAX 8

enum status program_find(const char *name, char *path, size_t room, struct error *err)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return error_set(err, ST_IO, "/proc/self/exe");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	/* ../smtpd/smtpd */
	snprintf(path, room, "%s/../%s/%s", self, name, name);
	if (access(path, X_OK) == 0)
		return ST_OK;
	snprintf(path, room, "%s/%s", SBINDIR, name);
	if (access(path, X_OK))
		return error_set(err, ST_IO, "the daemons are not installed: %s", path);
	return ST_OK;
}

_Noreturn static void become(const char *program, const char *directory,
			     const struct program_user *user, char **argv, int in, int out)
{
	struct error err = { 0 };

	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	if (dup2(in, STDIN_FILENO) < 0 || (out >= 0 && dup2(out, STDOUT_FILENO) < 0) ||
	    chdir(directory)) {
		fprintf(stderr, "postroom: %s: %s\n", directory, strerror(errno));
		_exit(EX_NOINPUT);
	}
	if (geteuid() == 0 && user->is_set &&
	    proc_become(user->uid, user->gid, NULL, 0, &err) != ST_OK) {
		fprintf(stderr, "postroom: %s\n", err.text);
		_exit(EX_OSERR);
	}
	umask(077);
	execv(program, argv);
	fprintf(stderr, "postroom: %s: %s\n", program, strerror(errno));
	_exit(EX_UNAVAILABLE);
}

enum status program_offline(const char *directory, const struct program_user *user,
			    const char *const *words, size_t count, int in, int *out,
			    pid_t *pid, struct error *err)
{
	char program[PATH_MAX + 64];
	char *argv[WORDS_MAX + 3] = { (char *)"mailboxd", (char *)"--offline" };
	int ends[2] = { -1, -1 };
	enum status st = program_find("mailboxd", program, sizeof program, err);

	for (size_t i = 0; i < count && i < WORDS_MAX; i++)
		argv[i + 2] = (char *)words[i];
	if (!st && out && pipe2(ends, O_CLOEXEC))
		st = error_set(err, ST_IO, "pipe");
	if (st)
		return st;
	fflush(stdout);
	*pid = fork();
	if (*pid == 0)
		become(program, directory, user, argv, in, ends[1]);
	if (out) {
		close(ends[1]);
		*out = ends[0];
	}
	return *pid < 0 ? error_set(err, ST_IO, "fork") : ST_OK;
}

int program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return EX_OSERR;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}
