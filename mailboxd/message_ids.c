#include "mailboxd/message_ids.h"

#include <stdbool.h>

/* The next "<...>" of *body, brackets included; false at the end. */
static bool next_id(struct slice *body, struct slice *id)
{
	while (body->len > 0) {
		size_t n;

		*body = slice_from(*body, slice_index(*body, '<'));
		for (n = 1; n < body->len; n++)
			if (body->data[n] == '>' || body->data[n] == '<')
				break;
		if (n >= body->len)
			break;
		if (body->data[n] == '<') {	/* the first one was no bracket */
			*body = slice_from(*body, n);
			continue;
		}
		*id = slice_head(*body, n + 1);
		*body = slice_from(*body, n + 1);
		if (n > 1 && n < MESSAGE_ID_MAX)
			return true;
	}
	return false;
}

static enum status put_id(struct slice id, struct buf *out)
{
	char text[MESSAGE_ID_MAX];
	size_t n = 0;

	for (size_t i = 0; i < id.len; i++) {
		unsigned char c = (unsigned char)id.data[i];

		/* 8-bit ids exist (RFC 6532); the quotes of <"a"@b> say nothing
		 * (RFC 5256 section 3, REFERENCES step 1) */
		if (c > ' ' && c != 127 && c != '"' && c != '\\')
			text[n++] = (char)c;
	}
	return buf_append(out, slice_of(text, n));
}

enum status message_ids_first(struct slice body, struct buf *out)
{
	struct slice id;

	return next_id(&body, &id) ? put_id(id, out) : ST_OK;
}

enum status message_ids_all(struct slice body, struct buf *out)
{
	struct slice rest = body, id;
	size_t count = 0, i = 0, from = out->len;
	enum status st = ST_OK;

	while (next_id(&rest, &id))
		count++;
	while (st == ST_OK && next_id(&body, &id)) {
		if (i++ > 0 && count - i >= MESSAGE_REFS_MAX - 1)
			continue;
		if (out->len > from)
			st = buf_append_char(out, ' ');
		if (st == ST_OK)
			st = put_id(id, out);
	}
	return st;
}
