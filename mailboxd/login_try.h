/*
 * One AUTH request on its way: what req_auth.c (who is it, PLAIN), req_auth_scram.c
 * (SCRAM's steps) and login_outcome.c (what is told, counted and written
 * afterwards) share. It is the state of its request.
 */
#ifndef MAILBOXD_LOGIN_TRY_H
#define MAILBOXD_LOGIN_TRY_H

#include "mailboxd/logins.h"
#include "mailboxd/password.h"
#include "mailboxd/requests.h"
#include "mailboxd/scram.h"

#define LOGIN_CREDENTIALS_MAX	PASSWORDS_MAX
/* While accounts and passwords change, a login is looked at again so often. */
#define LOGIN_LOOKS_MAX		5u

struct verifier {
	uint64_t id;
	uint32_t scopes;
	int64_t last_used, expires;
	char text[PASSWORD_VERIFIER_MAX];
	size_t octets;
};

enum login_step {
	LOGIN_STEP_ALONE,	/* one message was all: PLAIN */
	LOGIN_STEP_FINAL,	/* SCRAM: client-final is to come */
	LOGIN_STEP_ACKNOWLEDGE,	/* SCRAM: an empty response to server-final */
};

struct login_try {
	struct buf name;	/* prepared (RFC 4013) */
	struct slice password;	/* PLAIN; borrows from the request's frame */
	struct buf given;	/* APOP: what password is then */
	unsigned scope;
	bool is_scram, is_plus, is_external, is_apop;
	enum login_step step;
	bool is_unknown, is_disabled, any_password;
	struct login login;	/* of the account */
	uint64_t directory;	/* service.directory of before it was looked up */
	unsigned looks;
	/* an array of struct verifier: most accounts have one, and a SCRAM exchange
	 * keeps it for as long as its client takes */
	struct buf verifiers;
	size_t count;
	const struct verifier *matched;
	struct password_keys nobody;	/* where no SCRAM keys are */
	uint32_t rounds;	/* of a verifier of today */
	const char *hostname;
	struct buf upgrade;	/* the matched one in today's form */
	struct scram scram;
	bool is_counted;	/* among those that use a worker */
	bool is_trying;		/* counted by the throttle as begun */
};

static inline struct login_try *login_try_of(struct request *r)
{
	return r->state;
}

static inline const struct verifier *login_verifier(const struct login_try *t,
						    size_t i)
{
	return (const struct verifier *)(const void *)t->verifiers.data + i;
}

static inline struct slice verifier_slice(const struct verifier *v)
{
	return slice_of(v->text, v->octets);
}

/* ---- login_outcome.c: on the loop ----------------------------------------- */

/* The throttle lets it begin; false: it was refused at once. */
bool login_begin(struct request *r);
/* It was right. Looks once more where accounts or passwords changed meanwhile,
 * then binds and answers; what the credential's row has to learn is written. */
void login_matched(struct request *r);
/* Where no password is needed. */
void login_succeed(struct request *r);
/* It was wrong: counted, and told after a while. reason: for the log alone. */
void login_fail(struct request *r, const char *reason);
/* The same without a delay that grows: what was sent is no login at all. */
void login_malformed(struct request *r);
void login_log_failure(struct request *r, const char *reason);
/* What the request's end has to do in any case. */
void login_try_free(struct request *r);

/* ---- req_auth.c ----------------------------------------------------------- */

/* On a reader: fills account and verifiers. */
request_run login_look_run;

void login_keep_name(struct login *login, struct slice name);

/* ---- req_auth_external.c -------------------------------------------------- */

/* Is there a certificate, and which identity is asked for; false: the request was
 * answered. */
bool login_external_first(struct request *r);
/* As login_look_run, by the key: fills account, and one verifier where it may log
 * in. */
request_run login_external_look;
request_done login_external_done;

/* ---- req_auth_scram.c: on the loop ---------------------------------------- */

/* Takes client-first apart; false: the request was answered. */
bool login_scram_first(struct request *r, struct slice message);
/* The account is known, or is not: sends server-first. */
void login_scram_challenge(struct request *r);
enum status login_scram_more(struct request *r, struct slice response);

#endif
