#include "mailboxd/envelope.h"

#include "mailboxd/casemap.h"
#include "mailboxd/imap_string.h"

#define SORT_KEY_MAX 255

void envelope_init(struct envelope_state *s)
{
	address_list_init(&s->list);
	s->addresses = 0;
}

void envelope_clear(struct envelope_state *s)
{
	address_list_clear(&s->list);
}

static struct slice or_nil(struct slice s)
{
	return s.len ? s : (struct slice){ NULL, 0 };
}

/* (name route mailbox host); for groups see RFC 9051 section 7.5.2. */
static enum status put_address(const struct list_address *a, struct buf *out)
{
	enum status st;

	if (a->kind == LIST_GROUP_END)
		return buf_append_str(out, "(NIL NIL NIL NIL)");
	st = buf_append_char(out, '(');
	if (st == ST_OK)
		st = imap_put_nstring(out, or_nil(a->name));
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	if (st == ST_OK)
		st = imap_put_nstring(out, or_nil(a->route));
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	if (st == ST_OK)
		st = imap_put_string(out, a->mailbox);
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	/* NIL would make a group of it, so that an address without a host has an
	 * empty one */
	if (st == ST_OK && a->kind == LIST_GROUP)
		st = buf_append_str(out, "NIL");
	else if (st == ST_OK)
		st = imap_put_string(out, a->host);
	return st == ST_OK ? buf_append_char(out, ')') : st;
}

/* The addresses of one field, "(" in front if it is the first of its list. */
static enum status put_list(struct envelope_state *s, struct slice body,
			    bool is_first, struct buf *out)
{
	struct list_address a;
	bool in_group = false;
	enum status st;

	address_list_begin(&s->list, body);
	while ((st = address_list_next(&s->list, &a)) == ST_OK) {
		if (s->addresses >= ENVELOPE_ADDRESSES_MAX && a.kind != LIST_GROUP_END)
			break;
		s->addresses++;
		if (is_first)
			st = buf_append_char(out, '(');
		is_first = false;
		if (st == ST_OK)
			st = put_address(&a, out);
		if (st != ST_OK)
			return st;
		in_group = a.kind == LIST_GROUP ||
			   (in_group && a.kind != LIST_GROUP_END);
	}
	if (st == ST_OK && in_group)	/* cut at the limit within a group */
		return buf_append_str(out, "(NIL NIL NIL NIL)");
	return st == ST_NOT_FOUND ? ST_OK : st;
}

/* All fields of that name as one list: what only the second says must not stay
 * hidden. NIL where there is no address. */
static enum status put_addresses(struct envelope_state *s,
				 const struct message_fields *fields,
				 enum message_field field, struct buf *out)
{
	size_t from = out->len;
	enum status st = ST_OK;

	for (unsigned i = 0; i < fields->count[field] && st == ST_OK; i++)
		st = put_list(s, fields->bodies[field][i], out->len == from, out);
	if (st != ST_OK)
		return st;
	return out->len == from ? buf_append_str(out, "NIL") : buf_append_char(out, ')');
}

/* Sender and Reply-To are From where they say nothing. */
static enum status put_default(struct buf *out, size_t at, size_t len, size_t from)
{
	char *to;
	enum status st;

	if (out->len - at != 3 || memcmp(out->data + at, "NIL", 3) != 0)
		return ST_OK;
	out->len = at;
	st = buf_reserve(out, len, &to);
	if (st != ST_OK)
		return st;
	memcpy(to, out->data + from, len);
	out->len += len;
	return ST_OK;
}

enum status envelope_put(struct envelope_state *s,
			 const struct message_fields *fields, struct buf *out)
{
	size_t from, from_len;
	enum status st = buf_append_char(out, '(');

	if (st == ST_OK)
		st = imap_put_field(out, message_field_first(fields, FIELD_DATE));
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	if (st == ST_OK)
		st = imap_put_field(out, message_field_first(fields, FIELD_SUBJECT));
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	from = out->len;
	if (st == ST_OK)
		st = put_addresses(s, fields, FIELD_FROM, out);
	from_len = out->len - from;
	for (int field = FIELD_SENDER; field <= FIELD_BCC && st == ST_OK; field++) {
		size_t at = out->len + 1;

		st = buf_append_char(out, ' ');
		if (st == ST_OK)
			st = put_addresses(s, fields, (enum message_field)field, out);
		if (st == ST_OK && field <= FIELD_REPLY_TO)
			st = put_default(out, at, from_len, from);
	}
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	if (st == ST_OK)
		st = imap_put_field(out, message_field_first(fields, FIELD_IN_REPLY_TO));
	if (st == ST_OK)
		st = buf_append_char(out, ' ');
	if (st == ST_OK)
		st = imap_put_field(out, message_field_first(fields, FIELD_MESSAGE_ID));
	return st == ST_OK ? buf_append_char(out, ')') : st;
}

enum status envelope_sort_key(struct envelope_state *s,
			      const struct message_fields *fields,
			      enum message_field field, struct buf *out)
{
	struct list_address a;
	size_t from = out->len;
	enum status st;

	if (fields->count[field] == 0)
		return ST_OK;
	address_list_begin(&s->list, fields->bodies[field][0]);
	st = address_list_next(&s->list, &a);
	if (st == ST_NOT_FOUND)
		return ST_OK;
	if (st == ST_OK)
		st = casemap_append(out, slice_head(a.mailbox, SORT_KEY_MAX));
	if (out->len - from > SORT_KEY_MAX) {
		out->len = from + SORT_KEY_MAX;
		while (out->len > from && (out->data[out->len] & 0xc0) == 0x80)
			out->len--;
	}
	return st;
}
