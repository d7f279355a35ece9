#include "tests/support/tls_client.h"

#include <criterion/criterion.h>
#include <openssl/bio.h>

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;	/* the reference is ours */
	return 1;
}

void tls_client_init(struct tls_client *c, const char *name, const char *alpn,
		     int most, SSL_SESSION *resume)
{
	unsigned char list[64];

	*c = (struct tls_client){ 0 };
	c->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
					       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ctx, keep_session);
	/* so that versions the server must refuse are offered at all */
	SSL_CTX_set_security_level(c->ctx, 0);
	if (most)
		SSL_CTX_set_max_proto_version(c->ctx, most);
	c->ssl = SSL_new(c->ctx);
	cr_assert(c->ssl);
	SSL_set_app_data(c->ssl, c);
	c->in = BIO_new(BIO_s_mem());
	c->out = BIO_new(BIO_s_mem());
	SSL_set_bio(c->ssl, c->in, c->out);
	SSL_set_connect_state(c->ssl);
	if (name)
		SSL_set_tlsext_host_name(c->ssl, name);
	if (alpn) {
		list[0] = (unsigned char)strlen(alpn);
		memcpy(list + 1, alpn, list[0]);
		SSL_set_alpn_protos(c->ssl, list, list[0] + 1u);
	}
	if (resume)
		SSL_set_session(c->ssl, resume);
}

void tls_client_clear(struct tls_client *c)
{
	/* else OpenSSL takes the session for a broken one, and its ticket too */
	SSL_set_shutdown(c->ssl, SSL_SENT_SHUTDOWN);
	SSL_SESSION_free(c->session);
	SSL_free(c->ssl);
	SSL_CTX_free(c->ctx);
}

void tls_client_feed(struct tls_client *c, struct slice octets)
{
	if (octets.len)
		BIO_write(c->in, octets.data, (int)octets.len);
}

void tls_client_take(struct tls_client *c, struct buf *out)
{
	char piece[4096];
	int n;

	while ((n = BIO_read(c->out, piece, sizeof piece)) > 0)
		cr_assert_eq(buf_append(out, slice_of(piece, (size_t)n)), ST_OK);
}

bool tls_client_handshake(struct tls_client *c)
{
	return SSL_do_handshake(c->ssl) == 1;
}

bool tls_client_read(struct tls_client *c, struct buf *plain)
{
	char piece[4096];
	int n;

	while ((n = SSL_read(c->ssl, piece, sizeof piece)) > 0)
		cr_assert_eq(buf_append(plain, slice_of(piece, (size_t)n)), ST_OK);
	return SSL_get_error(c->ssl, n) == SSL_ERROR_WANT_READ;
}

void tls_client_write(struct tls_client *c, struct slice plain)
{
	cr_assert_eq(SSL_write(c->ssl, plain.data, (int)plain.len), (int)plain.len);
}

void tls_client_server_name(struct tls_client *c, char *at, size_t room)
{
	X509 *cert = SSL_get1_peer_certificate(c->ssl);

	cr_assert(cert);
	X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, at,
				  (int)room);
	X509_free(cert);
}
