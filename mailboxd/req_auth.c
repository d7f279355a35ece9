/*
 * AUTH: who is it? (design: trust.md section 2.) Unknown, disabled and wrong
 * take the same way and the same time; what a right password meets (disabled,
 * too many sessions) is told only behind it.
 *
 *	reader	account and verifiers
 *	worker	is it one of them?
 *	loop	bind, or count the failure and let it wait
 *	writer	last used, a verifier in a better form; nobody waits for it
 */
#include "mailboxd/requests.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sasl.h"
#include "mailboxd/logins.h"
#include "mailboxd/password.h"
#include "mailboxd/throttle.h"

#define CREDENTIALS_MAX	32u
/* Logins that may wait for a worker; beyond it they are told to come later. */
#define WAITING_MAX	256u
/* "last used" is written when it is older than this. */
#define USED_SECONDS	3600

struct verifier {
	uint64_t id;
	uint32_t scopes;
	int64_t last_used, expires;
	char text[PASSWORD_VERIFIER_MAX];
	size_t octets;
};

struct login_try {
	struct slice name, password;	/* borrow from the request's frame */
	unsigned scope;
	bool is_unknown, is_disabled, any_password;
	struct login login;	/* of the account */
	struct verifier verifiers[CREDENTIALS_MAX];
	size_t count;
	const struct verifier *matched;
	uint32_t rounds;	/* of a verifier of today */
	const char *hostname;
	struct buf upgrade;	/* the matched one in today's form */
	bool is_counted;	/* among those that use a worker */
};

static const struct service_word {
	const char *name;
	unsigned scope;
} services[] = {
	{ "smtp", STORE_SCOPE_SMTP },
	{ "imap", STORE_SCOPE_IMAP },
	{ "pop3", STORE_SCOPE_POP3 },
};

/* ---- outcome --- */

static void try_free(struct request *r)
{
	struct login_try *t = r->state;

	if (!t)
		return;
	if (t->is_counted)
		r->service->checking--;
	buf_wipe(&t->upgrade);
	explicit_bzero(t, sizeof *t);
	free(t);
}

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

static void log_failure(struct request *r, const char *reason)
{
	const struct ipc_auth *m = &r->message.auth;
	const struct login_try *t = r->state;

	r->service->counts.logins_failed++;
	log_event("auth.fail", log_slice("sid", m->sid),
		  log_slice("proto", m->service),
		  log_slice("user", t ? t->name : SLICE_EMPTY),
		  log_slice("client", m->address), log_str("reason", reason));
}

static void fail_now(struct request *r, enum status st)
{
	(void)st;
	if (is_throttled(r))
		throttle_waited(r->service->throttle, r->message.auth.address);
	request_fail(r, ST_DENIED, "", "authentication failed");
	request_finish(r, ST_DENIED);
}

/* A wrong password, or nobody: counted, and told after a while. */
static void fail(struct request *r, const char *reason)
{
	struct login_try *t = r->state;
	unsigned char tag[PASSWORD_KEY_OCTETS];
	int64_t delay = 0;

	log_failure(r, reason);
	if (is_throttled(r)) {
		password_tag(t->name, t->password, tag);
		delay = throttle_failed(r->service->throttle, clock_ms(),
					r->message.auth.address, t->name, tag);
	}
	if (delay > 0) {
		request_delay(r, delay, fail_now);
		return;
	}
	request_fail(r, ST_DENIED, "", "authentication failed");
	request_finish(r, ST_DENIED);
}

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
	s->scope = t->scope;
	s->since_ms = clock_wall_ms();
	buf_append(&s->login, slice_of(t->login.name, t->login.name_octets));
	copy_text(s->sid, sizeof s->sid, m->sid);
	copy_text(s->address, sizeof s->address, m->address);
}

