/*
 * What session.c, commands.c and the cmd_*.c files share.
 *
 * A handler says what it has to say by smtp_reply() and returns; what it waits
 * for is a value in the session. After each call from outside, session.c works
 * out from these values what the engine wants and when it expires.
 *
 * Replies are grouped (RFC 2920): they gather in `replies` and go out together
 * once no answer of mailboxd is waited for.
 */
#ifndef SMTPD_SESSION_PRIV_H
#define SMTPD_SESSION_PRIV_H

#include "common/address.h"
#include "common/digest.h"
#include "common/dot_reader.h"
#include "common/engine.h"
#include "common/id.h"
#include "common/ipc_codec.h"
#include "common/line_reader.h"
#include "common/sasl.h"
#include "smtpd/check.h"
#include "smtpd/header_filter.h"
#include "smtpd/loop.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/submission_header.h"

struct smtp_params;
struct told_client;
struct smtp_milters;
struct smtp_routed;

enum smtp_state {
	SMTP_STATE_CONNECTED,	/* no EHLO yet, or TLS has just begun */
	SMTP_STATE_READY,
	SMTP_STATE_AUTH,	/* lines are the client's side of AUTH */
	SMTP_STATE_MAIL,	/* a sender, no recipient accepted */
	SMTP_STATE_RCPT,	/* at least one recipient accepted */
	SMTP_STATE_DATA,	/* octets are the message */
	SMTP_STATE_CHUNK,	/* octets are a chunk of it (BDAT) */
	SMTP_STATE_BDAT,	/* between chunks */
	SMTP_STATE_CLOSED,
	SMTP_STATE_COUNT
};

/* What keeps the engine from taking input. */
enum smtp_wait {
	SMTP_WAIT_NONE,
	SMTP_WAIT_RCPT,		/* a command stands behind RCPTs without answer */
	SMTP_WAIT_AUTH,		/* mailboxd looks at the credentials */
	SMTP_WAIT_SENDER,	/* mailboxd says whether an address may be used */
	SMTP_WAIT_VERIFY,	/* mailboxd says whether there is a mailbox */
	SMTP_WAIT_CHECK,	/* a check of the gate is asked (check.h) */
	SMTP_WAIT_MILTER,	/* a milter is told something */
	SMTP_WAIT_RELEASE,	/* a message that was held goes to mailboxd */
	SMTP_WAIT_STORED,	/* mailboxd commits */
	SMTP_WAIT_PAUSE,	/* the client made too many mistakes */
	SMTP_WAIT_TLS,
};

/* RCPTs that may be without their answer at once. */
#define SMTP_RCPT_WAITING_MAX	100

#define SMTP_PAUSE_MS		1000
#define SMTP_HELO_MAX		((size_t)255)
/* Addresses of a login that are remembered, in octets. */
#define SMTP_MAY_SEND_MAX	((size_t)4096)
/* A group of replies is sent, or waits, at this; 100 RCPTs fit behind it. */
#define SMTP_REPLIES_HIGH	((size_t)16384)
#define SMTP_REPLIES_MAX	((size_t)131072)

/* A reply of mailboxd or of a check that is kept. */
struct smtp_passed {
	unsigned code;		/* 0: none */
	char enhanced[12];
	char text[256];
	const char *by;		/* name of the check; NULL: mailboxd */
};

/* What stands between MAIL and the end of the data. */
struct smtp_transaction {
	struct id mid;
	struct buf sender;	/* rendered, "" for the null sender */
	struct buf recipient;	/* the first one accepted, for Received */
	uint64_t size;		/* SIZE of MAIL, or 0 */
	bool is_8bit, is_utf8;
	unsigned ret;		/* enum dsn_ret */
	struct buf envid;	/* decoded */
	unsigned route;		/* smtpd/route.h; 0: mailboxd */
	bool requires_tls;	/* RFC 8689 */
	uint32_t request;	/* id of the requests; 0: not opened, or over */
	bool is_mail_due;	/* LMTP_MAIL has no answer yet */
	unsigned rcpt_tried, rcpt_due, rcpt_ok;
	unsigned rcpt_had;	/* those who have it from an earlier try (route.h) */
	int64_t rcpt_until;	/* when those due must have been answered */
	/* Octets of `later` that follow each RCPT still without an answer. */
	uint16_t behind[SMTP_RCPT_WAITING_MAX];
	struct smtp_passed failure;	/* it cannot go on: answer with this */

