/* Certificates of clients: who counts as having shown one. */
#include "common/tls.h"
#include "common/tls_key.h"
#include "common/tls_make.h"

#include "tests/support/certificates.h"
#include "tests/support/tls_client.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>

struct pair {
	struct buf certificate, key;
};

static struct pair authority(void)
{
	struct pair p = { BUF_INIT(TLS_MAKE_PEM_MAX), BUF_INIT(TLS_MAKE_PEM_MAX) };
	struct error err;

	cr_assert_eq(tls_make_authority(&p.certificate, &p.key, &err), ST_OK);
	return p;
}

static struct pair issued(const struct pair *by)
{
	static const char *const names[] = { "ann.example.test" };
	struct pair p = { BUF_INIT(TLS_MAKE_PEM_MAX), BUF_INIT(TLS_MAKE_PEM_MAX) };
	struct error err;

	cr_assert_eq(tls_make_certificate(buf_slice(&by->certificate),
					  buf_slice(&by->key), names, 1,
					  &p.certificate, &p.key, &err), ST_OK,
		     "%s", err.text);
	return p;
}

static X509 *read_certificate(const struct buf *pem)
{
	BIO *in = BIO_new_mem_buf(pem->data, (int)pem->len);
	X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);

	BIO_free(in);
	return certificate;
}

static EVP_PKEY *read_key(const struct buf *pem)
{
	BIO *in = BIO_new_mem_buf(pem->data, (int)pem->len);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	BIO_free(in);
	return key;
}

/* The certificate of a server becomes one for all purposes. */
static struct pair client_of(const struct pair *by)
{
	struct pair p = issued(by);
	X509 *certificate = read_certificate(&p.certificate);
	EVP_PKEY *key = read_key(&by->key);
	BIO *out = BIO_new(BIO_s_mem());
	char *at;
	long octets;

	X509_EXTENSION_free(X509_delete_ext(certificate,
		X509_get_ext_by_NID(certificate, NID_ext_key_usage, -1)));
	cr_assert_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	cr_assert_eq(PEM_write_bio_X509(out, certificate), 1);
	octets = BIO_get_mem_data(out, &at);
	p.certificate.len = 0;
	buf_append(&p.certificate, slice_of(at, (size_t)octets));
	BIO_free(out);
	X509_free(certificate);
	EVP_PKEY_free(key);
	return p;
}

static void pair_free(struct pair *p)
{
	buf_free(&p->certificate);
	buf_free(&p->key);
}

static struct tls_context *context(const struct pair *ca)
{
	struct tls_context *t = tls_context_new();
	struct error err;

	cr_assert_eq(tls_context_add(t, SLICE(""), slice_str(mail_chain),
				     slice_str(mail_key), &err), ST_OK);
	cr_assert_eq(tls_context_add(t, SLICE("other.example.test"),
				     slice_str(other_chain),
				     slice_str(other_key), &err), ST_OK);
	cr_expect_not(tls_context_has_client_ca(t));
	if (ca)
		cr_assert_eq(tls_context_add_client_ca(t, buf_slice(&ca->certificate),
						       &err), ST_OK);
	cr_assert_eq(tls_context_commit(t, &err), ST_OK);
	cr_expect_eq(tls_context_has_client_ca(t), ca != NULL);
	return t;
}

static void show(struct tls_client *c, const struct pair *p)
{
	X509 *certificate = read_certificate(&p->certificate);
	EVP_PKEY *key = read_key(&p->key);

	cr_assert_eq(SSL_use_certificate(c->ssl, certificate), 1);
	cr_assert_eq(SSL_use_PrivateKey(c->ssl, key), 1);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static enum status handshake(struct tls *s, struct tls_client *c)
{
	struct error err;
	enum status st = ST_MORE;

	for (int turn = 0; turn < 10 && st == ST_MORE; turn++) {
		struct buf up = BUF_INIT(1 << 20), down = BUF_INIT(1 << 20);

		tls_client_handshake(c);
		tls_client_take(c, &up);
		st = tls_handshake(s, buf_slice(&up), &down, &err);
		tls_client_feed(c, buf_slice(&down));
		buf_free(&up);
		buf_free(&down);
	}
	tls_client_handshake(c);
	return st;
}

enum shown { NOTHING, GOOD, SERVERS, OTHERS, SHOWN_COUNT };

static const struct {
	const char *name, *sni;
	bool asks;
	enum shown shown;
	int most;
	bool is_verified;
} rows[] = {
	{ "good",		NULL, true,  GOOD,    0, true },
	{ "good, TLS 1.2",	NULL, true,  GOOD,    TLS1_2_VERSION, true },
	{ "good, by another name", "other.example.test", true, GOOD, 0, true },
	{ "not asked for",	NULL, false, GOOD,    0, false },
	{ "a server's",		NULL, true,  SERVERS, 0, false },
	{ "none",		NULL, true,  NOTHING, 0, false },
	{ "another authority's", NULL, true, OTHERS,  0, false },
	{ "another authority's, TLS 1.2", NULL, true, OTHERS, TLS1_2_VERSION, false },
};

Test(tls_client_certificate, table)
{
	struct pair ca = authority(), elsewhere = authority();
	struct pair pairs[SHOWN_COUNT] = {
		[GOOD] = client_of(&ca), [SERVERS] = issued(&ca),
		[OTHERS] = client_of(&elsewhere),
	};
	struct tls_context *t = context(&ca);
	unsigned char key[DIGEST_OCTETS];
	struct buf subject = BUF_INIT(256);

	cr_assert_eq(tls_key_read(buf_slice(&pairs[GOOD].certificate), key, &subject), ST_OK);
	cr_expect_gt(subject.len, 0u);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct tls *s = tls_new(t, NULL);
		struct peer_info peer = { 0 };
		struct tls_client c;

		tls_client_init(&c, rows[i].sni, NULL, rows[i].most, NULL);
		if (rows[i].shown != NOTHING)
			show(&c, &pairs[rows[i].shown]);
		if (rows[i].asks)
			tls_ask_certificate(s);
		/* whoever shows a bad one may still log in by password */
		cr_expect_eq(handshake(s, &c), ST_OK, "%s", rows[i].name);
		tls_describe(s, &peer);
		cr_expect(slice_eq(peer.client_certificate, rows[i].is_verified
				   ? slice_of((char *)key, sizeof key) : SLICE_EMPTY),
			  "%s", rows[i].name);
		/* what was verified once is not remembered by a ticket */
		if (rows[i].asks)
			cr_expect_null(c.session, "%s", rows[i].name);
		tls_client_clear(&c);
		tls_free(s);
	}
	tls_context_free(t);
	buf_free(&subject);
	for (size_t i = 0; i < SHOWN_COUNT; i++)
		pair_free(&pairs[i]);
	pair_free(&ca);
	pair_free(&elsewhere);
}

/* What is no PEM is told, and nothing of it stays. */
Test(tls_client_certificate, bad_authorities)
{
	static const char *const texts[] = {
		"", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	};
	unsigned char key[DIGEST_OCTETS];
	struct buf subject = BUF_INIT(256);

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct tls_context *t = tls_context_new();
		struct error err;

		cr_expect_eq(tls_context_add_client_ca(t, slice_str(texts[i]), &err),
			     ST_SYNTAX, "%s", texts[i]);
		cr_expect_eq(tls_key_read(slice_str(texts[i]), key, &subject),
			     ST_SYNTAX, "%s", texts[i]);
		tls_context_free(t);
	}
	buf_free(&subject);
}
