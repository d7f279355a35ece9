#include "mailboxd/password.h"

#include "common/base64.h"

#include <criterion/criterion.h>

/* RFC 7677 section 3: user "user", password "pencil". */
#define RFC_VERIFIER \
	"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$" \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:" \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static const char rfc_message[] =
	"n=user,r=rOprNGfwEbeRWgbNEkqO,"
	"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
	"s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
	"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

static const struct {
	const char *name, *password, *verifier;
	enum status status;
} rows[] = {
	{ "RFC 7677 section 3", "pencil", RFC_VERIFIER, ST_OK },
	{ "wrong", "Pencil", RFC_VERIFIER, ST_DENIED },
	{ "longer", "pencil ", RFC_VERIFIER, ST_DENIED },
	{ "empty", "", RFC_VERIFIER, ST_DENIED },
	{ "crypt SHA-512", "Hello world!",
	  "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
	  "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1", ST_OK },
	{ "crypt, wrong", "Hello world?",
	  "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
	  "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1", ST_DENIED },
	{ "unknown crypt", "x", "$zz$nonsense", ST_DENIED },
	{ "no verifier", "x", "pencil", ST_SYNTAX },
	{ "other scheme", "x", "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$a:b", ST_SYNTAX },
	{ "no rounds", "x", "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$a:b",
	  ST_SYNTAX },
};

Test(password, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(password_check(slice_str(rows[i].password),
					    slice_str(rows[i].verifier)),
			     rows[i].status, "%s", rows[i].name);
}

Test(password, made_ones_check)
{
	static const char *const passwords[] = {
		"secret", "with space", "p\xC3\xA4ssword", "\xE2\x85\xA8",
		"latin \xE4 is no UTF-8",
	};

	for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
		struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);
		struct slice password = slice_str(passwords[i]);

		cr_expect_eq(password_hash(password, PASSWORD_ROUNDS_MIN,
					   &verifier), ST_OK, "%zu", i);
		cr_expect(password_is_verifier(buf_slice(&verifier)));
		cr_expect_eq(password_check(password, buf_slice(&verifier)),
			     ST_OK, "%zu", i);
		cr_expect_eq(password_check(SLICE("other"), buf_slice(&verifier)),
			     ST_DENIED);
		cr_expect(password_is_outdated(buf_slice(&verifier),
					       PASSWORD_ROUNDS));
		cr_expect_not(password_is_outdated(buf_slice(&verifier),
						   PASSWORD_ROUNDS_MIN));
		buf_free(&verifier);
	}
}

/* RFC 4013 section 3: what is compatible is equal, spaces are spaces. */
Test(password, is_prepared)
{
	struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);

	cr_assert_eq(password_hash(SLICE("IX a"), PASSWORD_ROUNDS_MIN, &verifier),
		     ST_OK);
	cr_expect_eq(password_check(SLICE("I\xC2\xADX a"), buf_slice(&verifier)),
		     ST_OK, "soft hyphen");
	cr_expect_eq(password_check(SLICE("\xE2\x85\xA8 a"), buf_slice(&verifier)),
		     ST_OK, "Roman nine");
	cr_expect_eq(password_check(SLICE("IX\xC2\xA0" "a"), buf_slice(&verifier)),
		     ST_OK, "no-break space");
	buf_free(&verifier);
}

Test(password, refuses_what_cannot_be_typed)
{
	struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);
	char big[PASSWORD_MAX + 1];

	memset(big, 'x', sizeof big);
	cr_expect_eq(password_hash(SLICE(""), PASSWORD_ROUNDS_MIN, &verifier),
		     ST_SYNTAX);
	cr_expect_eq(password_hash(SLICE("a\nb"), PASSWORD_ROUNDS_MIN, &verifier),
		     ST_SYNTAX);
	cr_expect_eq(password_hash(slice_of(big, sizeof big),
				   PASSWORD_ROUNDS_MIN, &verifier), ST_SYNTAX);
	cr_expect_eq(verifier.len, 0);
	cr_expect_not(password_is_verifier(SLICE("plain text")));
}

/* The exchange of RFC 7677 section 3. */
Test(password, proof)
{
	struct password_keys keys;
	unsigned char signature[PASSWORD_KEY_OCTETS];
	struct buf proof = BUF_INIT(64), text = BUF_INIT(64);

	cr_assert_eq(password_keys_parse(SLICE(RFC_VERIFIER), &keys), ST_OK);
	cr_expect_eq(keys.rounds, 4096);
	cr_assert_eq(base64_decode(SLICE("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="),
				   &proof), ST_OK);
	cr_expect_eq(password_proof_check(&keys, slice_str(rfc_message),
					  buf_slice(&proof), signature), ST_OK);
	cr_assert_eq(base64_encode(slice_of((char *)signature, sizeof signature),
				   &text), ST_OK);
	cr_expect(slice_eq(buf_slice(&text),
			   SLICE("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")));
	proof.data[0] ^= 1;
	cr_expect_eq(password_proof_check(&keys, slice_str(rfc_message),
					  buf_slice(&proof), signature), ST_DENIED);
	cr_expect_eq(password_proof_check(&keys, slice_str(rfc_message),
					  SLICE("short"), signature), ST_DENIED);
	buf_free(&proof);
	buf_free(&text);
}

Test(password, nobody_has_a_steady_salt)
{
	struct password_keys a, b, c;

	password_keys_nobody(SLICE("ann@example.org"), &a);
	password_keys_nobody(SLICE("ann@example.org"), &b);
	password_keys_nobody(SLICE("bob@example.org"), &c);
	cr_expect_eq(memcmp(a.salt, b.salt, sizeof a.salt), 0);
	cr_expect_neq(memcmp(a.salt, c.salt, sizeof a.salt), 0);
	cr_expect_eq(a.rounds, PASSWORD_ROUNDS);
}

Test(password, tags_keep_their_parts_apart)
{
	unsigned char a[PASSWORD_KEY_OCTETS], b[PASSWORD_KEY_OCTETS];

	password_tag(SLICE("ab"), SLICE("c"), a);
	password_tag(SLICE("a"), SLICE("bc"), b);
	cr_expect_neq(memcmp(a, b, sizeof a), 0);
	password_tag(SLICE("ab"), SLICE("c"), b);
	cr_expect_eq(memcmp(a, b, sizeof a), 0);
}
