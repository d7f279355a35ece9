/* Small files: read and written whole. */
#ifndef POSTROOM_FILES_H
#define POSTROOM_FILES_H

#include "common/buf.h"

#include <sys/types.h>

/* Appends the file to out. ST_IO, ST_LIMIT (it is larger than out may be). */
enum status file_read(const char *path, struct buf *out, struct error *err);
/* Beside it and then renamed over it, so that nobody sees half of it. */
enum status file_write(const char *path, struct slice text, mode_t mode,
		       struct error *err);
/* Makes the directory and those above it where they are missing. */
enum status directory_make(const char *path, mode_t mode, struct error *err);
/* Takes it away with all it holds; symbolic links are not followed. */
void directory_remove(const char *path);
/* "a/b" as the caller's own string; NULL: memory is short. */
char *path_join(const char *directory, const char *name);

#endif
