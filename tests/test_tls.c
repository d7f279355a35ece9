#include "common/tls.h"

#include "tests/support/certificates.h"
#include "tests/support/rig.h"
#include "tests/support/tls_client.h"

#include <criterion/criterion.h>
#include <sys/socket.h>

static struct tls_context *context(void)
{
	struct tls_context *t = tls_context_new();
	struct error err;

	cr_assert_not(tls_context_ready(t));
	cr_assert_eq(tls_context_add(t, SLICE(""), slice_str(mail_chain),
				     slice_str(mail_key), &err), ST_OK);
	cr_assert_eq(tls_context_add(t, SLICE("other.example.test"),
				     slice_str(other_chain),
				     slice_str(other_key), &err), ST_OK);
	cr_assert_eq(tls_context_add(t, SLICE("*.wild.test"),
				     slice_str(other_chain),
				     slice_str(other_key), &err), ST_OK);
	cr_assert_eq(tls_context_commit(t, &err), ST_OK);
	return t;
}

/* Carries octets to the server, so many a call. ST_MORE while it goes on. */
static enum status feed(struct tls *s, struct tls_client *c, size_t chunk,
			struct error *err)
{
	struct buf up = BUF_INIT(1 << 20), down = BUF_INIT(1 << 20);
	struct slice rest;
	enum status st = ST_MORE;

	tls_client_take(c, &up);
	rest = buf_slice(&up);
	while (st == ST_MORE && rest.len) {
		struct slice part = slice_head(rest, chunk);

		st = tls_handshake(s, part, &down, err);
		rest = slice_from(rest, part.len);
	}
	if (st == ST_OK && rest.len) {	/* in the same flight: keeps it for later */
		char at[TLS_RECORD_MAX];
		size_t n;

		st = tls_read(s, &rest, at, &n, &down, err);
		cr_expect_eq(st, ST_MORE);
		st = ST_OK;
	}
	tls_client_feed(c, buf_slice(&down));
	buf_free(&up);
	buf_free(&down);
	return st;
}

static enum status handshake(struct tls *s, struct tls_client *c, size_t chunk)
{
	struct error err;
	enum status st = ST_MORE;

	for (int turn = 0; turn < 20 && st == ST_MORE; turn++) {
		tls_client_handshake(c);
		st = feed(s, c, chunk, &err);
	}
	tls_client_handshake(c);
	return st;
}

static void say(struct tls *s, struct tls_client *c, struct slice text)
{
	struct buf cipher = BUF_INIT(1 << 20), plain = BUF_INIT(1 << 20);

	cr_expect_eq(tls_write(s, text, &cipher), ST_OK);
	tls_client_feed(c, buf_slice(&cipher));
	cr_expect(tls_client_read(c, &plain));
	cr_expect(slice_eq(buf_slice(&plain), text));
	buf_free(&cipher);
	buf_free(&plain);
}

static const struct {
	const char *name, *sni, *alpn;
	int most;
	enum status status;
	const char *certificate;
} rows[] = {
	{ "plain",		NULL,	NULL,	0, ST_OK, "mail.example.test" },
	{ "1.2",		NULL,	NULL,	TLS1_2_VERSION, ST_OK,
	  "mail.example.test" },
	{ "1.1",		NULL,	NULL,	TLS1_1_VERSION, ST_SYNTAX, NULL },
	{ "name",		"other.example.test", NULL, 0, ST_OK,
	  "other.example.test" },
	{ "name, 1.2",		"OTHER.example.test", NULL, TLS1_2_VERSION, ST_OK,
	  "other.example.test" },
	{ "wildcard",		"a.wild.test", NULL, 0, ST_OK, "other.example.test" },
	{ "wildcard is one label", "a.b.wild.test", NULL, 0, ST_OK,
	  "mail.example.test" },
	{ "another name",	"elsewhere.test", NULL, 0, ST_OK,
	  "mail.example.test" },
	{ "alpn",		NULL,	"imap",	0, ST_OK, "mail.example.test" },
	{ "another alpn",	NULL,	"http/1.1", 0, ST_SYNTAX, NULL },
	{ "another alpn, 1.2",	NULL,	"h2",	TLS1_2_VERSION, ST_SYNTAX, NULL },
};

Test(tls, handshakes)
{
	static const size_t chunks[] = { 1, 2, 7, 100, 100000 };
	struct tls_context *t = context();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (size_t k = 0; k < sizeof chunks / sizeof *chunks; k++) {
			struct tls *s = tls_new(t, "imap");
			struct tls_client c;
			char name[64];

			tls_client_init(&c, rows[i].sni, rows[i].alpn,
					rows[i].most, NULL);
			cr_expect_eq(handshake(s, &c, chunks[k]), rows[i].status,
				     "%s, chunks of %zu", rows[i].name, chunks[k]);
			if (rows[i].certificate) {
				tls_client_server_name(&c, name, sizeof name);
				cr_expect_str_eq(name, rows[i].certificate, "%s",
						 rows[i].name);
				say(s, &c, SLICE("* OK ready\r\n"));
			}
			tls_client_clear(&c);
			tls_free(s);
		}
	tls_context_free(t);
}

