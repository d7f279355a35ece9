/*
 * A directory of its own for a test: in memory where there is room, for what the tests
 * ask of a disk they ask of fault_vfs.h, which keeps its own account of syncs.
 * TMPDIR, where it is set, says otherwise.
 */
#ifndef TESTS_SUPPORT_TEMP_DIR_H
#define TESTS_SUPPORT_TEMP_DIR_H

#include <stddef.h>

/* Makes it, empty; the caller removes it. Asserts. */
void temp_dir_make(char *path, size_t room);

#endif
