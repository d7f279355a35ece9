/*
 * Logging in as the daemons do, over mailboxd's sessions (tests/support/asking.h):
 * accounts ann ("secret") and bob ("geheim") of example.test. Whatever cannot be
 * done ends the test.
 */
#ifndef TESTS_SUPPORT_LOGIN_WORLD_H
#define TESTS_SUPPORT_LOGIN_WORLD_H

#include "tests/support/asking.h"
#include "tests/support/scram_client.h"

struct world {
	struct store_backend *b;
	struct store_link *l, *control;	/* store.sock, control.sock */
};

struct world login_begin_world(void);
void login_end_world(struct world w);

/* One SCRAM exchange, through imap. */
struct exchange {
	struct store_link *l;
	struct scram_client client;
	const char *mechanism;
	struct slice exporter, end_point;
	uint32_t id;
	bool is_verified;	/* server-final was right */
	struct buf server_first;
};

struct exchange scram(struct store_link *l, const char *user,
		      const char *password);
/* client-first; the answer is server-first. */
struct answer *begin_exchange(struct exchange *x);
/* The client's next response. */
struct answer *go_on(struct exchange *x, struct slice response);
/* Plays the exchange to its end, or to the first ERROR. */
struct answer *play(struct exchange *x);
/* Ends both. */
void end_exchange(struct exchange *x, struct answer *a);

/* A verb that must go well. */
void do_control(struct world w, const char *verb, const char *words);
/* "password add" with these words: the password. */
void add_app(struct world w, const char *words, char password[64]);
/* On a connection of its own. */
bool can_log_in(struct world w, const char *user, const char *password,
		const char *service);
bool can_scram(struct world w, const char *user, const char *password);

#endif
