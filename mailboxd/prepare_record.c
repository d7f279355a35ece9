#include "mailboxd/prepare_record.h"

#include "common/ipc_codec.h"
#include "common/part_record.h"
#include "common/utf8.h"
#include "mailboxd/imap_string.h"

void prepare_record_head(char *at, uint32_t octets, const struct prepared *p,
			 const uint32_t lengths[PREPARE_TEXTS])
{
	at[0] = PREPARE_RECORD_VERSION;
	at[1] = p->is_reply ? PREPARE_IS_REPLY : 0;
	at[2] = at[3] = 0;
	ipc_put_u32(at + 4, octets);
	ipc_put_u64(at + 8, p->size);
	ipc_put_u64(at + 16, p->header_size);
	ipc_put_u64(at + 24, (uint64_t)p->sent);
	ipc_put_u64(at + 32, (uint64_t)p->sent_day);
	for (size_t i = 0; i < PREPARE_TEXTS; i++)
		ipc_put_u32(at + 40 + 4 * i, lengths[i]);
}

/* One line of UTF-8. */
static bool is_line(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] == '\0' || s.data[i] == '\r' || s.data[i] == '\n')
			return false;
	return true;
}

/* Ids may have 8-bit octets in any charset, but no spaces. */
static bool is_id(struct slice s)
{
	return s.len == 0 || (s.len > 1 && s.data[0] == '<' &&
			      s.data[s.len - 1] == '>' && is_line(s) &&
			      slice_index(s, ' ') == s.len);
}

static bool are_ids(struct slice s)
{
	struct slice id;

	if (s.len == 0)
		return true;
	while (slice_split(&s, ' ', &id))
		if (id.len == 0 || !is_id(id))
			return false;
	return true;
}

static bool is_utf8_line(struct slice s)
{
	return is_line(s) && utf8_is_valid(s);
}

static bool texts_are_valid(const struct prepared *p)
{
	return imap_list_is_valid(p->envelope) && imap_list_is_valid(p->bodystructure) &&
	       imap_list_is_valid(p->body) && p->parts.len > 0 &&
	       p->parts.data[0] == PART_RECORD_VERSION &&
	       is_utf8_line(p->preview) && is_utf8_line(p->subject_base) &&
	       is_utf8_line(p->from_sort) && is_utf8_line(p->to_sort) &&
	       is_utf8_line(p->cc_sort) && is_id(p->message_id) && are_ids(p->refs);
}

enum status prepare_record_decode(struct slice record, struct prepared *p)
{
	struct slice rest, texts[PREPARE_TEXTS];

	if (record.len < PREPARE_HEAD_OCTETS ||
	    record.data[0] != PREPARE_RECORD_VERSION ||
	    (record.data[1] & ~PREPARE_IS_REPLY) || record.data[2] || record.data[3] ||
	    ipc_get_u32(record.data + 4) != record.len)
		return ST_SYNTAX;
	rest = slice_from(record, PREPARE_HEAD_OCTETS);
	for (size_t i = 0; i < PREPARE_TEXTS; i++) {
		uint32_t len = ipc_get_u32(record.data + 40 + 4 * i);

		if (len > rest.len)
			return ST_SYNTAX;
		texts[i] = slice_head(rest, len);
		rest = slice_from(rest, len);
	}
	*p = (struct prepared){
		.size = ipc_get_u64(record.data + 8),
		.header_size = ipc_get_u64(record.data + 16),
		.sent = (int64_t)ipc_get_u64(record.data + 24),
		.sent_day = (int64_t)ipc_get_u64(record.data + 32),
		.is_reply = record.data[1] & PREPARE_IS_REPLY,
		.envelope = texts[PREPARE_ENVELOPE],
		.bodystructure = texts[PREPARE_BODYSTRUCTURE],
		.body = texts[PREPARE_BODY],
		.parts = texts[PREPARE_PARTS],
		.preview = texts[PREPARE_PREVIEW],
		.subject_base = texts[PREPARE_SUBJECT_BASE],
		.from_sort = texts[PREPARE_FROM_SORT],
		.to_sort = texts[PREPARE_TO_SORT],
		.cc_sort = texts[PREPARE_CC_SORT],
		.message_id = texts[PREPARE_MESSAGE_ID],
		.refs = texts[PREPARE_REFS],
	};
	p->thread_id = slice_head(p->refs, slice_index(p->refs, ' '));
	if (p->thread_id.len == 0)
		p->thread_id = p->message_id;
	if (rest.len > 0 || p->header_size > p->size || !texts_are_valid(p))
		return ST_SYNTAX;
	return ST_OK;
}
