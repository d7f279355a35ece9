#include "postroom/where.h"

#include "postroom/files.h"
#include "postroom/launch.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define USUAL_FILE SYSCONFDIR "/postroom/postroom.conf"

static bool read_config(const char *file, struct launch *l)
{
	struct buf mistakes = BUF_INIT(100000);
	bool ok;

	*l = (struct launch){ .profile = PROFILE_SERVER, .file = file };
	ok = launch_configure(l, &l->config, &mistakes) == ST_OK;
	if (!ok) {
		fprintf(stderr, "%.*spostroom: %s says where the suite is, and cannot be "
			"read as it is\n", SLICE_ARG(buf_slice(&mistakes)), file);
		launch_clear(l);
	}
	buf_free(&mistakes);
	return ok;
}

static char *from_config(const char *file)
{
	struct launch l;
	char *run;

	if (!read_config(file, &l))
		return NULL;
	run = strdup(config_text(l.config, OPTION_RUN));
	launch_clear(&l);
	return run;
}

static bool store_of_config(const char *file, struct where_store *store)
{
	const struct passwd *entry;
	struct launch l;
	const char *name;

	if (!read_config(file, &l))
		return false;
	store->data = strdup(config_text(l.config, OPTION_DATA));
	name = config_text(l.config, OPTION_USERS_MAILBOXD);
	entry = geteuid() == 0 && *name ? getpwnam(name) : NULL;
	if (entry)
		store->user = (struct program_user){ 1, entry->pw_uid, entry->pw_gid };
	launch_clear(&l);
	return store->data != NULL;
}

bool where_is_store(const struct invocation *i, struct where_store *store)
{
	*store = (struct where_store){ 0 };
	if (i->dir)
		store->data = path_join(i->dir, "store");
	else if (i->file)
		return store_of_config(i->file, store);
	else if (access(USUAL_FILE, R_OK) == 0)
		return store_of_config(USUAL_FILE, store);
	else if (access("lab/store", X_OK) == 0)
		store->data = strdup("lab/store");
	else
		fprintf(stderr, "postroom: which store? There is neither %s nor ./lab; say "
			"--dir DIR for a lab, or -c FILE\n", USUAL_FILE);
	return store->data != NULL;
}

void where_store_clear(struct where_store *store)
{
	free(store->data);
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
