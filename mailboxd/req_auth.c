/*
 * AUTH: who is it? (design: trust.md section 2.) Unknown, disabled and wrong
 * take the same way and the same time.
 *
 *	reader	account and verifiers
 *	worker	PLAIN: is it one of them? (SCRAM: req_auth_scram.c, client
 *		certificates: req_auth_external.c)
 *	reader	again, where accounts or passwords changed meanwhile
 *	loop	bind, or count the failure and let it wait
 *	writer	last used, a verifier in a better form; nobody waits for it
 */
#include "mailboxd/login_try.h"

#include "common/clock.h"
#include "common/sasl.h"
#include "mailboxd/given.h"
#include "mailboxd/saslprep.h"

/* Logins that may wait for a worker; beyond it they are told to come later. */
#define WAITING_MAX	256u

static const struct service_word {
	const char *name;
	unsigned scope;
} services[] = {
	{ "smtp", STORE_SCOPE_SMTP },
	{ "imap", STORE_SCOPE_IMAP },
	{ "pop3", STORE_SCOPE_POP3 },
};

/* ---- a worker looks at the password --------------------------------------- */

/* The keys of another password of the account, whose salt a new form takes. */
static const struct password_keys *sibling_keys(const struct login_try *t,
						struct password_keys *keys)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct verifier *v = login_verifier(t, i);

		if (v != t->matched &&
		    password_keys_parse(verifier_slice(v), keys) == ST_OK)
			return keys;
	}
	return NULL;
}

static void make_upgrade(struct login_try *t)
{
	struct slice verifier = verifier_slice(t->matched);
	struct password_keys keys, own;
	const struct password_keys *like = sibling_keys(t, &keys);

	/* more rounds would part it from the others of its account */
	if (like && password_keys_parse(verifier, &own) == ST_OK)
		return;
	if (password_is_outdated(verifier, t->rounds))
		password_hash(t->password, like, t->rounds, &t->upgrade);
}

static enum status verify_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	struct slice verifiers[LOGIN_CREDENTIALS_MAX];
	size_t which;

	(void)tx;
	for (size_t i = 0; i < t->count; i++)
		verifiers[i] = verifier_slice(login_verifier(t, i));
	if (password_check(t->password, verifiers, t->count, t->rounds,
			   &which) != ST_OK)
		return ST_OK;
	t->matched = login_verifier(t, which);
	make_upgrade(t);
	return ST_OK;
}

static void verify_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;

	t->is_counted = false;
	r->service->checking--;
	if (st != ST_OK)
		request_finish(r, st);
	else if (!t->matched)
		login_fail(r, t->is_unknown ? "unknown" : "password");
	else
		login_matched(r);
}

static void verify(struct request *r)
{
	struct login_try *t = r->state;

	if (r->service->checking >= WAITING_MAX) {
		login_log_failure(r, "busy");
		request_fail(r, ST_UNAVAILABLE, "", "too many logins at once");
		request_finish(r, ST_UNAVAILABLE);
		return;
	}
	r->service->checking++;
	t->is_counted = true;
	request_go(r, PLACE_WORKER, 0, verify_run, verify_done);
}

/* ---- the account ---------------------------------------------------------- */

static enum status keep_verifier(void *arg, const struct store_credential *c)
{
	struct login_try *t = arg;
	struct verifier v;
	enum status st;

	if (t->count == LOGIN_CREDENTIALS_MAX || !(c->scopes & t->scope) ||
	    (c->expires && c->expires <= clock_wall_seconds()) ||
	    c->verifier.len > sizeof v.text)
		return ST_OK;
	v = (struct verifier){
		.id = c->id, .scopes = c->scopes, .last_used = c->last_used,
		.expires = c->expires,
		.octets = c->verifier.len,
	};
	memcpy(v.text, c->verifier.data, c->verifier.len);
	st = buf_append(&t->verifiers, slice_of((const char *)&v, sizeof v));
	if (st == ST_OK)
		t->count++;
	return st;
}

void login_keep_name(struct login *login, struct slice name)
{
	struct slice kept = slice_head(name, sizeof login->name);

	memcpy(login->name, kept.data, kept.len);
	login->name_octets = kept.len;
}

/* What SCRAM shows to those who have no keys. */
static enum status make_nobody(struct login_try *t, struct tx *tx,
			       const unsigned char *secret)
{
	struct slice key;
	enum status st = store_account_canonical(tx, buf_slice(&t->name), &key);

	if (st == ST_NOT_FOUND || st == ST_SYNTAX) {
		key = buf_slice(&t->name);
		st = ST_OK;
	}
	if (st == ST_OK)
		password_keys_nobody(key, secret, t->rounds, &t->nobody);
	return st;
}

enum status login_look_run(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	struct store_account account;
	enum status st;

	if (t->is_external)
		return login_external_look(r, tx);
	st = t->is_scram ? make_nobody(t, tx, store_secret(r->service->store))
			 : ST_OK;
	t->verifiers.len = t->count = 0;
	t->is_disabled = t->any_password = false;
	if (st == ST_OK)
		st = store_account_find(tx, buf_slice(&t->name), &account);
	t->is_unknown = st == ST_NOT_FOUND || st == ST_SYNTAX;
	if (t->is_unknown)
		return ST_OK;
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	t->is_disabled = account.is_disabled;
	t->any_password = account.any_password;
	t->login.account = account.id;
	login_keep_name(&t->login, account.name);
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
	enum status st = buf_append(&name, buf_slice(&t->name));

	/* a bare name is one of this host */
	if (st == ST_OK && slice_index(buf_slice(&t->name), '@') == t->name.len)
		st = buf_append_fmt(&name, "@%s", t->hostname);
	if (st == ST_OK)
		st = address_parse(buf_slice(&name), ADDRESS_UTF8, &arena,
				   &address);
	if (st == ST_OK)
		st = store_account_ensure(tx, &address, &id);
	if (st == ST_OK) {
		t->login.account = id;
		login_keep_name(&t->login, buf_slice(&name));
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
		login_succeed(r);
	else if (st == ST_SYNTAX || st == ST_LIMIT || st == ST_NOT_FOUND)
		login_fail(r, "unknown");
	else
		request_finish(r, st);
}

static void look_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;
	bool takes_any = r->service->settings->any_password && !t->is_scram &&
			 !t->is_apop;

	if (st != ST_OK)
		request_finish(r, st);
	else if (t->is_external)
		login_external_done(r, st);
	else if (takes_any && t->is_unknown &&
		 r->service->settings->store.first_use)
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, make_run, make_done);
	else if (takes_any && !t->is_unknown && t->any_password)
		login_succeed(r);
	else if (t->is_scram)
		login_scram_challenge(r);
	else
		verify(r);
}

