/*
 * An account with a mailbox, Box, of two messages (and Box/Below), and another account
 * that gets rights on it: for tests of what rights mean (RFC 4314). All of it asserts.
 */
#ifndef TESTS_SUPPORT_SHARING_H
#define TESTS_SUPPORT_SHARING_H

#include "tests/support/asking.h"

#define ANN "ann@example.test"	/* the owner */
#define BOB "bob@example.test"

struct sharing {
	struct store_backend *b;
	struct store_link *ann, *bob;
	uint64_t ids[2];	/* accounts */
	uint32_t handle;	/* bob's, of ann's Box */
};

struct sharing sharing_begin(void);
void sharing_end(struct sharing *w);
/* Bob gets these rights on a mailbox of ann's, instead of those he had. */
void sharing_grant(struct sharing *w, const char *mailbox, const char *letters);

/* Asks; the status of the answer. detail gets the code of a refusal. */
enum status sharing_outcome(struct store_link *l, const struct ipc_message *m,
			    char detail[32]);
enum status sharing_ask(struct store_link *l, const struct ipc_message *m);
enum status sharing_append(struct store_link *l, const char *owner, const char *name,
			   uint32_t flags, const char *keywords, char detail[32]);
/* Bob copies or moves UID 2. */
enum status sharing_copy(struct sharing *w, uint32_t handle, const char *owner,
			 const char *name, bool move, char detail[32]);
/* Opens Box of that owner, "" for one's own. */
struct ipc_opened sharing_open(struct store_link *l, const char *owner);

/* Messages to ask with. */
struct ipc_message sharing_open_message(const char *owner, const char *name);
struct ipc_message sharing_flags_message(uint32_t handle, unsigned mode, uint32_t flags,
					 const char *keywords);
/* A set of one; until the next call. */
struct slice sharing_uid(uint32_t uid);

#endif
