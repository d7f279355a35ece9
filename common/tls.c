#include "common/tls_priv.h"

#include "common/log.h"
#include "common/tls_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <strings.h>

#define NAMES_MAX	1000
#define CHAIN_DEPTH	4	/* of a client's certificate */
#define TICKET_KEY_OCTETS 80	/* what OpenSSL keeps, see tlsext_ticket_keys(3) */

/* ---- certificates -------------------------------------------------------------- */

struct certificate {
	char *name;		/* "" for the default; lower case */
	SSL_CTX *ctx;
};

struct certificates {
	struct certificate *rows;
	size_t count;
	X509_STORE *client_ca;		/* NULL: none */
	STACK_OF(X509_NAME) *client_ca_names;
};

struct tls_context {
	struct certificates now, next;
	unsigned char ticket_keys[TICKET_KEY_OCTETS];
	bool has_ticket_keys;
	bool is_strict;		/* TLS 1.3 at least */
	BIO_METHOD *bio;
};

enum status tls_openssl_error(struct error *err, const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);

	ERR_clear_error();
	return error_set(err, ST_SYNTAX, "%s: %s", what,
			 reason ? reason : "unknown");
}

static int bio_read(BIO *bio, char *at, size_t octets, size_t *done)
{
	struct tls *s = BIO_get_data(bio);
	struct slice piece = slice_head(s->in, octets);

	BIO_clear_retry_flags(bio);
	if (piece.len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(at, piece.data, piece.len);
	s->in = slice_from(s->in, piece.len);
	*done = piece.len;
	return 1;
}

static int bio_write(BIO *bio, const char *octets, size_t len, size_t *done)
{
	struct tls *s = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (!s->out || buf_append(s->out, slice_of(octets, len)) != ST_OK) {
		s->out_failed = true;
		return 0;
	}
	*done = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_bio_new(void)
{
	BIO_METHOD *bio = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				       "slices");

	if (!bio)
		return NULL;
	BIO_meth_set_read_ex(bio, bio_read);
	BIO_meth_set_write_ex(bio, bio_write);
	BIO_meth_set_ctrl(bio, bio_ctrl);
	return bio;
}

struct tls_context *tls_context_new(void)
{
	struct tls_context *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->bio = tls_bio_new();
	if (!t->bio) {
		free(t);
		return NULL;
	}
	return t;
}

static void certificates_clear(struct certificates *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->rows[i].name);
		SSL_CTX_free(c->rows[i].ctx);
	}
	free(c->rows);
	X509_STORE_free(c->client_ca);
	sk_X509_NAME_pop_free(c->client_ca_names, X509_NAME_free);
	*c = (struct certificates){ 0 };
}

void tls_context_free(struct tls_context *t)
{
	if (!t)
		return;
	certificates_clear(&t->now);
	certificates_clear(&t->next);
	BIO_meth_free(t->bio);
	OPENSSL_cleanse(t->ticket_keys, sizeof t->ticket_keys);
	free(t);
}

void tls_context_set_strict(struct tls_context *t, bool strict)
{
	t->is_strict = strict;
}

void tls_context_discard(struct tls_context *t)
{
	certificates_clear(&t->next);
}

bool tls_context_ready(const struct tls_context *t)
{
	return t && t->now.count > 0;
}

static const struct certificate *find_name(const struct certificates *c,
					   const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcasecmp(c->rows[i].name, name) == 0)
			return &c->rows[i];
	return NULL;
}

/* The certificate for an SNI name: its own, that of "*." and the rest behind
 * the first label, else the default, else the first. */
static const struct certificate *find_certificate(const struct certificates *c,
						  const char *name)
{
	const struct certificate *found = name && *name ? find_name(c, name) : NULL;
	const char *dot = name ? strchr(name, '.') : NULL;

	for (size_t i = 0; !found && dot && i < c->count; i++)
		if (c->rows[i].name[0] == '*' &&
		    strcasecmp(c->rows[i].name + 1, dot) == 0)
			found = &c->rows[i];
	if (!found)
		found = find_name(c, "");
	return found ? found : &c->rows[0];
}

static int choose_certificate(SSL *ssl, int *alert, void *context)
{
	struct tls_context *t = context;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	if (name && t->now.count)
		SSL_set_SSL_CTX(ssl, find_certificate(&t->now, name)->ctx);
	return SSL_TLSEXT_ERR_OK;
}

