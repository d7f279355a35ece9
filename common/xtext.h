/*
 * xtext (RFC 3461 section 4): printable ASCII without "+" and "=", everything
 * else as "+" and two upper case hexadecimal digits.
 */
#ifndef COMMON_XTEXT_H
#define COMMON_XTEXT_H

#include "common/buf.h"

/* ST_LIMIT, ST_NO_MEMORY. */
enum status xtext_encode(struct slice octets, struct buf *out);
/* Appends the octets. ST_SYNTAX: no xtext, or it holds a NUL; ST_LIMIT,
 * ST_NO_MEMORY. A "=" and octets beyond ASCII are let through as they are: many
 * write them so. */
enum status xtext_decode(struct slice text, struct buf *out);

#endif
