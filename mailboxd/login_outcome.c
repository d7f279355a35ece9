/*
 * How a login ends: bound, or told that it failed, after a while. What a right
 * password meets (disabled, too many sessions) is told only behind it.
 */
#include "mailboxd/login_try.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "mailboxd/throttle.h"

/* "last used" is written when it is older than this. */
#define USED_SECONDS	3600

/* ---- the throttle --------------------------------------------------------- */

static bool is_trusted(const struct request *r)
{
	const struct settings *s = r->service->settings;
	char address[48];
	struct slice from = r->message.auth.address;

	if (from.len >= sizeof address || !s->trusted)
		return false;
	memcpy(address, from.data, from.len);
	address[from.len] = '\0';
	return netset_has(s->trusted, address);
}

static bool is_throttled(const struct request *r)
{
	return r->service->settings->throttle && !is_trusted(r);
}

void login_log_failure(struct request *r, const char *reason)
{
	const struct ipc_auth *m = &r->message.auth;
	const struct login_try *t = r->state;

	r->service->counts.logins_failed++;
	log_event("auth.fail", log_slice("sid", m->sid),
		  log_slice("proto", m->service),
		  log_slice("mech", m->mechanism),
		  log_slice("user", t ? buf_slice(&t->name) : SLICE_EMPTY),
		  log_slice("client", m->address), log_str("reason", reason));
}

static void answer_failed(struct request *r)
{
	request_fail(r, ST_DENIED, "", "authentication failed");
	request_finish(r, ST_DENIED);
}

/* Says nothing about the password. */
static void answer_later(struct request *r)
{
	request_fail(r, ST_LIMIT, "LIMIT", "too many failed logins");
	request_finish(r, ST_LIMIT);
}

static void fail_now(struct request *r, enum status st)
{
	(void)st;
	answer_failed(r);
}

/* Not by the address, which the daemon names: by the socket it came from. */
static struct ration *ration_of(const struct request *r)
{
	return &r->service->failures[r->session->socket == SESSION_AUTH];
}

bool login_begin(struct request *r)
{
	const struct slice address = r->message.auth.address;
	struct throttle *throttle = r->service->throttle;
	struct login_try *t = r->state;
	int64_t now = clock_ms();
	struct slice name = buf_slice(&t->name);

	if (!r->service->settings->throttle)
		return true;
	if ((ration_has(ration_of(r), now) ||
	     throttle_is_known(throttle, now, address, name)) &&
	    (is_trusted(r) || throttle_begin(throttle, now, address, name,
					     &t->is_trying)))
		return true;
	login_log_failure(r, "throttled");
	answer_later(r);
	return false;
}

static void end_trying(struct request *r)
{
	struct login_try *t = r->state;

	if (t->is_trying)
		throttle_end(r->service->throttle, r->message.auth.address);
	t->is_trying = false;
}

/* What tells one wrong password from another. A SCRAM proof says nothing about
 * the password it was made of: each counts. */
static void wrong_tag(struct login_try *t, unsigned char tag[PASSWORD_KEY_OCTETS])
{
	password_tag(buf_slice(&t->name), t->is_scram
		     ? buf_slice(&t->scram.nonce) : t->password, tag);
}

void login_fail(struct request *r, const char *reason)
{
	struct login_try *t = r->state;
	unsigned char tag[PASSWORD_KEY_OCTETS];
	int64_t delay = 0;

	login_log_failure(r, reason);
	end_trying(r);
	if (r->service->settings->throttle)
		ration_take(ration_of(r), clock_ms());
	if (is_throttled(r)) {
		wrong_tag(t, tag);
		delay = throttle_failed(r->service->throttle, clock_ms(),
					r->message.auth.address,
					buf_slice(&t->name), tag);
	}
	if (delay > 0)
		request_delay(r, delay, fail_now);
	else if (delay < 0)
		answer_later(r);
	else
		answer_failed(r);
}

void login_malformed(struct request *r)
{
	login_log_failure(r, "malformed");
	answer_failed(r);
}

void login_try_free(struct request *r)
{
	struct login_try *t = r->state;

	if (!t)
		return;
	if (t->is_counted)
		r->service->checking--;
	end_trying(r);
	buf_wipe(&t->given);
	buf_wipe(&t->upgrade);
	buf_wipe(&t->verifiers);
	buf_free(&t->name);
	scram_clear(&t->scram);
	explicit_bzero(t, sizeof *t);
	free(t);
}

/* ---- afterwards: last used, a better verifier ----------------------------- */

struct afterwards {
	struct job job;		/* first */
	uint64_t credential;
	bool is_upgrade;
	struct buf from, to;
};

static enum status afterwards_run(struct job *job, struct tx *tx)
{
	struct afterwards *a = (struct afterwards *)job;
	enum status st = store_credential_used(tx, a->credential,
					       clock_wall_seconds());

	if (st == ST_OK && a->is_upgrade)
		st = store_credential_upgrade(tx, a->credential,
					      buf_slice(&a->from),
					      buf_slice(&a->to));
	return st;
}

static void afterwards_done(struct job *job, enum status status,
			    const struct error *error)
{
	struct afterwards *a = (struct afterwards *)job;

	(void)status;	/* the next login will try again */
	(void)error;
	buf_wipe(&a->from);
	buf_wipe(&a->to);
	free(a);
}

