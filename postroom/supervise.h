/*
 * Runs the suite in the foreground: binds the sockets, starts the daemons, hands
 * them configuration and certificates, restarts what dies, tells when all of it
 * serves, reloads, and ends it. The three profiles are this one function; what
 * differs is in struct launch.
 *
 * Signals: SIGTERM and SIGINT end it (a second one at once), SIGHUP reloads.
 * RUN/postroom.pid holds its pid and a lock, RUN/state a line for each daemon.
 */
#ifndef POSTROOM_SUPERVISE_H
#define POSTROOM_SUPERVISE_H

#include "postroom/launch.h"

/* l was prepared by launch_prepare(). Returns the exit status (sysexits.h); what
 * went wrong was said on standard error. */
int supervise(struct launch *l);

#endif
