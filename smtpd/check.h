/*
 * The gate of checks: who else is asked before a command of SMTP is answered
 * (block lists, greylisting, milters). One table of checks decides; the session
 * goes through it at each stage, asks those that want the stage one after the
 * other, waits for each at most its time, and goes on as it would without them.
 *
 *   CONNECT  the greeting is due		RCPT  a recipient is about to be asked for
 *   HELO     EHLO or HELO is well-formed	DATA  DATA, or the first chunk of BDAT
 *   MAIL     the sender may be used		END   the message is whole, not committed
 *
 * Verdicts of CONNECT, HELO and MAIL are held and given to each recipient: so the
 * journal has recipients, and postmaster is reached. A check that is_at_once (as
 * milters are for Postfix) has its verdict given to the command itself; at CONNECT
 * it stands in place of the greeting, and then only QUIT is taken (RFC 5321
 * section 3.1). A verdict of DATA or END is for the message.
 *
 * Mail to postmaster (RFC 5321 section 4.5.1) passes: no check is asked about such
 * a recipient, no held verdict is given to it, and DATA and END are not asked where
 * no other recipient was accepted. Only a check that is_at_once may have refused the
 * commands before.
 *
 * While a check is out nothing is taken from the client: RSET, QUIT and pipelined
 * commands wait for their turn. A session that no check is wanted for has none of
 * this: s->gate is NULL.
 */
#ifndef SMTPD_CHECK_H
#define SMTPD_CHECK_H

#include "common/ipc_messages.h"
#include "common/slice.h"
#include "smtpd/reply.h"

#include <stdbool.h>
#include <stdint.h>

struct smtp_session;

enum smtp_stage {
	SMTP_STAGE_CONNECT,
	SMTP_STAGE_HELO,
	SMTP_STAGE_MAIL,
	SMTP_STAGE_RCPT,
	SMTP_STAGE_DATA,
	SMTP_STAGE_END,
	SMTP_STAGE_COUNT
};

/* For how long a refusal stands; what is held stands as long as what it is about:
 * the connection, the name behind EHLO, the transaction. */
enum smtp_scope {
	SMTP_SCOPE_COMMAND,	/* this command, this recipient */
	SMTP_SCOPE_TRANSACTION,	/* and all that follow in the transaction */
	SMTP_SCOPE_SESSION,	/* every MAIL and RCPT from now on */
	SMTP_SCOPE_END,		/* the connection ends with it */
};

struct smtp_verdict {
	unsigned code;		/* 4xx or 5xx; anything else passes */
	struct slice enhanced, text;	/* copied */
	enum smtp_scope scope;
};

#define SMTP_STAGE_BIT(name) (1u << SMTP_STAGE_##name)
/* Checks of one table. */
#define SMTP_CHECKS_MAX 8

struct smtp_check {
	const char *name;	/* log, journal, counters: "greylist" */
	unsigned stages;	/* SMTP_STAGE_BIT(...) of those it wants */
	bool is_at_once;
	bool tempfails;		/* no answer in time: 451 4.3.0; else it passes */
	/* Whether it is part of this session at all: listener, client and what is
	 * configured, as they are when the connection begins. */
	bool (*is_wanted)(const struct smtp_session *s);
	/* Whether it is on just now (a login may have come meanwhile), asked before
	 * ask() and before a verdict that was held is given. NULL: yes. */
	bool (*is_on)(const struct smtp_session *s);
	/* Begins to find out. It ends, from in here or later, with one call of
	 * smtp_check_pass() or smtp_check_refuse(). */
	void (*ask)(struct smtp_session *s, const struct smtp_check *c,
		    enum smtp_stage stage);
	/* An answer to a request of smtp_check_request(); also where the check is
	 * not out just now. NULL: it makes none. */
	void (*answer)(struct smtp_session *s, const struct smtp_check *c,
		       const struct ipc_message *m, bool last);
	/* The client sends before it was answered. NULL: that waits as usual. */
	void (*heard)(struct smtp_session *s, const struct smtp_check *c);
	/* The client sent more behind a command that was just run; is_last: one whose
	 * answer it has to wait for (RFC 2920 section 3.1). Out or not. NULL: let it. */
	void (*ahead)(struct smtp_session *s, const struct smtp_check *c,
		      bool is_last);
	/* The time is over. NULL: as `tempfails` says. */
	void (*expired)(struct smtp_session *s, const struct smtp_check *c);
	/* Frees what smtp_check_state() points to. NULL: there is nothing. */
	void (*free)(void *state);
};