/* The one protocol that is spoken here, or an alert (ALPACA). */
static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *octets,
		       const unsigned char *in, unsigned in_octets, void *context)
{
	const struct tls *s = SSL_get_app_data(ssl);
	size_t wanted = s->alpn ? strlen(s->alpn) : 0;

	if (!s->alpn)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned at = 0; at < in_octets; at += 1u + in[at]) {
		if (in[at] > in_octets - at - 1)
			break;
		if (in[at] == wanted &&
		    memcmp(in + at + 1, s->alpn, wanted) == 0) {
			*out = in + at + 1;
			*octets = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum status tls_use_pem(SSL_CTX *ctx, struct slice chain, struct slice key,
			struct error *err)
{
	BIO *in = BIO_new_mem_buf(chain.data, (int)chain.len);
	X509 *cert = in ? PEM_read_bio_X509_AUX(in, NULL, NULL, NULL) : NULL;
	EVP_PKEY *secret = NULL;
	enum status st = ST_OK;

	if (!cert || SSL_CTX_use_certificate(ctx, cert) != 1) {
		st = tls_openssl_error(err, "the certificate is no PEM");
		goto cleanup;
	}
	if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0)
		log_warning("tls.expired", log_str("reason",
						   "the certificate has expired"));
	for (X509 *next; (next = PEM_read_bio_X509(in, NULL, NULL, NULL));)
		if (SSL_CTX_add0_chain_cert(ctx, next) != 1) {
			X509_free(next);
			st = tls_openssl_error(err, "the chain");
			goto cleanup;
		}
	ERR_clear_error();	/* the end of the PEM */
	BIO_free(in);
	in = BIO_new_mem_buf(key.data, (int)key.len);
	secret = in ? PEM_read_bio_PrivateKey(in, NULL, NULL, NULL) : NULL;
	if (!secret)
		st = tls_openssl_error(err, "the key is no PEM");
	else if (SSL_CTX_use_PrivateKey(ctx, secret) != 1 ||
		 SSL_CTX_check_private_key(ctx) != 1)
		st = tls_openssl_error(err, "the key does not fit the certificate");
cleanup:
	EVP_PKEY_free(secret);
	X509_free(cert);
	BIO_free(in);
	return st;
}

static enum status set_options(struct tls_context *t, SSL_CTX *ctx)
{
	static const unsigned char session_context[] = "postroom";

	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				 SSL_OP_CIPHER_SERVER_PREFERENCE |
				 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
			      SSL_MODE_ENABLE_PARTIAL_WRITE |
			      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* resumption is by ticket: nothing is kept here for a session */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 1);
	SSL_CTX_set_session_id_context(ctx, session_context,
				       sizeof session_context - 1);
	SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
	SSL_CTX_set_tlsext_servername_arg(ctx, t);
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
	if (!t->has_ticket_keys) {
		t->has_ticket_keys = SSL_CTX_get_tlsext_ticket_keys(
			ctx, t->ticket_keys, sizeof t->ticket_keys) == 1;
		return ST_OK;
	}
	/* tickets of before a reload, and of the other names, stay good */
	return SSL_CTX_set_tlsext_ticket_keys(ctx, t->ticket_keys,
					      sizeof t->ticket_keys) == 1
		? ST_OK : ST_NO_MEMORY;
}

enum status tls_context_add(struct tls_context *t, struct slice name,
			    struct slice chain, struct slice key,
			    struct error *err)
{
	struct certificate row = { 0 };
	struct certificate *rows;
	enum status st = ST_NO_MEMORY;

	if (t->next.count >= NAMES_MAX)
		return error_set(err, ST_LIMIT, "more than %d certificates",
				 NAMES_MAX);
	if (chain.len > INT32_MAX || key.len > INT32_MAX)
		return error_set(err, ST_LIMIT, "a certificate that long");
	row.name = strndup(name.data, name.len);
	row.ctx = SSL_CTX_new(TLS_server_method());
	rows = realloc(t->next.rows, (t->next.count + 1) * sizeof *rows);
	if (rows)
		t->next.rows = rows;
	if (!row.name || !row.ctx || !rows) {
		st = error_set(err, ST_NO_MEMORY, "no memory for a certificate");
		goto failed;
	}
	st = tls_use_pem(row.ctx, chain, key, err);
	if (st == ST_OK)
		st = set_options(t, row.ctx);
	if (st != ST_OK)
		goto failed;
	rows[t->next.count++] = row;
	return ST_OK;
failed:
	free(row.name);
	SSL_CTX_free(row.ctx);
	return st;
}

/* ---- certificates of clients -------------------------------------------------------- */

static bool add_authority(struct certificates *c, X509 *ca)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));

	if (!name || !sk_X509_NAME_push(c->client_ca_names, name)) {
		X509_NAME_free(name);
		return false;
	}
	return X509_STORE_add_cert(c->client_ca, ca) == 1;
}

