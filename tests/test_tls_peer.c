#include "common/tls_peer.h"

#include "common/tls_make.h"

#include <criterion/criterion.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

struct pair {
	struct buf chain, key;
};

struct world {
	struct pair authority, stranger;	/* two authorities */
	struct pair mail, other, foreign;	/* the last by the stranger */
	struct pair common;	/* its name is the subject's common name only */
};

static struct pair pair_new(void)
{
	return (struct pair){ BUF_INIT(TLS_MAKE_PEM_MAX), BUF_INIT(TLS_MAKE_PEM_MAX) };
}

static void pair_clear(struct pair *p)
{
	buf_free(&p->chain);
	buf_wipe(&p->key);
}

static struct pair authority(void)
{
	struct pair p = pair_new();

	cr_assert_eq(tls_make_authority(&p.chain, &p.key, NULL), ST_OK);
	return p;
}

static struct pair certificate(const struct pair *by, const char *name)
{
	const char *names[] = { name, "192.0.2.7" };
	struct pair p = pair_new();

	cr_assert_eq(tls_make_certificate(buf_slice(&by->chain), buf_slice(&by->key),
					  names, 2, &p.chain, &p.key, NULL), ST_OK);
	return p;
}

static void write_pair(X509 *cert, EVP_PKEY *key, struct pair *to)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *at;
	long octets;

	PEM_write_bio_X509(out, cert);
	octets = BIO_get_mem_data(out, &at);
	buf_append(&to->chain, slice_of(at, (size_t)octets));
	(void)BIO_reset(out);
	PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL);
	octets = BIO_get_mem_data(out, &at);
	buf_append(&to->key, slice_of(at, (size_t)octets));
	BIO_free(out);
}

/* As tls_make_certificate() would not. */
static struct pair common_name(const struct pair *by, const char *name)
{
	struct pair p = pair_new();
	BIO *in = BIO_new_mem_buf(by->chain.data, (int)by->chain.len);
	X509 *issuer = PEM_read_bio_X509(in, NULL, NULL, NULL), *cert = X509_new();
	BIO *key_in = BIO_new_mem_buf(by->key.data, (int)by->key.len);
	EVP_PKEY *issuer_key = PEM_read_bio_PrivateKey(key_in, NULL, NULL, NULL);
	EVP_PKEY *key = EVP_EC_gen("P-256");

	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(cert, X509_get_subject_name(issuer));
	X509_set_pubkey(cert, key);
	cr_assert(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
	write_pair(cert, key, &p);
	EVP_PKEY_free(key);
	EVP_PKEY_free(issuer_key);
	X509_free(issuer);
	X509_free(cert);
	BIO_free(in);
	BIO_free(key_in);
	return p;
}

static void world_init(struct world *w)
{
	w->authority = authority();
	w->stranger = authority();
	w->mail = certificate(&w->authority, "mail.example.test");
	w->other = certificate(&w->authority, "*.other.test");
	w->foreign = certificate(&w->stranger, "mail.example.test");
	w->common = common_name(&w->authority, "mail.example.test");
}

static void world_clear(struct world *w)
{
	pair_clear(&w->authority);
	pair_clear(&w->stranger);
	pair_clear(&w->mail);
	pair_clear(&w->other);
	pair_clear(&w->foreign);
	pair_clear(&w->common);
}

static void pin_of(const struct pair *p, char pin[80])
{
	BIO *in = BIO_new_mem_buf(p->chain.data, (int)p->chain.len);
	X509 *cert = PEM_read_bio_X509(in, NULL, NULL, NULL);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned octets;
	size_t n = 7;

	X509_digest(cert, EVP_sha256(), digest, &octets);
	strcpy(pin, "sha256:");
	for (unsigned i = 0; i < octets; i++)
		n += (size_t)sprintf(pin + n, "%02X", digest[i]);
	X509_free(cert);
	BIO_free(in);
}

/* Octets of one to the other, so many at once. */
static enum status carry(struct tls *to, struct buf *octets, struct buf *back,
			 size_t chunk, struct error *err)
{
	struct slice rest = buf_slice(octets);
	enum status st = ST_MORE;

	while (st == ST_MORE && rest.len) {
		struct slice part = slice_head(rest, chunk);

		st = tls_handshake(to, part, back, err);
		rest = slice_from(rest, part.len);
	}
	if (st == ST_OK && rest.len) {
		char at[TLS_RECORD_MAX];
		size_t n;

		st = tls_read(to, &rest, at, &n, back, err);
		st = st == ST_MORE ? ST_OK : st;
	}
	octets->len = 0;
	return st;
}

/* Both sides' outcome; with TLS 1.3 the client may be done before it is refused. */
static void shake(struct tls *client, struct tls *server, size_t chunk,
		  enum status *by_client, enum status *by_server)
{
	struct buf up = BUF_INIT(1 << 20), down = BUF_INIT(1 << 20);
	struct error err = { 0 };

