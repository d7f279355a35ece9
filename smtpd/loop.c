#include "smtpd/loop.h"

#define OTHERS_MAX ((size_t)1 << 20)

/* FNV-1a */
uint64_t loop_hash(struct slice address)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < address.len; i++) {
		hash ^= (unsigned char)ascii_lower(address.data[i]);
		hash *= UINT64_C(1099511628211);
	}
	return hash ? hash : 1;
}

void loop_add(struct loop_recipients *l, struct slice recipient)
{
	uint64_t hash = loop_hash(recipient);

	if (!l->first) {
		l->first = hash;
		return;
	}
	l->others.max = OTHERS_MAX;
	buf_append(&l->others, slice_of((const char *)&hash, sizeof hash));
}

bool loop_has(const struct loop_recipients *l, uint64_t hash)
{
	uint64_t one;

	if (l->first == hash)
		return true;
	for (size_t at = 0; at + sizeof one <= l->others.len; at += sizeof one) {
		memcpy(&one, l->others.data + at, sizeof one);
		if (one == hash)
			return true;
	}
	return false;
}

void loop_clear(struct loop_recipients *l)
{
	l->first = 0;
	buf_free(&l->others);
}
