#include "tests/support/allocations.h"

#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static size_t left;
static bool is_counting, has_failed;

void allocations_fail_at(size_t n)
{
	left = n;
	has_failed = false;
}

bool allocations_failed(void)
{
	return has_failed;
}

void allocations_count(bool on)
{
	is_counting = on;
}

static bool fails(void)
{
	if (!is_counting || left == 0 || --left > 0)
		return false;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}
