/*
 * Which suite a command is about: by --dir, by the configuration, or the lab in
 * the working directory.
 */
#ifndef POSTROOM_WHERE_H
#define POSTROOM_WHERE_H

#include "postroom/invocation.h"

#include <sys/types.h>

/* The run directory, the caller's own; NULL after a message. */
char *where_is_run(const struct invocation *i);
/* The process that holds RUN/postroom.pid; 0: none runs there. */
pid_t where_is_postroom(const char *run);

#endif
