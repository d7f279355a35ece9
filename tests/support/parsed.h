/* A message and its parts, for what reads messages by their parts. */
#ifndef TESTS_SUPPORT_PARSED_H
#define TESTS_SUPPORT_PARSED_H

#include "common/mime.h"

struct parsed {
	struct mime *mime;	/* mime_free() it at the end */
	const struct part *parts;
	size_t count;
};

/* Asserts. */
struct parsed parsed_of(struct slice message);

#endif