static void bindings(int most)
{
	struct tls_context *t = context();
	struct tls *s = tls_new(t, "imap");
	struct peer_info peer = { 0 };
	struct tls_client c;
	unsigned char exporter[32], hash[64];
	unsigned octets;
	X509 *cert;

	tls_client_init(&c, NULL, NULL, most, NULL);
	cr_assert_eq(handshake(s, &c, 1000), ST_OK);
	tls_describe(s, &peer);
	cr_expect(peer.is_secure);
	cr_expect_str_eq(peer.tls_version, most ? "TLSv1.2" : "TLSv1.3");
	cr_expect_str_eq(peer.tls_cipher, SSL_get_cipher_name(c.ssl));
	cr_expect_geq(peer.tls_bits, 128);
	cert = SSL_get1_peer_certificate(c.ssl);
	X509_digest(cert, EVP_sha256(), hash, &octets);
	X509_free(cert);
	cr_expect(slice_eq(peer.tls_end_point, slice_of((char *)hash, octets)));
	if (most) {
		cr_expect_eq(peer.tls_exporter.len, 0);
	} else {
		SSL_export_keying_material(c.ssl, exporter, 32,
					   "EXPORTER-Channel-Binding", 24, NULL,
					   0, 0);
		cr_expect(slice_eq(peer.tls_exporter,
				   slice_of((char *)exporter, 32)));
	}
	tls_client_clear(&c);
	tls_free(s);
	tls_context_free(t);
}

Test(tls, channel_bindings)
{
	bindings(0);
	bindings(TLS1_2_VERSION);
}

/* A ticket is good for a second session, and after new certificates too. */
static void resumption(int most)
{
	struct tls_context *t = context();
	SSL_SESSION *ticket = NULL;

	for (int round = 0; round < 3; round++) {
		struct tls *s = tls_new(t, "imap");
		struct tls_client c;
		struct error err;

		tls_client_init(&c, NULL, NULL, most, ticket);
		cr_assert_eq(handshake(s, &c, 1000), ST_OK);
		say(s, &c, SLICE("x"));
		cr_expect_eq(SSL_session_reused(c.ssl), round > 0, "round %d", round);
		if (c.session) {	/* 1.2 gives none when one was used */
			SSL_SESSION_free(ticket);
			ticket = c.session;
			c.session = NULL;
		}
		tls_client_clear(&c);
		if (round == 1) {
			tls_context_add(t, SLICE(""), slice_str(mail_chain),
					slice_str(mail_key), &err);
			cr_assert_eq(tls_context_commit(t, &err), ST_OK);
			/* the session that is open goes on without its context */
			cr_expect_eq(tls_write(s, SLICE("y"), &(struct buf)
					       BUF_INIT(0)), ST_LIMIT);
		}
		tls_free(s);
	}
	SSL_SESSION_free(ticket);
	tls_context_free(t);
}

Test(tls, resumption)
{
	resumption(0);
	resumption(TLS1_2_VERSION);
}

Test(tls, octets_both_ways_at_every_chunk)
{
	static const char text[] = "a1 LOGIN ann secret\r\na2 NOOP\r\n";
	struct tls_context *t = context();

	for (size_t chunk = 1; chunk < 120; chunk += 7) {
		struct tls *s = tls_new(t, NULL);
		struct tls_client c;
		struct buf up = BUF_INIT(1 << 20), down = BUF_INIT(1 << 20);
		struct buf plain = BUF_INIT(1 << 20);
		struct slice rest;
		struct error err;
		enum status st = ST_MORE;

		tls_client_init(&c, NULL, NULL, 0, NULL);
		cr_assert_eq(handshake(s, &c, 1000), ST_OK);
		tls_client_write(&c, slice_str(text));
		SSL_shutdown(c.ssl);
		tls_client_take(&c, &up);
		rest = buf_slice(&up);
		while (rest.len) {
			struct slice part = slice_head(rest, chunk);
			char at[TLS_RECORD_MAX];
			size_t n;

			rest = slice_from(rest, part.len);
			while ((st = tls_read(s, &part, at, &n, &down, &err)) == ST_OK)
				buf_append(&plain, slice_of(at, n));
		}
		cr_expect_eq(st, ST_CLOSED);
		cr_expect(slice_eq(buf_slice(&plain), slice_str(text)));
		buf_free(&up);
		buf_free(&down);
		buf_free(&plain);
		tls_client_clear(&c);
		tls_free(s);
	}
	tls_context_free(t);
}

Test(tls, garbage)
{
	static const char *const junk[] = { "EHLO me\r\n", "GET / HTTP/1.0\r\n\r\n",
		"\x16\x03\x01\xff\xff garbage garbage garbage", "\x80\x2e\x01" };
	struct tls_context *t = context();

	for (size_t i = 0; i < sizeof junk / sizeof *junk; i++) {
		struct tls *s = tls_new(t, "smtp");
		struct buf out = BUF_INIT(1 << 16);
		struct error err;
		enum status st = tls_handshake(s, slice_str(junk[i]), &out, &err);

		cr_expect(st == ST_SYNTAX || st == ST_MORE, "%s", junk[i]);
		buf_free(&out);
		tls_free(s);
	}
	tls_context_free(t);
}

