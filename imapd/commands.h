/*
 * The command table (RFC 3501 section 6, RFC 9051 section 6): one row a
 * command. When it is allowed, what may be told while it runs and what it may
 * overlap with are columns, checked once in dispatch.
 */
#ifndef IMAPD_COMMANDS_H
#define IMAPD_COMMANDS_H

#include "common/slice.h"

#include <stdbool.h>

struct imap_command;

/* States after the login; what comes before is login.c's. */
enum imap_state {
	IMAP_STATE_AUTHENTICATED,
	IMAP_STATE_SELECTED,
	IMAP_STATE_LOGOUT,
};

/* What a command does to message numbers (RFC 9051 section 7.5.1). The UID form
 * of a command may always tell of expunges. */
enum imap_news {
	IMAP_NEWS_NONE,		/* nothing is told at its end */
	IMAP_NEWS_NO_EXPUNGE,	/* FETCH, STORE, SEARCH by message number */
	IMAP_NEWS_ALL,
	IMAP_NEWS_FRESH,	/* all, and mailboxd is asked first (NOOP) */
};

/* Commands of one group may run at the same time; one of ALONE waits until all
 * before it are done, and all behind it wait for it (RFC 9051 section 5.5). */
enum imap_group {
	IMAP_GROUP_ALONE,
	IMAP_GROUP_FETCH,
	IMAP_GROUP_STORE,
	IMAP_GROUP_LIST,
};

enum imap_command_flag {
	IMAP_HAS_UID = 1,	/* has a UID form */
	IMAP_ONLY_UID = 2,	/* has no other */
	IMAP_NUMBERS = 4,	/* takes message numbers (unless the UID form) */
	IMAP_INPUT = 8,		/* what the client sends next belongs to it */
	IMAP_WRITES = 16,	/* refused where the mailbox is read-only */
};

struct imap_command_row {
	const char *name;
	unsigned states;	/* bits 1 << enum imap_state */
	enum imap_news news;
	enum imap_group group;
	unsigned flags;
	void (*run)(struct imap_command *c);
};

/* NULL: no such command. The name is taken in any case. */
const struct imap_command_row *imap_command_find(struct slice name, bool uid);
/* Row i of the table, NULL behind the last: for tests and `postroom protocols`. */
const struct imap_command_row *imap_command_row(size_t i);

/* The handlers, each in cmd_NAME.c. */
void imap_cmd_append(struct imap_command *c);
void imap_cmd_capability(struct imap_command *c);
void imap_cmd_check(struct imap_command *c);
void imap_cmd_close(struct imap_command *c);
void imap_cmd_compress(struct imap_command *c);
void imap_cmd_copy(struct imap_command *c);
void imap_cmd_create(struct imap_command *c);
void imap_cmd_delete(struct imap_command *c);
void imap_cmd_enable(struct imap_command *c);
void imap_cmd_examine(struct imap_command *c);
void imap_cmd_expunge(struct imap_command *c);
void imap_cmd_fetch(struct imap_command *c);
void imap_cmd_getmetadata(struct imap_command *c);
void imap_cmd_getquota(struct imap_command *c);
void imap_cmd_getquotaroot(struct imap_command *c);
void imap_cmd_id(struct imap_command *c);
void imap_cmd_idle(struct imap_command *c);
void imap_cmd_list(struct imap_command *c);
void imap_cmd_logout(struct imap_command *c);
void imap_cmd_lsub(struct imap_command *c);
void imap_cmd_move(struct imap_command *c);
void imap_cmd_namespace(struct imap_command *c);
void imap_cmd_noop(struct imap_command *c);
void imap_cmd_refused(struct imap_command *c);
void imap_cmd_rename(struct imap_command *c);
void imap_cmd_search(struct imap_command *c);
void imap_cmd_select(struct imap_command *c);
void imap_cmd_setmetadata(struct imap_command *c);
void imap_cmd_setquota(struct imap_command *c);
void imap_cmd_sort(struct imap_command *c);
void imap_cmd_status(struct imap_command *c);
void imap_cmd_store(struct imap_command *c);
void imap_cmd_subscribe(struct imap_command *c);
void imap_cmd_thread(struct imap_command *c);
void imap_cmd_unselect(struct imap_command *c);
void imap_cmd_unsubscribe(struct imap_command *c);

#endif