	/* the message */
	bool is_data_checked;	/* the checks of DATA were asked, before BDAT */
	bool is_data_told;	/* the same of milters */
	bool is_begun;		/* the trace header was written */
	enum smtp_reply refusal;	/* what is wrong with it; OK: nothing */
	uint64_t octets;	/* of the message, as received */
	uint64_t passed_on;	/* to mailboxd */
	size_t line_octets;	/* of the line that is not ended */
	bool is_after_cr;	/* BDAT: the last octet was a CR */
	bool ends_with_crlf;
	size_t unacknowledged;	/* octets given to mailboxd without a CREDIT */
	struct buf piece;	/* gathered for the next LMTP_DATA */
	struct header_filter filter;
	unsigned delivered_seen;	/* of its fields, those that were compared */
	/* Submission: the header, and what came behind it, until it is known
	 * that the authors may be used. */
	struct buf held;
	struct submission_scan scan;	/* of its header, once it is whole */
	bool is_released;	/* it went on */
	bool is_end_held;	/* the message ended before that */
	struct buf authors;	/* to be asked for, a line each */
	struct buf denied;	/* the one that may not be used */
	int64_t begun_ms, input_ms;
	unsigned stored, temporary, permanent, end_due;
	struct smtp_passed end_temporary, end_permanent;
	bool is_junk;		/* a milter says so */
	unsigned char digest[DIGEST_OCTETS];	/* once it is whole */
};

struct smtp_session {
	struct engine engine;
	const struct smtp_settings *settings;
	const struct smtp_listener *listener;
	struct id sid;
	enum smtp_state state;
	enum smtp_wait wait;
	int64_t wait_until;	/* for AUTH, STORED, PAUSE */
	int64_t begun_ms, command_ms;
	struct buf replies;	/* the group that is being answered */
	struct buf later;	/* replies that stand behind RCPTs without answer */
	struct line_reader lines;
	unsigned errors;
	unsigned empty;		/* commands since the last message that brought none */
	const struct smtp_command *command;	/* run last; NULL: it was none */
	enum smtp_reply last_refusal;	/* for HELP; OK: none */
	enum status trouble;	/* no memory for a reply: the session ends */
	uint32_t next_request;

	struct buf helo;	/* what EHLO said */
	bool is_esmtp;
	struct buf client_name;	/* by the DNS, and it leads back; or empty */
	struct buf login;	/* canonical address after AUTH */
	struct sasl sasl;
	uint32_t auth_request;
	uint64_t kicked;	/* account whose sessions were ended meanwhile */
	uint64_t kicked_credential;	/* those of this password; 0: all */
	bool is_any_kicked;	/* more than one: whichever it will be */
	uint32_t sender_request;	/* MAY_SEND; 0: none */
	struct buf may_send;	/* addresses that this login may use, a line each */
	uint32_t verify_request;	/* VERIFY; 0: none */
	struct buf verified;	/* the address of VRFY */

	struct smtp_gate *gate;	/* NULL: no check is wanted */
	struct smtp_milters *milters;	/* NULL: none is configured */
	const char *auth_type;	/* the mechanism of the login; NULL: none */
	struct slice about;	/* recipient that a reply is about just now */
	struct smtp_rcpt *rcpt;	/* while it is checked */
	struct buf rcpts;	/* those that wait for their answer, a line each */
	struct arena arena;	/* of one command */
	struct dot_reader *reader;	/* made with the first DATA */
	struct digest *digest;	/* with the first message */
	uint64_t chunk_octets, chunk_left;	/* of them have not come */
	bool is_last_chunk;
	enum smtp_reply chunk_reply;	/* why it is only consumed; OK: it is not */
	enum smtp_state chunk_from;	/* where that leads back to */
	struct smtp_transaction t;
	struct loop_recipients loop;	/* those that were accepted */
	struct smtp_routed *routed;	/* what a route needs; NULL: mailboxd's */
	struct told_client *xclient, *xforward;	/* NULL: nothing was said */
	struct buf told;	/* mids whose reply is on its way, joined */
};

