#include <config.h>

#include "postroom/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *path_join(const char *directory, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

enum status file_read(const char *path, struct buf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	enum status st = ST_OK;
	char *at;

	if (fd < 0)
		return error_set(err, ST_IO, "%s", path);
	for (;;) {
		size_t room = buf_room(out) < 16384 ? buf_room(out) : 16384;
		ssize_t n;
		char spare;

		/* at the ceiling one more octet tells whether that was all */
		if (room && (st = buf_reserve(out, room, &at)))
			break;
		n = read(fd, room ? at : &spare, room ? room : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			st = error_set(err, ST_IO, "%s", path);
		else if (n > 0 && !room)
			st = error_set(err, ST_LIMIT, "%s is too large", path);
		if (n <= 0 || st)
			break;
		out->len += (size_t)n;
	}
	close(fd);
	return st;
}

static enum status write_all(int fd, struct slice text)
{
	while (text.len) {
		ssize_t n = write(fd, text.data, text.len);

		if (n < 0 && errno != EINTR)
			return ST_IO;
		if (n > 0)
			text = slice_from(text, (size_t)n);
	}
	return ST_OK;
}

enum status file_write(const char *path, struct slice text, mode_t mode,
		       struct error *err)
{
	char beside[4096];
	enum status st;
	int fd;

	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
		return error_set(err, ST_LIMIT, "%s: the name is too long", path);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return error_set(err, ST_IO, "%s", beside);
	st = write_all(fd, text);
	if (fchmod(fd, mode) < 0)
		st = ST_IO;
	if (close(fd) < 0)
		st = ST_IO;
	if (st || rename(beside, path) < 0)
		return error_set(err, ST_IO, "%s", path);
	return ST_OK;
}

enum status directory_make(const char *path, mode_t mode, struct error *err)
{
	char part[4096];
	size_t len = strlen(path);

	if (len >= sizeof part)
		return error_set(err, ST_LIMIT, "%s: the name is too long", path);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		/* those above are for others too */
		if (mkdir(part, path[i] ? 0755 : mode) < 0 && errno != EEXIST)
			return error_set(err, ST_IO, "cannot make the directory %s",
					 part);
	}
	return ST_OK;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *place)
{
	remove(path);
	return 0;
}

void directory_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
