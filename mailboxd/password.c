#include "mailboxd/password.h"

#include "common/base64.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <uninorm.h>
#include <unistr.h>

#define SCHEME SLICE("SCRAM-SHA-256$")

/* ---- primitives ----------------------------------------------------------- */

enum status password_random(unsigned char *out, size_t octets)
{
	while (octets > 0) {
		ssize_t n = getrandom(out, octets, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ST_IO;
		out += n;
		octets -= (size_t)n;
	}
	return ST_OK;
}

bool password_equal(const void *a, const void *b, size_t octets)
{
	return CRYPTO_memcmp(a, b, octets) == 0;
}

static bool hmac(const void *key, size_t key_octets, struct slice text,
		 unsigned char out[PASSWORD_KEY_OCTETS])
{
	unsigned int n = 0;

	return HMAC(EVP_sha256(), key, (int)key_octets,
		    (const unsigned char *)text.data, text.len, out, &n) &&
	       n == PASSWORD_KEY_OCTETS;
}

static unsigned char tag_key[PASSWORD_KEY_OCTETS];
static pthread_once_t tag_once = PTHREAD_ONCE_INIT;

static void tag_key_make(void)
{
	if (password_random(tag_key, sizeof tag_key) != ST_OK)
		abort();	/* no random numbers: nothing here is safe */
}

void password_tag(struct slice a, struct slice b,
		  unsigned char tag[PASSWORD_KEY_OCTETS])
{
	unsigned char inner[PASSWORD_KEY_OCTETS];

	/* a's tag keys b's, so that the border between the two counts */
	pthread_once(&tag_once, tag_key_make);
	if (!hmac(tag_key, sizeof tag_key, a, inner) ||
	    !hmac(inner, sizeof inner, b, tag))
		abort();
	explicit_bzero(inner, sizeof inner);
}

/* ---- preparation ---------------------------------------------------------- */

/* RFC 4013 section 2.1: spaces that are not U+0020, and what maps to nothing. */
static bool is_other_space(ucs4_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool is_nothing(ucs4_t c)
{
	return c == 0xad || c == 0x34f || c == 0x1806 ||
	       (c >= 0x180b && c <= 0x180d) || (c >= 0x200b && c <= 0x200d) ||
	       c == 0x2060 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff;
}

/*
 * SASLprep (RFC 4013): mapped, then NFKC. ASCII is taken as it stands, and so
 * is what is no UTF-8: an old client's password in Latin-1 is still a
 * password. The result is the caller's to wipe.
 */
static enum status prepare(struct slice password, struct buf *out)
{
	const uint8_t *in = (const uint8_t *)password.data;
	struct buf mapped = BUF_INIT(PASSWORD_MAX);
	size_t octets = 0;
	uint8_t *normal;
	enum status st = ST_OK;
	bool ascii = true;

	if (password.len > PASSWORD_MAX)
		return ST_SYNTAX;
	for (size_t i = 0; i < password.len; i++)
		ascii = ascii && in[i] < 0x80;
	if (ascii || u8_check(in, password.len))
		return buf_append(out, password);
	for (size_t i = 0; i < password.len && st == ST_OK;) {
		ucs4_t c;
		int n = u8_mbtoucr(&c, in + i, password.len - i);

		if (is_other_space(c))
			st = buf_append_char(&mapped, ' ');
		else if (!is_nothing(c))
			st = buf_append(&mapped, slice_of(password.data + i,
							  (size_t)n));
		i += (size_t)n;
	}
	normal = st == ST_OK ? u8_normalize(UNINORM_NFKC,
					    (const uint8_t *)buf_slice(&mapped).data,
					    mapped.len, NULL, &octets)
			     : NULL;
	if (st == ST_OK)
		st = normal ? buf_append(out, slice_of((char *)normal, octets))
			    : ST_NO_MEMORY;
	if (normal)
		explicit_bzero(normal, octets);
	free(normal);
	buf_wipe(&mapped);
	return st;
}

static bool is_usable(struct slice password)
{
	for (size_t i = 0; i < password.len; i++)
		if ((unsigned char)password.data[i] < 0x20 ||
		    password.data[i] == 0x7f)
			return false;
	return password.len > 0 && password.len <= PASSWORD_MAX;
}

/* ---- the keys of RFC 5802 section 3 ---------------------------------------- */

static bool derive(struct slice password, struct password_keys *keys)
{
	struct buf prepared = BUF_INIT(PASSWORD_MAX * 4);
	unsigned char salted[PASSWORD_KEY_OCTETS], client[PASSWORD_KEY_OCTETS];
	bool good;

	good = prepare(password, &prepared) == ST_OK &&
	       PKCS5_PBKDF2_HMAC(buf_slice(&prepared).data, (int)prepared.len,
				 (const unsigned char *)keys->salt,
				 (int)keys->salt_octets, (int)keys->rounds,
				 EVP_sha256(), sizeof salted, salted) == 1 &&
	       hmac(salted, sizeof salted, SLICE("Client Key"), client) &&
	       hmac(salted, sizeof salted, SLICE("Server Key"),
		    keys->server_key) &&
	       SHA256(client, sizeof client, keys->stored_key) != NULL;
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(client, sizeof client);
	buf_wipe(&prepared);
	return good;
}

static bool take_key(struct slice text, unsigned char key[PASSWORD_KEY_OCTETS])
{
	struct buf out = BUF_INIT(PASSWORD_KEY_OCTETS + 3);	/* while decoding */
	bool good = base64_decode(text, &out) == ST_OK &&
		    out.len == PASSWORD_KEY_OCTETS;

	if (good)
		memcpy(key, out.data, out.len);
	buf_wipe(&out);
	return good;
}

enum status password_keys_parse(struct slice verifier,
				struct password_keys *keys)
{
	struct slice rest, info, rounds;
	struct buf salt = BUF_INIT(PASSWORD_SALT_MAX + 3);
	unsigned long long n;
	bool good;

	memset(keys, 0, sizeof *keys);
	if (verifier.len > PASSWORD_VERIFIER_MAX ||
	    !slice_starts(verifier, SCHEME))
		return ST_SYNTAX;
	rest = slice_from(verifier, SCHEME.len);
	slice_split(&rest, '$', &info);
	slice_split(&info, ':', &rounds);
	if (!info.data || !rest.data ||
	    !slice_number(rounds, PASSWORD_ROUNDS_MAX, &n) || n == 0)
		return ST_SYNTAX;
	keys->rounds = (uint32_t)n;
	good = base64_decode(info, &salt) == ST_OK && salt.len > 0 &&
	       salt.len <= PASSWORD_SALT_MAX;
	if (good) {
		keys->salt_octets = salt.len;
		memcpy(keys->salt, salt.data, salt.len);
		slice_split(&rest, ':', &info);
		good = rest.data && take_key(info, keys->stored_key) &&
		       take_key(rest, keys->server_key);
	}
	buf_free(&salt);
	return good ? ST_OK : ST_SYNTAX;
}

void password_keys_nobody(struct slice login, struct password_keys *keys)
{
	unsigned char tag[PASSWORD_KEY_OCTETS];

	memset(keys, 0, sizeof *keys);
	keys->rounds = PASSWORD_ROUNDS;
	keys->salt_octets = PASSWORD_SALT_OCTETS;
	password_tag(SLICE("salt of nobody"), login, tag);
	memcpy(keys->salt, tag, PASSWORD_SALT_OCTETS);
	password_tag(SLICE("key of nobody"), login, keys->stored_key);
	password_tag(SLICE("server key of nobody"), login, keys->server_key);
}

enum status password_proof_check(const struct password_keys *keys,
				 struct slice auth_message,
				 struct slice proof,
				 unsigned char signature[PASSWORD_KEY_OCTETS])
{
	unsigned char client[PASSWORD_KEY_OCTETS], hash[PASSWORD_KEY_OCTETS];
	bool good;

	if (proof.len != PASSWORD_KEY_OCTETS ||
	    !hmac(keys->stored_key, sizeof keys->stored_key, auth_message,
		  client) ||
	    !hmac(keys->server_key, sizeof keys->server_key, auth_message,
		  signature))
		return ST_DENIED;
	for (size_t i = 0; i < sizeof client; i++)
		client[i] ^= (unsigned char)proof.data[i];
	good = SHA256(client, sizeof client, hash) != NULL &&
	       password_equal(hash, keys->stored_key, sizeof hash);
	explicit_bzero(client, sizeof client);
	explicit_bzero(hash, sizeof hash);
	return good ? ST_OK : ST_DENIED;
}

/* ---- stored forms ---------------------------------------------------------- */

enum status password_hash(struct slice password, uint32_t rounds,
			  struct buf *verifier)
{
	struct password_keys keys = {
		.rounds = rounds, .salt_octets = PASSWORD_SALT_OCTETS,
	};
	size_t before = verifier->len;
	enum status st;

	if (!is_usable(password))
		return ST_SYNTAX;
	st = password_random((unsigned char *)keys.salt, keys.salt_octets);
	if (st == ST_OK && !derive(password, &keys))
		st = ST_NO_MEMORY;
	if (st == ST_OK)
		st = buf_append(verifier, SCHEME);
	if (st == ST_OK)
		st = buf_append_u64(verifier, rounds);
	if (st == ST_OK)
		st = buf_append_char(verifier, ':');
	if (st == ST_OK)
		st = base64_encode(slice_of(keys.salt, keys.salt_octets),
				   verifier);
	if (st == ST_OK)
		st = buf_append_char(verifier, '$');
	if (st == ST_OK)
		st = base64_encode(slice_of((char *)keys.stored_key,
					    PASSWORD_KEY_OCTETS), verifier);
	if (st == ST_OK)
		st = buf_append_char(verifier, ':');
	if (st == ST_OK)
		st = base64_encode(slice_of((char *)keys.server_key,
					    PASSWORD_KEY_OCTETS), verifier);
	if (st != ST_OK)
		verifier->len = before;
	explicit_bzero(&keys, sizeof keys);
	return st;
}

void password_check_nobody(struct slice password)
{
	struct password_keys keys;

	password_keys_nobody(SLICE_EMPTY, &keys);
	derive(password, &keys);
	explicit_bzero(&keys, sizeof keys);
}

static enum status check_crypt(struct slice password, struct slice verifier)
{
	struct crypt_data *data = calloc(1, sizeof *data);
	char clear[PASSWORD_MAX + 1], stored[PASSWORD_VERIFIER_MAX + 1];
	const char *made = NULL;
	enum status st = ST_DENIED;

	if (data && password.len < sizeof clear && verifier.len < sizeof stored &&
	    slice_index(password, '\0') == password.len) {
		memcpy(clear, password.data, password.len);
		clear[password.len] = '\0';
		memcpy(stored, verifier.data, verifier.len);
		stored[verifier.len] = '\0';
		made = crypt_rn(clear, stored, data, (int)sizeof *data);
	}
	if (made && strlen(made) == verifier.len &&
	    password_equal(made, verifier.data, verifier.len))
		st = ST_OK;
	if (data)
		explicit_bzero(data, sizeof *data);
	explicit_bzero(clear, sizeof clear);
	free(data);
	return st;
}

enum status password_check(struct slice password, struct slice verifier)
{
	struct password_keys keys, made;
	enum status st = ST_DENIED;

	if (slice_starts(verifier, SLICE("$")))
		return check_crypt(password, verifier);
	if (password_keys_parse(verifier, &keys) != ST_OK) {
		password_check_nobody(password);
		return ST_SYNTAX;
	}
	made = keys;
	if (password.len <= PASSWORD_MAX && derive(password, &made) &&
	    password_equal(made.stored_key, keys.stored_key, PASSWORD_KEY_OCTETS))
		st = ST_OK;
	explicit_bzero(&keys, sizeof keys);
	explicit_bzero(&made, sizeof made);
	return st;
}

bool password_is_outdated(struct slice verifier, uint32_t rounds)
{
	struct password_keys keys;

	return password_keys_parse(verifier, &keys) != ST_OK ||
	       keys.rounds < rounds;
}

bool password_is_verifier(struct slice text)
{
	struct password_keys keys;

	if (text.len > PASSWORD_VERIFIER_MAX)
		return false;
	if (slice_starts(text, SLICE("$")))
		return text.len > 12 && is_usable(text);
	return password_keys_parse(text, &keys) == ST_OK;
}
