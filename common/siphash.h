/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): the hash of every table that an
 * outsider fills, keyed so that he cannot choose collisions.
 */
#ifndef COMMON_SIPHASH_H
#define COMMON_SIPHASH_H

#include "common/slice.h"

#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

/* A random key. */
struct siphash_key siphash_key_make(void);
uint64_t siphash(const struct siphash_key *key, struct slice octets);

#endif
