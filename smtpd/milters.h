/*
 * The milters of one session: what the session does is told to each in the order
 * of the configuration, what they answer is obeyed, and a message waits here until
 * the last of them has seen its end.
 *
 * Requests, and the answers to them (common/ipc_messages.h):
 *   MILTER_OPEN    a connection to a milter, under an id of its own. CREDIT with
 *	the octets that left; MILTER_OCTETS what it says; ERROR (last) when it is
 *	away or has hung up.
 *   MILTER_OCTETS  octets for it.
 *   MILTER_CLOSE   none, and nothing more for that id. The backend says
 *	SMFIC_QUIT.
 *
 * Refusals at CONNECT, HELO and MAIL are given at RCPT, so that postmaster is
 * reached: mail to postmaster alone (RFC 5321 section 4.5.1) is told to milters and
 * edited by them, but not refused, thrown away or set aside. After HELO a refusal
 * holds for the session, after MAIL for the transaction.
 */
#ifndef SMTPD_MILTERS_H
#define SMTPD_MILTERS_H

#include "smtpd/held.h"
#include "smtpd/milter_dialogue.h"
#include "smtpd/milter_header.h"
#include "smtpd/session_priv.h"
#include "smtpd/trace_headers.h"

/* Octets that a milter has not taken off us yet, before more of a body is read. */
#define MILTER_UNCREDITED	((size_t)128 * 1024)
/* Recipients of a message, with what belongs to each. */
#define MILTER_RCPTS_MAX	((size_t)4 * 1024 * 1024)
#define MILTER_REASON_MAX	200
/* Edits of a milter to one message, beside pieces of the body, for each looks at all of
 * the header, or at all recipients. */
#define MILTER_EDITS_MAX	1000u
#define MILTER_EDITS_RCPT_MAX	4000u

struct smtp_milter {
	struct smtp_session *session;
	struct milter_dialogue dialogue;
	uint32_t request;	/* 0: not open */
	size_t uncredited;
	bool is_failed;		/* for the rest of the session */
	bool is_said;		/* the event at hand was */
	bool refuses;		/* the message at hand: its edits are not made */
};

/* What a milter does to a message, until it has answered the end of it. */
struct milter_edits {
	bool has_header, has_body, has_rcpts, has_sender, is_junk, is_set_aside;
	struct milter_header header;
	struct held body;
	bool is_after_cr, ends_with_crlf;	/* of body */
	struct buf rcpts, sender;
	unsigned made, made_rcpt;
	char reason[MILTER_REASON_MAX + 1];	/* it is set aside for */
};

/* Where the milter at hand is in the message. */
enum milter_step {
	MILTER_STEP_FIELDS,
	MILTER_STEP_END_OF_HEADER,
	MILTER_STEP_BODY,
	MILTER_STEP_END,
	MILTER_STEP_OVER,
};

struct smtp_milters {
	const struct smtp_milter_set *set;
	enum milter_event event;	/* that is told just now; END: the message */
	bool is_telling;
	bool is_refused;	/* RCPT: mailboxd has refused it */
	unsigned at;		/* who is told */
	/* code 0: none */
	struct smtp_passed session_verdict, verdict, rcpt_verdict;
	struct smtp_passed rcpt_passed;	/* what mailboxd said of the recipient */
	struct buf about;		/* RCPT, UNKNOWN: what is told */
	bool is_discarded, is_set_aside;
	bool sets_all_aside;	/* a milter with failing = quarantine has failed */
	bool is_junk;
	char reason[MILTER_REASON_MAX + 1];

	/* the message; the recipients that were accepted, as smtpd/milter_rcpts.h
	 * has them */
	struct buf rcpts;
	size_t rcpt_at;		/* in rcpts: the one that is asked about */
	unsigned accepted, postmasters;	/* those the client named */
	bool is_changed;	/* sender or recipients are not those mailboxd knows */
	struct milter_header header;
	bool has_body;		/* the empty line has come */
	struct held body;
	struct milter_edits edits;
	enum milter_step step;
	struct header_walk walk;
	uint64_t told;		/* octets of the body */