	*by_client = tls_handshake(client, SLICE_EMPTY, &up, &err);
	*by_server = ST_MORE;
	for (int turn = 0; turn < 10; turn++) {
		if (up.len && *by_server != ST_SYNTAX)
			*by_server = carry(server, &up, &down, chunk, &err);
		if (down.len && *by_client != ST_SYNTAX)
			*by_client = carry(client, &down, &up, chunk, &err);
	}
	buf_free(&up);
	buf_free(&down);
}

static const struct {
	const char *name;
	const char *wants;	/* the client's name for the server, or "pin" */
	const char *peers;	/* the server's for the client, or "pin" */
	int shown;		/* by the client: 0 mail, 1 other, 2 foreign, 3 none,
				 * 4 common */
	int server;		/* by the server */
	bool client_knows, server_knows;	/* the authority */
	enum status client, server_says;
} rows[] = {
	{ "both by name", "mail.example.test", "*.other.test", 1, 0, true, true,
	  ST_OK, ST_OK },
	{ "a name is no pattern", "*.example.test", "mx.other.test", 1, 0, true, true,
	  ST_SYNTAX, ST_MORE },
	{ "a wildcard certificate", "mail.example.test", "mx.other.test", 1, 0, true,
	  true, ST_OK, ST_OK },
	{ "by address", "192.0.2.7", "192.0.2.7", 1, 0, true, true, ST_OK, ST_OK },
	{ "another address", "192.0.2.8", "192.0.2.7", 1, 0, true, true, ST_SYNTAX,
	  ST_MORE },
	{ "the server is another", "mx.example.test", "mx.other.test", 1, 0, true, true,
	  ST_SYNTAX, ST_MORE },
	{ "the client is another", "mail.example.test", "mail.example.test", 1, 0, true,
	  true, ST_OK, ST_SYNTAX },
	{ "the server's signer is unknown", "mail.example.test", "mx.other.test", 1, 2,
	  true, true, ST_SYNTAX, ST_MORE },
	{ "the client's signer is unknown", "mail.example.test", "mail.example.test", 2,
	  0, true, true, ST_OK, ST_SYNTAX },
	{ "the client shows none", "mail.example.test", "mail.example.test", 3, 0, true,
	  true, ST_OK, ST_SYNTAX },
	{ "a name is no domain", ".example.test", "mx.other.test", 1, 0, true, true,
	  ST_SYNTAX, ST_MORE },
	/* RFC 9525 section 2 */
	{ "a common name is no name", "mail.example.test", "mx.other.test", 1, 4, true,
	  true, ST_SYNTAX, ST_MORE },
	{ "nor is the client's", "mail.example.test", "mail.example.test", 4, 0, true,
	  true, ST_OK, ST_SYNTAX },
	{ "both by digest", "pin", "pin", 2, 2, false, false, ST_OK, ST_OK },
	{ "digest and name", "pin", "mx.other.test", 1, 0, false, true, ST_OK, ST_OK },
};

static struct tls_peer *side(const struct world *w, bool is_server, int shown,
			     const char *name, bool knows)
{
	const struct pair *pairs[] = { &w->mail, &w->other, &w->foreign, NULL, &w->common };
	struct tls_peer_settings s = {
		.is_server = is_server, .names = &name, .name_count = 1,
		.alpn_prefix = "postroom-",
	};
	struct error err = { 0 };
	struct tls_peer *p;

	if (shown != 3) {
		s.chain = buf_slice(&pairs[shown]->chain);
		s.key = buf_slice(&pairs[shown]->key);
	}
	if (knows)
		s.authority = buf_slice(&w->authority.chain);
	p = tls_peer_new(&s, &err);
	cr_assert_not_null(p, "%s", err.text);
	return p;
}

static void run_row(const struct world *w, size_t i, size_t chunk)
{
	const struct pair *pairs[] = { &w->mail, &w->other, &w->foreign, NULL, &w->common };
	char server_pin[80], client_pin[80];
	struct tls_peer *a, *b;
	struct tls *client, *server;
	enum status by_client, by_server;

	pin_of(pairs[rows[i].server], server_pin);
	pin_of(pairs[rows[i].shown == 3 ? 0 : rows[i].shown], client_pin);
	a = side(w, false, rows[i].shown,
		 strcmp(rows[i].wants, "pin") ? rows[i].wants : server_pin,
		 rows[i].client_knows);
	b = side(w, true, rows[i].server,
		 strcmp(rows[i].peers, "pin") ? rows[i].peers : client_pin,
		 rows[i].server_knows);
	client = tls_peer_session(a, "mail.example.test", "postroom-lmtp");
	server = tls_peer_session(b, NULL, NULL);
	cr_assert(client && server);
	shake(client, server, chunk, &by_client, &by_server);
	if (rows[i].server_says == ST_SYNTAX)
		cr_expect_eq(by_server, ST_SYNTAX, "%s, %zu: %s", rows[i].name, chunk,
			     status_name(by_server));
	else
		cr_expect_eq(by_client, rows[i].client, "%s, %zu: %s", rows[i].name,
			     chunk, status_name(by_client));
	if (rows[i].server_says == ST_OK) {
		cr_expect_eq(by_server, ST_OK, "%s: %s", rows[i].name,
			     status_name(by_server));
		cr_expect(slice_eq(tls_peer_protocol(server), SLICE("lmtp")));
		cr_expect(slice_eq(tls_peer_protocol(client), SLICE("postroom-lmtp")));
	}
	tls_free(client);
	tls_free(server);
	tls_peer_free(a);
	tls_peer_free(b);
}

Test(tls_peer, who_is_believed)
{
	static const size_t chunks[] = { 1, 100, 100000 };
	struct world w;

	world_init(&w);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++)
			run_row(&w, i, chunks[k]);
	world_clear(&w);
}

