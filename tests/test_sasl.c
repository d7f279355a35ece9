#include "common/sasl.h"

#include <criterion/criterion.h>

#define PLAIN(text) { "" text, sizeof(text) - 1 }

static const struct {
	const char *name;
	struct slice in;
	enum status status;
} rows[] = {
	{ "RFC 4616 example",	PLAIN("\0tim\0tanstaaftanstaaf"),	ST_OK },
	{ "with authzid",	PLAIN("Ursel\0Kurt\0xipj3plmq"),	ST_OK },
	{ "empty",		PLAIN(""),				ST_SYNTAX },
	{ "one NUL",		PLAIN("\0tim"),				ST_SYNTAX },
	{ "three NULs",		PLAIN("\0tim\0a\0b"),			ST_SYNTAX },
	{ "no name",		PLAIN("\0\0secret"),			ST_SYNTAX },
	{ "no password",	PLAIN("\0tim\0"),			ST_SYNTAX },
	{ "not UTF-8",		PLAIN("\0t\xff\0secret"),		ST_SYNTAX },
};

Test(sasl, plain)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sasl_plain plain;
		struct buf again = BUF_INIT(SASL_MESSAGE_MAX);
		enum status st = sasl_plain_parse(rows[i].in, &plain);

		cr_expect_eq(st, rows[i].status, "%s: %s", rows[i].name,
			     status_name(st));
		if (st == ST_OK) {
			cr_expect_eq(sasl_plain_build(&plain, &again), ST_OK);
			cr_expect(slice_eq(buf_slice(&again), rows[i].in));
		}
		buf_wipe(&again);
	}
}

Test(sasl, limits)
{
	char long_text[2000] = { 0 };
	struct sasl_plain plain = { SLICE_EMPTY, { long_text, SASL_NAME_MAX + 1 },
				    SLICE("x") };
	struct buf b = BUF_INIT(SASL_MESSAGE_MAX);

	memset(long_text, 'a', sizeof long_text);
	cr_expect_eq(sasl_plain_build(&plain, &b), ST_LIMIT);
	plain.authcid.len--;
	cr_expect_eq(sasl_plain_build(&plain, &b), ST_OK);
	plain.password = slice_of(long_text, SASL_PASSWORD_MAX + 1);
	cr_expect_eq(sasl_plain_build(&plain, &b), ST_LIMIT);
	plain.password = SLICE("a\0b");
	cr_expect_eq(sasl_plain_build(&plain, &b), ST_SYNTAX);
	buf_wipe(&b);
}

Test(sasl, login_gives_a_plain_message)
{
	struct sasl s = SASL_INIT(sasl_mechanism_find(SLICE("login")));
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice challenge;

	cr_expect(slice_eq(sasl_first_challenge(&s), SLICE("Username:")));
	cr_expect_eq(sasl_feed(&s, SLICE("tim"), &challenge, &message), ST_MORE);
	cr_expect(slice_eq(challenge, SLICE("Password:")));
	cr_expect_eq(sasl_feed(&s, SLICE("secret"), &challenge, &message), ST_OK);
	cr_expect(slice_eq(buf_slice(&message), SLICE("\0tim\0secret")));
	sasl_clear(&s);
	message.len = 0;
	cr_expect_eq(sasl_feed(&s, SLICE(""), &challenge, &message), ST_SYNTAX);
	sasl_clear(&s);
	cr_expect_eq(sasl_feed(&s, SLICE("a\0b"), &challenge, &message), ST_SYNTAX);
	sasl_clear(&s);
	buf_wipe(&message);
}

Test(sasl, plain_exchange)
{
	struct sasl s = SASL_INIT(sasl_mechanism_find(SLICE("Plain")));
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice challenge;

	cr_expect(slice_eq(sasl_first_challenge(&s), SLICE_EMPTY));
	cr_expect_eq(sasl_feed(&s, SLICE("\0a\0b"), &challenge, &message), ST_OK);
	cr_expect(slice_eq(buf_slice(&message), SLICE("\0a\0b")));
	cr_expect_eq(sasl_mechanism_find(SLICE("SCRAM-SHA-1")), SASL_NONE);
	sasl_clear(&s);
	buf_wipe(&message);
}

static const struct {
	const char *name, *exporter, *end_point, *list;
	bool has_scram;
	const char *key;
} offers[] = {
	{ "a certificate", "e", "p",
	  " EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", true, "k" },
	{ "without TLS", "", "", " SCRAM-SHA-256 PLAIN LOGIN", true, "" },
	{ "TLS 1.3", "e", "p", " SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", true, "" },
	{ "TLS 1.2", "", "p", " SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN", true, "" },
	{ "any password", "e", "p", " PLAIN LOGIN", false, "" },
};

Test(sasl, offers)
{
	for (size_t i = 0; i < sizeof offers / sizeof *offers; i++) {
		struct peer_info peer = {
			.tls_exporter = slice_str(offers[i].exporter),
			.tls_end_point = slice_str(offers[i].end_point),
			.client_certificate = slice_str(offers[i].key),
		};
		struct buf list = BUF_INIT(256);

		cr_expect_eq(sasl_list(offers[i].has_scram, &peer, " ", "", &list),
			     ST_OK);
		cr_expect(slice_eq(buf_slice(&list), slice_str(offers[i].list)),
			  "%s: %.*s", offers[i].name, SLICE_ARG(buf_slice(&list)));
		buf_free(&list);
	}
}

/* SCRAM passes through: AUTH first, then AUTH_CONTINUE. */
Test(sasl, scram_passes_through)
{
	struct peer_info peer = { .address = "192.0.2.7", .is_secure = true,
				  .tls_exporter = SLICE("ex"),
				  .tls_end_point = SLICE("end") };
	struct sasl s = SASL_INIT(sasl_mechanism_find(SLICE("scram-sha-256-plus")));
	struct buf message = BUF_INIT(SASL_MESSAGE_MAX);
	struct slice challenge = sasl_first_challenge(&s);
	struct ipc_message m;

	cr_expect_eq(challenge.len, 0u);
	cr_expect_eq(sasl_feed(&s, SLICE("n,,\0"), &challenge, &message), ST_OK);
	sasl_ask(&s, &peer, SLICE("imap"), SLICE("sid"), buf_slice(&message), &m);
	cr_expect_eq(m.type, IPC_TYPE_AUTH);
	cr_expect(slice_eq(m.auth.mechanism, SLICE("SCRAM-SHA-256-PLUS")));
	cr_expect(slice_eq(m.auth.tls_exporter, SLICE("ex")));
	cr_expect(slice_eq(m.auth.tls_end_point, SLICE("end")));
	cr_expect(slice_eq(m.auth.response, SLICE("n,,\0")));
	message.len = 0;
	cr_expect_eq(sasl_feed(&s, SLICE(""), &challenge, &message), ST_OK);
	sasl_ask(&s, &peer, SLICE("imap"), SLICE("sid"), buf_slice(&message), &m);
	cr_expect_eq(m.type, IPC_TYPE_AUTH_CONTINUE);
	cr_expect_eq(m.auth_continue.response.len, 0u);
	sasl_clear(&s);
	cr_expect_not(s.is_asked);
	buf_wipe(&message);
}
