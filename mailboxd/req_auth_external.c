/*
 * EXTERNAL (RFC 4422 appendix A) as an AUTH request: the daemon that ends TLS has
 * verified the client's certificate and says whose key it holds; which account
 * that key belongs to, and whether it may act as the identity that was asked
 * for, is decided here.
 */
#include "mailboxd/login_try.h"

#include "common/clock.h"
#include "common/digest.h"
#include "mailboxd/saslprep.h"

#include <stdio.h>

/* What the log and the throttle call one that asks for no identity. */
static enum status name_by_key(struct slice key, struct buf *name)
{
	char hex[DIGEST_OCTETS * 2 + 1];

	digest_hex((const unsigned char *)key.data, hex);
	return buf_append_fmt(name, "key:%.16s", hex);
}

bool login_external_first(struct request *r)
{
	const struct ipc_auth *m = &r->message.auth;
	struct login_try *t = r->state;
	enum status st = ST_SYNTAX;

	/* without TLS there is no certificate, and nobody may say there was */
	if (m->secure && m->certificate.len == STORE_CERTIFICATE_KEY)
		st = m->response.len ? saslprep(m->response, &t->name)
				     : name_by_key(m->certificate, &t->name);
	if (st != ST_OK)
		login_malformed(r);
	return st == ST_OK;
}

/* Whether the identity that was asked for is the account's own: nobody acts for
 * somebody else. */
static enum status check_identity(struct request *r, struct tx *tx,
				  const struct store_account *account)
{
	struct login_try *t = r->state;
	struct slice asked, own;
	enum status st;

	if (r->message.auth.response.len == 0)
		return ST_OK;
	st = store_account_canonical(tx, buf_slice(&t->name), &asked);
	if (st == ST_OK)
		st = store_account_canonical(tx, account->name, &own);
	if (st == ST_OK && !slice_eq(asked, own))
		st = ST_DENIED;
	return st;
}

/* The one credential there is: the key, as a verifier without text. */
static enum status keep_key(struct login_try *t, const struct store_certificate *c)
{
	struct verifier v = {
		.id = c->id, .scopes = c->scopes, .last_used = c->last_used,
		.expires = c->expires,
	};

	if (!(c->scopes & t->scope) ||
	    (c->expires && c->expires <= clock_wall_seconds()))
		return ST_OK;
	t->count = 1;
	return buf_append(&t->verifiers, slice_of((const char *)&v, sizeof v));
}

enum status login_external_look(struct request *r, struct tx *tx)
{
	struct login_try *t = r->state;
	struct store_certificate c;
	struct store_account account;
	enum status st;

	t->verifiers.len = t->count = 0;
	t->is_disabled = false;
	st = store_certificate_find(tx, r->message.auth.certificate, &c);
	t->is_unknown = st == ST_NOT_FOUND;
	if (t->is_unknown)
		return ST_OK;
	if (st == ST_OK)
		st = store_account_get(tx, c.account, &account);
	if (st != ST_OK)
		return request_store_failed(r, st, tx, "");
	t->is_disabled = account.is_disabled;
	t->login.account = account.id;
	login_keep_name(&t->login, account.name);
	st = check_identity(r, tx, &account);
	if (st == ST_OK)
		return keep_key(t, &c);
	return st == ST_DENIED || st == ST_NOT_FOUND || st == ST_SYNTAX
		? ST_OK : request_store_failed(r, st, tx, "");
}

void login_external_done(struct request *r, enum status st)
{
	struct login_try *t = r->state;

	if (st != ST_OK) {
		request_finish(r, st);
	} else if (t->count == 0) {
		login_fail(r, t->is_unknown ? "unknown" : "certificate");
	} else {
		t->matched = login_verifier(t, 0);
		login_matched(r);
	}
}
