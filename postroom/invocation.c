#include <config.h>

#include "postroom/invocation.h"

#include "common/clock.h"
#include "common/nearest.h"
#include "common/units.h"

#include <stdio.h>
#include <time.h>

enum takes { TAKES_NOTHING, TAKES_VALUE };

static const struct row {
	const char *name;
	enum takes takes;
	unsigned option;
	const char *shown;	/* in the usage; NULL: another row shows it */
} rows[] = {
	{ "-c", TAKES_VALUE, WITH_SUITE, "[-c FILE | --dir DIR]" },
	{ "--config", TAKES_VALUE, WITH_SUITE, NULL },
	{ "--dir", TAKES_VALUE, WITH_SUITE, NULL },
	{ "-c", TAKES_VALUE, WITH_FILE, "[-c FILE]" },
	{ "--config", TAKES_VALUE, WITH_FILE, NULL },
	{ "--json", TAKES_NOTHING, WITH_JSON, "[--json]" },
	{ "--password-stdin", TAKES_NOTHING, WITH_PASSWORD, "[--password-stdin]" },
	{ "--verifier-stdin", TAKES_NOTHING, WITH_PASSWORD, "[--verifier-stdin]" },
	{ "--keep-sessions", TAKES_NOTHING, WITH_KEEP, "[--keep-sessions]" },
	{ "--non-default", TAKES_NOTHING, WITH_CHANGED, "[--non-default]" },
	{ "--set", TAKES_VALUE, WITH_SET, "[--set KEY=VALUE]..." },
	{ "--profile", TAKES_VALUE, WITH_PROFILE, "[--profile server|lab|test]" },
	{ "--to", TAKES_VALUE, WITH_WAIT, "[--to ADDRESS]" },
	{ "--wait", TAKES_VALUE, WITH_WAIT, "[--wait SECONDS]" },
	{ "--after", TAKES_VALUE, WITH_WAIT, "[--after UID]" },
	{ "-f", TAKES_NOTHING, WITH_FOLLOW, "[-f]" },
	{ "--follow", TAKES_NOTHING, WITH_FOLLOW, NULL },
	{ "--quick", TAKES_NOTHING, WITH_QUICK, "[--quick]" },
	{ "--repair", TAKES_NOTHING, WITH_QUICK, "[--repair]" },
	{ "--account", TAKES_VALUE, WITH_RESTORE, "[--account ADDRESS]" },
	{ "--mailbox", TAKES_VALUE, WITH_RESTORE, "[--mailbox NAME]" },
	{ "--force", TAKES_NOTHING, WITH_FORCE, "[--force]" },
	{ "--expunged", TAKES_NOTHING, WITH_EXPUNGED, "[--expunged]" },
	{ "--since", TAKES_VALUE, WITH_UNDELETE, "[--since TIME]" },
	{ "--all", TAKES_NOTHING, WITH_UNDELETE, "[--all]" },
	{ "--into", TAKES_VALUE, WITH_INTO, "[--into MAILBOX]" },
	{ "--format", TAKES_VALUE, WITH_FORMAT, "[--format maildir|mbox|eml]" },
};
#define ROW_COUNT (sizeof rows / sizeof *rows)

void verb_full_name(const struct verb *verb, char out[64])
{
	snprintf(out, 64, "%s%s%s", verb->noun, *verb->noun ? " " : "", verb->name);
}

void invocation_usage(const struct verb *verb, void *file)
{
	char name[64];

	verb_full_name(verb, name);
	fprintf(file, "usage: postroom %s%s%s", name, *verb->words ? " " : "",
		verb->words);
	for (size_t i = 0; i < ROW_COUNT; i++)
		if ((verb->options & rows[i].option) && rows[i].shown)
			fprintf(file, " %s", rows[i].shown);
	fputc('\n', file);
}

static bool take_profile(struct invocation *i, const char *value)
{
	for (int p = 0; p < PROFILE_COUNT; p++)
		if (strcmp(profile_name((enum profile)p), value) == 0) {
			i->profile = (enum profile)p;
			i->has_profile = true;
			return true;
		}
	return false;
}

static bool take_seconds(struct invocation *i, const char *value)
{
	unsigned long long n;

	if (!slice_number(slice_str(value), 86400, &n))
		return false;
	i->wait_s = (long)n;
	return true;
}

/* "2h", or "2026-11-27" with or without "T20:15[:30][Z]", in UTC. */
static bool take_since(struct invocation *i, const char *value)
{
	static const char *const forms[] = {
		"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%MZ",
		"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ",
	};
	uint64_t ago;

	if (units_time(slice_str(value), &ago)) {
		i->since = clock_wall_seconds() - (int64_t)(ago / 1000);
		return i->since > 0;
	}
	for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
		struct tm tm = { 0 };
		const char *end = strptime(value, forms[k], &tm);

		if (end && !*end) {
			i->since = timegm(&tm);
			return i->since > 0;
		}
	}
	return false;
}

