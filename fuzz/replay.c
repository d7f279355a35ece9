/*
 * main() of a fuzz target where libFuzzer is not there (`make check`): runs each
 * file of fuzz/seeds/NAME/ through it, whole, cut short at every octet, and with
 * some octets changed, the same way each time; NAME from the program's own name,
 * fuzz_NAME. Files may be named instead.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX	((size_t)1 << 20)
/* Longer seeds are not cut at every octet. */
#define CUT_MAX		((size_t)4096)
/* Changed copies of each. */
#define CHANGED		100

/* A copy of its own, so that reading beyond it is seen; changed so often. */
static int run_copy(const uint8_t *octets, size_t len, unsigned changes)
{
	static uint32_t state = 1;
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		return 1;
	memcpy(copy, octets, len);
	for (; changes > 0 && len > 0; changes--) {
		state = state * 1103515245 + 12345;
		copy[(state >> 4) % len] = (uint8_t)(state >> 20);
	}
	LLVMFuzzerTestOneInput(copy, len);
	free(copy);
	return 0;
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *octets = malloc(FILE_MAX);
	size_t len;
	int failed = 0;

	if (!f || !octets) {
		fprintf(stderr, "cannot read %s\n", path);
		return 1;
	}
	len = fread(octets, 1, FILE_MAX, f);
	fclose(f);
	for (size_t cut = len <= CUT_MAX ? 0 : len; cut <= len; cut++)
		failed |= run_copy(octets, cut, 0);
	for (unsigned i = 0; i < CHANGED; i++)
		failed |= run_copy(octets, len, 1 + i % 8);
	free(octets);
	return failed;
}

static int run_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int failed = 0, count = 0;
	char path[4608];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		failed |= run_file(path);
		count++;
	}
	if (dir)
		closedir(dir);
	if (count == 0)
		fprintf(stderr, "no seeds in %s\n", folder);
	return failed || count == 0;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	const char *top = getenv("srcdir");
	char folder[4096];
	int failed = 0;

	name = strstr(name ? name : argv[0], "fuzz_");
	if (argc == 1) {
		snprintf(folder, sizeof folder, "%s/fuzz/seeds/%s",
			 top ? top : ".", name ? name + 5 : "");
		return run_folder(folder);
	}
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