	/* on its way to mailboxd */
	bool is_releasing, is_opened;
	size_t rcpt_sent, rcpt_answered;	/* octets of rcpts */
	unsigned rcpt_waiting, rcpt_refused;
	struct smtp_passed refusal;
	size_t released_header;
	uint64_t released_body;

	char scratch[256];	/* the value of a macro */
	unsigned count;
	struct smtp_milter list[];
};

/* milters.c: for the session. s->milters is NULL where none is configured. */
/* Makes them and tells of the connection. */
void smtp_milters_begin(struct smtp_session *s);
/* The client is somebody else now (XCLIENT). */
void smtp_milters_restart(struct smtp_session *s);
void smtp_milters_free(struct smtp_session *s);
void smtp_milters_tell(struct smtp_session *s, enum milter_event event);
void smtp_milters_unknown(struct smtp_session *s, struct slice line);
/* mailboxd has answered it; what it is told follows by
 * smtp_transaction_answer_rcpt(). */
void smtp_milters_rcpt(struct smtp_session *s, struct slice recipient,
		       const struct smtp_params *params);
void smtp_milters_rcpt_answered(struct smtp_session *s,
				const struct smtp_passed *passed);
/* An answer to a request of theirs. False: it is none. */
bool smtp_milters_answer(struct smtp_session *s, uint32_t id,
			 const struct ipc_message *m, bool last);
void smtp_milters_expired(struct smtp_session *s);
/* The transaction is over. */
void smtp_milters_clear(struct smtp_session *s);

/* milter_verdict.c */
/* For milter_dialogue; context is a smtp_milter. */
void smtp_milter_answered(void *context, const struct milter_answer *a);
/* A 421, which ends the session; NULL: there is none. */
const struct smtp_passed *smtp_milters_last_word(const struct smtp_session *s);
/* What a recipient is answered without asking mailboxd; NULL: it is asked. */
const struct smtp_passed *smtp_milters_refusal(const struct smtp_session *s,
					       struct slice recipient);
/* What stands against the message; NULL: nothing. */
const struct smtp_passed *smtp_milters_verdict(const struct smtp_session *s);
bool smtp_milters_is_exempt(const struct smtp_session *s);
void smtp_milter_fail(struct smtp_session *s, struct smtp_milter *m,
		      enum status why);
void smtp_milter_close(struct smtp_session *s, struct smtp_milter *m);
/* What was said goes to the backend. */
void smtp_milter_flush(struct smtp_session *s, struct smtp_milter *m);

/* milter_content.c: the message. */
/* The field in front of it. */
enum status smtp_milters_trace(struct smtp_session *s,
			       const struct smtp_trace *trace);
/* Octets of it, as they would go to mailboxd. */
void smtp_milters_take(struct smtp_session *s, struct slice octets);
/* Its end: it is told to the milters, edited, and goes on or is answered. */
void smtp_milters_content(struct smtp_session *s);
/* A step with the milter at hand. True: its answer is waited for. */
bool smtp_milter_content_step(struct smtp_session *s, struct smtp_milter *m);
/* All milters have seen it. */
void smtp_milters_content_told(struct smtp_session *s);
/* What is answered where a message cannot be held. */
enum smtp_reply smtp_milters_reply_for(enum status st);

/* milter_edit.c */
void smtp_milter_edit(struct smtp_session *s, struct smtp_milter *m,
		      const struct milter_answer *a);
/* The milter at hand has accepted: what it wanted is done. */
void smtp_milters_apply(struct smtp_session *s);
void smtp_milters_drop_edits(struct smtp_milters *c);

/* milter_macros.c: milter_macro_fn of a session; context is a smtp_milter. */
struct slice smtp_milter_macro(void *context, struct slice name);

/* release.c: it goes on to mailboxd. */
void smtp_release(struct smtp_session *s);
void smtp_release_answer(struct smtp_session *s, const struct ipc_message *m,
			 bool last);

#endif
