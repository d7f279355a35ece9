#include <config.h>

#include "common/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum status unix_socket_connect(const char *path, int *fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int reason;

	if (strlen(path) >= sizeof to.sun_path)
		return ST_LIMIT;
	memcpy(to.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return ST_LIMIT;
	if (connect(*fd, (struct sockaddr *)&to, sizeof to) == 0)
		return ST_OK;
	reason = errno;
	close(*fd);
	return reason == EAGAIN ? ST_MORE : ST_UNAVAILABLE;
}