Test(tls, bad_certificates)
{
	static const struct { const char *name, *chain, *key; } bad[] = {
		{ "no PEM", "hello", mail_key },
		{ "no key", mail_chain, "hello" },
		{ "empty", "", "" },
		{ "another's key", mail_chain, other_key },
	};
	struct tls_context *t = context();
	struct error err = { 0 };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		cr_expect_eq(tls_context_add(t, SLICE(""), slice_str(bad[i].chain),
					     slice_str(bad[i].key), &err),
			     ST_SYNTAX, "%s", bad[i].name);
		cr_expect_gt(strlen(err.text), 0);
	}
	tls_context_discard(t);
	cr_expect(tls_context_ready(t), "the old ones stay");
	tls_context_free(t);
}

/* ---- under a connection ------------------------------------------------------------ */

struct secure_rig {
	struct rig rig;
	struct tls_context *context;
	struct tls_client client;
	struct buf plain;	/* what the client decrypted */
};

static void secure_init(struct secure_rig *r)
{
	rig_init(&r->rig);
	r->context = context();
	r->rig.service.tls = r->context;
	r->plain = (struct buf)BUF_INIT(1 << 26);
	tls_client_init(&r->client, NULL, NULL, 0, NULL);
}

/* Carries octets between the client's TLS and the socket. */
static void exchange(struct secure_rig *r, int turns)
{
	struct buf up = BUF_INIT(1 << 20);

	while (turns--) {
		tls_client_take(&r->client, &up);
		if (up.len)
			cr_assert_eq(rig_send(&r->rig, buf_slice(&up)), up.len);
		up.len = 0;
		rig_turn(&r->rig, 2);
		tls_client_feed(&r->client, buf_slice(&r->rig.got));
		r->rig.got.len = 0;
		if (tls_client_handshake(&r->client))
			tls_client_read(&r->client, &r->plain);
	}
	buf_free(&up);
}

static void secure_clear(struct secure_rig *r)
{
	tls_client_clear(&r->client);
	rig_clear(&r->rig);
	tls_context_free(r->context);
	buf_free(&r->plain);
}

Test(tls, what_was_injected_before_starttls_is_dropped)
{
	struct secure_rig r;

	secure_init(&r);
	rig_connect(&r.rig);
	rig_send(&r.rig, SLICE("tls\necho injected\n"));
	cr_expect(rig_until(&r.rig, "go ahead\n"));
	r.rig.got.len = 0;
	exchange(&r, 6);
	cr_expect(slice_eq(buf_slice(&r.plain), SLICE("secured\n")));
	cr_expect(conn_peer(r.rig.conn)->is_secure);
	tls_client_write(&r.client, SLICE("echo a\necho b\n"));
	exchange(&r, 3);
	cr_expect(slice_eq(buf_slice(&r.plain), SLICE("secured\na\nb\n")));
	secure_clear(&r);
}

Test(tls, implicit)
{
	struct secure_rig r;

	secure_init(&r);
	r.rig.service.tls_implicit = true;
	rig_connect(&r.rig);
	rig_turn(&r.rig, 5);
	cr_expect_eq(r.rig.got.len, 0, "nothing in clear");
	exchange(&r, 6);
	cr_expect(slice_eq(buf_slice(&r.plain), SLICE("hello\n")));
	tls_client_write(&r.client, SLICE("fill 5000000\nquit\n"));
	exchange(&r, 400);
	cr_expect_eq(r.plain.len, strlen("hello\n\nbye\n") + 5000000);
	cr_expect(SSL_get_shutdown(r.client.ssl) & SSL_RECEIVED_SHUTDOWN,
		  "close_notify came");
	secure_clear(&r);
}

Test(tls, a_handshake_has_to_end)
{
	struct secure_rig r;

	secure_init(&r);
	r.rig.service.tls_implicit = true;
	r.rig.service.handshake_ms = 50;
	rig_connect(&r.rig);
	cr_expect(rig_until_ended(&r.rig));
	secure_clear(&r);
}

Test(tls, clear_text_instead_of_a_handshake_is_refused)
{
	struct secure_rig r;

	secure_init(&r);
	r.rig.service.tls_implicit = true;
	rig_connect(&r.rig);
	rig_send(&r.rig, SLICE("EHLO client.example.test and so on\r\n"));
	cr_expect(rig_until(&r.rig, NULL));
	secure_clear(&r);
}

Test(tls, no_certificate_no_tls)
{
	struct secure_rig r;

	secure_init(&r);
	r.rig.service.tls = NULL;
	rig_connect(&r.rig);
	rig_send(&r.rig, SLICE("tls\n"));
	cr_expect(rig_until_ended(&r.rig));
	secure_clear(&r);
}
