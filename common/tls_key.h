/*
 * Whose key a certificate is of: the SHA-256 of its SubjectPublicKeyInfo, which
 * stays when the certificate is renewed.
 */
#ifndef COMMON_TLS_KEY_H
#define COMMON_TLS_KEY_H

#include "common/buf.h"
#include "common/digest.h"

struct x509_st;	/* of OpenSSL */

/* False: memory is short. */
bool tls_key_digest(const struct x509_st *certificate,
		    unsigned char out[DIGEST_OCTETS]);

/*
 * The same of the first certificate of a PEM text, with its subject as one line
 * for people. ST_SYNTAX: there is none.
 */
enum status tls_key_read(struct slice pem, unsigned char out[DIGEST_OCTETS],
			 struct buf *subject);

#endif
