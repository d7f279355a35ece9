/*
 * What lmtp_session.c shares with lmtp_commands.c and lmtp_cmd_*.c.
 */
#ifndef MAILBOXD_LMTP_SESSION_PRIV_H
#define MAILBOXD_LMTP_SESSION_PRIV_H

#include "common/arena.h"
#include "common/dot_reader.h"
#include "common/id.h"
#include "mailboxd/lmtp_session.h"

/* A command line with its CRLF: a MAIL with all the XPOSTROOM words fits. */
#define LMTP_LINE_MAX	((size_t)8192)
/* Commands not understood before the session ends. */
#define LMTP_BAD_MAX	20u
#define LMTP_LHLO_MAX	((size_t)255)

enum lmtp_state {
	LMTP_STATE_CONNECTED,	/* no LHLO yet */
	LMTP_STATE_READY,
	LMTP_STATE_MAIL,	/* MAIL taken, no recipient accepted yet */
	LMTP_STATE_RCPT,	/* at least one */
	LMTP_STATE_BDAT,	/* between two chunks */
	LMTP_STATE_DATA,	/* inside the octets of DATA */
	LMTP_STATE_CHUNK,	/* inside the octets of a BDAT */
	LMTP_STATE_END,		/* the message is whole: replies are awaited */
	LMTP_STATE_CLOSED,
	LMTP_STATE_COUNT
};

/* Why the rest of a message is read without being kept. */
enum lmtp_refusal {
	LMTP_TAKEN,		/* it is kept */
	LMTP_TOO_BIG,
	LMTP_BAD_LINES,		/* bare CR or LF, NUL */
	LMTP_FAILED,		/* the backend said so: refused_reply */
};

struct lmtp_session {
	struct engine engine;
	const struct lmtp_settings *settings;
	bool is_ours;
	bool is_kicked;		/* ends as soon as nothing is being committed */
	enum lmtp_state state;
	unsigned bad_commands;
	struct id sid;
	struct buf lhlo;	/* what the client calls itself */

	/* ---- the step that waits for the backend; NULL: none */
	enum want (*on_reply)(struct lmtp_session *s,
			      const struct ipc_message *m, bool last);

	/* ---- one transaction */
	uint32_t id;		/* of its requests */
	uint32_t recipients;	/* accepted */
	uint32_t recipients_asked;
	uint64_t taken;		/* octets of body given to the backend */
	uint64_t uncredited;	/* of these, not yet credited */
	uint64_t chunk_left;
	bool chunk_is_last;
	enum lmtp_state chunk_void;	/* octets of a BDAT that nothing allowed:
					 * where to go back to; CHUNK: none */
	enum lmtp_refusal refusal;
	char refused_reply[160];
	struct dot_reader *dots;	/* made at the first DATA */
	struct buf text;		/* unstuffed, on its way */
	char digest[32];
	bool has_digest, is_junk;
};

typedef enum want lmtp_handler(struct lmtp_session *s, struct slice args);

/* Moves to a state; another move than the table allows is our own mistake. */
void lmtp_session_enter(struct lmtp_session *s, enum lmtp_state state);
/* Puts a line into out. What does not fit ends the session. */
enum want lmtp_reply(struct lmtp_session *s, const char *line);
enum want lmtp_reply_fmt(struct lmtp_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The text of an LMTP_REPLY, or 451 4.3.0 for an ERROR. */
enum want lmtp_reply_message(struct lmtp_session *s,
			     const struct ipc_message *m);
/* Whether an answer is good: LMTP_REPLY with a code of 200 to 299. */
bool lmtp_is_good(const struct ipc_message *m);
/* Asks under the transaction's id; on_reply NULL: no answer is awaited. */
enum want lmtp_ask(struct lmtp_session *s, const struct ipc_message *m,
		   enum want (*on_reply)(struct lmtp_session *s,
					 const struct ipc_message *m,
					 bool last));
/* Forgets the transaction, and tells the backend when it had one. */
void lmtp_session_reset(struct lmtp_session *s);

/* 421 and the end: mailboxd is stopping. */
enum want lmtp_session_goodbye(struct lmtp_session *s);

/* One line without CRLF: looked up in the table and run. */
enum want lmtp_command(struct lmtp_session *s, struct slice line);
/* A command that cannot be run: counted, the session ends at the limit. */
enum want lmtp_bad_command(struct lmtp_session *s, const char *reply);
/* Of row i of the command table, NULL behind the last. */
const char *lmtp_command_name(size_t i);

/* Octets of DATA and BDAT (lmtp_cmd_data.c, lmtp_cmd_bdat.c). */
enum want lmtp_data_input(struct lmtp_session *s, struct slice in,
			  size_t *used);
enum want lmtp_chunk_input(struct lmtp_session *s, struct slice in,
			   size_t *used);
/* Hands octets of the message on; the caller looks at s->refusal after. */
void lmtp_body(struct lmtp_session *s, struct slice octets);
/* From now on its octets are read and forgotten; the first reason stays. */
void lmtp_refuse(struct lmtp_session *s, enum lmtp_refusal why);
const char *lmtp_refused_reply(const struct lmtp_session *s);
/* The message is whole. */
enum want lmtp_body_end(struct lmtp_session *s);
/* Octets the backend may still be given now. */
size_t lmtp_window(const struct lmtp_session *s);

lmtp_handler lmtp_cmd_lhlo, lmtp_cmd_mail, lmtp_cmd_rcpt, lmtp_cmd_data,
	lmtp_cmd_bdat, lmtp_cmd_rset, lmtp_cmd_noop, lmtp_cmd_vrfy,
	lmtp_cmd_help, lmtp_cmd_quit, lmtp_cmd_xtell, lmtp_cmd_xdone,
	lmtp_cmd_xdigest;

#endif
