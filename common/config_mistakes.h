/*
 * The mistakes found in a configuration, kept until all are known and then
 * told in the order of their lines, each once.
 */
#ifndef COMMON_CONFIG_MISTAKES_H
#define COMMON_CONFIG_MISTAKES_H

#include "common/buf.h"

#include <stdbool.h>

#define CONFIG_MISTAKES_MAX 100

struct config_mistake {
	unsigned line;		/* 0: no line, but place says where */
	char place[96];		/* "--set limits.mesage=1" */
	char text[300];
};

struct config_mistakes {
	struct config_mistake rows[CONFIG_MISTAKES_MAX];
	size_t count;
};

/* Beyond CONFIG_MISTAKES_MAX they are no longer counted; the same again is
 * left out. */
void config_mistakes_add(struct config_mistakes *m, unsigned line,
			 const char *place, struct slice text);
/* Forgets all from index on. */
void config_mistakes_cut(struct config_mistakes *m, size_t count);
/* "FILE:LINE: text\n" or "place: text\n" each. */
enum status config_mistakes_tell(struct config_mistakes *m, const char *file,
				 struct buf *out);

#endif