static void write_afterwards(struct request *r)
{
	const struct login_try *t = r->state;
	const struct verifier *v = t->matched;
	struct afterwards *a;

	if (!v || (clock_wall_seconds() - v->last_used < USED_SECONDS &&
		   t->upgrade.len == 0))
		return;
	a = calloc(1, sizeof *a);
	if (!a)
		return;
	a->credential = v->id;
	a->from = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	a->to = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	a->job.run = afterwards_run;
	a->job.done = afterwards_done;
	a->job.sync = JOB_SYNC_NORMAL;
	a->job.octets = sizeof *a;
	if (t->upgrade.len > 0 &&
	    buf_append(&a->from, verifier_slice(v)) == ST_OK &&
	    buf_append(&a->to, buf_slice(&t->upgrade)) == ST_OK)
		a->is_upgrade = true;
	if (service_submit(r->service, &a->job, PLACE_WRITER) != ST_OK)
		afterwards_done(&a->job, ST_UNAVAILABLE, NULL);
}

/* ---- it is him ------------------------------------------------------------ */

static unsigned sessions_max(const struct request *r, unsigned scope)
{
	const struct settings *s = r->service->settings;

	return scope == STORE_SCOPE_IMAP ? s->imap_per_account
	     : scope == STORE_SCOPE_POP3 ? s->pop3_per_account : 0;
}

static void copy_text(char *to, size_t cap, struct slice from)
{
	size_t n = from.len < cap - 1 ? from.len : cap - 1;

	memcpy(to, from.data, n);
	to[n] = '\0';
}

static void bind(struct request *r, const struct login_try *t)
{
	struct session *s = r->session;
	const struct ipc_auth *m = &r->message.auth;

	s->state = SESSION_BOUND;
	s->account = t->login.account;
	s->credential = t->login.credential;
	s->scope = t->scope;
	s->since_ms = clock_wall_ms();
	buf_append(&s->login, slice_of(t->login.name, t->login.name_octets));
	copy_text(s->sid, sizeof s->sid, m->sid);
	copy_text(s->address, sizeof s->address, m->address);
}

static void refuse(struct request *r, enum status st, const char *reason,
		   const char *detail, const char *text)
{
	login_log_failure(r, reason);
	request_fail(r, st, detail, text);
	request_finish(r, st);
}

void login_succeed(struct request *r)
{
	struct login_try *t = r->state;
	const struct ipc_auth *m = &r->message.auth;
	struct slice name = slice_of(t->login.name, t->login.name_octets);
	unsigned most = sessions_max(r, t->scope);
	struct ipc_message out = { .type = IPC_TYPE_AUTH_OK };

	/* a second request of the same connection may have been quicker */
	if (r->session->state == SESSION_BOUND) {
		refuse(r, ST_DENIED, "malformed", "", "no login here and now");
		return;
	}
	if (t->is_disabled) {
		refuse(r, ST_DENIED, "disabled", "DISABLED",
		       "account is disabled");
		return;
	}
	if (most && service_sessions(r->service, t->login.account, t->scope) >=
		    most) {
		refuse(r, ST_LIMIT, "too-many-sessions", "LIMIT",
		       "too many sessions");
		return;
	}
	if (is_throttled(r))
		throttle_good(r->service->throttle, clock_ms(), m->address,
			      buf_slice(&t->name));
	r->service->counts.logins++;
	log_event("auth.ok", log_slice("sid", m->sid),
		  log_slice("proto", m->service), log_slice("user", name),
		  log_slice("mech", m->mechanism),
		  log_slice("client", m->address));
	if (r->session->socket == SESSION_STORE)
		bind(r, t);
	out.auth_ok = (struct ipc_auth_ok){
		t->login.account, t->login.credential, name, SLICE_EMPTY,
		settings_is_admin(r->service->settings, name),
	};
	request_finish(r, request_put(r, IPC_LAST, &out));
}

/* ---- did anything change while it was looked at? -------------------------- */

static enum status confirm_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	uint64_t account = t->login.account, id = t->login.credential;
	enum status st = login_look_run(r, tx);

	/* a password that was replaced is another credential */
	t->matched = NULL;
	for (size_t i = 0; i < t->count && st == ST_OK; i++)
		if (login_verifier(t, i)->id == id && t->login.account == account)
			t->matched = login_verifier(t, i);
	return st;
}

static void confirm_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;

	if (st != ST_OK)
		request_finish(r, st);
	else if (!t->matched)
		login_fail(r, t->is_unknown ? "unknown" : "password");
	else
		login_matched(r);
}

/* Before what is remembered of it would be forgotten. */
static bool expires_soon(const struct verifier *v)
{
	return v->expires &&
	       v->expires <= clock_wall_seconds() + LOGINS_KEEP_MS / 1000;
}

void login_matched(struct request *r)
{
	struct login_try *t = r->state;
	struct service *s = r->service;

	t->login.scopes = t->matched->scopes;
	t->login.credential = t->matched->id;
	if (t->directory != s->directory) {
		if (++t->looks == LOGIN_LOOKS_MAX) {
			request_fail(r, ST_UNAVAILABLE, "", "too much changes");
			request_finish(r, ST_UNAVAILABLE);
			return;
		}
		t->directory = s->directory;
		request_go(r, PLACE_READER, 0, confirm_run, confirm_done);
		return;
	}
	if (!t->is_disabled && !t->is_scram && !t->is_external &&
	    !expires_soon(t->matched))
		logins_keep(s->logins, buf_slice(&t->name), t->password,
			    s->directory, clock_ms(), &t->login);
	write_afterwards(r);
	login_succeed(r);
}
