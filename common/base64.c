#include "common/base64.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum status base64_encode(struct slice in, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in.data;
	size_t n = in.len;
	char *at;
	enum status st;

	if (n > SIZE_MAX / 2)
		return ST_LIMIT;
	st = buf_reserve(out, base64_octets(n), &at);
	if (st != ST_OK)
		return st;
	out->len += base64_octets(n);
	for (; n >= 3; n -= 3, p += 3) {
		*at++ = alphabet[p[0] >> 2];
		*at++ = alphabet[(p[0] & 3) << 4 | p[1] >> 4];
		*at++ = alphabet[(p[1] & 15) << 2 | p[2] >> 6];
		*at++ = alphabet[p[2] & 63];
	}
	if (n) {
		unsigned second = n == 2 ? p[1] : 0;

		*at++ = alphabet[p[0] >> 2];
		*at++ = alphabet[(p[0] & 3) << 4 | second >> 4];
		*at++ = n == 2 ? alphabet[(second & 15) << 2] : '=';
		*at++ = '=';
	}
	return ST_OK;
}

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum status base64_decode(struct slice in, struct buf *out)
{
	size_t padding = 0;
	uint32_t bits = 0;
	char *at;
	enum status st;

	if (in.len % 4)
		return ST_SYNTAX;
	while (padding < 2 && padding < in.len &&
	       in.data[in.len - 1 - padding] == '=')
		padding++;
	st = buf_reserve(out, in.len / 4 * 3, &at);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < in.len - padding; i++) {
		int value = value_of(in.data[i]);

		if (value < 0)
			return ST_SYNTAX;
		bits = bits << 6 | (unsigned)value;
		if (i % 4 == 3) {
			*at++ = (char)(bits >> 16);
			*at++ = (char)(bits >> 8);
			*at++ = (char)bits;
		}
	}
	if (padding == 1) {
		if (bits & 3)
			return ST_SYNTAX;
		*at++ = (char)(bits >> 10);
		*at++ = (char)(bits >> 2);
	} else if (padding == 2) {
		if (bits & 15)
			return ST_SYNTAX;
		*at++ = (char)(bits >> 4);
	}
	out->len += in.len / 4 * 3 - padding;
	return ST_OK;
}