/* ---- the request ---------------------------------------------------------- */

static unsigned scope_of(struct slice service)
{
	for (size_t i = 0; i < sizeof services / sizeof *services; i++)
		if (slice_eq(service, slice_str(services[i].name)))
			return services[i].scope;
	return 0;
}

/* The message of PLAIN, or what LOGIN and USER were made into. */
static bool take_plain(struct request *r, struct slice message)
{
	struct login_try *t = r->state;
	struct sasl_plain plain;

	/* nobody may act for somebody else: authzid is empty or the same */
	if (sasl_plain_parse(message, &plain) != ST_OK ||
	    (plain.authzid.len && !slice_eq(plain.authzid, plain.authcid)) ||
	    saslprep(plain.authcid, &t->name) != ST_OK) {
		login_malformed(r);
		return false;
	}
	t->password = plain.password;
	return true;
}

/*
 * APOP (RFC 1939 section 7): name, challenge and digest, with a NUL between two. Where
 * the digest is right the password that made it is checked as any other; where it is
 * not, the digest stands for a wrong one.
 */
static bool take_apop(struct request *r, struct slice message)
{
	struct login_try *t = r->state;
	struct slice name, challenge;

	t->is_apop = true;
	t->given = (struct buf)BUF_INIT(SASL_PASSWORD_MAX);
	if (!slice_split(&message, '\0', &name) ||
	    !slice_split(&message, '\0', &challenge) || message.len != 32 ||
	    saslprep(name, &t->name) != ST_OK) {
		login_malformed(r);
		return false;
	}
	t->password = message;
	if (r->service->given &&
	    given_check(r->service->given, buf_slice(&t->name), challenge, message,
			&t->given) == ST_OK)
		t->password = buf_slice(&t->given);
	return true;
}

static bool is_remembered(struct request *r)
{
	struct login_try *t = r->state;
	struct service *s = r->service;

	return !t->is_scram && !t->is_external &&
	       logins_find(s->logins, buf_slice(&t->name), t->password,
			   s->directory, clock_ms(), &t->login) &&
	       (t->login.scopes & t->scope);
}

/* How the mechanism begins; false: the request was answered. */
static bool begin_mechanism(struct request *r)
{
	const struct ipc_auth *m = &r->message.auth;
	struct login_try *t = r->state;

	if (slice_eq(m->mechanism, SLICE("APOP")))
		return take_apop(r, m->response);
	switch (sasl_mechanism_find(m->mechanism)) {
	case SASL_SCRAM_PLUS:
		t->is_plus = true;
		/* fallthrough */
	case SASL_SCRAM:
		t->is_scram = true;
		return login_scram_first(r, m->response);
	case SASL_PLAIN:
	case SASL_LOGIN:
		return take_plain(r, m->response);
	case SASL_EXTERNAL:
		t->is_external = true;
		return login_external_first(r);
	case SASL_NONE:
		break;
	}
	request_fail(r, ST_NOT_FOUND, "", "unknown mechanism");
	request_finish(r, ST_NOT_FOUND);
	return false;
}

void req_auth(struct request *r)
{
	const struct settings *settings = r->service->settings;
	unsigned scope = scope_of(r->message.auth.service);
	struct login_try *t;

	r->free_state = login_try_free;
	if (r->session->state == SESSION_BOUND || scope == 0 ||
	    (r->session->socket == SESSION_AUTH) != (scope == STORE_SCOPE_SMTP)) {
		request_fail(r, ST_DENIED, "", "no login here and now");
		request_finish(r, ST_DENIED);
		return;
	}
	t = request_state(r, sizeof *t);
	if (!t)
		return;
	t->scope = scope;
	t->rounds = settings->rounds;
	t->hostname = settings->lmtp.hostname;
	t->name = (struct buf)BUF_INIT(SASL_NAME_MAX * 4);
	t->upgrade = (struct buf)BUF_INIT(PASSWORD_VERIFIER_MAX);
	t->scram = (struct scram)SCRAM_INIT;
	t->verifiers = (struct buf)BUF_INIT(LOGIN_CREDENTIALS_MAX *
					    sizeof(struct verifier));
	t->directory = r->service->directory;
	if (!begin_mechanism(r) || !login_begin(r))
		return;
	if (is_remembered(r))
		login_succeed(r);
	else
		request_go(r, PLACE_READER, 0, login_look_run, look_done);
}

enum status req_auth_more(struct request *r, const struct ipc_message *m)
{
	struct login_try *t = r->state;

	if (m->type != IPC_TYPE_AUTH_CONTINUE || r->is_running || r->is_delayed ||
	    !t || t->step == LOGIN_STEP_ALONE)
		return ST_SYNTAX;	/* nobody asked for it */
	return login_scram_more(r, m->auth_continue.response);
}
