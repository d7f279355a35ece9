#include "mailboxd/display_key.h"

#include "mailboxd/casemap.h"
#include "mailboxd/encoded_word.h"

#define TEXT_MAX ((size_t)1 << 20)

static enum status put_key(struct slice text, struct buf *out)
{
	size_t from = out->len, end = from + DISPLAY_KEY_MAX;
	enum status st = casemap_append(out, slice_head(text, DISPLAY_KEY_MAX));

	if (out->len > end) {
		while (end > from && (out->data[end] & 0xc0) == 0x80)
			end--;
		out->len = end;
	}
	return st;
}

/* The name that is shown, or else the address. */
static enum status put_shown(const struct envelope_address *a, struct buf *shown)
{
	enum status st = encoded_word_decode(a->name.data ? a->name : SLICE_EMPTY, shown);

	if (st != ST_OK || shown->len > 0 || !a->mailbox.data)
		return st;
	st = buf_append(shown, a->mailbox);
	if (st == ST_OK && a->host.data)
		st = buf_append_char(shown, '@');
	return st == ST_OK && a->host.data ? buf_append(shown, a->host) : st;
}

enum status display_key(struct slice envelope, unsigned place, struct buf *out)
{
	struct buf texts = BUF_INIT(TEXT_MAX), shown = BUF_INIT(TEXT_MAX);
	struct envelope_address a;
	enum status st = envelope_read_first(envelope, place, &texts, &a);

	if (st == ST_OK)
		st = put_shown(&a, &shown);
	if (st == ST_OK)
		st = put_key(buf_slice(&shown), out);
	buf_free(&texts);
	buf_free(&shown);
	return st == ST_NOT_FOUND ? ST_OK : st;
}
