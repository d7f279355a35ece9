#include "postroom/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void names_free(struct names *n)
{
	for (size_t i = 0; i < n->count; i++)
		free(n->items[i]);
	free(n->items);
	*n = (struct names){ 0 };
}

enum status names_add(struct names *n, const char *name)
{
	char *copy = strdup(name);

	if (copy && n->count == n->cap) {
		size_t cap = n->cap ? n->cap * 2 : 64;
		char **grown = realloc(n->items, cap * sizeof *grown);

		if (!grown) {
			free(copy);
			return ST_NO_MEMORY;
		}
		n->items = grown;
		n->cap = cap;
	}
	if (!copy)
		return ST_NO_MEMORY;
	n->items[n->count++] = copy;
	return ST_OK;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

enum status names_of_directory(struct names *n, const char *path)
{
	size_t before = n->count;
	DIR *dir = opendir(path);
	struct dirent *entry;
	enum status st = ST_OK;

	if (!dir)
		return ST_IO;
	while (!st && (errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			st = names_add(n, entry->d_name);
	closedir(dir);
	if (n->count > before)
		qsort(n->items + before, n->count - before, sizeof *n->items, compare);
	return st;
}
