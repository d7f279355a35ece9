#include "common/tls_key.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

bool tls_key_digest(const X509 *certificate, unsigned char out[DIGEST_OCTETS])
{
	unsigned char *der = NULL;
	int octets = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool is_done = octets > 0 &&
		       digest_of(slice_of((char *)der, (size_t)octets), out);

	OPENSSL_free(der);
	return is_done;
}

static enum status append_subject(const X509 *certificate, struct buf *out)
{
	BIO *text = BIO_new(BIO_s_mem());
	enum status st = ST_NO_MEMORY;
	char *at;
	long octets;

	if (text && X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0,
				       XN_FLAG_RFC2253) >= 0) {
		octets = BIO_get_mem_data(text, &at);
		st = octets < 0 ? ST_SYNTAX
				: buf_append(out, slice_of(at, (size_t)octets));
	}
	BIO_free(text);
	return st;
}

enum status tls_key_read(struct slice pem, unsigned char out[DIGEST_OCTETS],
			 struct buf *subject)
{
	BIO *in = pem.len <= INT32_MAX
		? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	X509 *certificate = in ? PEM_read_bio_X509_AUX(in, NULL, NULL, NULL) : NULL;
	enum status st = ST_SYNTAX;

	if (certificate)
		st = tls_key_digest(certificate, out)
			? append_subject(certificate, subject) : ST_NO_MEMORY;
	ERR_clear_error();
	X509_free(certificate);
	BIO_free(in);
	return st;
}
