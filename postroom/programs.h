/* Where the daemons' programs are. */
#ifndef POSTROOM_PROGRAMS_H
#define POSTROOM_PROGRAMS_H

#include "common/status.h"

#include <stddef.h>
#include <sys/types.h>

/* Beside us in the build tree, in SBINDIR where installed. ST_IO: it is not there. */
enum status program_find(const char *name, char *path, size_t room, struct error *err);

/* Whom a program becomes; only root can choose. */
struct program_user {
	int is_set;
	uid_t uid;
	gid_t gid;
};

/*
 * Runs mailboxd --offline in the directory (mailboxd/offline.h). in: its standard
 * input, or -1 for none; out: gets the reading end of its standard output, or NULL where
 * that is ours. *pid is for program_wait(). ST_IO.
 */
enum status program_offline(const char *directory, const struct program_user *user,
			    const char *const *words, size_t count, int in, int *out,
			    pid_t *pid, struct error *err);
/* Its exit status; EX_SOFTWARE where it was killed. */
int program_wait(pid_t pid);

#endif
