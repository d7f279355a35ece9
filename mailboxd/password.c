#include "mailboxd/password.h"

#include "common/base64.h"
#include "mailboxd/saslprep.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>


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

/* ---- the keys of RFC 5802 section 3 --------------------------------------- */

static atomic_uint_fast64_t work;

uint64_t password_work(void)
{
	return atomic_load(&work);
}

/* Fills the two keys by salt and rounds of *keys. ST_SYNTAX: SASLprep refuses
 * the password. */
static enum status derive(struct slice password, struct password_keys *keys)
{
	struct buf prepared = BUF_INIT(SASLPREP_MAX * 4);
	unsigned char salted[PASSWORD_KEY_OCTETS], client[PASSWORD_KEY_OCTETS];
	enum status st = saslprep(password, &prepared);

	if (st != ST_OK)
		goto cleanup;
	atomic_fetch_add(&work, keys->rounds);
	if (PKCS5_PBKDF2_HMAC(buf_slice(&prepared).data, (int)prepared.len,
			      (const unsigned char *)keys->salt,
			      (int)keys->salt_octets, (int)keys->rounds,
			      EVP_sha256(), sizeof salted, salted) != 1 ||
	    !hmac(salted, sizeof salted, SLICE("Client Key"), client) ||
	    !hmac(salted, sizeof salted, SLICE("Server Key"),
		  keys->server_key) ||
	    !SHA256(client, sizeof client, keys->stored_key))
		st = ST_NO_MEMORY;
	explicit_bzero(salted, sizeof salted);
	explicit_bzero(client, sizeof client);
cleanup:
	buf_wipe(&prepared);
	return st;
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

/* One key of its own for each use of the secret. */
static void keyed(const unsigned char secret[PASSWORD_KEY_OCTETS],
		  const char *use, struct slice login,
		  unsigned char out[PASSWORD_KEY_OCTETS])
{
	unsigned char key[PASSWORD_KEY_OCTETS];

	if (!hmac(secret, PASSWORD_KEY_OCTETS, slice_str(use), key) ||
	    !hmac(key, sizeof key, login, out))
		abort();
	explicit_bzero(key, sizeof key);
}

void password_keys_nobody(struct slice login,
			  const unsigned char secret[PASSWORD_KEY_OCTETS],
			  uint32_t rounds, struct password_keys *keys)
{
	unsigned char salt[PASSWORD_KEY_OCTETS];

	memset(keys, 0, sizeof *keys);
	keys->rounds = rounds;
	keys->salt_octets = PASSWORD_SALT_OCTETS;
	keyed(secret, "salt of nobody", login, salt);
	memcpy(keys->salt, salt, PASSWORD_SALT_OCTETS);
	/* no password leads there: what hashes to StoredKey is not known */
	keyed(secret, "stored key of nobody", login, keys->stored_key);
	keyed(secret, "server key of nobody", login, keys->server_key);
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

/* ---- stored forms --------------------------------------------------------- */

static enum status append_key(struct buf *out, const void *key, size_t octets,
			      char end)
{
	enum status st = base64_encode(slice_of(key, octets), out);

	return st == ST_OK && end ? buf_append_char(out, end) : st;
}

static enum status append_verifier(struct buf *out,
				   const struct password_keys *keys)
{
	enum status st = buf_append(out, SCHEME);

	if (st == ST_OK)
		st = buf_append_u64(out, keys->rounds);
	if (st == ST_OK)
		st = buf_append_char(out, ':');
	if (st == ST_OK)
		st = append_key(out, keys->salt, keys->salt_octets, '$');
	if (st == ST_OK)
		st = append_key(out, keys->stored_key, PASSWORD_KEY_OCTETS, ':');
	if (st == ST_OK)
		st = append_key(out, keys->server_key, PASSWORD_KEY_OCTETS, 0);
	return st;
}

enum status password_hash(struct slice password,
			  const struct password_keys *like, uint32_t rounds,
			  struct buf *verifier)
{
	struct password_keys keys = {
		.rounds = rounds, .salt_octets = PASSWORD_SALT_OCTETS,
	};
	size_t before = verifier->len;
	enum status st = ST_OK;

	if (like)
		keys = *like;
	else
		st = password_random((unsigned char *)keys.salt,
				     keys.salt_octets);
	if (st == ST_OK)
		st = derive(password, &keys);
	if (st == ST_OK)
		st = append_verifier(verifier, &keys);
	if (st != ST_OK)
		verifier->len = before;
	explicit_bzero(&keys, sizeof keys);
	return st == ST_LIMIT ? ST_SYNTAX : st;
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

bool password_keys_alike(const struct password_keys *a,
			 const struct password_keys *b)
{
	return a->rounds == b->rounds && a->salt_octets == b->salt_octets &&
	       memcmp(a->salt, b->salt, a->salt_octets) == 0;
}

/* What was derived last is good for every verifier with the same salt. */
struct derived {
	struct password_keys keys;
	bool is_there, is_refused;	/* by SASLprep */
};

static bool check_keys(struct slice password, const struct password_keys *keys,
		       struct derived *d)
{
	if (!d->is_there || !password_keys_alike(&d->keys, keys)) {
		d->keys = *keys;
		d->is_there = true;
		d->is_refused = derive(password, &d->keys) != ST_OK;
	}
	return !d->is_refused &&
	       password_equal(d->keys.stored_key, keys->stored_key,
			      PASSWORD_KEY_OCTETS);
}

enum status password_check(struct slice password,
			   const struct slice *verifiers, size_t count,
			   uint32_t rounds, size_t *which)
{
	static const unsigned char no_secret[PASSWORD_KEY_OCTETS];
	struct derived d = { .is_there = false };
	bool is_worked = false, is_found = false;
	struct password_keys keys;

	for (size_t i = 0; i < count; i++) {
		bool is_crypt = slice_starts(verifiers[i], SLICE("$")), good;

		if (!is_crypt && password_keys_parse(verifiers[i], &keys) != ST_OK)
			continue;
		is_worked = true;
		good = is_crypt ? check_crypt(password, verifiers[i]) == ST_OK
				: check_keys(password, &keys, &d);
		if (good && !is_found)
			*which = i;
		is_found = is_found || good;
	}
	if (!is_worked) {
		password_keys_nobody(SLICE_EMPTY, no_secret, rounds, &keys);
		check_keys(password, &keys, &d);
	}
	explicit_bzero(&keys, sizeof keys);
	explicit_bzero(&d, sizeof d);
	return is_found ? ST_OK : ST_DENIED;
}

bool password_is_outdated(struct slice verifier, uint32_t rounds)
{
	struct password_keys keys;

	return password_keys_parse(verifier, &keys) != ST_OK ||
	       keys.rounds < rounds;
}

/* Printable, and of a method that this crypt(3) knows. */
static bool is_crypt_string(struct slice text)
{
	char setting[PASSWORD_VERIFIER_MAX + 1];

	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	memcpy(setting, text.data, text.len);
	setting[text.len] = '\0';
	switch (crypt_checksalt(setting)) {
	case CRYPT_SALT_INVALID:
	case CRYPT_SALT_METHOD_DISABLED:
		return false;
	default:
		return true;
	}
}

bool password_is_verifier(struct slice text)
{
	struct password_keys keys;

	if (text.len > PASSWORD_VERIFIER_MAX)
		return false;
	if (slice_starts(text, SLICE("$")))
		return is_crypt_string(text);
	return password_keys_parse(text, &keys) == ST_OK;
}
