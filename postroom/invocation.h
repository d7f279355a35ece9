/*
 * One call of the command: noun, verb, words and options, taken apart once and
 * checked against the verb's row.
 */
#ifndef POSTROOM_INVOCATION_H
#define POSTROOM_INVOCATION_H

#include "common/options.h"

#include <stdbool.h>

#define INVOCATION_WORDS_MAX 60
#define INVOCATION_SETS_MAX 200

enum invocation_option {
	WITH_SUITE = 1,		/* -c FILE, --dir DIR: which suite */
	WITH_JSON = 2,		/* --json */
	WITH_PASSWORD = 4,	/* --password-stdin, --verifier-stdin */
	WITH_CHANGED = 8,	/* --non-default */
	WITH_SET = 16,		/* --set KEY=VALUE */
	WITH_PROFILE = 32,	/* --profile NAME */
	WITH_WAIT = 64,		/* --to ADDRESS, --wait SECONDS, --after UID */
	WITH_FOLLOW = 128,	/* -f */
	WITH_QUICK = 256,	/* --quick, --repair */
	WITH_FORCE = 512,	/* --force */
	WITH_EXPUNGED = 1024,	/* --expunged */
	WITH_UNDELETE = 2048,	/* --since TIME, --all */
	WITH_INTO = 4096,	/* --into MAILBOX */
	WITH_KEEP = 65536,	/* --keep-sessions */
	WITH_FORMAT = 8192,	/* --format NAME */
	WITH_RESTORE = 1 << 20,	/* --account ADDRESS, --mailbox NAME */
	WITH_FILE = 1 << 21,	/* -c FILE: which configuration */
};

struct verb;

struct invocation {
	const struct verb *verb;
	const char *words[INVOCATION_WORDS_MAX];
	size_t count;
	/* options; NULL and false where they were not given */
	const char *file, *dir;
	bool keep_sessions, verifier_stdin;
	bool json, password_stdin, non_default, follow, quick, force, expunged, all, repair;
	const char *sets[INVOCATION_SETS_MAX];
	size_t set_count;
	enum profile profile;
	bool has_profile;
	const char *to, *after, *into, *format, *account, *mailbox;
	int64_t since;		/* Unix seconds; 0: not given */
	long wait_s;		/* -1: not given */
};

struct verb {
	const char *noun;	/* "" where the verb stands alone */
	const char *name;
	const char *words;	/* for the usage: "ADDRESS [MAILBOX]" */
	size_t least, most;	/* words */
	unsigned options;	/* bits of enum invocation_option */
	/* Either: all of the rest is this function's own. argv[0] is the verb. */
	int (*main)(int argc, char **argv);
	/* or: called when words and options are right. Gives the exit status. */
	int (*run)(const struct invocation *i);
	const char *summary;
};

/* The verb's columns of the table end with an empty name. */
extern const struct verb verbs[];

/* Fills i from what follows the verb. False: it was wrong, and was told. */
bool invocation_take(struct invocation *i, const struct verb *verb, int argc,
		     char **argv);
/* "postroom user add ADDRESS [--password-stdin]..." and a line end. */
void invocation_usage(const struct verb *verb, void *file);
/* "user add", or "status". */
void verb_full_name(const struct verb *verb, char out[64]);

#endif
