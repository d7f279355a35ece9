#include "postroom/where.h"

#include "postroom/files.h"
#include "postroom/launch.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define USUAL_FILE SYSCONFDIR "/postroom/postroom.conf"

static char *from_config(const char *file)
{
	struct launch l = { .profile = PROFILE_SERVER, .file = file };
	struct buf mistakes = BUF_INIT(100000);
	char *run = NULL;

	if (launch_configure(&l, &l.config, &mistakes) == ST_OK)
		run = strdup(config_text(l.config, OPTION_RUN));
	else
		fprintf(stderr, "%.*spostroom: %s says where the suite is, and cannot be "
			"read as it is\n", SLICE_ARG(buf_slice(&mistakes)), file);
	buf_free(&mistakes);
	launch_clear(&l);
	return run;
}

char *where_is_run(const struct invocation *i)
{
	if (i->dir)
		return path_join(i->dir, "run");
	if (i->file)
		return from_config(i->file);
	if (access(USUAL_FILE, R_OK) == 0)
		return from_config(USUAL_FILE);
	if (access("lab/run", X_OK) == 0)
		return strdup("lab/run");
	fprintf(stderr, "postroom: which suite? There is neither %s nor ./lab; say --dir "
		"DIR for a lab, or -c FILE\n", USUAL_FILE);
	return NULL;
}

/* The lock tells, not the file: it may be left from a machine that crashed. */
pid_t where_is_postroom(const char *run)
{
	char *path = path_join(run, "postroom.pid");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char text[32] = "";
	unsigned long long pid = 0;
	ssize_t n;

	free(path);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	if (n <= 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 ||
	    !slice_number(slice_of(text, strcspn(text, "\n")), INT32_MAX, &pid))
		pid = 0;
	close(fd);
	return (pid_t)pid;
}