enum smtp_command_flag {
	SMTP_COMMAND_OVERLAPS = 1,	/* does not wait for RCPTs before it */
	SMTP_COMMAND_BEFORE_TLS = 2,	/* where TLS is required */
	SMTP_COMMAND_BEFORE_AUTH = 4,	/* where AUTH is required */
	SMTP_COMMAND_NO_ARGUMENTS = 8,
	SMTP_COMMAND_BETWEEN = 16,	/* never inside a transaction */
	SMTP_COMMAND_LAST = 32,		/* its answer has to be waited for */
	SMTP_COMMAND_EMPTY = 64,	/* brings no mail */
};

struct smtp_command {
	const char *name;
	unsigned states;	/* 1u << each that allows it */
	unsigned flags;
	void (*run)(struct smtp_session *s, struct slice arguments);
	/* Whether it would make sense now, beyond state and flags; NULL: yes. */
	bool (*is_useful)(const struct smtp_session *s);
	const char *usage;	/* HELP */
};

/* Asks the checks of a stage, if there are any, and goes on: check.h,
 * smtp_gate_ask(). */
static inline void smtp_gate(struct smtp_session *s, enum smtp_stage stage,
			     struct slice recipient, smtp_check_next *next,
			     smtp_check_next *refused)
{
	if (s->gate)
		smtp_gate_ask(s, stage, recipient, next, refused);
	else
		next(s);
}

/* commands.c */
extern const struct smtp_command smtp_commands[];
extern const size_t smtp_command_count;
const struct smtp_command *smtp_command_find(struct slice name);
/* Whether the command may come now, for HELP. */
bool smtp_command_is_open(const struct smtp_session *s,
			  const struct smtp_command *c);
/* Runs one line without its CRLF. False: it has to come again, because RCPTs
 * before it wait for their answers. */
bool smtp_command_line(struct smtp_session *s, struct slice line);

/* session.c */
/* Whether the table of moves has it; for the test. */
bool smtp_state_may(enum smtp_state from, enum smtp_state to);
void smtp_enter(struct smtp_session *s, enum smtp_state state);
void smtp_reply(struct smtp_session *s, enum smtp_reply reply);
/* With an argument for the "%". */
void smtp_reply_with(struct smtp_session *s, enum smtp_reply reply,
		     struct slice argument);
void smtp_reply_number(struct smtp_session *s, enum smtp_reply reply,
		       uint64_t argument);
/* One line of a longer reply; the last one by smtp_reply_with(). */
void smtp_reply_more(struct smtp_session *s, enum smtp_reply reply,
		     struct slice text);
/* What mailboxd said. */
void smtp_reply_passed(struct smtp_session *s, const struct smtp_passed *passed);
/* Copies what fits, as a reply to keep. */
void smtp_passed_keep(struct smtp_passed *passed, unsigned code,
		      struct slice enhanced, struct slice text);
void smtp_greet(struct smtp_session *s);
/* This, then the end of the connection. */
void smtp_end_passed(struct smtp_session *s, const struct smtp_passed *passed);
/* The end of the connection behind what was said already. */
void smtp_shut(struct smtp_session *s);
/* The reply, then the end of the connection. */
void smtp_end(struct smtp_session *s, enum smtp_reply reply);
void smtp_end_with(struct smtp_session *s, enum smtp_reply reply,
		   struct slice argument);
/* Counts something that brings no mail; too many are wrong. */
void smtp_count_empty(struct smtp_session *s);
/* Counts something wrong against the client: slower, then the end. */
void smtp_count_error(struct smtp_session *s);
/* Waits for mailboxd, at most so long. */
void smtp_wait(struct smtp_session *s, enum smtp_wait wait, int64_t ms);
/* An id for a request. */
uint32_t smtp_request_id(struct smtp_session *s);
bool smtp_is_secure(const struct smtp_session *s);
bool smtp_offers_starttls(const struct smtp_session *s);
bool smtp_offers_auth(const struct smtp_session *s);

