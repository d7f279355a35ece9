/*
 * Connecting to the Unix sockets of other daemons.
 */
#ifndef COMMON_UNIX_SOCKET_H
#define COMMON_UNIX_SOCKET_H

#include "common/status.h"

/*
 * *fd is a stream socket, connected, non-blocking. A Unix socket connects at
 * once or not at all. ST_MORE: the other side's queue is full, try again;
 * ST_UNAVAILABLE: nobody listens; ST_LIMIT: the path is too long, or no
 * descriptors are left.
 */
enum status unix_socket_connect(const char *path, int *fd);

#endif
