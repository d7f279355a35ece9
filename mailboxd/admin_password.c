/*
 * Verbs that set passwords: user add, user passwd, and app passwords.
 *
 *	reader	the account, and the salt of its other passwords
 *	worker	the keys
 *	writer	the change; sessions of what it replaced end with it
 *
 * All passwords of an account have one salt, so that SCRAM, which shows it
 * before it knows which will be used, works with each (mailboxd/password.h).
 */
#include "mailboxd/given.h"
#include "mailboxd/control.h"

#include "common/clock.h"
#include "common/units.h"
#include "common/utf8.h"
#include "mailboxd/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_MAX	64u
#define APP_GROUPS	5u	/* of four: 100 bits */
#define APP_OCTETS	(APP_GROUPS * 5u - 1u)
#define GONE		"This password is no longer good"

/* The salt and rounds that a new password takes. */
struct salted {
	struct password_keys keys;
	bool is_there;
	bool skips_own;		/* it is the one that is replaced */
};

static enum status salt_row(void *arg, const struct store_credential *c)
{
	struct salted *s = arg;

	if (!s->is_there && !(s->skips_own && c->label.len == 0))
		s->is_there = password_keys_parse(c->verifier, &s->keys) == ST_OK;
	return ST_OK;
}

/* ---- the keys ------------------------------------------------------------- */

/* What the steps hand on, in control.work. */
struct making {
	struct password_keys like;
	bool has_like;
	uint32_t rounds;
	char password[PASSWORD_MAX];
	size_t octets;
};

static struct making *making_of(struct request *r)
{
	return (struct making *)control_of(r)->work.data;
}

static enum status hash_run(struct request *r, struct tx *tx)
{
	const struct making *m = making_of(r);
	struct control *c = control_of(r);

	(void)tx;
	c->verifier.len = 0;
	return password_hash(slice_of(m->password, m->octets),
			     m->has_like ? &m->like : NULL, m->rounds,
			     &c->verifier);
}

static request_run write_run;

static void hash_done(struct request *r, enum status st)
{
	if (st == ST_SYNTAX)
		control_fail(r, st, SLICE_EMPTY,
			     "a password is text of 1 to %zu octets that RFC 4013 "
			     "allows: no control characters", PASSWORD_MAX);
	if (st != ST_OK)
		request_finish(r, st);
	else
		request_go(r, PLACE_WRITER, JOB_SYNC_FULL, write_run,
			   control_ended);
}

/* Is the account there, and with which salt? user add does not ask. */
static enum status salt_run(struct request *r, struct tx *tx)
{
	struct salted salted = {
		.skips_own = slice_eq(r->message.control.verb,
				      SLICE("user passwd")),
	};
	struct making *m = making_of(r);
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK)
		st = control_stored(r, tx, store_credential_list(tx, account.id,
								 salt_row,
								 &salted));
	m->like = salted.keys;
	m->has_like = salted.is_there;
	return st;
}

static void salt_done(struct request *r, enum status st)
{
	if (st != ST_OK)
		request_finish(r, st);
	else
		request_go(r, PLACE_WORKER, 0, hash_run, hash_done);
}

/* False: the request was answered. */
static bool begin_making(struct request *r, struct slice password)
{
	struct control *c = control_of(r);
	struct making *m;
	char *at;

	if (password.len > PASSWORD_MAX) {
		hash_done(r, ST_SYNTAX);
		return false;
	}
	if (buf_reserve(&c->work, sizeof *m, &at) != ST_OK) {
		request_finish(r, ST_NO_MEMORY);
		return false;
	}
	c->work.len = sizeof *m;
	memset(at, 0, sizeof *m);
	m = making_of(r);
	m->rounds = r->service->settings->rounds;
	m->octets = password.len;
	memcpy(m->password, password.data, password.len);
	return true;
}

/* user add, user passwd: a password, or what is stored of one. */
static void with_password(struct request *r)
{
	struct control *c = control_of(r);
	struct slice password = c->words[1];
	bool is_verifier = slice_eq(control_option(r, "form", "clear"),
				    SLICE("verifier"));
	bool is_new = slice_eq(r->message.control.verb, SLICE("user add"));

	if (r->service->given &&
	    slice_eq(control_option(r, "memory", "no"), SLICE("yes")))
		given_keep(r->service->given, c->words[0], password);
	if (is_verifier && !password_is_verifier(password)) {
		control_fail(r, ST_SYNTAX, SLICE_EMPTY,
			     "that is neither SCRAM-SHA-256 nor a crypt(3) string");
		request_finish(r, ST_SYNTAX);
	} else if (is_verifier || password.len == 0) {
		hash_done(r, buf_append(&c->verifier, password));
	} else if (begin_making(r, password)) {
		if (is_new)
			request_go(r, PLACE_WORKER, 0, hash_run, hash_done);
		else
			request_go(r, PLACE_READER, 0, salt_run, salt_done);
	}
}

/* ---- the account's own ---------------------------------------------------- */

