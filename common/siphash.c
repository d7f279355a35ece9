#include "common/siphash.h"

#include "common/ipc_codec.h"

#include <stdlib.h>
#include <sys/random.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void rounds(struct state *s, int count)
{
	while (count--) {
		s->v0 += s->v1;
		s->v1 = rotate(s->v1, 13) ^ s->v0;
		s->v0 = rotate(s->v0, 32);
		s->v2 += s->v3;
		s->v3 = rotate(s->v3, 16) ^ s->v2;
		s->v0 += s->v3;
		s->v3 = rotate(s->v3, 21) ^ s->v0;
		s->v2 += s->v1;
		s->v1 = rotate(s->v1, 17) ^ s->v2;
		s->v2 = rotate(s->v2, 32);
	}
}

struct siphash_key siphash_key_make(void)
{
	struct siphash_key key;

	if (getrandom(&key, sizeof key, 0) != sizeof key)
		abort();	/* up to 256 octets never fail once it is seeded */
	return key;
}

uint64_t siphash(const struct siphash_key *key, struct slice octets)
{
	struct state s = {
		key->k0 ^ UINT64_C(0x736f6d6570736575),
		key->k1 ^ UINT64_C(0x646f72616e646f6d),
		key->k0 ^ UINT64_C(0x6c7967656e657261),
		key->k1 ^ UINT64_C(0x7465646279746573),
	};
	uint64_t last = (uint64_t)octets.len << 56;

	for (; octets.len >= 8; octets = slice_from(octets, 8)) {
		uint64_t m = ipc_get_u64(octets.data);

		s.v3 ^= m;
		rounds(&s, 2);
		s.v0 ^= m;
	}
	for (size_t i = 0; i < octets.len; i++)
		last |= (uint64_t)(unsigned char)octets.data[i] << 8 * i;
	s.v3 ^= last;
	rounds(&s, 2);
	s.v0 ^= last;
	s.v2 ^= 0xff;
	rounds(&s, 4);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
