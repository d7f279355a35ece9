#include "common/transfer.h"

#define SKIP 255
#define PAD 254

/* What t->count means in quoted-printable; hold has the octets meant. */
enum {
	QP_TEXT,
	QP_SPACE,	/* white space that a line end would drop */
	QP_EQUALS,
	QP_HEX,		/* "=" and one digit */
	QP_BREAK,	/* "=" and white space */
	QP_BREAK_CR,	/* the same and CR */
};

static const struct { const char *word; enum part_encoding encoding; } words[] = {
	{ "7bit", PART_7BIT },
	{ "8bit", PART_8BIT },
	{ "binary", PART_BINARY },
	{ "quoted-printable", PART_QUOTED_PRINTABLE },
	{ "base64", PART_BASE64 },
};

enum part_encoding transfer_encoding(struct slice word)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (slice_case_eq(word, slice_str(words[i].word)))
			return words[i].encoding;
	return PART_UNKNOWN;
}

bool transfer_is_identity(enum part_encoding encoding)
{
	return encoding != PART_BASE64 && encoding != PART_QUOTED_PRINTABLE;
}

void transfer_init(struct transfer *t, enum part_encoding encoding)
{
	*t = (struct transfer){ .encoding = encoding };
}

/* ---- base64 (RFC 2045 section 6.8) */

static inline uint8_t base64_value(unsigned char c)
{
	/* 64 values, SKIP for what is passed over, PAD for "=" */
#define ROW16 SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, \
	SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP
	static const uint8_t values[256] = {
		ROW16, ROW16,
		SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, SKIP,
		SKIP, SKIP, SKIP, 62, SKIP, SKIP, SKIP, 63,
		52, 53, 54, 55, 56, 57, 58, 59, 60, 61, SKIP, SKIP, SKIP, PAD,
		SKIP, SKIP,
		SKIP, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, SKIP, SKIP, SKIP,
		SKIP, SKIP,
		SKIP, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
		41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, SKIP, SKIP, SKIP,
		SKIP, SKIP,
		ROW16, ROW16, ROW16, ROW16, ROW16, ROW16, ROW16, ROW16,
	};
#undef ROW16
	return values[c];
}

/* Writes the whole octets of an unfinished group; 1 character makes none. */
static char *base64_flush(struct transfer *t, char *at)
{
	if (t->count >= 2)
		*at++ = (char)(t->bits >> (t->count == 2 ? 4 : 10));
	if (t->count == 3)
		*at++ = (char)(t->bits >> 2);
	t->bits = t->count = 0;
	return at;
}

static char *base64_feed(struct transfer *t, struct slice in, char *at)
{
	const unsigned char *p = (const unsigned char *)in.data, *end = p + in.len;

	while (p < end) {
		uint8_t v;

		while (t->count == 0 && end - p >= 4) {
			uint8_t a = base64_value(p[0]), b = base64_value(p[1]);
			uint8_t c = base64_value(p[2]), d = base64_value(p[3]);

			if ((a | b | c | d) > 63)
				break;
			*at++ = (char)(a << 2 | b >> 4);
			*at++ = (char)(b << 4 | c >> 2);
			*at++ = (char)(c << 6 | d);
			p += 4;
		}
		if (p == end)
			break;
		v = base64_value(*p++);
		if (v == PAD)	/* more may follow: two encodings in a row */
			at = base64_flush(t, at);
		if (v > 63)
			continue;
		t->bits = t->bits << 6 | v;
		if (++t->count == 4) {
			*at++ = (char)(t->bits >> 16);
			*at++ = (char)(t->bits >> 8);
			*at++ = (char)t->bits;
			t->bits = t->count = 0;
		}
	}
	return at;
}

/* ---- quoted-printable (RFC 2045 section 6.7) */

static int hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static inline bool qp_is_plain(char c)
{
	return c != '=' && c != ' ' && c != '\t';
}

