/*
 * The verbs of control.sock (doc/ipc.md): what req_admin.c, which dispatches
 * them, shares with admin_*.c, which do them. A verb is a row; its steps run as
 * those of any request.
 */
#ifndef MAILBOXD_CONTROL_H
#define MAILBOXD_CONTROL_H

#include "common/address.h"
#include "mailboxd/requests.h"

#define CONTROL_WORDS_MAX 64u

struct control;
struct importing;
struct control_trace;

enum control_flag {
	CONTROL_CHANGES = 1,	/* only for root and ourselves */
	CONTROL_DIRECTORY = 2,	/* changes domains, accounts, aliases */
	CONTROL_LONG = 4,	/* may take hours where the store is large */
};

struct control_verb {
	const char *name;
	unsigned least, most;	/* words, without name=value ones */
	unsigned flags;		/* enum control_flag */
	enum job_place place;	/* of run */
	const char *columns;	/* of the TABLE, separated by spaces; NULL: none */
	/* Either: runs there, then request_ended(). */
	request_run *run;
	/* or: does it on the loop. */
	request_start *start;
};

/* A request's state. Words borrow from the request's frame. */
struct control {
	const struct control_verb *verb;
	struct slice words[CONTROL_WORDS_MAX];
	size_t count;
	struct slice options[CONTROL_WORDS_MAX];	/* name=value */
	size_t option_count;
	uint64_t rows;		/* for DONE */
	struct arena arena;	/* of one run */
	struct buf cells;	/* of the row that is being made */
	struct buf verifier;	/* of a password, made by a worker */
	struct buf work;	/* the verb's own between its steps; wiped */
	struct store_fetch fetch;	/* cursor of msg raw */
	struct store_backup backup;
	struct store_expunged_query kept;	/* cursor of msg expunged */
	struct control_trace *trace;
	bool has_columns;	/* the TABLE was sent */
	uint64_t offset;
	struct ipc_service_kick revoked;	/* account 0: nothing was */
	struct tx *tx;		/* of the run, for row functions */
	struct importing *importing;	/* admin_import.c */
	/* Further messages of the open request; NULL: there are none. */
	enum status (*more)(struct request *r, const struct ipc_message *m);
	struct store_export out;	/* cursor of mailbox export */
};

static inline struct control *control_of(struct request *r)
{
	return r->state;
}

/* The value behind name=, or fallback. */
struct slice control_option(struct request *r, const char *name,
			    const char *fallback);
/* st as it is, failing the request where the store could not do it. */
enum status control_stored(struct request *r, struct tx *tx, enum status st);
/* A word as a number; ST_SYNTAX with the word in detail. */
enum status control_number(struct request *r, size_t word, uint64_t max,
			   uint64_t *value);
/* A word such as "5:9,12", whose UIDs are added to set. ST_SYNTAX likewise. */
enum status control_set(struct request *r, size_t word, struct ranges *set);
/* A word as an address. ST_SYNTAX likewise. */
enum status control_address(struct request *r, struct slice word,
			    unsigned flags, struct address *address);
/* The account that a word names, in run. ST_NOT_FOUND with the word. */
enum status control_account(struct request *r, struct tx *tx, size_t word,
			    struct store_account *account);
/* The mailbox of that account. */
enum status control_mailbox(struct request *r, struct tx *tx, uint64_t account,
			    size_t word, struct store_mailbox *mailbox);
/* Fails with a word in detail and a text (printf-like) for people. */
enum status control_fail(struct request *r, enum status st, struct slice word,
			 const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* "smtp,imap" as bits of enum store_scope; 0: that is none. */
uint32_t control_scopes(struct slice text);
/* The option expires=, as seconds since 1970; 0: never. ST_SYNTAX likewise. */
enum status control_expiry(struct request *r, int64_t *at);

/* A row: cells one after the other, then control_row(). */
void control_text(struct request *r, struct slice text);
void control_u64(struct request *r, uint64_t number);
/* RFC 3339; 0: empty. */
void control_time(struct request *r, int64_t wall_ms);
/* "seen,flagged". */
void control_flags(struct request *r, uint64_t flags);
/* "smtp,imap". */
void control_put_scopes(struct request *r, uint32_t scopes);
/* What one of mailboxd/envelope_read.h reads. */
typedef enum status control_read(struct slice envelope, struct buf *out);
void control_envelope(struct request *r, control_read *read, struct slice envelope);
enum status control_row(struct request *r);
/* The TABLE: names separated by spaces. */
enum status control_columns(struct request *r, const char *columns);
enum status control_note(struct request *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* PROGRESS. */
enum status control_progress(struct request *r, uint64_t done, uint64_t total);

/* In run: what the change takes away; the sessions that used it end with the
 * commit, also when nobody waits for the answer any more. credential 0: all of
 * the account. "sessions=keep" leaves them. reason: a literal. */
void control_revoke(struct request *r, uint64_t account, uint64_t credential,
		    const char *reason);

/* admin_import.c; NULL is fine. */
void importing_free(struct importing *i);
/* admin_export.c: the run of mailbox export. */
request_run control_export;

/* On the loop: the done of a verb; logs what changed. */
request_done control_ended;

extern const struct control_verb control_care_verbs[];		/* admin_care.c */
extern const struct control_verb control_certificate_verbs[];	/* admin_certificate.c */
extern const struct control_verb control_directory_verbs[];	/* admin_directory.c */
extern const struct control_verb control_transfer_verbs[];	/* admin_import.c */
extern const struct control_verb control_expunged_verbs[];	/* admin_expunged.c */
extern const struct control_verb control_mail_verbs[];		/* admin_mail.c */
extern const struct control_verb control_password_verbs[];	/* admin_password.c */
extern const struct control_verb control_service_verbs[];	/* admin_service.c */
extern const struct control_verb control_trace_verbs[];	/* admin_trace.c */

void control_trace_free(struct control_trace *t);

#endif
