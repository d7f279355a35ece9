/*
 * Requests of a session: the table of what may be asked where, and the life of
 * one request from its frame to its last answer.
 *
 * A request is a job (mailboxd/job.h). Its handler `start` runs on the loop; it
 * answers at once, or names with request_go() what to run where and what then:
 *
 *	run	on a reader, the writer or a worker: puts answers with
 *		request_put(). It may look at the request, its state and the
 *		transaction, at nothing else.
 *	done	on the loop, with what run returned.
 *
 * The ordinary done is request_ended(): sends what was put, and ends, fails, or
 * (ST_MORE) goes on as soon as the asking side has credit.
 */
#ifndef MAILBOXD_REQUESTS_H
#define MAILBOXD_REQUESTS_H

#include "common/ipc_codec.h"
#include "mailboxd/job.h"
#include "mailboxd/service.h"
#include "mailboxd/session.h"

/* Octets that one slice of a streamed answer may put. */
#define REQUEST_ANSWER_MAX	((size_t)17 * 1024 * 1024)
/* Octets of rows or body in one frame. */
#define REQUEST_PIECE		((size_t)32 * 1024)
/* What credit allows a slice to put is kept within these. */
#define REQUEST_ROOM_LEAST	4096
#define REQUEST_ROOM_MOST	131072
/* A request that is not answered within this time is given up. */
#define REQUEST_DEADLINE_MS	30000
#define REQUEST_SEARCH_MS	120000

struct request;

typedef enum status request_run(struct request *r, struct tx *tx);
typedef void request_done(struct request *r, enum status st);
/* On the loop. message borrows from the request. */
typedef void request_start(struct request *r);

struct request_type {
	enum ipc_type type;
	unsigned sockets;	/* enum session_socket that take it */
	bool bound;		/* only after AUTH_OK */
	bool is_silent;		/* has no answer at all */
	request_start *start;
	/* A further message with the id of the open request, such as
	 * APPEND_DATA; NULL: there are none. ST_SYNTAX drops the peer. */
	enum status (*more)(struct request *r, const struct ipc_message *m);
	int64_t deadline_ms;
};

struct request {
	struct job job;		/* first: a job is its request */
	struct service *service;
	struct session *session;	/* NULL: an orphan */
	struct request *next, **at;	/* of session->requests */
	const struct request_type *type;
	uint32_t id;
	struct buf frame;	/* the payload; wiped at the end */
	struct ipc_message message;	/* borrows from frame */
	struct buf answer;	/* frames put by run */
	int64_t credit;		/* octets of answer that may be sent */
	size_t room;		/* octets that this slice should put: for run */
	int64_t due_ms;		/* deadline, or the end of a delay; 0: none */
	bool is_running;	/* a job is on its way */
	bool has_last;		/* the answer holds its last frame */
	bool is_ending;		/* nothing more will be run: send, then free */
	bool is_stream;		/* ST_MORE: run again when the answer is sent */
	bool is_delayed;	/* request_delay() */
	bool is_cancelled;
	enum status outcome;	/* of the last job */

	enum job_place place;
	request_run *run;
	request_done *done;

	uint32_t handle;	/* that it named, or 0 */
	uint64_t mailbox;	/* of the handle */
	struct store_access access;	/* to it; a copy of the handle's */
	uint32_t keywords_told;
	/* of the session when it began, for the journal */
	uint64_t account;
	unsigned scope;
	char sid[24], client[48];

	/* the handler's own; freed with free_state, or free() where NULL. Of a
	 * request that was given up while its job ran, nothing else is called:
	 * what must be done in any case is done there */
	void *state;
	void (*free_state)(struct request *r);

	char detail[48];	/* of an ERROR */
	char text[200];
};

/* The row of a type; NULL for one that is no request. */
const struct request_type *request_type_find(unsigned type);

/* Makes and starts a request; the session takes care of it from then on.
 * ST_NO_MEMORY. */
enum status request_new(struct session *s, const struct request_type *type,
			const struct ipc_frame *frame);