static enum status put_password(struct request *r, struct tx *tx,
				uint64_t account)
{
	struct store_credential credential = {
		.account = account, .label = SLICE_EMPTY,
		.scopes = STORE_SCOPE_ALL,
		.verifier = buf_slice(&control_of(r)->verifier),
	};
	uint64_t id;
	enum status st;

	if (credential.verifier.len == 0) {
		st = store_credential_remove(tx, account, SLICE_EMPTY);
		return st == ST_NOT_FOUND ? ST_OK : st;
	}
	return store_credential_put(tx, &credential, &id);
}

static enum status user_add_run(struct request *r, struct tx *tx)
{
	struct slice word = control_of(r)->words[0];
	struct address address;
	uint64_t id = 0;
	enum status st = control_address(r, word, 0, &address);

	if (st != ST_OK)
		return st;
	st = store_account_add(tx, &address, &id);
	if (st == ST_EXISTS)
		return control_fail(r, st, word, "that user is there already");
	if (st == ST_NOT_FOUND)
		return control_fail(r, st, word,
				    "its domain is not ours; postroom domain add %.*s",
				    (int)(address.domain.len < 100 ? address.domain.len
								    : 100),
				    address.domain.data);
	if (st == ST_SYNTAX)
		return control_fail(r, st, word, "no user can have that name");
	if (st == ST_OK)
		st = put_password(r, tx, id);
	if (st == ST_OK)
		st = settings_apply_domains(r->service->settings, tx);
	return control_stored(r, tx, st);
}

struct find_label {
	struct slice label;
	uint64_t id;		/* 0: not found */
	size_t others;
};

static enum status find_row(void *arg, const struct store_credential *c)
{
	struct find_label *f = arg;

	if (slice_eq(c->label, f->label))
		f->id = c->id;
	else
		f->others += c->label.len > 0;
	return ST_OK;
}

static enum status user_passwd_run(struct request *r, struct tx *tx)
{
	struct find_label own = { .label = SLICE_EMPTY };
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK)
		st = control_stored(r, tx, store_credential_list(tx, account.id,
								 find_row, &own));
	if (st != ST_OK)
		return st;
	/* who needed no password until now needs one */
	if (own.id || account.any_password)
		control_revoke(r, account.id, own.id, GONE);
	return control_stored(r, tx, put_password(r, tx, account.id));
}

/* ---- app passwords -------------------------------------------------------- */

static const struct scope_word {
	const char *name;
	uint32_t scope;
} scope_words[] = {
	{ "smtp", STORE_SCOPE_SMTP },
	{ "imap", STORE_SCOPE_IMAP },
	{ "pop3", STORE_SCOPE_POP3 },
};
#define SCOPE_WORDS (sizeof scope_words / sizeof *scope_words)

uint32_t control_scopes(struct slice text)
{
	uint32_t scopes = 0;
	struct slice word;

	while (slice_split(&text, ',', &word)) {
		size_t i = 0;

		while (i < SCOPE_WORDS &&
		       !slice_eq(word, slice_str(scope_words[i].name)))
			i++;
		if (i == SCOPE_WORDS)
			return 0;
		scopes |= scope_words[i].scope;
	}
	return scopes;
}

void control_put_scopes(struct request *r, uint32_t scopes)
{
	char text[32] = "";

	for (size_t i = 0; i < SCOPE_WORDS; i++)
		if (scopes & scope_words[i].scope)
			snprintf(text + strlen(text), sizeof text - strlen(text),
				 "%s%s", *text ? "," : "", scope_words[i].name);
	control_text(r, slice_str(text));
}

static bool is_label(struct slice label)
{
	for (size_t i = 0; i < label.len; i++)
		if ((unsigned char)label.data[i] < ' ' || label.data[i] == 0x7f)
			return false;
	return label.len > 0 && label.len <= LABEL_MAX && utf8_is_valid(label);
}

enum status control_expiry(struct request *r, int64_t *at)
{
	struct slice text = control_option(r, "expires", "");
	uint64_t ms;

	*at = 0;
	if (text.len == 0)
		return ST_OK;
	if (!units_time(text, &ms) || ms < 1000 ||
	    ms > UINT64_C(100) * 365 * 86400000)
		return control_fail(r, ST_SYNTAX, text,
				    "write how long it is good, such as expires=90d");
	*at = clock_wall_seconds() + (int64_t)(ms / 1000);
	return ST_OK;
}

/* Without letters and digits that are mistaken for one another. */
static enum status make_password(char out[APP_OCTETS])
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
	unsigned char random[APP_GROUPS * 4];
	enum status st = password_random(random, sizeof random);
	size_t at = 0;

	for (size_t i = 0; i < sizeof random && st == ST_OK; i++) {
		if (i > 0 && i % 4 == 0)
			out[at++] = '-';
		out[at++] = letters[random[i] % 32];
	}
	explicit_bzero(random, sizeof random);
	return st;
}

