/*
 * Makes the n-th allocation of the code under test fail. Only what is linked
 * into the test program is concerned (ld --wrap), not the shared libraries.
 */
#ifndef TESTS_SUPPORT_ALLOCATIONS_H
#define TESTS_SUPPORT_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>

/* From now on the n-th call that allocates fails, once; 0: none. */
void allocations_fail_at(size_t n);
/* Whether it has come to that. */
bool allocations_failed(void);
/* Only calls made while it is on count; it begins off. */
void allocations_count(bool on);

#endif
