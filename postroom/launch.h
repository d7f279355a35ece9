/*
 * What is to be run: made from the command line by `run`, `lab` and `test`,
 * completed by profile.c, carried out by supervise.c.
 */
#ifndef POSTROOM_LAUNCH_H
#define POSTROOM_LAUNCH_H

#include "common/config.h"

#define LAUNCH_LIST_MAX 200
#define LAUNCH_MADE_MAX 16

struct launch {
	/* ---- from the command line; borrowed */
	enum profile profile;
	const char *file;	/* -c; NULL: none in lab and test, the usual in run */
	const char *dir;	/* --dir; NULL: as the profile has it */
	const char *ports;	/* --ports: a number, "auto" or NULL */
	const char *users[LAUNCH_LIST_MAX];	/* --user ADDR:PASSWORD */
	size_t user_count;
	const char *sets[LAUNCH_LIST_MAX];	/* --set */
	size_t set_count;
	const char *ready;	/* --ready FILE or NULL */
	bool stay, strict;
	/* ---- from launch_prepare(); ended by launch_clear() */
	struct config *config;
	char *state;	/* lab and test: the directory of it all, absolute */
	char *data, *run;
	char *ca;	/* path of the authority's certificate, or NULL */
	char *cert, *key;
	bool is_temporary;	/* state goes when it ends */
	char *made_sets[LAUNCH_MADE_MAX];	/* behind the user's in sets */
	size_t made_count;
};

/*
 * Reads the configuration (mistakes are printed), finds and makes the
 * directories, makes the lab's certificates. Returns EX_OK or the exit status,
 * after a message that says what to do.
 */
int launch_prepare(struct launch *l);
/* Reads the configuration again, as it is in the file now; printed mistakes go
 * to mistakes. *out is the caller's. */
enum status launch_configure(const struct launch *l, struct config **out,
			     struct buf *mistakes);
/* For `config check`: what the configuration names beside itself, certificates,
 * is there and right. l->config was read. EX_OK, or the exit status after a
 * message; nothing is made. */
int launch_check(struct launch *l);
/* Frees it; a temporary state directory is removed. */
void launch_clear(struct launch *l);

#endif