static char *qp_flush(struct transfer *t, char *at)
{
	memcpy(at, t->hold, t->held);
	at += t->held;
	t->held = 0;
	t->count = QP_TEXT;
	return at;
}

/* Keeps one more octet that a line end would drop. */
static char *qp_hold(struct transfer *t, uint8_t state, char c, char *at)
{
	if (t->held == sizeof t->hold)	/* too long to be what it looked like */
		at = qp_flush(t, at);
	t->hold[t->held++] = c;
	t->count = state;
	return at;
}

/* One octet outside plain text. False: c has not been taken, look again. */
static bool qp_octet(struct transfer *t, char c, char **at)
{
	bool is_space = c == ' ' || c == '\t';

	switch (t->count) {
	case QP_TEXT:
		if (c == '=')
			*at = qp_hold(t, QP_EQUALS, c, *at);
		else if (is_space)
			*at = qp_hold(t, QP_SPACE, c, *at);
		else
			*(*at)++ = c;
		return true;
	case QP_SPACE:
		if (is_space) {
			*at = qp_hold(t, QP_SPACE, c, *at);
			return true;
		}
		if (c == '\r' || c == '\n')	/* section 6.7, rule (3) */
			t->held = 0;
		*at = qp_flush(t, *at);
		return false;
	case QP_HEX:
		if (hex_value(c) < 0) {
			*at = qp_flush(t, *at);
			return false;
		}
		*(*at)++ = (char)(hex_value(t->hold[1]) << 4 | hex_value(c));
		t->held = 0;
		t->count = QP_TEXT;
		return true;
	default:
		break;
	}
	/* "=", perhaps with white space or CR: LF makes it a soft line break */
	if (c == '\n') {
		t->held = 0;
		t->count = QP_TEXT;
		return true;
	}
	if (t->count == QP_EQUALS && hex_value(c) >= 0) {
		*at = qp_hold(t, QP_HEX, c, *at);
	} else if (t->count != QP_BREAK_CR && is_space) {
		*at = qp_hold(t, QP_BREAK, c, *at);
	} else if (t->count != QP_BREAK_CR && c == '\r') {
		*at = qp_hold(t, QP_BREAK_CR, c, *at);
	} else {
		*at = qp_flush(t, *at);
		return false;
	}
	return true;
}

static char *qp_feed(struct transfer *t, struct slice in, char *at)
{
	size_t i = 0;

	while (i < in.len) {
		if (t->count == QP_TEXT) {
			size_t from = i;

			while (i < in.len && qp_is_plain(in.data[i]))
				i++;
			memcpy(at, in.data + from, i - from);
			at += i - from;
			if (i == in.len)
				break;
		}
		if (qp_octet(t, in.data[i], &at))
			i++;
	}
	return at;
}

/* ---- either */

enum status transfer_feed(struct transfer *t, struct slice in, struct buf *out)
{
	char *at;
	enum status st;

	if (transfer_is_identity(t->encoding))
		return buf_append(out, in);
	st = buf_reserve(out, in.len + sizeof t->hold, &at);
	if (st != ST_OK)
		return st;
	if (in.len)
		at = t->encoding == PART_BASE64 ? base64_feed(t, in, at)
						: qp_feed(t, in, at);
	out->len = (size_t)(at - out->data);
	return ST_OK;
}

enum status transfer_end(struct transfer *t, struct buf *out)
{
	char *at;
	enum status st;

	if (transfer_is_identity(t->encoding))
		return ST_OK;
	st = buf_reserve(out, sizeof t->hold, &at);
	if (st != ST_OK)
		return st;
	if (t->encoding == PART_BASE64)
		at = base64_flush(t, at);
	else if (t->count == QP_HEX)
		at = qp_flush(t, at);
	transfer_init(t, t->encoding);	/* white space and "=" end as a line does */
	out->len = (size_t)(at - out->data);
	return ST_OK;
}
