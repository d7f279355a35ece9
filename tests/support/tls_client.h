/*
 * A TLS client over memory, to test the server side of common/tls.c.
 */
#ifndef TESTS_SUPPORT_TLS_CLIENT_H
#define TESTS_SUPPORT_TLS_CLIENT_H

#include "common/buf.h"

#include <openssl/ssl.h>

struct tls_client {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *in, *out;		/* from and to the server */
	SSL_SESSION *session;	/* the last ticket; the caller's */
};

/* name: for SNI, alpn: offered; both may be NULL. most: a TLS version or 0.
 * resume may be NULL. */
void tls_client_init(struct tls_client *c, const char *name, const char *alpn,
		     int most, SSL_SESSION *resume);
void tls_client_clear(struct tls_client *c);
/* Takes octets of the server. */
void tls_client_feed(struct tls_client *c, struct slice octets);
/* Moves what is for the server into out. */
void tls_client_take(struct tls_client *c, struct buf *out);
/* Goes on with the handshake; true when it is done. */
bool tls_client_handshake(struct tls_client *c);
/* Appends what was decrypted; false when the server ended the session. */
bool tls_client_read(struct tls_client *c, struct buf *plain);
void tls_client_write(struct tls_client *c, struct slice plain);
/* "mail.example.test": the name in the server's certificate. */
void tls_client_server_name(struct tls_client *c, char *at, size_t room);

#endif
