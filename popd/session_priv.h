/*
 * What session.c, commands.c and the cmd_*.c files share.
 *
 * A handler says what it has to say by pop_ok() or pop_err() and returns; what
 * it waits for is a value in the session. session.c works out from these values
 * what the engine wants and when it expires.
 */
#ifndef POPD_SESSION_PRIV_H
#define POPD_SESSION_PRIV_H

#include "common/dot_writer.h"
#include "common/engine.h"
#include "common/fetch_row.h"
#include "common/id.h"
#include "common/line_reader.h"
#include "common/ranges.h"
#include "common/sasl.h"
#include "common/told_peer.h"
#include "popd/maildrop.h"
#include "popd/session.h"

enum pop_state {
	POP_STATE_AUTHORIZATION,
	POP_STATE_SASL,		/* lines are the client's side of AUTH */
	POP_STATE_LOGIN,	/* mailboxd verifies, then the maildrop is read */
	POP_STATE_TRANSACTION,
	POP_STATE_UPDATE,	/* QUIT: the deletions are being committed */
	POP_STATE_CLOSED,
	POP_STATE_COUNT
};

/* What keeps the engine from taking input. */
enum pop_wait {
	POP_WAIT_NONE,
	POP_WAIT_STORE,		/* an answer of mailboxd */
	POP_WAIT_LISTING,	/* engine->out has to drain first */
	POP_WAIT_PAUSE,		/* the client made too many mistakes */
	POP_WAIT_TLS,
};

#define POP_PAUSE_MS	1000

/* Messages of RETRs that stand behind each other are asked for at once. */
#define POP_BATCH_MAX	64

/* Messages on their way to the client. */
struct pop_retrieval {
	uint32_t request;	/* id of the FETCH, 0: none */
	uint32_t uids[POP_BATCH_MAX];	/* ascending */
	unsigned count, next;	/* next: the one whose answer is due */
	uint64_t left;		/* octets of the message that is being sent */
	bool is_top;
	uint64_t top_lines;	/* lines of the text that may still go */
	unsigned header_state;	/* how far the CRLF CRLF behind the header is */
	bool is_cut;		/* TOP has all it wants, the rest is ignored */
	struct dot_writer dots;
	struct buf partial;	/* a row that goes on in the next frame */
};

/* LIST or UIDL without an argument: given as engine->out drains. */
struct pop_listing {
	bool is_uidl;
	size_t next;		/* index of the next message */
};

struct pop_session {
	struct engine engine;
	const struct pop_settings *settings;
	const struct pop_listener *listener;
	struct id sid;
	enum pop_state state;
	enum pop_wait wait;
	int64_t wait_until;	/* for STORE and PAUSE */
	int64_t begun_ms, command_ms;
	size_t login_octets;	/* that came before the login */
	struct line_reader lines;
	unsigned errors;
	enum status trouble;	/* no memory for a reply: the session ends */
	bool is_utf8;		/* UTF8 was said (RFC 6856) */
	struct told_peer told;	/* whose session it is, by a trusted client */
	uint32_t next_request;

	struct buf user;	/* of USER, until PASS */
	struct buf login;	/* canonical address, once logged in */
	struct sasl sasl;
	uint32_t login_request;	/* of AUTH, OPEN, FETCH in turn */
	uint32_t handle;	/* of INBOX */

	struct maildrop maildrop;
	struct pop_retrieval retrieval;
	struct pop_listing listing;
	uint32_t update_request;
	size_t update_next;	/* index of the next message to look at */
};

enum pop_command_flag {
	POP_COMMAND_IN_CLEAR = 1,	/* also where TLS is required */
	POP_COMMAND_ONE_ARGUMENT = 2,	/* the rest of the line, spaces and all */
	POP_COMMAND_NO_ARGUMENTS = 4,
};

struct pop_command {
	const char *name;
	unsigned states;	/* 1u << each that allows it */
	unsigned flags;
	void (*run)(struct pop_session *s, struct slice arguments);
};

/* commands.c */
extern const struct pop_command pop_commands[];
extern const size_t pop_command_count;
/* Runs one line without its CRLF. */
void pop_command_line(struct pop_session *s, struct slice line);
/* One number, digits only, of a message that is there and not deleted; answers
 * and gives NULL otherwise. */
