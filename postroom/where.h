/*
 * Which suite a command is about: by --dir, by the configuration, or the lab in
 * the working directory.
 */
#ifndef POSTROOM_WHERE_H
#define POSTROOM_WHERE_H

#include "postroom/invocation.h"
#include "postroom/programs.h"

#include <sys/types.h>

/* The run directory, the caller's own; NULL after a message. */
char *where_is_run(const struct invocation *i);
/* The process that holds RUN/postroom.pid; 0: none runs there. */
pid_t where_is_postroom(const char *run);

/* The store of a suite that does not run, and who may open it. */
struct where_store {
	char *data;
	struct program_user user;
};
/* False after a message. To be ended with where_store_clear(). */
bool where_is_store(const struct invocation *i, struct where_store *store);
void where_store_clear(struct where_store *store);

#endif