struct smtp_check_table {
	const struct smtp_check *rows;
	size_t count;		/* at most SMTP_CHECKS_MAX */
};

/* The checks that there are (checks.c). */
extern const struct smtp_check_table smtp_checks;

/* ---- for the session ------------------------------------------------------------- */

struct smtp_gate;

/* What the gate is to do when all checks of a stage have passed. */
typedef void smtp_check_next(struct smtp_session *s);

/* Makes s->gate where settings->checks has a row that is wanted; one that was there
 * is freed. s->trouble: memory is short. */
void smtp_gate_open(struct smtp_session *s);
void smtp_gate_close(struct smtp_session *s);
/*
 * Asks the checks of the stage, and calls next once all of them passed, or the
 * verdict is held: at once where nothing is to be asked. Else the refusal is
 * answered, and `refused` is called where it is not NULL. recipient: of RCPT,
 * rendered, and alive until one of both is called; else empty.
 */
void smtp_gate_ask(struct smtp_session *s, enum smtp_stage stage,
		   struct slice recipient, smtp_check_next *next,
		   smtp_check_next *refused);
/* The code of the refusal that was given last, for `refused`. */
unsigned smtp_gate_code(const struct smtp_session *s);
/* An answer to one of the requests of checks; false: it is none. */
bool smtp_gate_answer(struct smtp_session *s, uint32_t id,
		      const struct ipc_message *m, bool last);
/* The check that is out takes too long. */
void smtp_gate_expired(struct smtp_session *s);
/* Whether octets of the client are news to the check that is out. */
bool smtp_gate_hears(const struct smtp_session *s);
void smtp_gate_heard(struct smtp_session *s);
/* More stands behind the command that was run. */
void smtp_gate_ahead(struct smtp_session *s, bool is_last);
/* The session or transaction ends: what is out is not waited for any more. */
void smtp_gate_cancel(struct smtp_session *s);
/* A transaction begins: what was held for the one before is forgotten. */
void smtp_gate_begin(struct smtp_session *s);
/* A recipient was accepted. */
void smtp_gate_accepted(struct smtp_session *s, struct slice recipient);
/* The connection was refused: only QUIT is taken. */
bool smtp_gate_is_shut(const struct smtp_session *s);
/* "postmaster" at any domain or none, in any case. */
bool smtp_is_postmaster(struct slice recipient);

/* ---- for checks ------------------------------------------------------------------ */

void smtp_check_pass(struct smtp_session *s, const struct smtp_check *c);
/* Late words, of a check that is not out any more, are ignored. */
void smtp_check_refuse(struct smtp_session *s, const struct smtp_check *c,
		       const struct smtp_verdict *verdict);
/* The same with a row of the replies and its argument, for this command. */
void smtp_check_say(struct smtp_session *s, const struct smtp_check *c,
		    enum smtp_reply reply, struct slice argument);
/* Whether it is out or not: a refusal for every recipient from now on, unless one
 * stands already. */
void smtp_check_hold(struct smtp_session *s, const struct smtp_check *c,
		     enum smtp_reply reply);
/* Waits for c so long from now on; without it settings->check_ms. */
void smtp_check_wait(struct smtp_session *s, const struct smtp_check *c,
		     int64_t ms);
/* Whether the session waits for it. */
bool smtp_check_is_out(const struct smtp_session *s, const struct smtp_check *c);
/* Asks a backend; answers go to c->answer(). A check has one request at a time. */
void smtp_check_request(struct smtp_session *s, const struct smtp_check *c,
			const struct ipc_message *m);
/* A place for what the check remembers in this session; NULL at first. */
void **smtp_check_state(struct smtp_session *s, const struct smtp_check *c);
/* The recipient of RCPT while its checks are asked. */
struct slice smtp_gate_recipient(const struct smtp_session *s);

#endif