struct pop_message *pop_message_argument(struct pop_session *s,
					 struct slice argument);

/* session.c */
/* Whether the table of moves has it; for the test. */
bool pop_state_may(enum pop_state from, enum pop_state to);
void pop_enter(struct pop_session *s, enum pop_state state);
/* "+OK text", "-ERR text" with a response code of RFC 2449 in the text. */
void pop_ok(struct pop_session *s, const char *text);
void pop_err(struct pop_session *s, const char *text);
/* A mistake of the client: -ERR, and counted: slower, then the end. */
void pop_mistake(struct pop_session *s, const char *text);
/* Octets for the client as they stand. */
void pop_put(struct pop_session *s, struct slice octets);
void pop_put_number(struct pop_session *s, uint64_t number);
/* -ERR text, then the end of the connection; text NULL says nothing. */
void pop_end(struct pop_session *s, const char *text);
/* Asks mailboxd and waits for the answer; the id of the request, or 0: it could
 * not be asked, and the session is in trouble. */
uint32_t pop_ask(struct pop_session *s, const struct ipc_message *m);
void pop_wait(struct pop_session *s, enum pop_wait wait, int64_t ms);
/* Whether a password may be taken now. */
bool pop_may_login(const struct pop_session *s);
/* Whose login it is. */
struct peer_info pop_login_peer(const struct pop_session *s);

/* cmd_auth.c */
void pop_cmd_user(struct pop_session *s, struct slice arguments);
void pop_cmd_pass(struct pop_session *s, struct slice arguments);
void pop_cmd_auth(struct pop_session *s, struct slice arguments);
void pop_cmd_stls(struct pop_session *s, struct slice arguments);
/* AUTH as mailboxd is asked it; the login goes on with its answer. */
void pop_login_ask(struct pop_session *s, const struct ipc_message *m);
void pop_auth_line(struct pop_session *s, struct slice line);
/* The exchange ends; text NULL: without a word. */
void pop_auth_over(struct pop_session *s, const char *text);
void pop_login_answer(struct pop_session *s, const struct ipc_message *m,
		      bool last);
/* mailboxd did not answer in time, or the login cannot go on. */
void pop_login_failed(struct pop_session *s, const char *text);

/* cmd_lang.c */
void pop_cmd_lang(struct pop_session *s, struct slice arguments);

/* cmd_list.c */
void pop_cmd_stat(struct pop_session *s, struct slice arguments);
void pop_cmd_list(struct pop_session *s, struct slice arguments);
void pop_cmd_uidl(struct pop_session *s, struct slice arguments);
void pop_listing_go_on(struct pop_session *s);

/* cmd_retr.c */
void pop_cmd_retr(struct pop_session *s, struct slice arguments);
void pop_cmd_top(struct pop_session *s, struct slice arguments);
/*
 * More RETR lines that stand behind the one that began: takes those that can be
 * answered from the same question and gives how many octets they were.
 */
size_t pop_retr_gather(struct pop_session *s, struct slice in);
/* Asks for what was gathered. */
void pop_retr_ask(struct pop_session *s);
void pop_retr_answer(struct pop_session *s, const struct ipc_message *m,
		     bool last);

/* cmd_dele.c */
void pop_cmd_dele(struct pop_session *s, struct slice arguments);
void pop_cmd_rset(struct pop_session *s, struct slice arguments);
void pop_cmd_quit(struct pop_session *s, struct slice arguments);
void pop_update_answer(struct pop_session *s, const struct ipc_message *m,
		       bool last);

/* cmd_apop.c */
void pop_cmd_apop(struct pop_session *s, struct slice arguments);
/* " <sid@host>", where APOP is there. */
void pop_put_timestamp(struct pop_session *s);

/* cmd_utf8.c */
void pop_cmd_utf8(struct pop_session *s, struct slice arguments);

/* cmd_xclient.c */
void pop_cmd_xclient(struct pop_session *s, struct slice arguments);
bool pop_offers_xclient(const struct pop_session *s);

/* cmd_misc.c */
void pop_cmd_capa(struct pop_session *s, struct slice arguments);
void pop_cmd_noop(struct pop_session *s, struct slice arguments);

#endif
