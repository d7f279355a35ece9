#include "tests/support/scram_client.h"

#include "common/base64.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#define NONCE "fyko+d2lbbFgONRv9qkxdawL"

static void hmac(const void *key, struct slice text, unsigned char out[32])
{
	HMAC(EVP_sha256(), key, 32, (const unsigned char *)text.data, text.len, out,
	     NULL);
}

void scram_client_first(struct scram_client *c, struct buf *out)
{
	buf_append_fmt(&c->bare, "n=%s,r=" NONCE, c->user);
	buf_append_fmt(out, "%s,,", c->flag);
	buf_append(out, buf_slice(&c->bare));
}

/* c= and the nonce: what the proof is about. */
static void without_proof(const struct scram_client *c, struct slice nonce,
			  struct buf *out)
{
	struct buf binding = BUF_INIT(1024);

	buf_append_fmt(&binding, "%s,,", c->flag);
	buf_append(&binding, c->binding);
	buf_append_str(out, "c=");
	base64_encode(buf_slice(&binding), out);
	buf_append_str(out, ",r=");
	buf_append(out, nonce);
	buf_free(&binding);
}

static void prove(struct scram_client *c, struct slice salt, struct buf *out)
{
	unsigned char salted[32], client[32], stored[32], signature[32];

	PKCS5_PBKDF2_HMAC(c->password, (int)strlen(c->password),
			  (const unsigned char *)salt.data, (int)salt.len,
			  (int)c->rounds, EVP_sha256(), 32, salted);
	hmac(salted, SLICE("Client Key"), client);
	hmac(salted, SLICE("Server Key"), c->server_key);
	SHA256(client, 32, stored);
	hmac(stored, buf_slice(&c->text), signature);
	for (size_t i = 0; i < 32; i++)
		client[i] ^= signature[i];
	buf_append_str(out, ",p=");
	base64_encode(slice_of((char *)client, 32), out);
}

bool scram_client_final(struct scram_client *c, struct slice server_first,
			struct buf *out)
{
	struct slice rest = server_first, nonce, salt64, rounds;
	struct buf salt = BUF_INIT(256);
	unsigned long long n;
	bool good;

	slice_split(&rest, ',', &nonce);
	good = slice_starts(nonce, SLICE("r=" NONCE)) && rest.data &&
	       slice_split(&rest, ',', &salt64) && rest.data &&
	       slice_split(&rest, ',', &rounds) &&
	       slice_starts(salt64, SLICE("s=")) &&
	       slice_starts(rounds, SLICE("i=")) &&
	       slice_number(slice_from(rounds, 2), 10000000, &n) &&
	       base64_decode(slice_from(salt64, 2), &salt) == ST_OK;
	if (good) {
		c->rounds = (unsigned)n;
		without_proof(c, slice_from(nonce, 2), out);
		buf_append(&c->text, buf_slice(&c->bare));
		buf_append_char(&c->text, ',');
		buf_append(&c->text, server_first);
		buf_append_char(&c->text, ',');
		buf_append(&c->text, buf_slice(out));
		prove(c, buf_slice(&salt), out);
	}
	buf_free(&salt);
	return good;
}

bool scram_client_verify(struct scram_client *c, struct slice server_final)
{
	unsigned char signature[32];
	struct buf wanted = BUF_INIT(128);
	bool good;

	hmac(c->server_key, buf_slice(&c->text), signature);
	buf_append_str(&wanted, "v=");
	base64_encode(slice_of((char *)signature, 32), &wanted);
	good = slice_eq(server_final, buf_slice(&wanted));
	buf_free(&wanted);
	return good;
}

void scram_client_clear(struct scram_client *c)
{
	buf_free(&c->bare);
	buf_free(&c->text);
}
