#include "common/utf7.h"

#include "common/utf8.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static bool is_direct(uint32_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* UTF-16 on its way to or from base64: so many low bits of bits are waiting. */
struct shift {
	uint32_t bits;
	unsigned count;
};

static enum status put_unit(struct shift *s, uint32_t unit, struct buf *out)
{
	enum status st = ST_OK;

	s->bits = s->bits << 16 | unit;
	s->count += 16;
	while (st == ST_OK && s->count >= 6) {
		s->count -= 6;
		st = buf_append_char(out, alphabet[s->bits >> s->count & 63]);
	}
	return st;
}

static enum status put_shifted(struct shift *s, uint32_t c, struct buf *out)
{
	enum status st;

	if (c < 0x10000)
		return put_unit(s, c, out);
	c -= 0x10000;
	st = put_unit(s, 0xd800 + (c >> 10), out);
	return st == ST_OK ? put_unit(s, 0xdc00 + (c & 0x3ff), out) : st;
}

static enum status end_shift(struct shift *s, struct buf *out)
{
	enum status st = ST_OK;

	if (s->count)
		st = buf_append_char(out, alphabet[s->bits << (6 - s->count) & 63]);
	*s = (struct shift){ 0 };
	return st == ST_OK ? buf_append_char(out, '-') : st;
}

static enum status encode(struct slice in, struct buf *out)
{
	struct shift shift = { 0 };
	bool is_shifted = false;
	enum status st = ST_OK;
	uint32_t c;

	while (st == ST_OK && utf8_next(&in, &c)) {
		if (c < 0x20 || c == 0x7f)
			return ST_SYNTAX;
		if (is_direct(c) == is_shifted) {
			st = is_shifted ? end_shift(&shift, out)
					: buf_append_char(out, '&');
			is_shifted = !is_shifted;
		}
		if (st != ST_OK)
			break;
		if (is_shifted)
			st = put_shifted(&shift, c, out);
		else
			st = buf_append_str(out, c == '&' ? "&-" : (char[]){ (char)c, 0 });
	}
	return st == ST_OK && is_shifted ? end_shift(&shift, out) : st;
}

enum status utf7_from_utf8(struct slice in, struct buf *out)
{
	size_t before = out->len;
	enum status st = utf8_is_valid(in) ? encode(in, out) : ST_SYNTAX;

	if (st != ST_OK)
		out->len = before;
	return st;
}

/* One UTF-16 unit; *high is the first half of a pair that waits for its second. */
static enum status take_unit(uint32_t unit, uint32_t *high, struct buf *out)
{
	bool is_low = unit >= 0xdc00 && unit <= 0xdfff;
	uint32_t c = unit;

	if (is_low != (*high != 0) || is_direct(unit) || unit < 0x20 || unit == 0x7f)
		return ST_SYNTAX;
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return ST_OK;
	}
	if (is_low)
		c = 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00);
	*high = 0;
	return utf8_append(out, c);
}

/* What stands between "&" and "-". */
static enum status decode_shifted(struct slice coded, struct buf *out)
{
	struct shift s = { 0 };
	uint32_t high = 0;
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < coded.len; i++) {
		const char *at = memchr(alphabet, coded.data[i], 64);

		if (!at)
			return ST_SYNTAX;
		s.bits = s.bits << 6 | (uint32_t)(at - alphabet);
		s.count += 6;
		if (s.count >= 16) {
			s.count -= 16;
			st = take_unit(s.bits >> s.count & 0xffff, &high, out);
		}
	}
	/* nothing but the zero bits that fill the last character may be left */
	if (high || s.count >= 6 || s.bits & ((1u << s.count) - 1))
		return ST_SYNTAX;
	return st;
}

static enum status decode(struct slice in, struct buf *out)
{
	bool was_shifted = false;
	enum status st = ST_OK;

	while (st == ST_OK && in.len) {
		size_t end;

		if (!is_direct((unsigned char)in.data[0]))
			return ST_SYNTAX;
		if (in.data[0] != '&') {
			st = buf_append_char(out, in.data[0]);
			in = slice_from(in, 1);
			was_shifted = false;
			continue;
		}
		end = slice_index(in, '-');
		if (end == in.len || (end > 1 && was_shifted))
			return ST_SYNTAX;	/* "&AA-&BB-" is one shift */
		st = end == 1 ? buf_append_char(out, '&')
			      : decode_shifted(slice_from(slice_head(in, end), 1), out);
		was_shifted = end > 1;
		in = slice_from(in, end + 1);
	}
	return st;
}

enum status utf7_to_utf8(struct slice in, struct buf *out)
{
	size_t before = out->len;
	enum status st = decode(in, out);

	if (st != ST_OK)
		out->len = before;
	return st;
}
