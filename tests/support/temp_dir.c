#include "tests/support/temp_dir.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define IN_MEMORY	"/dev/shm"
#define ROOM_OCTETS	((unsigned long long)512 << 20)

static const char *find_base(void)
{
	const char *told = getenv("TMPDIR");
	struct statvfs fs;

	if (told)
		return told;
	if (access(IN_MEMORY, W_OK) == 0 && statvfs(IN_MEMORY, &fs) == 0 &&
	    (unsigned long long)fs.f_bavail * fs.f_frsize >= ROOM_OCTETS)
		return IN_MEMORY;
	return "/tmp";
}

void temp_dir_make(char *path, size_t room)
{
	int n = snprintf(path, room, "%s/postroom-test-XXXXXX", find_base());

	cr_assert(n > 0 && (size_t)n < room, "the name of the directory is too long");
	cr_assert(mkdtemp(path) != NULL, "no temporary directory %s", path);
}