enum status tls_context_add_client_ca(struct tls_context *t, struct slice pem,
				      struct error *err)
{
	struct certificates *c = &t->next;
	BIO *in = pem.len <= INT32_MAX
		? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	enum status st = ST_OK;
	size_t count = 0;
	X509 *ca;

	if (!c->client_ca)
		c->client_ca = X509_STORE_new();
	if (!c->client_ca_names)
		c->client_ca_names = sk_X509_NAME_new_null();
	if (!in || !c->client_ca || !c->client_ca_names) {
		BIO_free(in);
		return error_set(err, ST_NO_MEMORY, "no memory for authorities");
	}
	while (st == ST_OK && (ca = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!add_authority(c, ca))
			st = tls_openssl_error(err, "an authority of clients");
		X509_free(ca);
		count++;
	}
	if (st == ST_OK && (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) !=
						  PEM_R_NO_START_LINE))
		st = tls_openssl_error(err, "the authorities of clients");
	ERR_clear_error();
	BIO_free(in);
	return st;
}

bool tls_context_has_client_ca(const struct tls_context *t)
{
	return t && (t->now.client_ca || t->next.client_ca);
}

/* The authorities for each certificate of ours that a client may meet. */
static enum status spread_client_ca(struct certificates *c, struct error *err)
{
	for (size_t i = 0; i < c->count && c->client_ca; i++) {
		SSL_CTX *ctx = c->rows[i].ctx;
		STACK_OF(X509_NAME) *names = SSL_dup_CA_list(c->client_ca_names);

		if (!names || SSL_CTX_set1_verify_cert_store(ctx, c->client_ca) != 1) {
			sk_X509_NAME_pop_free(names, X509_NAME_free);
			return error_set(err, ST_NO_MEMORY,
					 "no memory for authorities");
		}
		SSL_CTX_set_client_CA_list(ctx, names);
	}
	return ST_OK;
}

enum status tls_context_commit(struct tls_context *t, struct error *err)
{
	enum status st = spread_client_ca(&t->next, err);

	if (st != ST_OK)
		return st;
	/* sessions hold their SSL_CTX themselves */
	certificates_clear(&t->now);
	t->now = t->next;
	t->next = (struct certificates){ 0 };
	return ST_OK;
}

/* ---- one session ------------------------------------------------------------------ */

struct tls *tls_session_open(SSL_CTX *ctx, BIO_METHOD *method)
{
	struct tls *s = calloc(1, sizeof *s);
	BIO *bio;

	if (!s)
		return NULL;
	s->early.max = 256 * 1024;
	s->ssl = SSL_new(ctx);
	bio = BIO_new(method);
	if (!s->ssl || !bio) {
		BIO_free(bio);
		tls_free(s);
		return NULL;
	}
	BIO_set_data(bio, s);
	BIO_set_init(bio, 1);
	SSL_set_bio(s->ssl, bio, bio);
	SSL_set_app_data(s->ssl, s);
	return s;
}

struct tls *tls_new(struct tls_context *t, const char *alpn)
{
	struct tls *s;

	if (!tls_context_ready(t))
		return NULL;
	s = tls_session_open(find_certificate(&t->now, NULL)->ctx, t->bio);
	if (!s)
		return NULL;
	s->alpn = alpn;
	if (t->is_strict)
		SSL_set_min_proto_version(s->ssl, TLS1_3_VERSION);
	SSL_set_accept_state(s->ssl);
	return s;
}

void tls_free(struct tls *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	buf_wipe(&s->early);
	OPENSSL_cleanse(s->exporter, sizeof s->exporter);
	free(s);
}

/* Whatever is wrong with it is remembered, and it counts as none. */
static int take_any(int is_good, X509_STORE_CTX *chain)
{
	(void)is_good;
	(void)chain;
	return 1;
}

void tls_ask_certificate(struct tls *s)
{
	SSL_set_verify(s->ssl, SSL_VERIFY_PEER, take_any);
	SSL_set_verify_depth(s->ssl, CHAIN_DEPTH);
	SSL_set_options(s->ssl, SSL_OP_NO_TICKET);
	SSL_set_num_tickets(s->ssl, 0);
}

enum status tls_handshake(struct tls *s, struct slice in, struct buf *out,
			  struct error *err)
{
	int rc;

