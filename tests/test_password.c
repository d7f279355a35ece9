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
	/* crypt(3) of Debian 12 made these two */
	{ "crypt yescrypt", "pencil",
	  "$y$j75$abcdefghijklmnop$IEnf9aYM3asNLMekfKE0cqP4tiSY7D/UPtLH7JVCAM4", ST_OK },
	{ "yescrypt, wrong", "Pencil",
	  "$y$j75$abcdefghijklmnop$IEnf9aYM3asNLMekfKE0cqP4tiSY7D/UPtLH7JVCAM4", ST_DENIED },
	{ "crypt bcrypt", "pencil",
	  "$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2", ST_OK },
	{ "bcrypt, wrong", "Pencil",
	  "$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2", ST_DENIED },
	{ "no verifier", "x", "pencil", ST_DENIED },
	{ "other scheme", "x", "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$a:b", ST_DENIED },
	{ "no rounds", "x", "SCRAM-SHA-256$0:W22ZaJ0SNY7soEsUEjb6gQ==$a:b",
	  ST_DENIED },
};

static enum status check(struct slice password, struct slice verifier)
{
	size_t which;

	return password_check(password, &verifier, 1, PASSWORD_ROUNDS_MIN, &which);
}

Test(password, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(check(slice_str(rows[i].password),
				   slice_str(rows[i].verifier)),
			     rows[i].status, "%s", rows[i].name);
}

Test(password, made_ones_check)
{
	static const char *const passwords[] = {
		"secret", "with space", "p\xC3\xA4ssword", "\xE2\x85\xA8",
		"emoji \xF0\x9F\x98\x80",
	};

	for (size_t i = 0; i < sizeof passwords / sizeof *passwords; i++) {
		struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);
		struct slice password = slice_str(passwords[i]);

		cr_expect_eq(password_hash(password, NULL, PASSWORD_ROUNDS_MIN,
					   &verifier), ST_OK, "%zu", i);
		cr_expect(password_is_verifier(buf_slice(&verifier)));
		cr_expect_eq(check(password, buf_slice(&verifier)),
			     ST_OK, "%zu", i);
		cr_expect_eq(check(SLICE("other"), buf_slice(&verifier)),
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

	cr_assert_eq(password_hash(SLICE("IX a"), NULL, PASSWORD_ROUNDS_MIN, &verifier),
		     ST_OK);
	cr_expect_eq(check(SLICE("I\xC2\xADX a"), buf_slice(&verifier)),
		     ST_OK, "soft hyphen");
	cr_expect_eq(check(SLICE("\xE2\x85\xA8 a"), buf_slice(&verifier)),
		     ST_OK, "Roman nine");
	cr_expect_eq(check(SLICE("IX\xC2\xA0" "a"), buf_slice(&verifier)),
		     ST_OK, "no-break space");
	buf_free(&verifier);
}

Test(password, refuses_what_cannot_be_typed)
{
	struct buf verifier = BUF_INIT(PASSWORD_VERIFIER_MAX);
	char big[PASSWORD_MAX + 1];

	memset(big, 'x', sizeof big);
	cr_expect_eq(password_hash(SLICE(""), NULL, PASSWORD_ROUNDS_MIN, &verifier),
		     ST_SYNTAX);
	cr_expect_eq(password_hash(SLICE("a\nb"), NULL, PASSWORD_ROUNDS_MIN, &verifier),
		     ST_SYNTAX);
	cr_expect_eq(password_hash(slice_of(big, sizeof big), NULL,
				   PASSWORD_ROUNDS_MIN, &verifier), ST_SYNTAX);
	/* RFC 4013: not UTF-8, a bidirectional mixture */
	cr_expect_eq(password_hash(SLICE("latin \xE4"), NULL, PASSWORD_ROUNDS_MIN,
				   &verifier), ST_SYNTAX);
	cr_expect_eq(password_hash(SLICE("\xD8\xA7" "1"), NULL,
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
	unsigned char secret[PASSWORD_KEY_OCTETS] = "secret", other[32] = "other";
	struct password_keys a, b, c, d;

	password_keys_nobody(SLICE("ann@example.org"), secret, 4096, &a);
	password_keys_nobody(SLICE("ann@example.org"), secret, 4096, &b);
	password_keys_nobody(SLICE("bob@example.org"), secret, 4096, &c);
	password_keys_nobody(SLICE("ann@example.org"), other, 4096, &d);
	cr_expect_eq(memcmp(&a, &b, sizeof a), 0);
	cr_expect_neq(memcmp(a.salt, c.salt, sizeof a.salt), 0);
	cr_expect_neq(memcmp(a.salt, d.salt, sizeof a.salt), 0);
	cr_expect_neq(memcmp(a.stored_key, a.server_key, sizeof a.stored_key), 0);
	cr_expect_eq(a.rounds, 4096u);
	cr_expect_eq(a.salt_octets, PASSWORD_SALT_OCTETS);
}

/* One derivation, however many passwords there are, and where there is none. */
Test(password, work_is_the_same)
{
	struct buf made[3] = { BUF_INIT(512), BUF_INIT(512), BUF_INIT(512) };
	struct slice verifiers[4];
	struct password_keys keys;
	uint64_t before;
	size_t which = 99;

	cr_assert_eq(password_hash(SLICE("one"), NULL, 5000, &made[0]), ST_OK);
	cr_assert_eq(password_keys_parse(buf_slice(&made[0]), &keys), ST_OK);
	cr_assert_eq(password_hash(SLICE("two"), &keys, 0, &made[1]), ST_OK);
	cr_assert_eq(password_hash(SLICE("three"), &keys, 0, &made[2]), ST_OK);
	for (size_t i = 0; i < 3; i++)
		verifiers[i] = buf_slice(&made[i]);
	for (size_t count = 0; count <= 3; count++) {
		before = password_work();
		cr_expect_eq(password_check(SLICE("wrong"), verifiers, count, 5000,
					    &which), ST_DENIED);
		cr_expect_eq(password_work() - before, 5000u, "%zu", count);
	}
	verifiers[3] = SLICE("no verifier");
	before = password_work();
	cr_expect_eq(password_check(SLICE("x"), verifiers + 3, 1, 5000, &which),
		     ST_DENIED);
	cr_expect_eq(password_work() - before, 5000u);
	before = password_work();
	cr_expect_eq(password_check(SLICE("three"), verifiers, 3, 5000, &which),
		     ST_OK);
	cr_expect_eq(which, 2u);
	cr_expect_eq(password_work() - before, 5000u);
	for (size_t i = 0; i < 3; i++)
		buf_free(&made[i]);
}

static const struct { const char *text; bool is_good; } importable[] = {
	{ RFC_VERIFIER, true },
	{ "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
	  "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1", true },
	{ "$y$j75$abcdefghijklmnop$IEnf9aYM3asNLMekfKE0cqP4tiSY7D/UPtLH7JVCAM4", true },
	{ "$2b$04$abcdefghijklmnopqrstuu/FyAyuZSl3DbPdvio4KrIBdz2k2yhV2", true },
	{ "$zz$what$ever", false },
	{ "$6$salt with space$x", false },
	{ "$6$salt\n$x", false },
	{ "$", false },
	{ "pencil", false },
};

Test(password, importable)
{
	for (size_t i = 0; i < sizeof importable / sizeof *importable; i++)
		cr_expect_eq(password_is_verifier(slice_str(importable[i].text)),
			     importable[i].is_good, "%s", importable[i].text);
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
