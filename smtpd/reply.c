#include "smtpd/reply.h"

enum kind { FINE, BAD };

static const struct smtp_reply_row rows[SMTP_REPLY_COUNT] = {
#define ROW(name, code, enhanced, kind, text) \
	[SMTP_REPLY_##name] = { code, enhanced, kind == BAD, text },
	SMTP_REPLIES(ROW)
#undef ROW
};

const struct smtp_reply_row *smtp_reply_row(enum smtp_reply reply)
{
	return &rows[reply];
}

/* A reply line of RFC 5321 section 4.2: text that is clean, of at most 512
 * octets in all (section 4.5.3.1.5). */
static enum status append_clean(struct buf *out, struct slice text)
{
	char *at;
	enum status st;

	text = slice_head(text, 480);
	st = buf_reserve(out, text.len, &at);
	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < text.len; i++)
		at[i] = text.data[i] >= ' ' && text.data[i] < 127
			? text.data[i] : '?';
	out->len += text.len;
	return ST_OK;
}

enum status smtp_reply_line(struct buf *out, unsigned code,
			    struct slice enhanced, struct slice text,
			    bool goes_on)
{
	size_t before = out->len;
	char head[5] = {
		(char)('0' + code / 100 % 10), (char)('0' + code / 10 % 10),
		(char)('0' + code % 10), goes_on ? '-' : ' ', 0,
	};
	enum status st = buf_append(out, slice_of(head, 4));

	if (st == ST_OK && enhanced.len) {
		st = append_clean(out, enhanced);
		if (st == ST_OK)
			st = buf_append_char(out, ' ');
	}
	if (st == ST_OK)
		st = append_clean(out, text);
	if (st == ST_OK)
		st = buf_append_str(out, "\r\n");
	if (st != ST_OK)
		out->len = before;
	return st;
}

enum status smtp_reply_text(struct buf *out, enum smtp_reply reply,
			    struct slice argument)
{
	struct slice text = slice_str(rows[reply].text);
	size_t at = slice_index(text, '%');
	enum status st = buf_append(out, slice_head(text, at));

	if (st != ST_OK || at == text.len)
		return st;
	st = buf_append(out, slice_head(argument, 400));
	return st == ST_OK ? buf_append(out, slice_from(text, at + 1)) : st;
}

enum status smtp_reply_append(struct buf *out, enum smtp_reply reply,
			      struct slice argument)
{
	const struct smtp_reply_row *row = &rows[reply];
	char joined[512];
	struct buf text = { joined, 0, sizeof joined, sizeof joined };

	smtp_reply_text(&text, reply, argument);
	return smtp_reply_line(out, row->code, slice_str(row->enhanced),
			       buf_slice(&text), false);
}
