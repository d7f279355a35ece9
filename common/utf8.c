#include "common/utf8.h"

#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

bool utf8_is_ascii(struct slice s)
{
	size_t i = 0;

	for (; i + 8 <= s.len; i += 8) {
		uint64_t octets;

		memcpy(&octets, s.data + i, sizeof octets);
		if (octets & UINT64_C(0x8080808080808080))
			return false;
	}
	for (; i < s.len; i++)
		if (s.data[i] & 0x80)
			return false;
	return true;
}

bool utf8_is_valid(struct slice s)
{
	return utf8_is_ascii(s) ||
	       u8_check((const uint8_t *)s.data, s.len) == NULL;
}

bool utf8_next(struct slice *s, uint32_t *code_point)
{
	ucs4_t found;
	int n;

	if (s->len == 0)
		return false;
	n = u8_mbtoucr(&found, (const uint8_t *)s->data, s->len);
	*code_point = n < 0 ? 0xfffd : found;
	*s = slice_from(*s, n < 1 ? 1 : (size_t)n);
	return true;
}

enum status utf8_append(struct buf *out, uint32_t code_point)
{
	uint8_t octets[6];
	int n = u8_uctomb(octets, code_point, sizeof octets);

	if (n < 1)
		return ST_SYNTAX;
	return buf_append(out, slice_of((char *)octets, (size_t)n));
}

/* Appends what libunistring gave us in its own memory, and frees that. */
static enum status append_and_free(struct buf *out, uint8_t *text, size_t len)
{
	enum status st;

	if (!text)
		return ST_NO_MEMORY;
	st = buf_append(out, slice_of((char *)text, len));
	free(text);
	return st;
}

enum status utf8_nfc(struct slice s, struct buf *out)
{
	size_t len = 0;
	uint8_t *text;

	if (utf8_is_ascii(s))
		return buf_append(out, s);
	if (!utf8_is_valid(s))
		return ST_SYNTAX;
	text = u8_normalize(UNINORM_NFC, (const uint8_t *)s.data, s.len, NULL,
			    &len);
	return append_and_free(out, text, len);
}

enum status utf8_fold(struct slice s, struct buf *out)
{
	size_t nfc_len = 0, len = 0;
	uint8_t *nfc, *text = NULL;
	char *at;
	enum status st;

	if (utf8_is_ascii(s)) {
		st = buf_reserve(out, s.len, &at);
		if (st != ST_OK)
			return st;
		for (size_t i = 0; i < s.len; i++)
			at[i] = ascii_lower(s.data[i]);
		out->len += s.len;
		return ST_OK;
	}
	if (!utf8_is_valid(s))
		return ST_SYNTAX;
	nfc = u8_normalize(UNINORM_NFC, (const uint8_t *)s.data, s.len, NULL,
			   &nfc_len);
	if (nfc)
		text = u8_casefold(nfc, nfc_len, NULL, UNINORM_NFC, NULL, &len);
	free(nfc);
	return append_and_free(out, text, len);
}
