/*
 * What the engine after the login shares with the command handlers.
 *
 * How a command lives. Dispatch looks its row up, checks state and order, and
 * calls row->run(c) with c->args behind the name. The handler reads its
 * arguments, and then one of:
 *
 *   imap_bad(c, "Mailbox expected")		it was malformed; done
 *   imap_finish(c, IMAP_OK, NULL, "...")	done
 *   imap_ask(c, &message, step)		mailboxd is asked; each message that
 *						comes in answer goes to step(), the
 *						last with last == true, where the
 *						command goes on or is finished
 *
 * Several questions may be open for one command, each with its own step. What
 * must live across steps lies in c->arena (c->data points to it); memory that
 * is not the arena's is given back by c->release(c). After imap_bad or
 * imap_finish nothing of c may be touched: return at once. What is still open
 * for it then is cancelled and its answers are dropped.
 *
 *	struct search { ... };
 *	static void search_found(struct imap_command *c, struct ipc_message *m,
 *				 bool last)
 *	{
 *		if (m->type == IPC_TYPE_ERROR)
 *			imap_finish_error(c, &m->error);
 *		else if (last)
 *			imap_finish(c, IMAP_OK, NULL, "SEARCH completed");
 *		else
 *			...respond_u64(imap_out(c), n);
 *	}
 *
 * A tagged answer comes last: imap_finish first lets what is new in the mailbox
 * be told, as the row's news column allows, asking mailboxd where it must.
 *
 * Answers are produced in pieces. Credit for more goes back to mailboxd as
 * step() returns, unless the client does not read: while imap_out_is_full()
 * nothing more is given to any step, it is kept and comes again when the client
 * has read. A step given ROWS should look at it between rows, and stop early:
 * what it leaves in m->rows.rows comes again.
 *
 * KEYWORDS never reach a step: they go to the view, which renders flags.
 */
#ifndef IMAPD_SESSION_PRIV_H
#define IMAPD_SESSION_PRIV_H

#include "common/arena.h"
#include "common/engine.h"
#include "common/id.h"
#include "imapd/args.h"
#include "imapd/commands.h"
#include "imapd/parser.h"
#include "imapd/respond.h"
#include "imapd/settings.h"
#include "imapd/view.h"

/* Requests open at once on a store connection (decisions.md). */
#define IMAP_REQUESTS_MAX	16
/* Commands read and not yet answered, and octets of them. */
#define IMAP_COMMANDS_MAX	16
#define IMAP_QUEUE_OCTETS	((size_t)128 * 1024)
/* Of one command's decoded arguments and state. */
#define IMAP_ARENA_MAX		((size_t)4 * 1024 * 1024)

enum imap_condition { IMAP_OK, IMAP_NO, IMAP_BAD };

enum imap_enabled {
	IMAP_ENABLED_CONDSTORE = 1,	/* RFC 7162; also by using it */
	IMAP_ENABLED_QRESYNC = 2,
	IMAP_ENABLED_UTF8 = 4,		/* RFC 6855 */
	IMAP_ENABLED_REV2 = 8,		/* RFC 9051 */
};

typedef void imap_step(struct imap_command *c, struct ipc_message *m, bool last);

enum imap_command_stage {
	IMAP_STAGE_QUEUED,	/* waits for those before it */
	IMAP_STAGE_RUNNING,
	IMAP_STAGE_FINISHING,	/* the tagged answer waits for news */
	IMAP_STAGE_DONE,
};

struct imap_command {
	struct imap_session *session;
	const struct imap_command_row *row;
	bool is_uid;			/* the UID form */
	struct imap_args args;		/* at first behind the name */
	struct arena arena;
	void *data;			/* the handler's own */
	void (*release)(struct imap_command *c);
	/* Takes what the client sends while this command owns the input
	 * (IMAP_INPUT: IDLE, APPEND). */
	void (*input)(struct imap_command *c, struct slice in, size_t *used);
	/* News may not be told at all while this is set: a literal is half
	 * written. */
	enum imap_news news;		/* begins as the row's */
	enum imap_group group;		/* the same; a handler may narrow it */
	struct slice tag;
	/* the rest is dispatch.c's */
	enum imap_command_stage stage;
	struct buf text;		/* tag, args and literals borrow from it */
	enum imap_condition condition;	/* FINISHING: the answer */
	struct slice code, words;
	struct imap_command *next;
};

