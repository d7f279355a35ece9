#include "mailboxd/scram.h"

#include "common/base64.h"

#include <criterion/criterion.h>

/* The exchange of RFC 7677 section 3: user "user", password "pencil". */
#define RFC_VERIFIER \
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define C_NONCE	"rOprNGfwEbeRWgbNEkqO"
#define S_NONCE	"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define NONCE	C_NONCE S_NONCE
#define FIRST	"n,,n=user,r=" C_NONCE
#define PROOF	"dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define FINAL	"c=biws,r=" NONCE ",p=" PROOF

static const struct scram_channel no_channel = { { "", 0 }, { "", 0 } };
static const struct scram_channel channel = { { "exporter", 8 }, { "end point", 9 } };

static void begin(struct scram *s, struct password_keys *keys)
{
	struct buf out = BUF_INIT(512);

	*s = (struct scram)SCRAM_INIT;
	cr_assert_eq(password_keys_parse(SLICE(RFC_VERIFIER), keys), ST_OK);
	cr_assert_eq(scram_first(s, SLICE(FIRST), false, &no_channel), ST_OK);
	cr_assert(slice_eq(buf_slice(&s->name), SLICE("user")));
	cr_assert_eq(scram_challenge(s, keys, SLICE(S_NONCE), &out), ST_OK);
	cr_expect(slice_eq(buf_slice(&out),
			   SLICE("r=" NONCE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")));
	buf_free(&out);
}

Test(scram, rfc7677_example)
{
	struct scram s;
	struct password_keys keys;
	unsigned char proof[PASSWORD_KEY_OCTETS], signature[PASSWORD_KEY_OCTETS];
	struct buf out = BUF_INIT(512);

	begin(&s, &keys);
	cr_assert_eq(scram_final(&s, SLICE(FINAL), proof), ST_OK);
	cr_assert_eq(password_proof_check(&keys, buf_slice(&s.text),
					  slice_of((char *)proof, sizeof proof),
					  signature), ST_OK);
	cr_assert_eq(scram_signature(signature, &out), ST_OK);
	cr_expect(slice_eq(buf_slice(&out),
			   SLICE("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	buf_free(&out);
	scram_clear(&s);
}

#define OCTETS(text) { "" text, sizeof(text) - 1 }

static const struct first_row {
	const char *name;
	struct slice message;
	bool is_plus;
	const struct scram_channel *channel;
	enum status status;
	const char *user;
} firsts[] = {
	{ "RFC 7677", OCTETS(FIRST), false, &no_channel, ST_OK, "user" },
	{ "own authzid", OCTETS("n,a=user,n=user,r=x"), false, &no_channel, ST_OK,
	  "user" },
	{ "other authzid", OCTETS("n,a=root,n=user,r=x"), false, &no_channel,
	  ST_DENIED, NULL },
	{ "empty authzid", OCTETS("n,a=,n=user,r=x"), false, &no_channel, ST_SYNTAX,
	  NULL },
	{ "escapes", OCTETS("n,,n=a=2Cb=3Dc,r=x"), false, &no_channel, ST_OK,
	  "a,b=c" },
	{ "lower case escape", OCTETS("n,,n=a=2cb,r=x"), false, &no_channel,
	  ST_SYNTAX, NULL },
	{ "bare equals", OCTETS("n,,n=a=,r=x"), false, &no_channel, ST_SYNTAX, NULL },
	{ "UTF-8 name", OCTETS("n,,n=j\xC3\xBCrgen,r=x"), false, &no_channel, ST_OK,
	  "j\xC3\xBCrgen" },
	{ "not UTF-8", OCTETS("n,,n=j\xFCrgen,r=x"), false, &no_channel, ST_SYNTAX,
	  NULL },
	{ "NUL in the name", OCTETS("n,,n=a\0b,r=x"), false, &no_channel, ST_SYNTAX,
	  NULL },
	{ "extension", OCTETS("n,,n=user,r=x,z=new"), false, &no_channel, ST_OK,
	  "user" },
	{ "no extension", OCTETS("n,,n=user,r=x,zz"), false, &no_channel, ST_SYNTAX,
	  NULL },
	{ "ends in a comma", OCTETS("n,,n=user,r=x,"), false, &no_channel, ST_SYNTAX,
	  NULL },
	{ "mandatory extension", OCTETS("n,,m=x,n=user,r=x"), false, &no_channel,
	  ST_DENIED, NULL },
	{ "no name", OCTETS("n,,n=,r=x"), false, &no_channel, ST_SYNTAX, NULL },
	{ "no nonce", OCTETS("n,,n=user,r="), false, &no_channel, ST_SYNTAX, NULL },
	{ "order", OCTETS("n,,r=x,n=user"), false, &no_channel, ST_SYNTAX, NULL },
	{ "space in the nonce", OCTETS("n,,n=user,r=x y"), false, &no_channel,
	  ST_SYNTAX, NULL },
	{ "8 bit in the nonce", OCTETS("n,,n=user,r=x\x80"), false, &no_channel,
	  ST_SYNTAX, NULL },
	{ "empty", OCTETS(""), false, &no_channel, ST_SYNTAX, NULL },
	{ "flag alone", OCTETS("n"), false, &no_channel, ST_SYNTAX, NULL },
	{ "header alone", OCTETS("n,,"), false, &no_channel, ST_SYNTAX, NULL },
	{ "other flag", OCTETS("x,,n=user,r=x"), false, &no_channel, ST_SYNTAX, NULL },
	{ "GSS-API form", OCTETS("F,n,,n=user,r=x"), false, &no_channel, ST_SYNTAX,
	  NULL },
	/* section 6 */
	{ "y without TLS", OCTETS("y,,n=user,r=x"), false, &no_channel, ST_OK, "user" },
	{ "y where we can bind", OCTETS("y,,n=user,r=x"), false, &channel, ST_DENIED,
	  NULL },
	{ "n where we can bind", OCTETS("n,,n=user,r=x"), false, &channel, ST_OK,
	  "user" },
	{ "tls-exporter", OCTETS("p=tls-exporter,,n=user,r=x"), true, &channel, ST_OK,
	  "user" },
	{ "tls-server-end-point", OCTETS("p=tls-server-end-point,,n=user,r=x"), true,
	  &channel, ST_OK, "user" },
	{ "tls-unique", OCTETS("p=tls-unique,,n=user,r=x"), true, &channel, ST_DENIED,
	  NULL },
	{ "binding without TLS", OCTETS("p=tls-exporter,,n=user,r=x"), true,
	  &no_channel, ST_DENIED, NULL },
	{ "binding without -PLUS", OCTETS("p=tls-exporter,,n=user,r=x"), false,
	  &channel, ST_DENIED, NULL },
	{ "-PLUS without binding", OCTETS("n,,n=user,r=x"), true, &channel, ST_DENIED,
	  NULL },
	{ "-PLUS with y", OCTETS("y,,n=user,r=x"), true, &channel, ST_DENIED, NULL },
	{ "no name of a binding", OCTETS("p=,,n=user,r=x"), true, &channel, ST_SYNTAX,
	  NULL },
};

Test(scram, client_first)
{
	for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
		const struct first_row *row = &firsts[i];
		struct scram s = SCRAM_INIT;
		enum status st = scram_first(&s, row->message, row->is_plus,
					     row->channel);

		cr_expect_eq(st, row->status, "%s: %s", row->name, status_name(st));
		if (row->user)
			cr_expect(slice_eq(buf_slice(&s.name), slice_str(row->user)),
				  "%s", row->name);
		scram_clear(&s);
	}
}

static const struct {
	const char *name;
	struct slice message;
	enum status status;
} finals[] = {
	{ "RFC 7677", OCTETS(FINAL), ST_OK },
	{ "extension", OCTETS("c=biws,r=" NONCE ",z=new,p=" PROOF), ST_OK },
	{ "client's nonce alone", OCTETS("c=biws,r=" C_NONCE ",p=" PROOF), ST_DENIED },
	{ "longer nonce", OCTETS("c=biws,r=" NONCE "x,p=" PROOF), ST_DENIED },
	{ "other header", OCTETS("c=eSws,r=" NONCE ",p=" PROOF), ST_DENIED },
	{ "not base64", OCTETS("c=!!!!,r=" NONCE ",p=" PROOF), ST_DENIED },
	{ "order", OCTETS("r=" NONCE ",c=biws,p=" PROOF), ST_SYNTAX },
	{ "no proof", OCTETS("c=biws,r=" NONCE), ST_SYNTAX },
	{ "empty proof", OCTETS("c=biws,r=" NONCE ",p="), ST_SYNTAX },
	{ "short proof", OCTETS("c=biws,r=" NONCE ",p=AAAA"), ST_SYNTAX },
	{ "long proof", OCTETS("c=biws,r=" NONCE ",p=AAAA" PROOF), ST_SYNTAX },
	{ "behind the proof", OCTETS(FINAL ",z=new"), ST_SYNTAX },
	{ "ends in a comma", OCTETS(FINAL ","), ST_SYNTAX },
	{ "empty", OCTETS(""), ST_SYNTAX },
	{ "no attribute", OCTETS("c,r,p"), ST_SYNTAX },
};

Test(scram, client_final)
{
	for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
		unsigned char proof[PASSWORD_KEY_OCTETS];
		struct password_keys keys;
		struct scram s;
		enum status st;

		begin(&s, &keys);
		st = scram_final(&s, finals[i].message, proof);
		cr_expect_eq(st, finals[i].status, "%s: %s", finals[i].name,
			     status_name(st));
		scram_clear(&s);
	}
}

/* c= is the header as it was sent, then the data of the channel. */
Test(scram, binding_data)
{
	static const struct { const char *first, *bound; enum status status; } rows[] = {
		{ "p=tls-exporter,,n=user,r=x", "p=tls-exporter,,exporter", ST_OK },
		{ "p=tls-exporter,,n=user,r=x", "p=tls-exporter,,end point", ST_DENIED },
		{ "p=tls-exporter,,n=user,r=x", "p=tls-exporter,,", ST_DENIED },
		{ "p=tls-exporter,,n=user,r=x", "n,,", ST_DENIED },
		{ "p=tls-server-end-point,a=user,n=user,r=x",
		  "p=tls-server-end-point,a=user,end point", ST_OK },
		{ "p=tls-server-end-point,,n=user,r=x", "p=tls-exporter,,exporter",
		  ST_DENIED },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = BUF_INIT(1024), last = BUF_INIT(1024);
		unsigned char proof[PASSWORD_KEY_OCTETS];
		struct scram s = SCRAM_INIT;
		struct password_keys keys;

		cr_assert_eq(password_keys_parse(SLICE(RFC_VERIFIER), &keys), ST_OK);
		cr_assert_eq(scram_first(&s, slice_str(rows[i].first), true, &channel),
			     ST_OK);
		cr_assert_eq(scram_challenge(&s, &keys, SLICE("y"), &out), ST_OK);
		buf_append_str(&last, "c=");
		base64_encode(slice_str(rows[i].bound), &last);
		buf_append_str(&last, ",r=xy,p=" PROOF);
		cr_expect_eq(scram_final(&s, buf_slice(&last), proof),
			     rows[i].status, "%zu", i);
		buf_free(&out);
		buf_free(&last);
		scram_clear(&s);
	}
}

Test(scram, lengths)
{
	char text[SCRAM_FIRST_MAX + 2];
	struct scram s = SCRAM_INIT;
	unsigned char proof[PASSWORD_KEY_OCTETS];

	memset(text, 'x', sizeof text);
	memcpy(text, "n,,n=u,r=", 9);
	cr_expect_eq(scram_first(&s, slice_of(text, 9 + SCRAM_NONCE_MAX), false,
				 &no_channel), ST_OK);
	scram_clear(&s);
	cr_expect_eq(scram_first(&s, slice_of(text, 10 + SCRAM_NONCE_MAX), false,
				 &no_channel), ST_LIMIT);
	scram_clear(&s);
	cr_expect_eq(scram_first(&s, slice_of(text, SCRAM_FIRST_MAX + 1), false,
				 &no_channel), ST_LIMIT);
	cr_expect_eq(scram_final(&s, slice_of(text, SCRAM_FINAL_MAX + 1), proof),
		     ST_LIMIT);
	scram_clear(&s);
}
