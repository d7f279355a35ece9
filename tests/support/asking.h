/*
 * Asks mailboxd's sessions (tests/support/store_backend.h) in raw messages, and
 * keeps what comes back. Whatever cannot be done ends the test.
 */
#ifndef TESTS_SUPPORT_ASKING_H
#define TESTS_SUPPORT_ASKING_H

#include "common/ipc_codec.h"
#include "tests/support/store_backend.h"

/* What came back for one request. */
struct answer {
	struct buf frames;
	struct ipc_message messages[64];
	unsigned flags[64];
	uint32_t ids[64];
	size_t count;
};

void answer_clear(struct answer *a);
/* Frames as they are; *out is the caller's to clear. */
enum status feed(struct store_link *l, struct slice frames, struct answer **out);
struct answer *ask(struct store_link *l, uint32_t id,
		   const struct ipc_message *m);
/* The last message, which must be of this type. */
const struct ipc_message *last(const struct answer *a, enum ipc_type type);
void expect_error(struct store_link *l, const struct ipc_message *m,
		  enum status st, const char *detail);

/* AUTH by PLAIN; the message borrows from plain, which is empty before. */
struct ipc_message asking_login(struct buf *plain, const char *user,
				const char *password, const char *service);
/* The same, asked through imap. */
struct answer *asking_log_in(struct store_link *l, const char *user,
			     const char *password);
/* A verb of control.sock with its words, separated by spaces. */
struct answer *control(struct store_link *l, const char *verb,
		       const char *words);

#endif
