/*
 * The system flags by name (RFC 9051 section 2.3.2), in the order in which they
 * are shown. \Recent belongs to a session and cannot be set.
 */
#ifndef COMMON_FLAG_NAMES_H
#define COMMON_FLAG_NAMES_H

#include "common/slice.h"

#include <stdint.h>

#define FLAG_NAME_COUNT ((size_t)5)

struct flag_name {
	struct slice name;
	uint32_t flag;
};

extern const struct flag_name flag_names[FLAG_NAME_COUNT];

/* In any case; 0: no such. */
uint32_t flag_find(struct slice name);

#endif
