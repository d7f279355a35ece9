/* The command: nouns and verbs from a table. */
#include "postroom/cmd_run.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "run", cmd_run, "all daemons in the foreground, supervised" },
	{ "lab", cmd_lab, "the same on loopback, nothing to configure" },
	{ "test", cmd_test, "a mail server for programs, gone at its end" },
};

static int usage(FILE *to, int code)
{
	fprintf(to, "usage: postroom VERB [OPTION]...\n\n");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		fprintf(to, "  %-10s %s\n", verbs[i].name, verbs[i].summary);
	return code;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout, EX_OK);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "postroom: there is no verb '%s'; postroom --help lists them\n",
		argv[1]);
	return EX_USAGE;
}