	ERR_clear_error();
	s->in = in;
	s->out = out;
	rc = SSL_do_handshake(s->ssl);
	s->out = NULL;
	if (rc != 1) {
		int reason = SSL_get_error(s->ssl, rc);

		s->in = SLICE_EMPTY;
		if (reason == SSL_ERROR_WANT_READ && !s->out_failed)
			return ST_MORE;
		return tls_openssl_error(err, "handshake");
	}
	if (buf_append(&s->early, s->in) != ST_OK)
		return error_set(err, ST_SYNTAX, "too much behind the handshake");
	s->in = SLICE_EMPTY;
	return ST_OK;
}

/* Reads a record's octets from the early ones first, then from *in. */
enum status tls_read(struct tls *s, struct slice *in, char *at, size_t *octets,
		     struct buf *out, struct error *err)
{
	bool is_early = s->early.len > 0;
	int rc, reason;

	*octets = 0;
	if (is_early && in->len) {
		if (buf_append(&s->early, *in) != ST_OK)
			return error_set(err, ST_SYNTAX, "too much at once");
		*in = SLICE_EMPTY;
	}
	ERR_clear_error();
	s->in = is_early ? buf_slice(&s->early) : *in;
	s->out = out;
	rc = SSL_read_ex(s->ssl, at, TLS_RECORD_MAX, octets);
	reason = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);
	s->out = NULL;
	if (is_early) {
		buf_consume(&s->early, s->early.len - s->in.len);
		if (s->early.len == 0)
			buf_free(&s->early);
	} else {
		*in = s->in;
	}
	s->in = SLICE_EMPTY;
	if (reason == SSL_ERROR_NONE)
		return ST_OK;
	*octets = 0;
	if (reason == SSL_ERROR_ZERO_RETURN)
		return ST_CLOSED;
	if (reason == SSL_ERROR_WANT_READ && !s->out_failed)
		return ST_MORE;
	return tls_openssl_error(err, "record");
}

enum status tls_write(struct tls *s, struct slice plain, struct buf *out)
{
	enum status st = ST_OK;

	ERR_clear_error();
	s->out = out;
	while (plain.len && st == ST_OK) {
		size_t n;

		if (SSL_write_ex(s->ssl, plain.data, plain.len, &n) == 1)
			plain = slice_from(plain, n);
		else
			st = s->out_failed ? ST_LIMIT : ST_SYNTAX;
	}
	s->out = NULL;
	return st;
}

void tls_shutdown(struct tls *s, struct buf *out)
{
	if (!SSL_is_init_finished(s->ssl))
		return;
	ERR_clear_error();
	s->out = out;
	SSL_shutdown(s->ssl);
	s->out = NULL;
	ERR_clear_error();
}

/* tls-server-end-point (RFC 5929 section 4.1): by the hash of the signature
 * algorithm, SHA-256 for MD5 and SHA-1. */
static struct slice describe_end_point(struct tls *s)
{
	X509 *cert = SSL_get_certificate(s->ssl);
	int digest = NID_undef;
	unsigned octets;
	const EVP_MD *md;

	if (!cert)
		return SLICE_EMPTY;
	OBJ_find_sigid_algs(X509_get_signature_nid(cert), &digest, NULL);
	if (digest == NID_md5 || digest == NID_sha1 || digest == NID_undef)
		digest = NID_sha256;
	md = EVP_get_digestbynid(digest);
	if (!md || X509_digest(cert, md, s->end_point, &octets) != 1)
		return SLICE_EMPTY;
	return slice_of((char *)s->end_point, octets);
}

static struct slice describe_client(struct tls *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);

	if (!cert || SSL_get_verify_result(s->ssl) != X509_V_OK ||
	    !tls_key_digest(cert, s->client))
		return SLICE_EMPTY;
	return slice_of((char *)s->client, sizeof s->client);
}

void tls_describe(struct tls *s, struct peer_info *peer)
{
	static const char label[] = "EXPORTER-Channel-Binding";	/* RFC 9266 */
	const SSL_CIPHER *cipher = SSL_get_current_cipher(s->ssl);

	peer->is_secure = true;
	peer->tls_version = SSL_get_version(s->ssl);
	peer->tls_cipher = SSL_CIPHER_get_name(cipher);
	peer->tls_bits = SSL_CIPHER_get_bits(cipher, NULL);
	peer->tls_end_point = describe_end_point(s);
	peer->client_certificate = describe_client(s);
	peer->tls_exporter = SLICE_EMPTY;
	if (SSL_version(s->ssl) >= TLS1_3_VERSION &&
	    SSL_export_keying_material(s->ssl, s->exporter, sizeof s->exporter,
				       label, sizeof label - 1, NULL, 0, 0) == 1)
		peer->tls_exporter = slice_of((char *)s->exporter,
					      sizeof s->exporter);
}
