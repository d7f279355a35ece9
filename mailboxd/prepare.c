#include "mailboxd/prepare_record.h"

#include "common/date.h"
#include "common/header.h"
#include "common/mime.h"
#include "common/mime_field.h"
#include "mailboxd/bodystructure.h"
#include "mailboxd/casemap.h"
#include "mailboxd/charset.h"
#include "mailboxd/encoded_word.h"
#include "mailboxd/envelope.h"
#include "mailboxd/message_ids.h"
#include "mailboxd/preview.h"
#include "mailboxd/subject_base.h"

#include <stdlib.h>

/* The beginning of the first text of one kind. */
struct capture {
	size_t part;		/* SIZE_MAX: none yet */
	struct buf text;	/* from its body on, perhaps more than is its */
};

struct prepare {
	struct mime *mime;
	uint64_t size;		/* octets fed */
	size_t seen;		/* parts that were looked at for a preview */
	struct capture plain, html;
	struct envelope_state envelopes;
	struct buf scratch;
	struct message_fields fields;	/* of the message, at the end */
};

enum status prepare_load(void)
{
	return charset_load();
}

static void begin_message(struct prepare *p)
{
	p->size = 0;
	p->seen = 0;
	p->plain.part = p->html.part = SIZE_MAX;
	p->plain.text.len = p->html.text.len = 0;
	p->envelopes.addresses = 0;
}

struct prepare *prepare_new(void)
{
	struct prepare *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->mime = mime_new();
	if (!p->mime) {
		free(p);
		return NULL;
	}
	p->plain.text = p->html.text = (struct buf)BUF_INIT(PREVIEW_LOOKED_AT);
	p->scratch = (struct buf)BUF_INIT(PREPARE_RECORD_MAX);
	envelope_init(&p->envelopes);
	begin_message(p);
	return p;
}

void prepare_free(struct prepare *p)
{
	if (!p)
		return;
	mime_free(p->mime);
	buf_free(&p->plain.text);
	buf_free(&p->html.text);
	envelope_clear(&p->envelopes);
	buf_free(&p->scratch);
	free(p);
}

void prepare_reset(struct prepare *p)
{
	mime_reset(p->mime);
	envelope_clear(&p->envelopes);
	if (p->scratch.cap > 65536)
		buf_free(&p->scratch);
	begin_message(p);
}

/* ---- the text for the preview */

static bool is_attachment(const struct prepare *p, size_t part)
{
	struct header_field f;
	struct slice body;

	if (header_find(mime_header(p->mime, part), SLICE("Content-Disposition"),
			&f) != ST_OK)
		return false;
	body = f.body;
	mime_skip_cfws(&body);
	return slice_case_eq(mime_token(&body), SLICE("attachment"));
}

/* Looks at the parts whose type is known by now. */
static void choose_texts(struct prepare *p)
{
	size_t count;
	const struct part *parts = mime_parts(p->mime, &count);

	for (; p->seen < count && parts[p->seen].body > 0; p->seen++) {
		const struct part *part = &parts[p->seen];
		struct capture *c = slice_eq(part->subtype, SLICE("plain")) ? &p->plain
				  : slice_eq(part->subtype, SLICE("html")) ? &p->html
				  : NULL;

		if (part->kind == PART_LEAF && slice_eq(part->type, SLICE("text")) &&
		    c && c->part == SIZE_MAX && !is_attachment(p, p->seen))
			c->part = p->seen;
	}
}

/* Keeps what octets, the last ones fed, have of the text. */
static enum status keep_text(const struct prepare *p, struct capture *c,
			     struct slice octets)
{
	uint64_t begin = p->size - octets.len, want;
	size_t count;

	if (c->part == SIZE_MAX || buf_room(&c->text) == 0)
		return ST_OK;
	want = mime_parts(p->mime, &count)[c->part].body + c->text.len;
	if (want < begin || want >= p->size)
		return ST_OK;
	octets = slice_from(octets, (size_t)(want - begin));
	return buf_append(&c->text, slice_head(octets, buf_room(&c->text)));
}

enum status prepare_feed(struct prepare *p, struct slice octets)
{
	enum status st = mime_feed(p->mime, octets);

	p->size += octets.len;
	if (st != ST_OK)
		return st;
	choose_texts(p);
	st = keep_text(p, &p->plain, octets);
	return st == ST_OK ? keep_text(p, &p->html, octets) : st;
}

static enum status preview_of(struct prepare *p, const struct capture *c,
			      struct buf *out)
{
	size_t count;
	const struct part *part;

	if (c->part == SIZE_MAX || out->len > 0)
		return ST_OK;
	part = &mime_parts(p->mime, &count)[c->part];
	return preview_put(part, slice_head(buf_slice(&c->text), part->end - part->body),
			   PREPARE_PREVIEW_CHARACTERS, out);
}

