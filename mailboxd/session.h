/*
 * One connected daemon, or the command line, without its socket: what it said
 * in HELLO, the account it is bound to, its open mailboxes and requests
 * (doc/ipc.md). Octets in, octets out; mailboxd/peer.c carries it over libuv,
 * tests/support/store_backend.c in process.
 *
 *	HELLO ──HELLO──▶ NEW ──AUTH_OK on store.sock──▶ BOUND
 *	HELLO ──HELLO with the feature "service"──▶ SERVICE
 *
 * There is no way back and no second bind; the end of the connection is the
 * logout. A session that ends while jobs run for it leaves them behind as
 * orphans, which free themselves.
 */
#ifndef MAILBOXD_SESSION_H
#define MAILBOXD_SESSION_H

#include "common/buf.h"
#include "common/ipc_messages.h"
#include "mailboxd/store_access.h"
#include "mailboxd/watch.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_OPEN_MAX	16u	/* requests */
#define SESSION_HANDLES_MAX	16u
/* Octets of answers that may wait in out before nothing new is begun. */
#define SESSION_OUT_HIGH	((size_t)256 * 1024)

enum session_socket {
	SESSION_STORE = 1,
	SESSION_AUTH = 2,
	SESSION_CONTROL = 4,
};

enum session_state {
	SESSION_HELLO,	/* theirs has not come */
	SESSION_NEW,
	SESSION_BOUND,
	SESSION_SERVICE,	/* of a whole daemon: events (mailboxd/fronts.h) */
	SESSION_DEAD,	/* to be closed once out is flushed */
	SESSION_STATES
};

struct front_peer;
struct request;
struct service;

/* An open mailbox. */
struct handle {
	struct watch_entry watch;	/* watch.mailbox is its id */
	struct session *session;
	uint32_t id;
	bool read_only;
	bool has_news;		/* an event is due, out was too full */
	struct store_access access;	/* as resolved last; requests have copies */
	uint64_t warned;	/* generation of rights at which news were cut */
	uint64_t told_modseq;	/* the highest the peer was told */
	uint32_t keywords_told;	/* ids of keyword sets up to this */
};

struct session {
	struct service *service;
	struct session *next, **at;	/* of service->sessions */
	enum session_socket socket;
	enum session_state state;
	bool is_root;		/* control.sock: may change things */
	struct buf *out;	/* whoever carries it owns it */
	/* Something was put into out, a request ended, or the session is dead.
	 * It may come from inside session_input(): it only takes note. */
	void (*wake)(struct session *s);
	void *owner;

	char peer_name[32];	/* of HELLO: "imapd" */
	uint64_t account;
	uint64_t credential;	/* it logged in with; 0: none was needed */
	struct buf login;
	unsigned scope;		/* enum store_scope it logged in through */
	char sid[24];		/* as the daemon told it */
	char address[48];
	int64_t since_ms;	/* wall clock of the bind */

	struct front_peer *front;	/* SESSION_SERVICE */
	struct request *requests;
	unsigned open;
	uint32_t last_handle;
	struct handle *handles[SESSION_HANDLES_MAX];	/* NULL: free */
};

/* Registers with the service; HELLO is in out. NULL when memory is short. */
struct session *session_new(struct service *service,
			    enum session_socket socket, bool is_root,
			    struct buf *out);
/* Cancels what is open. NULL is fine. */
void session_free(struct session *s);
/*
 * Takes whole frames off in and counts them in *used. ST_OK; ST_MORE: as many
 * requests are open as may be, or out is full: come again when out has drained
 * or a request was answered; ST_SYNTAX: drop the peer.
 */
enum status session_input(struct session *s, struct slice in, size_t *used);
/* out was written: streams and events that waited for room go on. */
void session_drained(struct session *s);
/* Sends KICK; the session is dead afterwards. */
void session_kick(struct session *s, struct slice reason);

/* Sends an event to whoever is there; a peer that does not read is given up. */
void session_event(struct session *s, const struct ipc_message *m);

/* The id that a handle will have, before it is known what it opens. */
uint32_t session_handle_next(struct session *s);
/* Opens a handle under that id. ST_LIMIT; ST_NO_MEMORY; ST_DENIED: another session has the
 * mailbox exclusively. */
enum status session_handle_open(struct session *s, uint32_t id,
				const struct store_access *access, bool read_only,
				bool exclusive, struct handle **handle);
/* It lives until it is closed. NULL: there is none. */
struct handle *session_handle_find(struct session *s, uint32_t id);
void session_handle_close(struct session *s, struct handle *h);
/* Tells of a change, now or when out has room. Where rights were changed since a handle of
 * another's mailbox was used last, it is told once to ask, without a number, and
 * nothing more before it did. */
void session_news(struct handle *h, uint64_t highestmodseq);

#endif
