#include "common/tls_make.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <limits.h>

#define AUTHORITY_SECONDS (3650L * 86400)
#define CERTIFICATE_SECONDS (365L * 86400)

struct request {
	X509 *certificate;
	EVP_PKEY *key;
	const char *name;
	long seconds;
	/* NULL: it signs itself */
	X509 *issuer;
	EVP_PKEY *issuer_key;
};

static bool add_extension(struct request *r, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx(&context, r->issuer ? r->issuer : r->certificate,
		       r->certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension && X509_add_ext(r->certificate, extension, -1);
	X509_EXTENSION_free(extension);
	return ok;
}

/* A random positive serial number of 127 bits (RFC 5280 section 4.1.2.2). */
static bool set_serial(X509 *certificate)
{
	BIGNUM *number = BN_new();
	bool ok = number &&
		  BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));

	BN_free(number);
	return ok;
}

static bool fill(struct request *r)
{
	X509_NAME *subject;

	r->certificate = X509_new();
	r->key = EVP_EC_gen("P-256");
	if (!r->certificate || !r->key || !X509_set_version(r->certificate, 2) ||
	    !set_serial(r->certificate) ||
	    /* an hour ago: clocks differ */
	    !X509_gmtime_adj(X509_getm_notBefore(r->certificate), -3600) ||
	    !X509_gmtime_adj(X509_getm_notAfter(r->certificate), r->seconds) ||
	    !X509_set_pubkey(r->certificate, r->key))
		return false;
	subject = X509_get_subject_name(r->certificate);
	return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
					  (const unsigned char *)r->name, -1, -1, 0) &&
	       X509_set_issuer_name(r->certificate, r->issuer ?
				    X509_get_subject_name(r->issuer) : subject);
}

static bool sign(struct request *r)
{
	return X509_sign(r->certificate, r->issuer_key ? r->issuer_key : r->key,
			 EVP_sha256()) > 0;
}

static enum status take_bio(BIO *bio, struct buf *out)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);

	return len > 0 ? buf_append(out, slice_of(data, (size_t)len)) : ST_NO_MEMORY;
}

static enum status write_pem(const struct request *r, struct buf *certificate,
			     struct buf *key)
{
	BIO *first = BIO_new(BIO_s_mem()), *second = BIO_new(BIO_s_mem());
	enum status st = ST_NO_MEMORY;

	if (first && second && PEM_write_bio_X509(first, r->certificate) &&
	    PEM_write_bio_PrivateKey(second, r->key, NULL, NULL, 0, NULL, NULL)) {
		st = take_bio(first, certificate);
		if (!st)
			st = take_bio(second, key);
	}
	BIO_free(first);
	BIO_free(second);
	return st;
}

static void clear(struct request *r)
{
	X509_free(r->certificate);
	EVP_PKEY_free(r->key);
	X509_free(r->issuer);
	EVP_PKEY_free(r->issuer_key);
}

enum status tls_make_authority(struct buf *certificate, struct buf *key,
			       struct error *err)
{
	struct request r = { .name = "Postroom lab CA", .seconds = AUTHORITY_SECONDS };
	enum status st = ST_NO_MEMORY;

	if (fill(&r) && add_extension(&r, NID_basic_constraints, "critical,CA:TRUE") &&
	    add_extension(&r, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	    add_extension(&r, NID_subject_key_identifier, "hash") && sign(&r))
		st = write_pem(&r, certificate, key);
	clear(&r);
	return st ? error_set(err, st, "cannot make a certificate authority") : ST_OK;
}

/* "DNS:localhost,IP:127.0.0.1". ST_SYNTAX: a name would break the list. */
static enum status alternative_names(const char *const *names, size_t count,
				     struct buf *out)
{
	unsigned char address[16];

	for (size_t i = 0; i < count; i++) {
		bool is_address = inet_pton(AF_INET, names[i], address) == 1 ||
				  inet_pton(AF_INET6, names[i], address) == 1;

		if (!names[i][0] || strpbrk(names[i], ",:/\"\n") != NULL)
			if (!is_address)
				return ST_SYNTAX;
		if (buf_append_fmt(out, "%s%s:%s", i ? "," : "",
				   is_address ? "IP" : "DNS", names[i]))
			return ST_LIMIT;
	}
	return buf_append(out, (struct slice){ "", 1 });
}

static BIO *bio_of(struct slice text)
{
	return text.len <= INT_MAX ? BIO_new_mem_buf(text.data, (int)text.len) : NULL;
}

static X509 *read_certificate(struct slice pem)
{
	BIO *bio = bio_of(pem);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return certificate;
}

/* A key with a pass phrase is refused, not asked for on the terminal. */
static int no_pass_phrase(char *to, int size, int writing, void *data)
{
	return -1;
}

static EVP_PKEY *read_key(struct slice pem)
{
	BIO *bio = bio_of(pem);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL)
			    : NULL;

	BIO_free(bio);
	return key;
}

enum status tls_make_certificate(struct slice authority, struct slice authority_key,
				 const char *const *names, size_t count,
				 struct buf *certificate, struct buf *key,
				 struct error *err)
{
	struct request r = { .name = names[0], .seconds = CERTIFICATE_SECONDS };
	struct buf list = BUF_INIT(4096);
	enum status st = alternative_names(names, count, &list);

	if (st)
		goto cleanup;
	st = ST_SYNTAX;
	r.issuer = read_certificate(authority);
	r.issuer_key = read_key(authority_key);
	if (!r.issuer || !r.issuer_key)
		goto cleanup;
	if (fill(&r) && add_extension(&r, NID_basic_constraints, "critical,CA:FALSE") &&
	    add_extension(&r, NID_key_usage, "critical,digitalSignature") &&
	    add_extension(&r, NID_ext_key_usage, "serverAuth") &&
	    add_extension(&r, NID_subject_key_identifier, "hash") &&
	    add_extension(&r, NID_authority_key_identifier, "keyid") &&
	    add_extension(&r, NID_subject_alt_name, list.data) && sign(&r))
		st = write_pem(&r, certificate, key);
cleanup:
	clear(&r);
	buf_free(&list);
	return st ? error_set(err, st, "cannot make a certificate for %s", names[0])
		  : ST_OK;
}

enum status tls_certificate_days(struct slice pem, long *days)
{
	X509 *certificate = read_certificate(pem);
	int whole = 0, seconds = 0;
	bool ok = certificate && ASN1_TIME_diff(&whole, &seconds, NULL,
						X509_get0_notAfter(certificate));

	*days = seconds < 0 ? (long)whole - 1 : whole;
	X509_free(certificate);
	return ok ? ST_OK : ST_SYNTAX;
}

enum status tls_certificate_check(struct slice pem, struct slice key,
				  struct error *err)
{
	X509 *certificate = read_certificate(pem);
	EVP_PKEY *secret = read_key(key);
	enum status st = ST_OK;

	if (!certificate)
		st = error_set(err, ST_SYNTAX, "there is no certificate in it");
	else if (!secret)
		st = error_set(err, ST_SYNTAX,
			       "there is no private key without a pass phrase in it");
	else if (X509_check_private_key(certificate, secret) != 1)
		st = error_set(err, ST_SYNTAX, "the key is not that of the certificate");
	X509_free(certificate);
	EVP_PKEY_free(secret);
	return st;
}
