#include "common/tls_peer.h"

#include "common/tls_priv.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define PIN_PREFIX	"sha256:"
#define PIN_OCTETS	32
#define DEPTH_MAX	8

struct tls_peer {
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	char **names;
	size_t name_count;
	bool is_server, has_authority;
	char alpn_prefix[32];
};

/* ---- names ------------------------------------------------------------------------ */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "sha256:" and the digits; a colon may stand between octets, as openssl(1) and
 * browsers show them. */
static bool read_pin(const char *text, unsigned char digest[PIN_OCTETS])
{
	struct slice rest = slice_str(text), prefix = SLICE(PIN_PREFIX);
	size_t n = 0;

	if (!slice_case_starts(rest, prefix))
		return false;
	rest = slice_from(rest, prefix.len);
	while (n < PIN_OCTETS && rest.len >= 2 && hex_value(rest.data[0]) >= 0 &&
	       hex_value(rest.data[1]) >= 0) {
		digest[n++] = (unsigned char)(hex_value(rest.data[0]) << 4 |
					      hex_value(rest.data[1]));
		rest = slice_from(rest, 2);
		if (n < PIN_OCTETS && rest.len && rest.data[0] == ':')
			rest = slice_from(rest, 1);
	}
	return n == PIN_OCTETS && rest.len == 0;
}

bool tls_peer_is_pin(const char *text)
{
	unsigned char digest[PIN_OCTETS];

	return read_pin(text, digest);
}

