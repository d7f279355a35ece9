#include <config.h>

#include "postroom/spool.h"

#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int spool_make(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	/* a file system that has no O_TMPFILE */
	if ((size_t)snprintf(path, sizeof path, "%s/spool-XXXXXX", directory) >=
	    sizeof path)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	else
		log_warning("spool.failed", log_str("path", directory),
			    log_str("error", strerror(errno)));
	return fd;
}
