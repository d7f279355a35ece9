/*
 * Passwords as they are stored and checked. The stored form of a new one is
 * the keys of SCRAM-SHA-256 in the syntax of RFC 5803:
 *
 *	SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>
 *
 * (base64; the keys of RFC 5802 section 3), so that a PLAIN password and a
 * SCRAM exchange are checked against the same text, and the text holds nothing
 * to log in with elsewhere. A crypt(3) string ("$y$...", "$6$...") that was
 * imported is accepted for PLAIN and replaced at the first good login.
 *
 * What costs milliseconds runs on a worker thread: password_hash(),
 * password_check(). All of them wipe what they derived.
 */
#ifndef MAILBOXD_PASSWORD_H
#define MAILBOXD_PASSWORD_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

#define PASSWORD_KEY_OCTETS	((size_t)32)	/* of SHA-256 */
#define PASSWORD_SALT_OCTETS	((size_t)16)
#define PASSWORD_SALT_MAX	((size_t)64)
/* Rounds of PBKDF2: of new verifiers, and what a stored one may ask for. */
#define PASSWORD_ROUNDS		UINT32_C(15000)
#define PASSWORD_ROUNDS_MIN	UINT32_C(4096)	/* RFC 7677 section 4 */
#define PASSWORD_ROUNDS_MAX	UINT32_C(1000000)
#define PASSWORD_VERIFIER_MAX	((size_t)512)	/* octets of the stored form */
#define PASSWORD_MAX		((size_t)1024)	/* octets of a password */
#define PASSWORDS_MAX		((size_t)32)	/* of an account, its own and those of
						 * apps */

/* A SCRAM verifier, taken apart. */
struct password_keys {
	uint32_t rounds;
	char salt[PASSWORD_SALT_MAX];
	size_t salt_octets;
	unsigned char stored_key[PASSWORD_KEY_OCTETS];
	unsigned char server_key[PASSWORD_KEY_OCTETS];
};

/*
 * Appends the stored form of a password: with the salt and rounds of another
 * verifier of the account, or with a fresh salt and so many rounds where like is
 * NULL. One salt for all passwords of an account lets SCRAM be offered for each
 * of them, and a wrong one costs the same however many there are. ST_SYNTAX:
 * empty, too long, or refused by SASLprep; ST_NO_MEMORY, ST_IO (no random
 * numbers).
 */
enum status password_hash(struct slice password,
			  const struct password_keys *like, uint32_t rounds,
			  struct buf *verifier);

/*
 * Looks which of an account's verifiers the password fits: ST_OK and *which, or
 * ST_DENIED. Derives once for those that share their salt; none at all, or only
 * such as are of no form known here, cost one derivation of so many rounds, as a
 * wrong password does.
 */
enum status password_check(struct slice password,
			   const struct slice *verifiers, size_t count,
			   uint32_t rounds, size_t *which);

/* Rounds of PBKDF2 that this process did so far: what logins cost. */
uint64_t password_work(void);

/* Whether a good login should store the password anew: a crypt(3) string, or
 * fewer rounds than asked for now. */
bool password_is_outdated(struct slice verifier, uint32_t rounds);

/* Whether a text given by an administrator can be kept as a verifier. */
bool password_is_verifier(struct slice text);

/* ST_SYNTAX: not the SCRAM form. */
enum status password_keys_parse(struct slice verifier,
				struct password_keys *keys);
/* Whether one derivation serves both. */
bool password_keys_alike(const struct password_keys *a,
			 const struct password_keys *b);
/*
 * Keys for a login that has none (no such account, or a crypt(3) string alone),
 * always the same for one login and secret, which is the store's: so a SCRAM
 * exchange looks as with any other, also after a restart. No password fits them.
 */
void password_keys_nobody(struct slice login,
			  const unsigned char secret[PASSWORD_KEY_OCTETS],
			  uint32_t rounds, struct password_keys *keys);

/*
 * The proof of RFC 5802 section 3 against the keys: ST_OK fills signature with
 * ServerSignature, ST_DENIED otherwise.
 */
enum status password_proof_check(const struct password_keys *keys,
				 struct slice auth_message,
				 struct slice proof,
				 unsigned char signature[PASSWORD_KEY_OCTETS]);

/* HMAC-SHA-256 under a key made at the first call of this process: tags for
 * tables that must not hold passwords. */
void password_tag(struct slice a, struct slice b,
		  unsigned char tag[PASSWORD_KEY_OCTETS]);

/* Random octets; ST_IO. */
enum status password_random(unsigned char *out, size_t octets);

/* Compares without telling by its time where the difference is. */
bool password_equal(const void *a, const void *b, size_t octets);

#endif
