#include "postroom/cmd_run.h"

#include "common/links.h"
#include "postroom/launch.h"
#include "postroom/supervise.h"

#include <getopt.h>
#include <stdio.h>
#include <sysexits.h>

#define ACCOUNT_ANN "ann@example.test:secret"
#define ACCOUNT_BOB "bob@example.test:secret"

static int usage(FILE *to, const char *verb, int code)
{
	if (strcmp(verb, "run") == 0)
		fprintf(to, "usage: postroom run [-c FILE] [--set KEY=VALUE]... "
				"[--ready FILE]\n");
	else
		fprintf(to, "usage: postroom %s [-c FILE] [--dir DIR] [--ports BASE|auto]\n"
				"       [--user ADDRESS:PASSWORD]... [--set KEY=VALUE]... "
				"[--ready FILE]%s\n", verb,
			strcmp(verb, "test") == 0 ? "\n       [--stay] [--strict]" : "");
	return code;
}

static bool add(const char **list, size_t *count, const char *item)
{
	if (*count == LAUNCH_LIST_MAX)
		return false;
	list[(*count)++] = item;
	return true;
}

static bool take_options(struct launch *l, int argc, char **argv, bool *wants_help)
{
	static const struct option words[] = {
		{ "config", 1, 0, 'c' },	{ "dir", 1, 0, 'd' },
		{ "ports", 1, 0, 'p' },		{ "user", 1, 0, 'u' },
		{ "set", 1, 0, 's' },		{ "ready", 1, 0, 'r' },
		{ "stay", 0, 0, 'y' },		{ "strict", 0, 0, 't' },
		{ "help", 0, 0, 'h' },		{ 0, 0, 0, 0 },
	};
	bool is_run = l->profile == PROFILE_SERVER, good = true;
	int word;

	while (good && (word = getopt_long(argc, argv, "c:h", words, NULL)) != -1)
		switch (word) {
		case 'c': l->file = optarg; break;
		case 'd': l->dir = optarg; good = !is_run; break;
		case 'p': l->ports = optarg; good = !is_run; break;
		case 'u': good = !is_run && add(l->users, &l->user_count, optarg); break;
		case 's': good = add(l->sets, &l->set_count, optarg); break;
		case 'r': l->ready = optarg; break;
		case 'y': l->stay = true; good = l->profile == PROFILE_TEST; break;
		case 't': l->strict = true; good = l->profile == PROFILE_TEST; break;
		case 'h': *wants_help = true; good = false; break;
		default: good = false;
		}
	return good && optind == argc;
}

/* Whom a lab has, where nobody says; accounts are made where the mailboxes are. */
static int add_users(struct launch *l)
{
	if (links_has_mailboxd_elsewhere(l->config) && l->user_count) {
		fprintf(stderr, "postroom: --user makes accounts where the mailboxes "
				"are: on the host that links.mailboxd names\n");
		return EX_USAGE;
	}
	if (l->profile != PROFILE_LAB || l->user_count ||
	    links_has_mailboxd_elsewhere(l->config))
		return EX_OK;
	add(l->users, &l->user_count, ACCOUNT_ANN);
	add(l->users, &l->user_count, ACCOUNT_BOB);
	fprintf(stderr, "postroom: two accounts, ann@example.test and "
			"bob@example.test, password: secret\n");
	return EX_OK;
}

static int launch(enum profile profile, int argc, char **argv)
{
	struct launch l = { .profile = profile };
	bool wants_help = false;
	int code;

	if (!take_options(&l, argc, argv, &wants_help))
		return wants_help ? usage(stdout, argv[0], EX_OK) :
			usage(stderr, argv[0], EX_USAGE);
	if (profile == PROFILE_SERVER && !l.file)
		l.file = SYSCONFDIR "/postroom/postroom.conf";
	code = launch_prepare(&l);
	if (code == EX_OK)
		code = add_users(&l);
	if (code == EX_OK)
		code = supervise(&l);
	launch_clear(&l);
	return code;
}

int cmd_run(int argc, char **argv)
{
	return launch(PROFILE_SERVER, argc, argv);
}

int cmd_lab(int argc, char **argv)
{
	return launch(PROFILE_LAB, argc, argv);
}

int cmd_test(int argc, char **argv)
{
	return launch(PROFILE_TEST, argc, argv);
}
