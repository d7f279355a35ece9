/*
 * What tls.c (towards clients) and tls_peer.c (between hosts) share.
 */
#ifndef COMMON_TLS_PRIV_H
#define COMMON_TLS_PRIV_H

#include "common/digest.h"
#include "common/tls.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#define EXPORTER_OCTETS	32

/* One session. What OpenSSL reads and writes are slices and buffers of the
 * caller, for the time of one call: nothing is kept between them. */
struct tls {
	SSL *ssl;
	struct slice in;	/* from the network, not yet read by OpenSSL */
	struct buf *out;	/* for the network */
	bool out_failed;
	const char *alpn;
	struct buf early;	/* came behind the handshake, in the same read */
	unsigned char exporter[EXPORTER_OCTETS];
	unsigned char end_point[EVP_MAX_MD_SIZE];
	unsigned char client[DIGEST_OCTETS];
};

/* What OpenSSL's queue says, as ST_SYNTAX; the queue is emptied. */
enum status tls_openssl_error(struct error *err, const char *what);
/* Reads and writes the slices of a struct tls. NULL: memory is short. */
BIO_METHOD *tls_bio_new(void);
/* A session, neither client nor server yet. NULL: memory is short. */
struct tls *tls_session_open(SSL_CTX *ctx, BIO_METHOD *method);
/* Puts certificate, chain and key into ctx. As tls_context_add(). */
enum status tls_use_pem(SSL_CTX *ctx, struct slice chain, struct slice key,
			struct error *err);

#endif
