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
 * Answers are produced in pieces. While imap_out_is_full() nothing more is given
 * to any step: it is kept and comes again when the client has read. A step given
 * ROWS should look at it between rows, and stop early: what it leaves in
 * m->rows.rows comes again. (CREDIT is the store client's business.)
 *
 * Commands of one group overlap, and mailboxd answers in any order. A step that
 * leaves an answer half written (a literal of which octets are still to come, a
 * list that is too long for the buffer) sets session->line_owner; until its
 * imap_line_end() nothing is given to other commands' steps.
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

/* COMPRESS (RFC 4978) */
enum imap_compression {
	IMAP_COMPRESSION_NONE,
	IMAP_COMPRESSION_DUE,	/* the OK is said; nothing may follow in clear */
	IMAP_COMPRESSION_ACTIVE,
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
	bool has_message;		/* APPEND: a message's literal follows */
	struct imap_args args;		/* at first behind the name */
	struct arena arena;
	void *data;			/* the handler's own */
	void (*release)(struct imap_command *c);
	/* After the client has read what was in the way, when no step is due:
	 * for a handler that makes answers by itself. May be NULL. */
	void (*drained)(struct imap_command *c);
	/* Takes what the client sends while this command owns the input
	 * (IMAP_INPUT: IDLE, APPEND). */
	void (*input)(struct imap_command *c, struct slice in, size_t *used);
	enum imap_news news;		/* begins as the row's */
	struct slice tag;
	/* the rest is dispatch.c's */
	enum imap_command_stage stage;
	const char *refused;		/* why it was refused before it began */
	unsigned sync_due;		/* the sync that must be over before it ends */
	struct buf text;		/* tag, args and literals borrow from it */
	enum imap_condition condition;	/* FINISHING: the answer */
	struct slice code, words;
	struct imap_command *next;
};

typedef void imap_session_step(struct imap_session *s, struct ipc_message *m,
			       bool last);

struct imap_request {
	uint32_t id;			/* 0: free */
	struct imap_command *command;	/* whose it is; NULL: see own */
	imap_step *step;
	imap_session_step *own;		/* the session's; NULL: the answer is dropped */
	struct buf kept;		/* frames that wait for the client to read */
	bool kept_last;			/* the last answer is among them */
	bool is_over;			/* the last answer is being given */
};

struct imap_session {
	struct engine *engine;		/* borrowed: the face of both engines */
	const struct imap_settings *settings;
	struct slice sid;		/* borrowed */
	struct respond respond;
	enum imap_state state;
	unsigned enabled;		/* enum imap_enabled */
	struct parser parser;
	struct view view;		/* view.handle == 0: nothing selected */
	struct imap_command *first;	/* open commands in order of arrival */
	struct imap_command *last;
	unsigned open;
	size_t open_octets;		/* of their texts */
	struct imap_command *input_owner;
	bool wants_plus;		/* a literal waits for "+" */
	struct imap_command *line_owner; /* its answer is half written: nobody else
					 * may write now */
	enum imap_compression compression;
	bool is_idling;
	bool is_admin;			/* it may set quotas */
	uint64_t told_modseq;		/* highest in a FETCH since the last tagged
					 * answer */
	bool told_vanished;		/* VANISHED since then */
	bool is_ending;			/* BYE was written, or there is no way on */
	struct imap_request requests[IMAP_REQUESTS_MAX];
	uint32_t next_id;
	unsigned syncs_begun;		/* CHANGES asked and answered so far */
	unsigned syncs_done;
	bool sync_wanted;		/* another one, behind that in flight */
	uint32_t sync_handle;		/* the mailbox of the one in flight */
	unsigned errors;		/* BAD commands so far */
	int64_t pause_until_ms;		/* no input before it: too many errors */
	int64_t idle_until_ms;
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

/*
 * Asks mailboxd; step gets what comes. Gives the request's id, for imap_more();
 * or 0 where that is not possible: the command was finished, return at once.
 */
uint32_t imap_ask(struct imap_command *c, const struct ipc_message *m,
		  imap_step *step);
/* One more message under an id: APPEND_DATA. False: the command was finished. */
bool imap_more(struct imap_command *c, uint32_t id, const struct ipc_message *m);

/* Ends the command: "tag OK [code] words". code: without brackets, or NULL. Both
 * are copied. */
void imap_finish(struct imap_command *c, enum imap_condition condition,
		 const char *code, const char *words);
/* The same where the code was made at run time. */
void imap_finish_code(struct imap_command *c, enum imap_condition condition,
		      struct slice code, const char *words);
/* BAD: the command was malformed. words may begin with a response code; with
 * [LIMIT] it is NO. */
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
/* "* n FETCH (MODSEQ (...))": after a silent STORE (RFC 7162 section 3.1.3). */
void imap_tell_modseq(struct imap_session *s, bool with_uid, uint32_t uid,
		      uint64_t modseq);
/* The account is fuller than its soft quota now (RFC 9208 section 4.3.1). */
void imap_tell_soft_quota(struct imap_command *c);
/*
 * IMAP4rev2: the client called a mailbox otherwise than it is called now, by
 * another form of the same characters (RFC 9051 section 6.3.9.7). attributes:
 * "()". Nothing where name and given are the same.
 */
void imap_tell_oldname(struct imap_session *s, const char *attributes,
		       struct slice name, struct slice given);
/* A FETCH has told this modseq: with QRESYNC the client is told at the end of the
 * command if that is more than it may rely on (RFC 7162 section 6). */
static inline void imap_note_modseq(struct imap_session *s, uint64_t modseq)
{
	if (modseq > s->told_modseq)
		s->told_modseq = modseq;
}

/* "* VANISHED (EARLIER) set", in pieces; *at counts ranges, from 0. False: the
 * client must read first. */
bool imap_tell_earlier(struct imap_session *s, const struct ranges *vanished,
		       size_t *at);
/* What is given with the bits of enum imap_enabled is in use from now on. */
void imap_enable(struct imap_session *s, unsigned enabled);

/* ---- between the files of the engine ---- */

/* dispatch.c: reads on, begins and ends commands, until nothing more can be
 * done now. Called at the end of whatever the engine is given. */
void imap_advance(struct imap_session *s);
/* A command in text, which is taken; or why it is refused. has_message: it is an
 * APPEND up to its message's literal. False: memory is short. */
bool imap_command_add(struct imap_session *s, struct buf *text,
		      bool has_message, const char *refused);
void imap_commands_free(struct imap_session *s);
/* input.c */
void imap_input(struct imap_session *s, struct slice in, size_t *used);
bool imap_can_read(const struct imap_session *s);
/* requests.c */
void imap_reply(struct imap_session *s, uint32_t id, const struct ipc_message *m,
		bool last);
void imap_requests_drained(struct imap_session *s);
/* Whether so many answers to this request are kept that no more should come. */
bool imap_requests_hold(const struct imap_session *s, uint32_t id);
/* c has written its answer to the end: the others go on. */
void imap_line_end(struct imap_command *c);
void imap_requests_drop(struct imap_session *s, const struct imap_command *c);
unsigned imap_requests_free(const struct imap_session *s);
/* A request of the session itself. False: none is free or the queue is full. */
bool imap_session_ask(struct imap_session *s, const struct ipc_message *m,
		      imap_session_step *step);
/* news.c: what changed in the mailbox. A sync asks mailboxd for it. */
void imap_news_event(struct imap_session *s, const struct ipc_changed *changed);
bool imap_news_is_stale(const struct imap_session *s);
/* Begins a sync, now or behind the one in flight. Gives its number: it is over
 * when syncs_done has reached it. */
unsigned imap_news_sync(struct imap_session *s);
/* Begins the one that waited. */
void imap_news_go_on(struct imap_session *s);
/* Tells what is known. False: the client must read first. */
bool imap_news_tell(struct imap_session *s, bool with_expunges);
/* Ends the session with "* BYE words"; words may begin with a response code. */
void imap_bye(struct imap_session *s, const char *words);
/* Leaves the selected mailbox, if there is one. */
void imap_unselect(struct imap_session *s);

#endif
