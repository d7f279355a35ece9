#include "popd/maildrop.h"

#include "common/fetch_row.h"
#include "common/id.h"

#include <stdlib.h>

void maildrop_clear(struct maildrop *m)
{
	free(m->messages);
	m->messages = NULL;
	m->count = m->cap = m->deleted = 0;
	m->octets = 0;
	buf_free(&m->ids);
	buf_free(&m->partial);
}

static enum status grow(struct maildrop *m)
{
	size_t cap = m->cap ? m->cap * 2 : 64;
	struct pop_message *messages;

	if (m->count == MAILDROP_MAX)
		return ST_LIMIT;
	messages = realloc(m->messages, cap * sizeof *messages);
	if (!messages)
		return ST_NO_MEMORY;
	m->messages = messages;
	m->cap = cap;
	return ST_OK;
}

/* An id that RFC 1939 section 7 allows: 1 to 70 octets of 0x21 to 0x7E. */
static bool is_uidl(struct slice id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.data[i] < 0x21 || id.data[i] > 0x7e)
			return false;
	return id.len >= 1 && id.len <= MAILDROP_UIDL_MAX;
}

static enum status add(struct maildrop *m, const struct fetch_row *row)
{
	struct pop_message *message;
	enum status st = ST_OK;

	if (m->count && row->uid <= m->messages[m->count - 1].uid)
		return ST_SYNTAX;
	if (m->count == m->cap)
		st = grow(m);
	if (st != ST_OK)
		return st;
	message = &m->messages[m->count];
	*message = (struct pop_message){
		.octets = row->size, .emailid = row->emailid, .uid = row->uid,
	};
	if (is_uidl(row->uidl)) {
		message->uidl = (uint32_t)m->ids.len + 1;
		st = buf_append(&m->ids, row->uidl);
		if (st == ST_OK)
			st = buf_append_char(&m->ids, '\0');
		if (st != ST_OK)
			return st;
	}
	m->count++;
	m->octets += row->size;
	return ST_OK;
}

static enum status feed_rows(struct maildrop *m, uint32_t items,
			     struct slice *rows)
{
	struct fetch_row row;
	enum status st;

	while ((st = fetch_row_decode(rows, items, &row)) == ST_OK) {
		st = add(m, &row);
		if (st != ST_OK)
			return st;
	}
	return st == ST_MORE ? ST_OK : st;
}

enum status maildrop_feed(struct maildrop *m, uint32_t items, struct slice rows)
{
	enum status st;
	bool was_partial = m->partial.len > 0;

	if (items != MAILDROP_ITEMS)
		return ST_SYNTAX;
	if (was_partial) {
		st = buf_append(&m->partial, rows);
		if (st != ST_OK)
			return st;
		rows = buf_slice(&m->partial);
	}
	st = feed_rows(m, items, &rows);
	if (st != ST_OK)
		return st;
	if (was_partial) {
		buf_consume(&m->partial, m->partial.len - rows.len);
		return ST_OK;
	}
	return buf_append(&m->partial, rows);
}

struct pop_message *maildrop_find(struct maildrop *m, unsigned long long number)
{
	struct pop_message *message;

	if (number < 1 || number > m->count)
		return NULL;
	message = &m->messages[number - 1];
	return message->is_deleted ? NULL : message;
}

enum status maildrop_uidl(const struct maildrop *m,
			  const struct pop_message *message, struct buf *out)
{
	char id[ID_NUMBER_OCTETS];

	if (message->uidl)
		return buf_append_str(out, m->ids.data + message->uidl - 1);
	id_number_render(message->emailid, id);
	return buf_append(out, slice_of(id, sizeof id));
}

void maildrop_delete(struct maildrop *m, struct pop_message *message)
{
	message->is_deleted = true;
	m->deleted++;
	m->octets -= message->octets;
}

void maildrop_reset(struct maildrop *m)
{
	m->octets = 0;
	m->deleted = 0;
	for (size_t i = 0; i < m->count; i++) {
		m->messages[i].is_deleted = false;
		m->octets += m->messages[i].octets;
	}
}
