/*
 * Base64 as SASL has it (RFC 4648 section 4): one token, no line breaks. The
 * lenient decoder of MIME bodies is common/mime's.
 */
#ifndef COMMON_BASE64_H
#define COMMON_BASE64_H

#include "common/buf.h"

/* Octets that n octets become. */
static inline size_t base64_octets(size_t n)
{
	return (n + 2) / 3 * 4;
}

/* Appends with padding. ST_LIMIT, ST_NO_MEMORY: out is unchanged. */
enum status base64_encode(struct slice in, struct buf *out);
/*
 * Strict: the alphabet only, a multiple of four, padding at the end only, unused
 * bits zero. ST_SYNTAX, ST_LIMIT, ST_NO_MEMORY: out is unchanged.
 */
enum status base64_decode(struct slice in, struct buf *out);

#endif
