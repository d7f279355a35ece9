#include "common/xtext.h"

enum status xtext_encode(struct slice octets, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";
	enum status st = ST_OK;

	for (size_t i = 0; i < octets.len && st == ST_OK; i++) {
		unsigned char c = (unsigned char)octets.data[i];
		char hex[3] = { '+', digits[c >> 4], digits[c & 15] };

		if (c > ' ' && c < 0x7f && c != '+' && c != '=')
			st = buf_append_char(out, (char)c);
		else
			st = buf_append(out, slice_of(hex, sizeof hex));
	}
	return st;
}

static int digit(char c)
{
	return ascii_is_digit(c) ? c - '0'
	     : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum status xtext_decode(struct slice text, struct buf *out)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < text.len && st == ST_OK; i++) {
		int high, low;

		if (text.data[i] != '+') {
			st = text.data[i] ? buf_append_char(out, text.data[i])
					  : ST_SYNTAX;
			continue;
		}
		if (text.len - i < 3)
			return ST_SYNTAX;
		high = digit(text.data[i + 1]);
		low = digit(text.data[i + 2]);
		if (high < 0 || low < 0 || high + low == 0)
			return ST_SYNTAX;
		st = buf_append_char(out, (char)(high * 16 + low));
		i += 2;
	}
	return st;
}