static enum status put_preview(struct prepare *p, struct buf *out)
{
	enum status st;

	p->scratch.len = 0;
	st = preview_of(p, &p->plain, &p->scratch);
	if (st == ST_OK)
		st = preview_of(p, &p->html, &p->scratch);
	return st == ST_OK ? buf_append(out, buf_slice(&p->scratch)) : st;
}

/* ---- the texts of the record */

static enum status put_subject(struct prepare *p, struct prepared *head,
			       struct buf *out)
{
	struct slice body = message_field_first(&p->fields, FIELD_SUBJECT);
	enum status st;

	p->scratch.len = 0;
	st = encoded_word_decode(body, &p->scratch);
	if (st != ST_OK)
		return st;
	subject_normalise(&p->scratch);
	return casemap_append(out, subject_base(buf_slice(&p->scratch),
						&head->is_reply));
}

static enum status put_refs(struct prepare *p, struct buf *out)
{
	size_t from = out->len;
	enum status st = message_ids_all(
		message_field_first(&p->fields, FIELD_REFERENCES), out);

	if (st != ST_OK || out->len > from)
		return st;
	return message_ids_first(message_field_first(&p->fields, FIELD_IN_REPLY_TO),
				 out);
}

static enum status put_parts(struct prepare *p, struct buf *out)
{
	size_t count;
	const struct part *parts = mime_parts(p->mime, &count);

	return part_record_encode(out, parts, count);
}

/* Body structure goes to out at once, what has no extensions waits in scratch
 * until its turn, which comes next. */
static enum status put_bodystructure(struct prepare *p, struct buf *out)
{
	p->scratch.len = 0;
	return bodystructure_put(p->mime, &p->envelopes, out, &p->scratch);
}

static enum status put_text(struct prepare *p, enum prepare_text text,
			    struct prepared *head, struct buf *out)
{
	switch (text) {
	case PREPARE_ENVELOPE:
		return envelope_put(&p->envelopes, &p->fields, out);
	case PREPARE_BODYSTRUCTURE:
		return put_bodystructure(p, out);
	case PREPARE_BODY:
		return buf_append(out, buf_slice(&p->scratch));
	case PREPARE_PARTS:
		return put_parts(p, out);
	case PREPARE_PREVIEW:
		return put_preview(p, out);
	case PREPARE_SUBJECT_BASE:
		return put_subject(p, head, out);
	case PREPARE_FROM_SORT:
		return envelope_sort_key(&p->envelopes, &p->fields, FIELD_FROM, out);
	case PREPARE_TO_SORT:
		return envelope_sort_key(&p->envelopes, &p->fields, FIELD_TO, out);
	case PREPARE_CC_SORT:
		return envelope_sort_key(&p->envelopes, &p->fields, FIELD_CC, out);
	case PREPARE_MESSAGE_ID:
		return message_ids_first(
			message_field_first(&p->fields, FIELD_MESSAGE_ID), out);
	case PREPARE_REFS:
		return put_refs(p, out);
	case PREPARE_TEXTS:
		break;
	}
	return ST_OK;
}

static void find_date(const struct prepare *p, struct prepared *head)
{
	struct slice body = message_field_first(&p->fields, FIELD_DATE);
	struct date date;

	head->sent = head->sent_day = PREPARE_NO_DATE;
	if (body.data && date_parse(body, &date) == ST_OK) {
		head->sent = date.seconds;
		head->sent_day = date.day;
	}
}

enum status prepare_end(struct prepare *p, struct buf *record)
{
	struct prepared head = { 0 };
	uint32_t lengths[PREPARE_TEXTS];
	size_t start = record->len, count;
	char *at;
	enum status st = mime_end(p->mime);

	if (st == ST_OK)
		st = buf_reserve(record, PREPARE_HEAD_OCTETS, &at);
	if (st != ST_OK)
		return st;
	record->len += PREPARE_HEAD_OCTETS;
	message_fields_find(mime_header(p->mime, 0), &p->fields);
	head.size = p->size;
	head.header_size = mime_parts(p->mime, &count)[0].body;
	find_date(p, &head);
	for (int text = 0; text < PREPARE_TEXTS && st == ST_OK; text++) {
		size_t from = record->len;

		st = put_text(p, (enum prepare_text)text, &head, record);
		lengths[text] = (uint32_t)(record->len - from);
	}
	if (st == ST_OK && record->len - start > PREPARE_RECORD_MAX)
		st = ST_LIMIT;
	if (st != ST_OK) {
		record->len = start;
		return st;
	}
	prepare_record_head(record->data + start, (uint32_t)(record->len - start),
			    &head, lengths);
	return ST_OK;
}
