/* backup FILE: the store as mailboxd copies it, written by whoever asks. */
#include <config.h>

#include "common/clock.h"
#include "postroom/ask.h"
#include "postroom/commands.h"
#include "postroom/files.h"
#include "postroom/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

struct target {
	const char *path;
	char *beside;		/* path.tmp; NULL: standard output */
	int fd;
	uint64_t octets;
	struct progress progress;
	int code;		/* EX_OK, or why it could not be written */
};

static int failed(struct target *t, const char *path, int code)
{
	fprintf(stderr, "postroom backup: %s: %s%s\n", path, strerror(errno),
		errno == ENOSPC || errno == EDQUOT ? "; nothing was kept" : "");
	t->code = code;
	return code;
}

/* ---- nothing is left behind ------------------------------------------------------ */

static const char *unfinished;	/* for the signal handler */

static void interrupted(int number)
{
	if (unfinished)
		unlink(unfinished);
	_exit(128 + number);
}

static void watch_signals(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = interrupted };

	unfinished = path;
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- the file ----------------------------------------------------------------------- */

static int open_file(struct target *t, bool force)
{
	if (!force && access(t->path, F_OK) == 0) {
		fprintf(stderr, "postroom backup: %s is there already; --force "
			"replaces it\n", t->path);
		return EX_CANTCREAT;
	}
	if (asprintf(&t->beside, "%s.tmp", t->path) < 0)
		return EX_OSERR;
	t->fd = open(t->beside, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (t->fd < 0)
		return failed(t, t->beside, EX_CANTCREAT);
	/* one that was left by a crash is taken over, one being written is not */
	if (flock(t->fd, LOCK_EX | LOCK_NB) != 0) {
		fprintf(stderr, "postroom backup: %s is being written by another\n",
			t->beside);
		close(t->fd);
		return EX_CANTCREAT;
	}
	watch_signals(t->beside);
	return ftruncate(t->fd, 0) ? failed(t, t->beside, EX_IOERR) : EX_OK;
}

static int open_target(struct target *t, const char *path, bool force)
{
	t->path = path;
	if (strcmp(path, "-") != 0)
		return open_file(t, force);
	t->fd = STDOUT_FILENO;
	watch_signals(NULL);
	if (isatty(t->fd)) {
		fputs("postroom backup: - is standard output, which is a terminal\n",
		      stderr);
		return EX_USAGE;
	}
	return EX_OK;
}

static enum status take_piece(void *arg, struct slice octets)
{
	struct target *t = arg;

	t->octets += octets.len;
	while (octets.len) {
		ssize_t n = write(t->fd, octets.data, octets.len);

		if (n < 0 && errno != EINTR) {
			progress_end(&t->progress);
			failed(t, t->beside ? t->beside : "standard output", EX_IOERR);
			return ST_IO;
		}
		if (n > 0)
			octets = slice_from(octets, (size_t)n);
	}
	return ST_OK;
}

static void take_progress(void *arg, uint64_t done, uint64_t total)
{
	struct target *t = arg;

	progress_show(&t->progress, done ? done : t->octets, total);
}

static int sync_directory(struct target *t)
{
	char *copy = strdup(t->path), *slash = copy ? strrchr(copy, '/') : NULL;
	const char *directory = !slash ? "." : slash == copy ? "/" : copy;
	int fd, code = EX_OK;

	if (!copy)
		return EX_OSERR;
	if (slash && slash != copy)
		*slash = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		code = failed(t, directory, EX_IOERR);
	if (fd >= 0)
		close(fd);
	free(copy);
	return code;
}

/* Synced before it gets its name: who sees the name has all of it. */
static int keep_file(struct target *t)
{
	if (fsync(t->fd) || close(t->fd)) {
		t->fd = -1;
		return failed(t, t->beside, EX_IOERR);
	}
	t->fd = -1;
	if (rename(t->beside, t->path))
		return failed(t, t->path, EX_CANTCREAT);
	unfinished = NULL;
	free(t->beside);
	t->beside = NULL;
	return sync_directory(t);
}

static void drop_file(struct target *t)
{
	if (t->beside) {
		if (t->fd >= 0)
			close(t->fd);
		unlink(t->beside);
	}
	free(t->beside);
}

int cmd_backup(const struct invocation *i)
{
	struct target t = { .fd = -1 };
	struct answer answer = { .piece = take_piece, .progress = take_progress,
				 .arg = &t };
	struct control_client *c;
	bool is_file = strcmp(i->words[0], "-") != 0;
	int code;

	c = ask_open(i, &code);
	if (!c)
		return code;
	code = open_target(&t, i->words[0], i->force);
	if (!code) {
		progress_begin(&t.progress, i->words[0], true);
		code = ask(c, i, "backup", NULL, 0, &answer);
		progress_end(&t.progress);
	}
	if (!code && answer.value != t.octets) {
		fputs("postroom backup: the copy came incomplete\n", stderr);
		code = EX_IOERR;
	}
	if (t.code)
		code = t.code;
	if (!code && is_file)
		code = keep_file(&t);
	if (!code)
		fprintf(is_file ? stdout : stderr, "%s: %" PRIu64 " octets in %.1f s\n",
			i->words[0], t.octets, (double)progress_ms(&t.progress) / 1000);
	drop_file(&t);
	control_client_close(c);
	return code;
}
