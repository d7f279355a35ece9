/*
 * Keys of client certificates that log in to an account (SASL EXTERNAL). What is
 * kept is the SHA-256 of the SubjectPublicKeyInfo, so that a certificate renewed
 * with its key goes on being good. They are rows of `credential`: their ids are
 * never those of a password, and what ends sessions by credential ends theirs.
 */
#ifndef MAILBOXD_STORE_CERTIFICATE_H
#define MAILBOXD_STORE_CERTIFICATE_H

#include "common/slice.h"
#include "common/status.h"

#include <stdint.h>

struct tx;

#define STORE_CERTIFICATE_KEY	32u	/* octets */
#define STORE_CERTIFICATES	20u	/* of an account */

struct store_certificate {
	uint64_t id, account;
	struct slice key;	/* STORE_CERTIFICATE_KEY octets */
	struct slice subject;	/* for people; may be empty */
	uint32_t scopes;	/* enum store_scope */
	int64_t created;
	int64_t last_used;	/* 0: never; by store_credential_used() */
	int64_t expires;	/* 0: never */
};

/* Binds the key; id, created and last_used are not read. ST_EXISTS: it is bound,
 * to this account or another; ST_LIMIT; ST_NOT_FOUND: no such account. */
enum status store_certificate_add(struct tx *tx, const struct store_certificate *c);
/* ST_NOT_FOUND: none of this account. *id is what it was. */
enum status store_certificate_remove(struct tx *tx, uint64_t account,
				     struct slice key, uint64_t *id);
/* Whose it is. ST_NOT_FOUND. */
enum status store_certificate_find(struct tx *tx, struct slice key,
				   struct store_certificate *c);
typedef enum status store_certificate_fn(void *arg,
					 const struct store_certificate *c);
/* Those of the account, oldest first. */
enum status store_certificate_list(struct tx *tx, uint64_t account,
				   store_certificate_fn *row, void *arg);

#endif
