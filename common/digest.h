/*
 * SHA-256 in pieces, HMAC-SHA-256 (RFC 2104), and MD5 for APOP.
 */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include "common/slice.h"

#define DIGEST_OCTETS 32

struct digest;

/* The caller owns it; NULL when memory is short. */
struct digest *digest_new(void);
void digest_free(struct digest *d);
void digest_feed(struct digest *d, struct slice octets);
/* Gives the digest of all that was fed and makes d as new. */
void digest_finish(struct digest *d, unsigned char out[DIGEST_OCTETS]);

/* In one go. False when memory is short. */
bool digest_of(struct slice octets, unsigned char out[DIGEST_OCTETS]);
bool digest_hmac(struct slice key, struct slice octets,
		 unsigned char out[DIGEST_OCTETS]);
/* MD5 (RFC 1321) in 32 lower-case hex digits and a NUL: only for APOP (RFC 1939). False
 * when the library has none. */
bool digest_md5_hex(struct slice octets, char out[33]);
/* 64 lower-case hex digits and a NUL. */
void digest_hex(const unsigned char digest[DIGEST_OCTETS],
		char out[DIGEST_OCTETS * 2 + 1]);

#endif
