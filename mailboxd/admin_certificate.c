/*
 * Verbs of client certificates, which log in by SASL EXTERNAL. The command reads
 * the certificate and sends the SHA-256 of its SubjectPublicKeyInfo, in hex.
 */
#include "mailboxd/control.h"

#include "common/digest.h"

#define SUBJECT_MAX	200u

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A word as a fingerprint. ST_SYNTAX with the word. */
static enum status take_key(struct request *r, size_t word,
			    char key[STORE_CERTIFICATE_KEY])
{
	struct slice hex = control_of(r)->words[word];

	for (size_t i = 0; i < STORE_CERTIFICATE_KEY; i++) {
		int high = hex.len == 2 * STORE_CERTIFICATE_KEY
			? hex_digit(hex.data[2 * i]) : -1;
		int low = high >= 0 ? hex_digit(hex.data[2 * i + 1]) : -1;

		if (low < 0)
			return control_fail(r, ST_SYNTAX, hex,
					    "that is no SHA-256 in hex digits");
		key[i] = (char)(high << 4 | low);
	}
	return ST_OK;
}

static enum status certificate_add(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	struct slice scopes = control_option(r, "scopes", "smtp,imap,pop3");
	char key[STORE_CERTIFICATE_KEY];
	struct store_certificate fresh = {
		.key = slice_of(key, sizeof key),
		.subject = c->count > 2 ? slice_head(c->words[2], SUBJECT_MAX)
					: SLICE_EMPTY,
		.scopes = control_scopes(scopes),
	};
	struct store_account account;
	enum status st = take_key(r, 1, key);

	if (st == ST_OK && !fresh.scopes)
		return control_fail(r, ST_SYNTAX, scopes,
				    "scopes are smtp, imap and pop3, with commas");
	if (st == ST_OK)
		st = control_expiry(r, &fresh.expires);
	if (st == ST_OK)
		st = control_account(r, tx, 0, &account);
	if (st != ST_OK)
		return st;
	fresh.account = account.id;
	st = store_certificate_add(tx, &fresh);
	if (st == ST_EXISTS)
		return control_fail(r, st, c->words[1],
				    "that key logs in already, to this account or "
				    "another; postroom user cert rm unbinds it");
	if (st == ST_LIMIT)
		return control_fail(r, st, c->words[1],
				    "an account has at most %u certificates; remove "
				    "one that is no longer used",
				    STORE_CERTIFICATES);
	c->rows = 1;
	return control_stored(r, tx, st);
}

static enum status certificate_rm(struct request *r, struct tx *tx)
{
	struct control *c = control_of(r);
	char key[STORE_CERTIFICATE_KEY];
	struct store_account account;
	uint64_t id = 0;
	enum status st = take_key(r, 1, key);

	if (st == ST_OK)
		st = control_account(r, tx, 0, &account);
	if (st != ST_OK)
		return st;
	st = store_certificate_remove(tx, account.id, slice_of(key, sizeof key),
				      &id);
	if (st == ST_NOT_FOUND)
		return control_fail(r, st, c->words[1],
				    "that key is not bound to this account; postroom "
				    "user cert list shows which are");
	if (st == ST_OK)
		control_revoke(r, account.id, id,
			       "This certificate is no longer good");
	c->rows = 1;
	return control_stored(r, tx, st);
}

static enum status list_row(void *arg, const struct store_certificate *c)
{
	struct request *r = arg;
	char hex[DIGEST_OCTETS * 2 + 1] = "";

	if (c->key.len == DIGEST_OCTETS)
		digest_hex((const unsigned char *)c->key.data, hex);
	control_text(r, slice_str(hex));
	control_text(r, c->subject);
	control_put_scopes(r, c->scopes);
	control_time(r, c->created * 1000);
	control_time(r, c->last_used * 1000);
	control_time(r, c->expires * 1000);
	return control_row(r);
}

static enum status certificate_list(struct request *r, struct tx *tx)
{
	struct store_account account;
	enum status st = control_account(r, tx, 0, &account);

	return st != ST_OK ? st
	     : control_stored(r, tx, store_certificate_list(tx, account.id,
							    list_row, r));
}

#define DIRECTORY (CONTROL_CHANGES | CONTROL_DIRECTORY)

/* name, words, flags, place, columns, run or start */
const struct control_verb control_certificate_verbs[] = {
	{ "certificate add", 2, 3, DIRECTORY, PLACE_WRITER, NULL, certificate_add,
	  NULL },
	{ "certificate rm", 2, 2, DIRECTORY, PLACE_WRITER, NULL, certificate_rm,
	  NULL },
	{ "certificate list", 1, 1, 0, PLACE_READER,
	  "key subject scopes created last-used expires", certificate_list, NULL },
	{ 0 },
};