static bool is_address(const char *text)
{
	unsigned char address[16];

	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

static bool is_named(X509 *cert, const char *name)
{
	if (is_address(name))
		return X509_check_ip_asc(cert, name, 0) == 1;
	/* with a dot in front it would be all that is below */
	return name[0] != '.' &&
	       X509_check_host(cert, name, 0, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, NULL) == 1;
}

/* ---- verification ------------------------------------------------------------------ */

static bool is_pinned(const struct tls_peer *p, X509 *cert)
{
	unsigned char digest[EVP_MAX_MD_SIZE], wanted[PIN_OCTETS];
	unsigned octets;

	if (X509_digest(cert, EVP_sha256(), digest, &octets) != 1)
		return false;
	for (size_t i = 0; i < p->name_count; i++)
		if (read_pin(p->names[i], wanted) &&
		    memcmp(digest, wanted, PIN_OCTETS) == 0)
			return true;
	return false;
}

static int verify(X509_STORE_CTX *store, void *context)
{
	const struct tls_peer *p = context;
	X509 *cert = X509_STORE_CTX_get0_cert(store);

	if (cert && is_pinned(p, cert)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	if (!p->has_authority) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
		return 0;
	}
	if (X509_verify_cert(store) != 1)
		return 0;
	for (size_t i = 0; i < p->name_count; i++)
		if (!tls_peer_is_pin(p->names[i]) && is_named(cert, p->names[i]))
			return 1;
	X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

/* ---- protocols (RFC 7301) ------------------------------------------------------------ */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *octets,
		       const unsigned char *in, unsigned in_octets, void *context)
{
	const struct tls_peer *p = context;
	size_t prefix = strlen(p->alpn_prefix);

	(void)ssl;
	for (unsigned at = 0; at < in_octets; at += 1u + in[at]) {
		if (in[at] > in_octets - at - 1)
			break;
		if (in[at] > prefix && memcmp(in + at + 1, p->alpn_prefix, prefix) == 0) {
			*out = in + at + 1;
			*octets = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

struct slice tls_peer_protocol(const struct tls *s)
{
	const unsigned char *name = NULL;
	unsigned octets = 0;
	struct slice all;

	SSL_get0_alpn_selected(s->ssl, &name, &octets);
	all = slice_of((const char *)name, octets);
	return s->alpn ? slice_from(all, strlen(s->alpn)) : all;
}

/* ---- making one ------------------------------------------------------------------------ */

static enum status add_authority(struct tls_peer *p, struct slice pem,
				 struct error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(p->ctx);
	BIO *in = pem.len <= INT32_MAX ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
	size_t count = 0;
	bool failed = false;

	for (X509 *one; in && !failed &&
	     (one = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL));) {
		failed = X509_STORE_add_cert(store, one) != 1 ||
			 (p->is_server && SSL_CTX_add_client_CA(p->ctx, one) != 1);
		X509_free(one);
		count++;
	}
	BIO_free(in);
	if (failed || count == 0)
		return tls_openssl_error(err, "the authority is no PEM");
	ERR_clear_error();	/* the end of the PEM */
	p->has_authority = true;
	return ST_OK;
}

static enum status copy_names(struct tls_peer *p, const struct tls_peer_settings *s,
			      struct error *err)
{
	p->names = calloc(s->name_count + 1, sizeof *p->names);
	if (!p->names)
		return error_set(err, ST_NO_MEMORY, "no memory for TLS");
	for (size_t i = 0; i < s->name_count; i++) {
		bool is_pin = slice_case_starts(slice_str(s->names[i]),
						SLICE(PIN_PREFIX));

		if (is_pin && !tls_peer_is_pin(s->names[i]))
			return error_set(err, ST_SYNTAX, "'%.80s': sha256: is followed "
					 "by 64 hexadecimal digits", s->names[i]);
		if (!is_pin && s->authority.len == 0)
			return error_set(err, ST_SYNTAX, "'%.80s' is known by name: who "
					 "signs its certificate (authority) is missing",
					 s->names[i]);
		p->names[i] = strdup(s->names[i]);
		if (!p->names[i])
			return error_set(err, ST_NO_MEMORY, "no memory for TLS");
		p->name_count++;
	}
	return ST_OK;
}

static void set_options(struct tls_peer *p)
{
	SSL_CTX *ctx = p->ctx;

	SSL_CTX_set_min_proto_version(ctx, p->is_server ? TLS1_3_VERSION
							: TLS1_2_VERSION);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
				 SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
			      SSL_MODE_ENABLE_PARTIAL_WRITE |
			      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MAX);
	SSL_CTX_set_cert_verify_callback(ctx, verify, p);
	if (!p->is_server)
		return;
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, p);
	/* a host that connects shows what it shows its own clients */
	SSL_CTX_set_purpose(ctx, X509_PURPOSE_ANY);
}

struct tls_peer *tls_peer_new(const struct tls_peer_settings *s, struct error *err)
{
	struct tls_peer *p = calloc(1, sizeof *p);
	enum status st = ST_OK;

	if (p) {
		p->is_server = s->is_server;
		p->bio = tls_bio_new();
		p->ctx = SSL_CTX_new(s->is_server ? TLS_server_method()
						  : TLS_client_method());
	}
	if (!p || !p->bio || !p->ctx) {
		error_set(err, ST_NO_MEMORY, "no memory for TLS");
		tls_peer_free(p);
		return NULL;
	}
	set_options(p);
	if (s->alpn_prefix)
		snprintf(p->alpn_prefix, sizeof p->alpn_prefix, "%s", s->alpn_prefix);
	if (s->chain.len)
		st = tls_use_pem(p->ctx, s->chain, s->key, err);
	else if (s->is_server)
		st = error_set(err, ST_SYNTAX, "there is no certificate of ours");
	if (st == ST_OK && s->authority.len)
		st = add_authority(p, s->authority, err);
	if (st == ST_OK)
		st = copy_names(p, s, err);
	if (st == ST_OK)
		return p;
	tls_peer_free(p);
	return NULL;
}

void tls_peer_free(struct tls_peer *p)
{
	if (!p)
		return;
	SSL_CTX_free(p->ctx);
	BIO_meth_free(p->bio);
	for (size_t i = 0; i < p->name_count; i++)
		free(p->names[i]);
	free(p->names);
	free(p);
}

/* ---- one session --------------------------------------------------------------------------- */

static bool offer(SSL *ssl, const char *alpn)
{
	unsigned char list[256];
	size_t len = strlen(alpn);

	if (len == 0 || len >= sizeof list)
		return false;
	list[0] = (unsigned char)len;
	memcpy(list + 1, alpn, len);
	return SSL_set_alpn_protos(ssl, list, (unsigned)len + 1) == 0;
}

struct tls *tls_peer_session(struct tls_peer *p, const char *host, const char *alpn)
{
	struct tls *s = tls_session_open(p->ctx, p->bio);

	if (!s)
		return NULL;
	if (p->is_server) {
		s->alpn = p->alpn_prefix;
		SSL_set_accept_state(s->ssl);
		return s;
	}
	SSL_set_connect_state(s->ssl);
	if ((host && *host && !is_address(host) &&
	     SSL_set_tlsext_host_name(s->ssl, host) != 1) ||
	    (alpn && !offer(s->ssl, alpn))) {
		tls_free(s);
		return NULL;
	}
	return s;
}

void tls_peer_explain(const struct tls *s, struct error *err)
{
	long result = SSL_get_verify_result(s->ssl);

	if (result != X509_V_OK)
		error_set(err, err->status, "certificate: %s",
			  X509_verify_cert_error_string(result));
}

void tls_peer_describe(const struct tls *s, char out[256])
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	GENERAL_NAMES *names = cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL,
						       NULL) : NULL;
	int count = names ? sk_GENERAL_NAME_num(names) : 0;

	out[0] = '\0';
	for (int i = 0; i < count && !out[0]; i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

		if (name->type == GEN_DNS)
			snprintf(out, 256, "%.*s", ASN1_STRING_length(name->d.dNSName),
				 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
	}
	if (cert && !out[0])
		X509_NAME_oneline(X509_get_subject_name(cert), out, 256);
	GENERAL_NAMES_free(names);
}
