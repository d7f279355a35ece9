/*
 * SCRAM-SHA-256[-PLUS] as an AUTH request: the daemon relays, the messages are
 * made and read here (mailboxd/scram.h). The last one, server-final, goes out as
 * a challenge like the others, and the login is done when the client has taken
 * it: SMTP, POP3 and IMAP have no room for it beside their OK.
 */
#include "mailboxd/login_try.h"

#include "common/base64.h"
#include "mailboxd/saslprep.h"

bool login_scram_first(struct request *r, struct slice message)
{
	const struct ipc_auth *m = &r->message.auth;
	const struct scram_channel channel = { m->tls_exporter, m->tls_end_point };
	struct login_try *t = r->state;
	enum status st = scram_first(&t->scram, message, t->is_plus, &channel);

	if (st == ST_OK)
		st = saslprep(buf_slice(&t->scram.name), &t->name);
	if (st != ST_OK)
		login_malformed(r);
	return st == ST_OK;
}

/* The salt that is shown: of the first password that has keys, the account's
 * own before the others. */
static void choose_keys(const struct login_try *t, struct password_keys *keys)
{
	for (size_t i = 0; i < t->count; i++)
		if (password_keys_parse(verifier_slice(login_verifier(t, i)),
					keys) == ST_OK)
			return;
	*keys = t->nobody;
}

static enum status put_challenge(struct request *r, const struct buf *text)
{
	struct ipc_message m = { .type = IPC_TYPE_AUTH_CHALLENGE };
	enum status st;

	m.auth_challenge.challenge = buf_slice(text);
	r->answer.len = 0;
	st = request_put(r, 0, &m);
	if (st == ST_OK)
		request_flush(r);
	return st;
}

static enum status make_nonce(struct buf *out)
{
	unsigned char random[SCRAM_NONCE_OCTETS];
	enum status st = password_random(random, sizeof random);

	return st == ST_OK
		? base64_encode(slice_of((char *)random, sizeof random), out) : st;
}

void login_scram_challenge(struct request *r)
{
	struct login_try *t = r->state;
	struct buf nonce = BUF_INIT(64), out = BUF_INIT(1024);
	struct password_keys keys;
	enum status st = make_nonce(&nonce);

	choose_keys(t, &keys);
	if (st == ST_OK)
		st = scram_challenge(&t->scram, &keys, buf_slice(&nonce), &out);
	t->step = LOGIN_STEP_FINAL;
	if (st == ST_OK)
		st = put_challenge(r, &out);
	explicit_bzero(&keys, sizeof keys);
	buf_free(&nonce);
	buf_free(&out);
	if (st != ST_OK)
		request_finish(r, st);
}

/* Which of the passwords the proof was made of: of all that share the salt. */
static void check_proof(struct login_try *t, struct slice proof,
			unsigned char signature[PASSWORD_KEY_OCTETS])
{
	struct slice text = buf_slice(&t->scram.text);
	unsigned char made[PASSWORD_KEY_OCTETS];
	struct password_keys shown, keys;
	bool is_worked = false;

	choose_keys(t, &shown);
	for (size_t i = 0; i < t->count; i++) {
		const struct verifier *v = login_verifier(t, i);

		if (password_keys_parse(verifier_slice(v), &keys) != ST_OK || !password_keys_alike(&keys, &shown))
			continue;
		is_worked = true;
		if (password_proof_check(&keys, text, proof, made) != ST_OK)
			continue;
		t->matched = v;
		memcpy(signature, made, sizeof made);
	}
	if (!is_worked)
		password_proof_check(&t->nobody, text, proof, made);
	explicit_bzero(&shown, sizeof shown);
	explicit_bzero(&keys, sizeof keys);
}

static void take_final(struct request *r, struct slice response)
{
	struct login_try *t = r->state;
	unsigned char proof[PASSWORD_KEY_OCTETS] = { 0 };
	unsigned char signature[PASSWORD_KEY_OCTETS];
	struct buf out = BUF_INIT(128);
	enum status st = scram_final(&t->scram, response, proof);

	if (st == ST_OK)
		check_proof(t, slice_of((char *)proof, sizeof proof), signature);
	if (!t->matched) {
		login_fail(r, st == ST_SYNTAX || st == ST_LIMIT ? "malformed"
			    : t->is_unknown ? "unknown" : "password");
		return;
	}
	st = scram_signature(signature, &out);
	if (st == ST_OK)
		st = put_challenge(r, &out);
	buf_free(&out);
	t->step = LOGIN_STEP_ACKNOWLEDGE;
	if (st != ST_OK)
		request_finish(r, st);
}

enum status login_scram_more(struct request *r, struct slice response)
{
	struct login_try *t = r->state;
	bool is_final = t->step == LOGIN_STEP_FINAL;

	t->step = LOGIN_STEP_ALONE;
	if (is_final)
		take_final(r, response);
	else if (response.len == 0)
		login_matched(r);
	else
		login_fail(r, "malformed");
	return ST_OK;
}