/* transaction.c */
void smtp_transaction_begin(struct smtp_session *s);
/* Gives up what was begun, if anything was, and forgets it. */
void smtp_transaction_clear(struct smtp_session *s);
/* Passes a recipient on, opening the transaction with the first one. */
void smtp_transaction_rcpt(struct smtp_session *s, struct slice recipient,
			   const struct smtp_params *params);
/* Takes octets of the message (unstuffed): size, lines and digest are looked
 * at, and pieces go on. */
void smtp_transaction_octets(struct smtp_session *s, struct slice octets);
/* More octets may be taken now. */
bool smtp_transaction_has_room(const struct smtp_session *s);
/* The message cannot go on: what comes of it is answered with this. */
void smtp_transaction_fail(struct smtp_session *s,
			   const struct smtp_passed *failure);
/* Octets go on as they are: they were looked at. To mailboxd, or, where there are
 * milters, to what is held for them. */
void smtp_transaction_pass(struct smtp_session *s, struct slice octets);
/* To mailboxd in any case. */
void smtp_transaction_pass_on(struct smtp_session *s, struct slice octets);
/* What is left of it, and its end; its commit is waited for. */
void smtp_transaction_commit(struct smtp_session *s);
/* Gives up what mailboxd has of the transaction, if anything, and opens another
 * with the sender that there is now. LMTP_MAIL is sent; the recipients are to
 * follow. */
void smtp_transaction_reopen(struct smtp_session *s);
/* The transaction ends, its message refused; NULL: mailboxd is away. */
void smtp_transaction_end_refused(struct smtp_session *s,
				  const struct smtp_passed *passed);
/* It is accepted, and nobody gets it. */
void smtp_transaction_end_discarded(struct smtp_session *s);
/* The answer to the oldest RCPT. */
void smtp_transaction_answer_rcpt(struct smtp_session *s,
				  const struct smtp_passed *passed);
/* What mailboxd has said, as a reply to keep; whatever makes no sense is 451. */
void smtp_transaction_keep(struct smtp_passed *passed, const struct ipc_message *m);
void smtp_transaction_credit(struct smtp_session *s, uint32_t octets);
/* The message is spoilt; the rest of it is consumed and nothing goes on. */
void smtp_transaction_refuse(struct smtp_session *s, enum smtp_reply reply);
/* Says what is wrong with it. */
void smtp_transaction_reply_refusal(struct smtp_session *s);
/* The message is whole: answers when it is refused, or waits for mailboxd. */
void smtp_transaction_end(struct smtp_session *s);
/* An answer to the requests of the transaction. */
void smtp_transaction_answer(struct smtp_session *s, const struct ipc_message *m,
			     bool last);
/* mailboxd took too long. */
void smtp_transaction_expired(struct smtp_session *s);
void smtp_transaction_free(struct smtp_session *s);
/* What the server has of it is to be forgotten. */
void smtp_transaction_give_up(struct smtp_session *s);
/* All is known: answers and ends it. */
void smtp_transaction_concluded(struct smtp_session *s,
				const struct smtp_passed *reply);

/* cmd_xclient.c */
bool smtp_offers_xclient(const struct smtp_session *s);
/* Trusted, and not speaking as somebody else. */
bool smtp_is_trusted(const struct smtp_session *s);
/* Who the client is; empty where that is unknown. */
struct slice smtp_client_address(const struct smtp_session *s);
/* The peer as a login sees it: the TLS session of a proxy is not that of the client
 * it told of, and proves nothing of him. */
struct peer_info smtp_login_peer(const struct smtp_session *s);
/* Where the message of this transaction came from, for the journal. */
struct slice smtp_origin_address(const struct smtp_session *s);
struct slice smtp_origin_helo(const struct smtp_session *s);
/* What XFORWARD said is over with its transaction. */
void smtp_forward_clear(struct smtp_session *s);

/* sender_check.c */
/* Whether mailboxd has said before that the login may use the address. */
bool smtp_sender_is_known(const struct smtp_session *s, struct slice address);
/* Asks it, and waits. The answer goes to smtp_mail_checked() before MAIL is
 * answered, else to smtp_submission_checked(). */
