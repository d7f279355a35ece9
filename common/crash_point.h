/*
 * Named points at which a test build ends at once, as if it had been killed:
 * with POSTROOM_CRASH=name:n in its environment the process ends with status
 * 137 at the n-th pass of that point (doc: trust, crash points P1 to P10). The
 * list of names is taken from the source; each needs a test.
 *
 * Without --enable-test-hooks a point is nothing.
 */
#ifndef COMMON_CRASH_POINT_H
#define COMMON_CRASH_POINT_H

#include <config.h>

#ifdef WITH_TEST_HOOKS
/* Reads the environment; once, before threads are made. */
void crash_point_load(void);
/* name: a literal. Any thread. */
void crash_point(const char *name);
#else
static inline void crash_point_load(void)
{
}

static inline void crash_point(const char *name)
{
	(void)name;
}
#endif

#endif