static bool take_option(struct invocation *i, const char *name, const char *value)
{
	if (strcmp(name, "-c") == 0 || strcmp(name, "--config") == 0)
		i->file = value;
	else if (strcmp(name, "--dir") == 0)
		i->dir = value;
	else if (strcmp(name, "--json") == 0)
		i->json = true;
	else if (strcmp(name, "--password-stdin") == 0)
		i->password_stdin = true;
	else if (strcmp(name, "--verifier-stdin") == 0)
		i->verifier_stdin = true;
	else if (strcmp(name, "--keep-sessions") == 0)
		i->keep_sessions = true;
	else if (strcmp(name, "--non-default") == 0)
		i->non_default = true;
	else if (strcmp(name, "--profile") == 0)
		return take_profile(i, value);
	else if (strcmp(name, "--to") == 0)
		i->to = value;
	else if (strcmp(name, "--after") == 0)
		i->after = value;
	else if (strcmp(name, "--wait") == 0)
		return take_seconds(i, value);
	else if (strcmp(name, "-f") == 0 || strcmp(name, "--follow") == 0)
		i->follow = true;
	else if (strcmp(name, "--quick") == 0)
		i->quick = true;
	else if (strcmp(name, "--repair") == 0)
		i->repair = true;
	else if (strcmp(name, "--account") == 0)
		i->account = value;
	else if (strcmp(name, "--mailbox") == 0)
		i->mailbox = value;
	else if (strcmp(name, "--force") == 0)
		i->force = true;
	else if (strcmp(name, "--expunged") == 0)
		i->expunged = true;
	else if (strcmp(name, "--all") == 0)
		i->all = true;
	else if (strcmp(name, "--into") == 0)
		i->into = value;
	else if (strcmp(name, "--format") == 0)
		i->format = value;
	else if (strcmp(name, "--since") == 0)
		return take_since(i, value);
	else if (i->set_count == INVOCATION_SETS_MAX)
		return false;
	else
		i->sets[i->set_count++] = value;
	return true;
}

static const struct row *find_row(const struct verb *verb, struct slice name)
{
	for (size_t i = 0; i < ROW_COUNT; i++)
		if ((verb->options & rows[i].option) &&
		    slice_eq(slice_str(rows[i].name), name))
			return &rows[i];
	return NULL;
}

static void unknown_option(const struct verb *verb, struct slice name)
{
	struct nearest nearest = { 0 };

	for (size_t i = 0; i < ROW_COUNT; i++)
		if (verb->options & rows[i].option)
			nearest_offer(&nearest, name, slice_str(rows[i].name));
	fprintf(stderr, "postroom: there is no option %.*s here", SLICE_ARG(name));
	if (nearest.is_found)
		fprintf(stderr, "; did you mean %.*s?", SLICE_ARG(nearest.name));
	fputc('\n', stderr);
}

/* An option at argv[*at], as "--name value" or "--name=value". */
static bool take_argument(struct invocation *i, int argc, char **argv, int *at)
{
	struct slice name = slice_str(argv[*at]);
	size_t equals = slice_index(name, '=');
	const struct row *row;
	const char *value = NULL;

	if (slice_starts(name, SLICE("--")) && equals < name.len) {
		value = argv[*at] + equals + 1;
		name = slice_head(name, equals);
	}
	row = find_row(i->verb, name);
	if (!row) {
		unknown_option(i->verb, name);
		return false;
	}
	if (row->takes == TAKES_VALUE && !value && *at + 1 < argc)
		value = argv[++*at];
	if ((row->takes == TAKES_VALUE) != (value != NULL) ||
	    !take_option(i, row->name, value)) {
		fprintf(stderr, "postroom: %s: %s\n", row->name,
			row->takes == TAKES_NOTHING ? "it takes no value" :
			value ? "this value is not right" : "its value is missing");
		return false;
	}
	return true;
}

bool invocation_take(struct invocation *i, const struct verb *verb, int argc,
		     char **argv)
{
	bool only_words = false, ok = true;

	*i = (struct invocation){ .verb = verb, .wait_s = -1 };
	for (int at = 0; at < argc && ok; at++) {
		const char *arg = argv[at];

		if (!only_words && strcmp(arg, "--") == 0)
			only_words = true;
		else if (!only_words && arg[0] == '-' && arg[1])
			ok = take_argument(i, argc, argv, &at);
		else if (i->count == INVOCATION_WORDS_MAX)
			ok = false;
		else
			i->words[i->count++] = arg;
	}
	if (ok && i->count >= verb->least && i->count <= verb->most)
		return true;
	invocation_usage(verb, stderr);
	return false;
}
