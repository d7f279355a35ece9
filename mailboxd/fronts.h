/*
 * What smtpd, popd and imapd tell over their service connections (doc/ipc.md):
 * the sessions they serve, logged in or not, and their figures. It is what they
 * say, shown to the administrator and believed for nothing else. What a
 * connection told goes with it.
 */
#ifndef MAILBOXD_FRONTS_H
#define MAILBOXD_FRONTS_H

#include "common/buf.h"
#include "common/ipc_messages.h"

#include <stdint.h>

/* Sessions kept of one connection; what is beyond is not shown. */
#define FRONTS_SESSIONS_MAX	65536u

struct fronts;		/* all of them */
struct front_peer;	/* one service connection */
struct session;

/* One session of a daemon. Texts end with NUL, and are cut where too long. */
struct front_session {
	struct front_session *next, **at;	/* of the same connection */
	struct front_session *chain;		/* of the table */
	struct front_peer *by;	/* who told of it */
	char sid[24], service[8], door[32], address[48], tls[12];
	uint64_t account;	/* 0: not logged in */
	int64_t since_ms;
	char login[];		/* "" as long as account is 0 */
};

struct fronts *fronts_new(void);
/* The connections are closed. NULL is fine. */
void fronts_free(struct fronts *f);

/* session turned out to be a service connection: it hears what was revoked in the
 * last minute. NULL: memory is short. */
struct front_peer *fronts_join(struct fronts *f, struct session *session,
			       int64_t now_ms);
/* It ends. NULL is fine. */
void fronts_leave(struct front_peer *p);
/* An event it sent. ST_OK, also where memory was short; ST_SYNTAX: not its
 * turn, or ill-formed: drop it. */
enum status fronts_take(struct front_peer *p, const struct ipc_message *m);
/*
 * Asks every daemon to end the sessions that k names. Gives how many that may be
 * at most, of those that have no connection to store.sock (smtpd's, and those
 * before their login): which password they used is not known here.
 */
unsigned fronts_kick(struct fronts *f, const struct ipc_service_kick *k);
/* Keeps such a kick, to tell it to who joins within the next minute: a daemon
 * whose connection was lost just now. k->reason has no end of life. */
#define FRONTS_REVOKED_MAX	64u
#define FRONTS_REVOKED_MS	60000
void fronts_revoked(struct fronts *f, const struct ipc_service_kick *k,
		    int64_t now_ms);
/* The sessions that have no connection to store.sock, in no order. */
void fronts_each(const struct fronts *f,
		 void (*each)(void *arg, const struct front_session *s),
		 void *arg);
/* Figures of a daemon's workers, added up: "smtpd", "connections", 3. At most
 * 64 names a daemon. */
void fronts_figures(const struct fronts *f,
		    void (*each)(void *arg, struct slice daemon,
				 struct slice name, uint64_t value),
		    void *arg);

#endif
