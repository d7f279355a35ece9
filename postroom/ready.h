/*
 * How others learn that the suite serves: the ready line (one JSON object),
 * systemd's notification, and the files in the run directory.
 */
#ifndef POSTROOM_READY_H
#define POSTROOM_READY_H

#include "postroom/children.h"

/* Appends the line with its end. ca: path or NULL; dir may be NULL. */
enum status ready_line(const struct sockets *sockets, const struct child *children,
		       size_t count, const char *dir, const char *ca, struct buf *out);
/* "READY=1", "STOPPING=1"; nothing without NOTIFY_SOCKET. */
void ready_notify(const char *state);
/* Writes RUN/state: a line for each child, "name worker pid state restarts", and
 * for each certificate, "certificate name days". */
void ready_write_state(const char *run, const struct child *children, size_t count,
		       const struct certificates *certificates);
/*
 * Takes the lock of RUN/postroom.pid and writes our pid. *fd stays open as long
 * as the lock is needed. ST_EXISTS: another postroom has it, err names its pid.
 */
enum status ready_lock(const char *run, int *fd, struct error *err);

#endif