static void password_add(struct request *r)
{
	char password[APP_OCTETS];
	const struct control *c = control_of(r);
	int64_t expires;
	enum status st = ST_SYNTAX;

	if (!is_label(c->words[1]))
		control_fail(r, st, c->words[1],
			     "a label is 1 to %u octets without control characters",
			     LABEL_MAX);
	else if (!control_scopes(control_option(r, "scopes", "smtp,imap,pop3")))
		control_fail(r, st, control_option(r, "scopes", ""),
			     "scopes are smtp, imap and pop3, with commas");
	else
		st = control_expiry(r, &expires);
	if (st == ST_OK)
		st = make_password(password);
	if (st != ST_OK)
		request_finish(r, st);
	else if (begin_making(r, slice_of(password, sizeof password)))
		request_go(r, PLACE_READER, 0, salt_run, salt_done);
	explicit_bzero(password, sizeof password);
}

static enum status password_add_run(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	const struct making *m = making_of(r);
	struct find_label same = { .label = c->words[1] };
	struct store_credential credential = {
		.label = c->words[1], .verifier = buf_slice(&c->verifier),
		.scopes = control_scopes(control_option(r, "scopes", "smtp,imap,pop3")),
	};
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK)
		st = control_stored(r, tx, store_credential_list(tx, account.id,
								 find_row, &same));
	if (st == ST_OK && same.id)
		return control_fail(r, ST_EXISTS, c->words[1],
				    "there is one with this label; postroom password rm "
				    "removes it");
	if (st == ST_OK && same.others >= PASSWORDS_MAX - 1)
		return control_fail(r, ST_LIMIT, c->words[1],
				    "an account has at most %zu app passwords; remove "
				    "one that is no longer used", PASSWORDS_MAX - 1);
	if (st == ST_OK)
		st = control_expiry(r, &credential.expires);
	if (st != ST_OK)
		return st;
	credential.account = account.id;
	st = control_stored(r, tx, store_credential_put(tx, &credential, NULL));
	if (st != ST_OK)
		return st;
	control_text(r, account.name);
	control_text(r, credential.label);
	control_text(r, slice_of(m->password, m->octets));
	return control_row(r);
}

static enum status password_rm(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct find_label found = { .label = c->words[1] };
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	if (st == ST_OK)
		st = control_stored(r, tx, store_credential_list(tx, account.id,
								 find_row, &found));
	if (st != ST_OK)
		return st;
	if (!found.id || found.label.len == 0)
		return control_fail(r, ST_NOT_FOUND, c->words[1],
				    "no such app password; postroom password list shows "
				    "all");
	control_revoke(r, account.id, found.id, GONE);
	c->rows = 1;
	return control_stored(r, tx, store_credential_remove(tx, account.id,
							     found.label));
}

static enum status list_row(void *arg, const struct store_credential *c)
{
	struct request *r = arg;

	if (c->label.len == 0)
		return ST_OK;
	control_text(r, c->label);
	control_put_scopes(r, c->scopes);
	control_time(r, c->created * 1000);
	control_time(r, c->last_used * 1000);
	control_time(r, c->expires * 1000);
	return control_row(r);
}

static enum status password_list(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	return st != ST_OK ? st
	     : control_stored(r, tx, store_credential_list(tx, account.id, list_row,
							   r));
}

/* ---- the writer ----------------------------------------------------------- */

static const struct { const char *verb; request_run *run; } writes[] = {
	{ "user add", user_add_run },
	{ "user passwd", user_passwd_run },
	{ "password add", password_add_run },
};

static enum status write_run(struct request *r, struct tx *tx)
{
	struct slice verb = r->message.control.verb;
	struct control *c = control_of(r);
	enum status st;
	size_t i = 0;

	arena_clear(&c->arena);
	c->cells.len = 0;
	c->rows = 0;
	request_act(r, tx);
	st = c->verb->columns ? control_columns(r, c->verb->columns) : ST_OK;
	while (!slice_eq(verb, slice_str(writes[i].verb)))
		i++;
	if (st == ST_OK)
		st = writes[i].run(r, tx);
	return st == ST_OK ? request_put_done(r, 1) : st;
}

#define DIRECTORY (CONTROL_CHANGES | CONTROL_DIRECTORY)

/* name, words, flags, place, columns, run or start */
const struct control_verb control_password_verbs[] = {
	{ "user add", 2, 2, DIRECTORY, PLACE_WRITER, NULL, NULL, with_password },
	{ "user passwd", 2, 2, DIRECTORY, PLACE_WRITER, NULL, NULL,
	  with_password },
	{ "password add", 2, 2, DIRECTORY, PLACE_WRITER, "user label password", NULL,
	  password_add },
	{ "password rm", 2, 2, DIRECTORY, PLACE_WRITER, NULL, password_rm, NULL },
	{ "password list", 1, 1, 0, PLACE_READER,
	  "label scopes created last-used expires", password_list, NULL },
	{ 0 },
};
