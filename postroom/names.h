/* A list of strings that it owns: names in a directory. */
#ifndef POSTROOM_NAMES_H
#define POSTROOM_NAMES_H

#include "common/status.h"

#include <stdbool.h>
#include <stddef.h>

struct names {
	char **items;
	size_t count, cap;
};

void names_free(struct names *n);
/* A copy of name. ST_NO_MEMORY. */
enum status names_add(struct names *n, const char *name);
/* Adds what is in the directory, but "." and "..", in the order of octets. ST_IO,
 * with errno; ST_NO_MEMORY. */
enum status names_of_directory(struct names *n, const char *path);

#endif
