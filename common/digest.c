#include "common/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>

struct digest {
	EVP_MD_CTX *context;
	bool has_failed;	/* memory was short; the digest is then zero */
};

static bool begin(struct digest *d)
{
	return EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) == 1;
}

struct digest *digest_new(void)
{
	struct digest *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->context = EVP_MD_CTX_new();
	if (!d->context || !begin(d)) {
		digest_free(d);
		return NULL;
	}
	return d;
}

void digest_free(struct digest *d)
{
	if (d)
		EVP_MD_CTX_free(d->context);
	free(d);
}

void digest_feed(struct digest *d, struct slice octets)
{
	if (EVP_DigestUpdate(d->context, octets.data, octets.len) != 1)
		d->has_failed = true;
}

void digest_finish(struct digest *d, unsigned char out[DIGEST_OCTETS])
{
	if (EVP_DigestFinal_ex(d->context, out, NULL) != 1 || d->has_failed)
		memset(out, 0, DIGEST_OCTETS);
	d->has_failed = !begin(d);
}

bool digest_of(struct slice octets, unsigned char out[DIGEST_OCTETS])
{
	return EVP_Digest(octets.data, octets.len, out, NULL, EVP_sha256(),
			  NULL) == 1;
}

bool digest_hmac(struct slice key, struct slice octets,
		 unsigned char out[DIGEST_OCTETS])
{
	unsigned n = DIGEST_OCTETS;

	return HMAC(EVP_sha256(), key.data, (int)key.len,
		    (const unsigned char *)octets.data, octets.len, out, &n) != NULL;
}

bool digest_md5_hex(struct slice octets, char out[33])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md5[16];

	if (EVP_Digest(octets.data, octets.len, md5, NULL, EVP_md5(), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof md5; i++) {
		out[2 * i] = hex[md5[i] >> 4];
		out[2 * i + 1] = hex[md5[i] & 15];
	}
	out[32] = '\0';
	return true;
}

void digest_hex(const unsigned char digest[DIGEST_OCTETS],
		char out[DIGEST_OCTETS * 2 + 1])
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_OCTETS; i++) {
		out[2 * i] = hex[digest[i] >> 4];
		out[2 * i + 1] = hex[digest[i] & 15];
	}
	out[DIGEST_OCTETS * 2] = '\0';
}
