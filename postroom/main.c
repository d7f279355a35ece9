/* The command: finds the verb in its table, takes the rest apart, calls it. */
#include <config.h>

#include "common/nearest.h"
#include "postroom/invocation.h"

#include <stdio.h>
#include <sysexits.h>

/* One line for the verbs of a noun: "user add | rm | list". */
static void list_noun(FILE *to, const struct verb *first)
{
	fprintf(to, "  %s ", first->noun);
	for (const struct verb *v = first;
	     v->name && strcmp(v->noun, first->noun) == 0; v++)
		fprintf(to, "%s%s", v == first ? "" : "|", v->name);
	fputc('\n', to);
}

/* It fits a screen of 24 lines; `postroom NOUN` tells the rest. */
static int usage(FILE *to, int code)
{
	const char *last = "";

	fputs("usage: postroom VERB | NOUN VERB [WORD]... [OPTION]...\n\n", to);
	for (const struct verb *v = verbs; v->name; v++) {
		if (!*v->summary)
			continue;
		if (!*v->noun)
			fprintf(to, "  %-8s %s\n", v->name, v->summary);
		else if (strcmp(last, v->noun) != 0)
			list_noun(to, v);
		last = v->noun;
	}
	fputs("\n`postroom NOUN` and `postroom VERB --help` say more; so does postroom(8).\n",
	      to);
	return code;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
	       strcmp(word, "help") == 0;
}

static const struct verb *find(const char *noun, const char *name)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (strcmp(v->noun, noun) == 0 && strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static bool is_noun(const char *word)
{
	for (const struct verb *v = verbs; v->name; v++)
		if (*v->noun && strcmp(v->noun, word) == 0)
			return true;
	return false;
}

static int tell_noun(const char *noun, FILE *to, int code)
{
	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->noun, noun) != 0 || !*v->summary)
			continue;
		invocation_usage(v, to);
		fprintf(to, "       %s\n", v->summary);
	}
	return code;
}

static int unknown(const char *noun, const char *word)
{
	struct nearest nearest = { 0 };
	struct slice wanted = slice_str(word);

	for (const struct verb *v = verbs; v->name; v++) {
		if (strcmp(v->noun, noun) == 0)
			nearest_offer(&nearest, wanted, slice_str(v->name));
		if (!*noun && *v->noun)
			nearest_offer(&nearest, wanted, slice_str(v->noun));
	}
	fprintf(stderr, "postroom: there is no %s%s%s", noun, *noun ? " " : "verb ", word);
	if (nearest.is_found)
		fprintf(stderr, "; did you mean %.*s?\n", SLICE_ARG(nearest.name));
	else
		fprintf(stderr, "; see: postroom %s\n", *noun ? noun : "--help");
	return EX_USAGE;
}

static bool asks_for_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	return false;
}

static int run(const struct verb *v, int argc, char **argv)
{
	struct invocation i;

	if (v->main)
		return v->main(argc, argv);
	if (asks_for_help(argc - 1, argv + 1)) {
		invocation_usage(v, stdout);
		printf("       %s\n", v->summary);
		return EX_OK;
	}
	return invocation_take(&i, v, argc - 1, argv + 1) ? v->run(&i) : EX_USAGE;
}

int main(int argc, char **argv)
{
	const struct verb *v;

	if (argc < 2)
		return usage(stderr, EX_USAGE);
	if (is_help(argv[1]))
		return usage(stdout, EX_OK);
	if (strcmp(argv[1], "--version") == 0) {
		puts("postroom " PACKAGE_VERSION);
		return EX_OK;
	}
	v = find("", argv[1]);
	if (v)
		return run(v, argc - 1, argv + 1);
	if (!is_noun(argv[1]))
		return unknown("", argv[1]);
	if (argc == 2)
		return tell_noun(argv[1], stderr, EX_USAGE);
	if (is_help(argv[2]))
		return tell_noun(argv[1], stdout, EX_OK);
	v = find(argv[1], argv[2]);
	return v ? run(v, argc - 2, argv + 2) : unknown(argv[1], argv[2]);
}
