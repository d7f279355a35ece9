/*
 * UTF-8 (RFC 3629): validation, and the two normal forms Postroom compares in.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/buf.h"

#include <stdbool.h>
#include <stdint.h>

bool utf8_is_ascii(struct slice s);
/* No overlong forms, no surrogates, nothing above U+10FFFF. ASCII, with its
 * controls and NUL, is valid. */
bool utf8_is_valid(struct slice s);
/*
 * Takes one code point off s. Malformed octets give U+FFFD, one octet at a
 * time. False at the end.
 */
bool utf8_next(struct slice *s, uint32_t *code_point);
/* Appends a code point; ST_SYNTAX if there is no such. */
enum status utf8_append(struct buf *out, uint32_t code_point);
/* Appends NFC of s. ST_SYNTAX: s is not UTF-8; ST_LIMIT, ST_NO_MEMORY: out is
 * unchanged. */
enum status utf8_nfc(struct slice s, struct buf *out);
/*
 * Appends the form in which local parts, login names and mailbox users are
 * compared: Unicode case folding of NFC, and NFC again. Same outcomes.
 */
enum status utf8_fold(struct slice s, struct buf *out);

#endif