static void succeed(struct request *r)
{
	struct login_try *t = r->state;
	const struct ipc_auth *m = &r->message.auth;
	struct slice name = slice_of(t->login.name, t->login.name_octets);
	unsigned most = sessions_max(r, t->scope);
	struct ipc_message out = { .type = IPC_TYPE_AUTH_OK };

	if (t->is_disabled) {
		log_failure(r, "disabled");
		request_fail(r, ST_DENIED, "DISABLED", "account is disabled");
		request_finish(r, ST_DENIED);
		return;
	}
	if (r->session->socket == SESSION_STORE && most &&
	    service_sessions(r->service, t->login.account, t->scope) >= most) {
		log_failure(r, "too-many-sessions");
		request_fail(r, ST_LIMIT, "LIMIT", "too many sessions");
		request_finish(r, ST_LIMIT);
		return;
	}
	if (is_throttled(r))
		throttle_good(r->service->throttle, clock_ms(), m->address,
			      t->name);
	r->service->counts.logins++;
	log_event("auth.ok", log_slice("sid", m->sid),
		  log_slice("proto", m->service), log_slice("user", name),
		  log_slice("client", m->address));
	if (r->session->socket == SESSION_STORE)
		bind(r, t);
	out.auth_ok = (struct ipc_auth_ok){ t->login.account, name, SLICE_EMPTY };
	request_finish(r, request_put(r, IPC_LAST, &out));
}

/* ---- afterwards: last used, a better verifier --- */

struct afterwards {
	struct job job;		/* first */
	struct service *service;
	uint64_t credential;
	bool is_used, is_upgrade;
	struct buf from, to;
};

static enum status afterwards_run(struct job *job, struct tx *tx)
{
	struct afterwards *a = (struct afterwards *)job;
	enum status st = ST_OK;

	if (a->is_used)
		st = store_credential_used(tx, a->credential,
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
	a->service = r->service;
	a->credential = v->id;
	a->is_used = true;
	a->from = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	a->to = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	a->job.run = afterwards_run;
	a->job.done = afterwards_done;
	a->job.sync = JOB_SYNC_NORMAL;
	a->job.octets = sizeof *a;
	if (t->upgrade.len > 0 &&
	    buf_append(&a->from, slice_of(v->text, v->octets)) == ST_OK &&
	    buf_append(&a->to, buf_slice(&t->upgrade)) == ST_OK)
		a->is_upgrade = true;
	if (service_submit(r->service, &a->job, PLACE_WRITER) != ST_OK)
		afterwards_done(&a->job, ST_UNAVAILABLE, NULL);
}

/* ---- a worker looks at the password --- */

static enum status verify_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;

	(void)tx;
	for (size_t i = 0; i < t->count && !t->matched; i++) {
		struct verifier *v = &t->verifiers[i];

		if (password_check(t->password, slice_of(v->text, v->octets)) ==
		    ST_OK)
			t->matched = v;
	}
	if (t->count == 0)
		password_check_nobody(t->password);
	if (t->matched &&
	    password_is_outdated(slice_of(t->matched->text, t->matched->octets),
				 t->rounds))
		password_hash(t->password, t->rounds, &t->upgrade);
	return ST_OK;
}

static void verify_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;

	t->is_counted = false;
	r->service->checking--;
	if (st != ST_OK) {
		request_finish(r, st);
		return;
	}
	if (!t->matched) {
		fail(r, t->is_unknown ? "unknown" : "password");
		return;
	}
	t->login.scopes = t->matched->scopes;
	if (!t->is_disabled)
		logins_keep(r->service->logins, t->name, t->password,
			    r->service->directory, clock_ms(), &t->login);
	write_afterwards(r);
	succeed(r);
}

static void verify(struct request *r)
{
	struct login_try *t = r->state;

	if (r->service->checking >= WAITING_MAX) {
		log_failure(r, "busy");
		request_fail(r, ST_UNAVAILABLE, "", "too many logins at once");
		request_finish(r, ST_UNAVAILABLE);
		return;
	}
	r->service->checking++;
	t->is_counted = true;
	request_go(r, PLACE_WORKER, 0, verify_run, verify_done);
}

/* ---- the account --- */

static enum status keep_verifier(void *arg, const struct store_credential *c)
{
	struct login_try *t = arg;
	struct verifier *v = &t->verifiers[t->count];

	if (t->count == CREDENTIALS_MAX || !(c->scopes & t->scope) ||
	    (c->expires && c->expires <= clock_wall_seconds()) ||
	    c->verifier.len > sizeof v->text)
		return ST_OK;
	*v = (struct verifier){
		.id = c->id, .scopes = c->scopes, .last_used = c->last_used,
		.octets = c->verifier.len,
	};
	memcpy(v->text, c->verifier.data, c->verifier.len);
	t->count++;
	return ST_OK;
}