Test(tls_peer, a_server_speaks_no_other_protocol)
{
	static const char *const others[] = { NULL, "imap", "postroom-", "postroo" };
	struct world w;

	world_init(&w);
	for (size_t i = 1; i < sizeof others / sizeof *others; i++) {
		struct tls_peer *a = side(&w, false, 0, "mail.example.test", true);
		struct tls_peer *b = side(&w, true, 0, "mail.example.test", true);
		struct tls *client = tls_peer_session(a, NULL, others[i]);
		struct tls *server = tls_peer_session(b, NULL, NULL);
		enum status by_client, by_server;

		shake(client, server, 1000, &by_client, &by_server);
		cr_expect_eq(by_server, ST_SYNTAX, "%s", others[i]);
		tls_free(client);
		tls_free(server);
		tls_peer_free(a);
		tls_peer_free(b);
	}
	world_clear(&w);
}

static const struct {
	const char *text;
	bool is_pin;
} pins[] = {
	{ "sha256:0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef", true },
	{ "SHA256:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:ab:cd:"
	  "ef:01:23:45:67:89:ab:cd:ef", true },
	{ "sha256:0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcde", false },
	{ "sha256:0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef0", false },
	{ "sha256:0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef:", false },
	{ "sha256:g123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef", false },
	{ "sha256:", false },
	{ "mail.example.test", false },
	{ "", false },
};

Test(tls_peer, digests)
{
	for (size_t i = 0; i < sizeof pins / sizeof *pins; i++)
		cr_expect_eq(tls_peer_is_pin(pins[i].text), pins[i].is_pin, "%s",
			     pins[i].text);
}

Test(tls_peer, what_cannot_be_made)
{
	const char *name = "mail.example.test", *bad = "sha256:12";
	struct tls_peer_settings s = { .names = &name, .name_count = 1 };
	struct error err = { 0 };

	cr_expect_null(tls_peer_new(&s, &err));	/* by name, and no authority */
	cr_expect_not_null(strstr(err.text, "authority"), "%s", err.text);
	s.authority = SLICE("nonsense");
	cr_expect_null(tls_peer_new(&s, &err));
	s.authority = SLICE_EMPTY;
	s.names = &bad;
	cr_expect_null(tls_peer_new(&s, &err));
	cr_expect_not_null(strstr(err.text, "64"), "%s", err.text);
	s.name_count = 0;
	s.is_server = true;
	cr_expect_null(tls_peer_new(&s, &err));	/* a server without a certificate */
	s.chain = SLICE("nonsense");
	cr_expect_null(tls_peer_new(&s, &err));
}
