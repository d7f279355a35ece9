/*
 * Asks mailboxd one thing and shows the answer: what most commands are.
 */
#ifndef POSTROOM_ASK_H
#define POSTROOM_ASK_H

#include "postroom/control_client.h"
#include "postroom/invocation.h"
#include "postroom/output.h"

/* Where an answer goes. Zeroed: to standard output. */
struct answer {
	struct output *rows;	/* taken instead of written, when not NULL */
	/* Gets what would be written to standard output. Anything but ST_OK, after
	 * a message, ends the request; it is then the status. */
	enum status (*piece)(void *arg, struct slice octets);
	void (*progress)(void *arg, uint64_t done, uint64_t total);
	void *arg;
	bool quiet_errors;	/* the caller tells */
	enum status status;	/* of an ERROR */
	uint64_t value;		/* of DONE */
	size_t row_count;
};

/* Connects to the suite's mailboxd; NULL after a message, *code is then the exit
 * status. */
struct control_client *ask_open(const struct invocation *i, int *code);
/* Sends verb and words and handles all of the answer. Returns the exit status. */
int ask(struct control_client *c, const struct invocation *i, const char *verb,
	const struct slice *words, size_t count, struct answer *answer);
/* Adds what some options are as words of control.sock; gives how many words there
 * are then. */
#define ASK_OPTIONS_MAX 2
size_t ask_options(const struct invocation *i, struct slice *words, size_t count);
/* The verb of the table under its own name, with its words as they are. */
int ask_verb(const struct invocation *i);
/* "postroom VERB: "word": why" on standard error. */
void ask_tell_error(const struct invocation *i, const struct ipc_error *e);
/* The exit status that says what a status says. */
int ask_exit_code(enum status st);

#endif