static enum status look_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	struct store_account account;
	enum status st = store_account_find(tx, t->name, &account);

	t->count = 0;
	t->is_unknown = st == ST_NOT_FOUND || st == ST_SYNTAX;
	if (t->is_unknown)
		return ST_OK;
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	t->is_disabled = account.is_disabled;
	t->any_password = account.any_password;
	t->login.account = account.id;
	copy_text(t->login.name, sizeof t->login.name, account.name);
	t->login.name_octets = strlen(t->login.name);
	st = store_credential_list(tx, account.id, keep_verifier, t);
	return st == ST_OK ? ST_OK : request_store_failed(r, st, tx, "");
}

/* Profile test: the account is made by its first login. */
static enum status make_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	struct arena arena = ARENA_INIT(8192);
	struct buf name = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct address address;
	uint64_t id;
	enum status st = buf_append(&name, t->name);

	/* a bare name is one of this host */
	if (st == ST_OK && slice_index(t->name, '@') == t->name.len)
		st = buf_append_fmt(&name, "@%s", t->hostname);
	if (st == ST_OK)
		st = address_parse(buf_slice(&name), ADDRESS_UTF8, &arena,
				   &address);
	if (st == ST_OK)
		st = store_account_ensure(tx, &address, &id);
	if (st == ST_OK) {
		t->login.account = id;
		copy_text(t->login.name, sizeof t->login.name, buf_slice(&name));
		t->login.name_octets = strlen(t->login.name);
	} else {
		request_store_failed(r, st, tx, "");
	}
	buf_free(&name);
	arena_clear(&arena);
	return st;
}

static void make_done(struct request *r, enum status st)
{
	if (st == ST_OK)
		succeed(r);
	else if (st == ST_SYNTAX || st == ST_LIMIT || st == ST_NOT_FOUND)
		fail(r, "unknown");
	else
		request_finish(r, st);
}

static void look_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;
	bool takes_any = r->service->settings->any_password;

	if (st != ST_OK)
		request_finish(r, st);
	else if (takes_any && t->is_unknown &&
		 r->service->settings->store.first_use)
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, make_run, make_done);
	else if (takes_any && !t->is_unknown && t->any_password)
		succeed(r);
	else
		verify(r);
}

/* ---- the request --- */

static unsigned scope_of(struct slice service)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (slice_eq(service, slice_str(services[i].name)))
			return services[i].scope;
	return 0;
}

void req_auth(struct request *r)
{
	const struct ipc_auth *m = &r->message.auth;
	unsigned scope = scope_of(m->service);
	struct login_try *t;
	struct sasl_plain plain;

	r->free_state = try_free;
	if (r->session->state == SESSION_BOUND || scope == 0 ||
	    (r->session->socket == SESSION_AUTH && scope != STORE_SCOPE_SMTP)) {
		request_fail(r, ST_DENIED, "", "no login here and now");
		request_finish(r, ST_DENIED);
		return;
	}
	if (!slice_case_eq(m->mechanism, SLICE("PLAIN")) &&
	    !slice_case_eq(m->mechanism, SLICE("LOGIN"))) {
		request_fail(r, ST_NOT_FOUND, "", "unknown mechanism");
		request_finish(r, ST_NOT_FOUND);
		return;
	}
	t = request_state(r, sizeof *t);
	if (!t)
		return;
	t->scope = scope;
	t->rounds = r->service->settings->rounds;
	t->hostname = r->service->settings->lmtp.hostname;
	t->upgrade = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	/* nobody may act for somebody else: authzid is empty or the same */
	if (sasl_plain_parse(m->response, &plain) != ST_OK ||
	    (plain.authzid.len && !slice_eq(plain.authzid, plain.authcid))) {
		log_failure(r, "malformed");
		request_fail(r, ST_DENIED, "", "authentication failed");
		request_finish(r, ST_DENIED);
		return;
	}
	t->name = plain.authcid;
	t->password = plain.password;
	if (logins_find(r->service->logins, t->name, t->password,
			r->service->directory, clock_ms(), &t->login) &&
	    (t->login.scopes & scope))
		succeed(r);
	else
		request_go(r, PLACE_READER, 0, look_run, look_done);
}

enum status req_auth_more(struct request *r, const struct ipc_message *m)
{
	(void)r;
	(void)m;
	return ST_SYNTAX;	/* PLAIN has one step */
}