/* The asking side no longer wants it, or the connection ended. */
void request_cancel(struct request *r);
/* More credit, or room in out: a waiting stream goes on. */
void request_resume(struct request *r);
/* Past its deadline, or its delay is over. */
void request_expired(struct request *r);
/* The session ended: what cannot be stopped runs on as an orphan. */
void request_orphan(struct request *r);

/* ---- for handlers ------------------------------------------------------------- */

/* On the loop: submits. Where that fails the request fails with it. */
void request_go(struct request *r, enum job_place place, enum job_sync sync,
		request_run *run, request_done *done);
/* On the loop: answers come after so many milliseconds; then done. */
void request_delay(struct request *r, int64_t ms, request_done *done);
/* Puts a message into the answer; flags of enum ipc_frame_flag. */
enum status request_put(struct request *r, unsigned flags,
			const struct ipc_message *m);
/* The last answer: DONE with a value. */
enum status request_put_done(struct request *r, uint64_t value);
/* Puts octets as frames of at most REQUEST_PIECE: ROWS, BODY, PIECE, UIDS. */
enum status request_put_rows(struct request *r, uint32_t items,
			     struct slice rows);
enum status request_put_body(struct request *r, uint32_t uid,
			     struct slice octets);
enum status request_put_pieces(struct request *r, struct slice octets);
enum status request_put_set(struct request *r, enum ipc_type type,
			    const struct ranges *set);
/* KEYWORDS of the mailbox that this handle was not told yet. */
enum status request_put_keywords(struct request *r, struct tx *tx);
/* Says why, for the ERROR that will follow; returns st. */
enum status request_fail(struct request *r, enum status st,
			 const char *detail, const char *text);
/* The same with the store's words. */
enum status request_store_failed(struct request *r, enum status st,
				 struct tx *tx, const char *detail);

/* Where a message should go: TRYCREATE where it is one's own and is not there. */
enum status request_target_failed(struct request *r, enum status st, struct tx *tx,
				  struct slice owner);

/* The response code of RFC 5530 that fits a failure best, or "". */
const char *request_detail(enum status st);
/* "imap", "pop3" or "smtp", of enum store_scope. */
struct slice scope_word(unsigned scope);
/* In run, behind what was added: whether the account is above its soft quota. */
bool request_over_soft(struct request *r, struct tx *tx);
/* In run: the journal learns who does it. */
void request_act(struct request *r, struct tx *tx);

/* On the loop: the ordinary done. */
request_done request_ended;
/* On the loop: sends the answer and ends the request, which is freed. On failure
 * what was put is dropped and ERROR sent; ST_OK without a last answer: DONE. */
void request_finish(struct request *r, enum status st);
/* On the loop: the answer so far goes out, the request stays open. */
void request_flush(struct request *r);
/* On the loop: one message now, whatever runs and whatever credit there is: the
 * other side is known to read. */
void request_tell(struct request *r, const struct ipc_message *m);
/* On the loop: CREDIT for octets of an APPEND, whatever runs. */
void request_credit(struct request *r, uint32_t octets);
/* On the loop: the mailbox of the handle in the message; false: the request was
 * failed. changes: a read-only handle is refused. */
bool request_handle(struct request *r, uint32_t handle, bool changes);
/* In run: whether these rights on the mailbox of the handle are there now. */
enum status request_may(struct request *r, struct tx *tx, uint32_t rights);
/* On the loop: a zeroed state of so many octets; NULL: the request was failed. */
void *request_state(struct request *r, size_t octets);

/* ---- the handlers ---------------------------------------------------------------- */

request_start req_auth, req_may_send, req_verify, req_greylist, req_list, req_status,
	req_create, req_delete, req_rename, req_subscribe, req_open, req_close, req_watch,
	req_quota, req_quota_set,
	req_metadata_get, req_metadata_set,
	req_fetch, req_read, req_sent, req_store, req_copy, req_expunge,
	req_changes, req_earlier, req_append, req_search, req_sort, req_thread, req_control;
enum status req_auth_more(struct request *r, const struct ipc_message *m);
enum status req_append_more(struct request *r, const struct ipc_message *m);
enum status req_control_more(struct request *r, const struct ipc_message *m);

#endif
