#include "mailboxd/encoded_word.h"

#include "common/transfer.h"
#include "common/utf8.h"
#include "mailboxd/charset.h"

/* "=?charset*language?q?text?=" */
struct word {
	struct slice charset, text;
	bool is_base64;
	size_t octets;		/* all of it */
};

/* The decoder goes on over neighbouring words of one charset. */
struct state {
	struct charset_decoder decoder;
	const struct charset *charset;	/* NULL: no word just before */
	struct buf *out;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* s begins with "=?". It looks no further than the third "?" behind that, so
 * that all of a field is looked at four times at most. */
static bool parse_word(struct slice s, struct word *w)
{
	struct slice rest = slice_from(s, 2), encoding;

	if (!slice_split(&rest, '?', &w->charset) || !rest.data ||
	    !slice_split(&rest, '?', &encoding) || !rest.data ||
	    !slice_split(&rest, '?', &w->text) || !rest.data)
		return false;
	if (rest.len == 0 || rest.data[0] != '=' || encoding.len != 1)
		return false;
	w->charset = slice_head(w->charset, slice_index(w->charset, '*'));
	if (w->charset.len == 0)
		return false;
	w->is_base64 = ascii_lower(encoding.data[0]) == 'b';
	w->octets = (size_t)(rest.data + 1 - s.data);
	return w->is_base64 || ascii_lower(encoding.data[0]) == 'q';
}

static int hex(char c)
{
	c = ascii_lower(c);
	return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The "Q" encoding (section 4.2). */
static enum status decode_q(struct slice text, struct buf *octets)
{
	char *at;
	enum status st = buf_reserve(octets, text.len, &at);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c == '\r' || c == '\n')	/* a fold in the middle */
			continue;
		if (c == '_') {
			c = ' ';
		} else if (c == '=' && i + 2 < text.len && hex(text.data[i + 1]) >= 0 &&
			   hex(text.data[i + 2]) >= 0) {
			c = (char)(hex(text.data[i + 1]) << 4 | hex(text.data[i + 2]));
			i += 2;
		}
		*at++ = c;
	}
	octets->len = (size_t)(at - octets->data);
	return ST_OK;
}

static enum status decode_b(struct slice text, struct buf *octets)
{
	struct transfer t;
	enum status st;

	transfer_init(&t, PART_BASE64);
	st = transfer_feed(&t, text, octets);
	return st == ST_OK ? transfer_end(&t, octets) : st;
}

static enum status end_words(struct state *s)
{
	enum status st = ST_OK;

	if (s->charset) {
		st = charset_end(&s->decoder, s->out);
		charset_close(&s->decoder);
		s->charset = NULL;
	}
	return st;
}

static enum status put_word(struct state *s, const struct word *w)
{
	struct buf octets = BUF_INIT(w->text.len + 160);
	const struct charset *charset = charset_find(w->charset);
	enum status st = ST_OK;

	if (s->charset != charset) {
		st = end_words(s);
		charset_open(&s->decoder, charset);
		s->charset = charset;
	}
	if (st == ST_OK)
		st = w->is_base64 ? decode_b(w->text, &octets)
				  : decode_q(w->text, &octets);
	if (st == ST_OK)
		st = charset_feed(&s->decoder, buf_slice(&octets), s->out);
	buf_free(&octets);
	return st;
}

/* Text that is no encoded word: unfolded, and read as UTF-8 as far as it is. */
static enum status put_text(struct state *s, struct slice text)
{
	struct charset_decoder d;
	enum status st = end_words(s);

	charset_open(&d, charset_find(SLICE_EMPTY));
	while (st == ST_OK && text.len > 0) {
		size_t n = 0;

		while (n < text.len && text.data[n] != '\r' && text.data[n] != '\n')
			n++;
		st = charset_feed(&d, slice_head(text, n), s->out);
		text = slice_from(text, n < text.len ? n + 1 : n);
	}
	if (st == ST_OK)
		st = charset_end(&d, s->out);
	charset_close(&d);
	return st;
}

static bool is_all_blank(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_blank(s.data[i]))
			return false;
	return true;
}

/* What a decoded word may hold but a line of text may not. */
static void blank_line_ends(struct buf *out, size_t from)
{
	for (size_t i = from; i < out->len; i++)
		if (out->data[i] == '\r' || out->data[i] == '\n' || out->data[i] == '\0')
			out->data[i] = ' ';
}

enum status encoded_word_decode(struct slice body, struct buf *out)
{
	struct state s = { .out = out };
	size_t from = out->len, plain = 0, i = 0;
	enum status st = ST_OK;

	while (body.len > 0 && is_blank(body.data[0]))
		body = slice_from(body, 1);
	while (body.len > 0 && is_blank(body.data[body.len - 1]))
		body.len--;
	while (st == ST_OK && i < body.len) {
		struct slice between;
		struct word w;

		i += slice_index(slice_from(body, i), '=');
		if (i + 1 >= body.len)
			break;
		if (body.data[i + 1] != '?' || !parse_word(slice_from(body, i), &w)) {
			i++;
			continue;
		}
		between = slice_of(body.data + plain, i - plain);
		if (!s.charset || !is_all_blank(between))
			st = put_text(&s, between);
		if (st == ST_OK)
			st = put_word(&s, &w);
		i += w.octets;
		plain = i;
	}
	if (st == ST_OK)
		st = put_text(&s, slice_from(body, plain));
	else
		end_words(&s);
	blank_line_ends(out, from);
	return st;
}