struct imap_request {
	uint32_t id;			/* 0: free */
	struct imap_command *command;	/* NULL: the session's own, or dropped */
	imap_step *step;
	uint32_t owed;			/* octets of credit not yet given back */
	struct buf kept;		/* frames that wait for the client to read */
};

struct imap_session {
	struct engine *engine;		/* borrowed: the face of both engines */
	const struct imap_settings *settings;
	struct respond respond;
	enum imap_state state;
	unsigned enabled;		/* enum imap_enabled */
	struct parser parser;
	struct view view;		/* view.handle == 0: nothing selected */
	struct imap_command *first;	/* open commands in order of arrival */
	struct imap_command *last;
	unsigned open;
	struct imap_command *input_owner;
	struct imap_request requests[IMAP_REQUESTS_MAX];
	uint32_t next_id;
	bool is_syncing;		/* CHANGES was asked and is not answered */
	bool is_idling;
	unsigned errors;		/* BAD commands so far */
	int64_t pause_until_ms;		/* no input before it: too many errors */
	bool is_ending;			/* BYE was written */
};

/* Where the answers go. */
static inline struct respond *imap_out(struct imap_command *c)
{
	return &c->session->respond;
}

static inline struct view *imap_view(struct imap_command *c)
{
	return &c->session->view;
}

/* The client does not read as fast as answers are made. */
static inline bool imap_out_is_full(const struct imap_session *s)
{
	return s->engine->out.len > ENGINE_OUT_HIGH;
}

/* Asks mailboxd; step gets what comes. Gives the request's id for more messages
 * under it (imap_more), or 0: the session is ending, return at once. */
uint32_t imap_ask(struct imap_command *c, const struct ipc_message *m,
		  imap_step *step);
/* One more message under an id: APPEND_DATA. */
bool imap_more(struct imap_command *c, uint32_t id, const struct ipc_message *m);
/* Not interested in the rest of the answer. */
void imap_cancel(struct imap_command *c, uint32_t id);

/* Ends the command: "tag OK [code] words". code: without brackets, or NULL. Both
 * are copied. */
void imap_finish(struct imap_command *c, enum imap_condition condition,
		 const char *code, const char *words);
/* The same where the code was made at run time. */
void imap_finish_code(struct imap_command *c, enum imap_condition condition,
		      struct slice code, const char *words);
/* BAD: the command was malformed. */
void imap_bad(struct imap_command *c, const char *words);
/* BAD with what args.h said last, or words. */
void imap_bad_args(struct imap_command *c, const char *words);
/* NO with the response code that the ERROR of mailboxd means (RFC 5530). */
void imap_finish_error(struct imap_command *c, const struct ipc_error *e);
/* NO [UNAVAILABLE]: memory is short or a limit of ours was reached. */
void imap_finish_short(struct imap_command *c);

/*
 * Reads a sequence set and gives the UIDs it names among those the client knows
 * (heap memory: release with ranges_free). On false the command is finished.
 */
bool imap_take_messages(struct imap_command *c, struct ranges *uids);

/* "* n FETCH (FLAGS (...))", with UID and MODSEQ where the command or what is
 * enabled asks for them. UIDs not in the view are passed over. */
void imap_tell_flags(struct imap_session *s, bool with_uid, uint32_t uid,
		     uint64_t flags, uint64_t modseq);
/* CONDSTORE is in use from now on (RFC 7162 section 3.1). */
void imap_enable(struct imap_session *s, unsigned enabled);

#endif