void smtp_sender_ask(struct smtp_session *s, struct slice address);
void smtp_sender_answer(struct smtp_session *s, const struct ipc_message *m,
			bool last);
void smtp_sender_expired(struct smtp_session *s);

/* submission.c */
void smtp_submission_begin(struct smtp_session *s);
/* Frees what is held. */
void smtp_submission_drop(struct smtp_session *s);
/* Octets of a submitted message: its header is held back until its authors were
 * looked at, and goes on with what RFC 6409 section 8 adds. */
void smtp_submission_octets(struct smtp_session *s, struct slice octets);
/* The message is over. False: its authors are still being looked at, and
 * smtp_transaction_end() will be called again. */
bool smtp_submission_end(struct smtp_session *s);
/* Whether the author that was asked for may be used: ST_OK, ST_DENIED, or it
 * could not be found out. */
void smtp_submission_checked(struct smtp_session *s, enum status st);

/* refused.c */
/* line, as it was answered, refuses mail: tells mailboxd. reply: the row it is, or
 * SMTP_REPLY_COUNT for what mailboxd or a check said; check: its name, or NULL. */
void smtp_refused(struct smtp_session *s, enum smtp_reply reply,
		  const char *check, struct slice recipient,
		  struct slice line);
/* Whom a reply is about: the recipient at hand, or the first of the message. */
struct slice smtp_refused_recipient(const struct smtp_session *s);

/* the cmd_NAME.c files */
void smtp_mail_checked(struct smtp_session *s, enum status st);
void smtp_cmd_ehlo(struct smtp_session *s, struct slice arguments);
void smtp_cmd_helo(struct smtp_session *s, struct slice arguments);
void smtp_cmd_mail(struct smtp_session *s, struct slice arguments);
void smtp_cmd_rcpt(struct smtp_session *s, struct slice arguments);
/* Forgets what was kept of a RCPT while its checks are asked. */
void smtp_rcpt_free(struct smtp_session *s);
void smtp_cmd_data(struct smtp_session *s, struct slice arguments);
/* The milters were told of DATA, or of the first chunk; verdict: NULL, it may come. */
void smtp_data_told(struct smtp_session *s, const struct smtp_passed *verdict);
void smtp_bdat_told(struct smtp_session *s);
/* Octets of DATA; gives how many were taken. */
size_t smtp_data_input(struct smtp_session *s, struct slice in);
void smtp_cmd_bdat(struct smtp_session *s, struct slice arguments);
size_t smtp_chunk_input(struct smtp_session *s, struct slice in);
void smtp_cmd_auth(struct smtp_session *s, struct slice arguments);
/* A line of the client within AUTH, and mailboxd's answer. */
void smtp_auth_line(struct smtp_session *s, struct slice line);
/* Sessions of this account are ended: this one too, should it turn out to be
 * one of them. */
void smtp_auth_kicked(struct smtp_session *s, const struct ipc_service_kick *k);
/* The exchange ends without a reply; with one, for a while. */
void smtp_auth_leave(struct smtp_session *s);
void smtp_auth_failed(struct smtp_session *s);
void smtp_auth_answer(struct smtp_session *s, const struct ipc_message *m,
		      bool last);
void smtp_cmd_starttls(struct smtp_session *s, struct slice arguments);
void smtp_cmd_xclient(struct smtp_session *s, struct slice arguments);
void smtp_cmd_xforward(struct smtp_session *s, struct slice arguments);
void smtp_cmd_rset(struct smtp_session *s, struct slice arguments);
void smtp_cmd_noop(struct smtp_session *s, struct slice arguments);
void smtp_cmd_vrfy(struct smtp_session *s, struct slice arguments);
void smtp_verify_answer(struct smtp_session *s, const struct ipc_message *m,
			bool last);
void smtp_verify_expired(struct smtp_session *s);
void smtp_cmd_help(struct smtp_session *s, struct slice arguments);
void smtp_cmd_quit(struct smtp_session *s, struct slice arguments);

#endif
