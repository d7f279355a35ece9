/* What a milter does to a message: gathered while it answers the end of it, made
 * once it has accepted. */
#include "smtpd/milters.h"

#include "common/log.h"
#include "smtpd/milter_rcpts.h"

#include <stdio.h>

void smtp_milters_drop_edits(struct smtp_milters *c)
{
	struct milter_edits *e = &c->edits;

	milter_header_clear(&e->header);
	held_clear(&e->body);
	buf_free(&e->rcpts);
	buf_free(&e->sender);
	e->has_header = e->has_body = e->has_rcpts = e->has_sender = false;
	e->is_junk = e->is_set_aside = e->is_after_cr = false;
	e->ends_with_crlf = true;
	e->made = e->made_rcpt = 0;
}

static bool is_junk_field(const struct smtp_session *s,
			  const struct milter_answer *a)
{
	struct slice rows = s->settings->junk, row;

	while (rows.len && slice_split(&rows, '\n', &row)) {
		size_t colon = slice_index(row, ':');

		if (colon < row.len &&
		    slice_case_eq(slice_trim(slice_head(row, colon)), a->name) &&
		    slice_case_eq(slice_trim(slice_from(row, colon + 1)),
				  slice_trim(a->value)))
			return true;
	}
	return false;
}

static enum status edit_header(struct smtp_milters *c, struct smtp_milter *m,
			       const struct milter_answer *a)
{
	struct milter_edits *e = &c->edits;
	struct milter_field f = {
		a->name, a->value,
		m->dialogue.protocol & MILTER_PROTOCOL_LEADING_SPACE,
	};
	enum status st = ST_OK;

	if (!e->has_header) {
		st = buf_append(&e->header.fields, buf_slice(&c->header.fields));
		e->header.own_at = c->header.own_at;
		e->header.own_octets = c->header.own_octets;
		e->has_header = st == ST_OK;
	}
	if (st == ST_OK)
		st = a->kind == MILTER_ADD_FIELD ? milter_header_add(&e->header, &f)
		   : a->kind == MILTER_INSERT_FIELD
			? milter_header_insert(&e->header, a->index, &f)
			: milter_header_change(&e->header, a->index, &f);
	e->is_junk |= st == ST_OK && is_junk_field(m->session, a);
	return st;
}

/* A body as the store holds it: lines that end with CRLF, no NUL. */
static enum status edit_body(struct milter_edits *e, struct slice octets)
{
	char text[4096];
	struct buf out = { text, 0, sizeof text, sizeof text };
	enum status st = ST_OK;

	e->has_body = true;
	for (size_t i = 0; i < octets.len && st == ST_OK; i++) {
		char c = octets.data[i];

		if (c == '\0')
			continue;
		if (e->is_after_cr || c == '\n')
			buf_append_str(&out, "\r\n");
		if (c != '\r' && c != '\n')
			buf_append_char(&out, c);
		e->ends_with_crlf = c == '\n';
		e->is_after_cr = c == '\r';
		if (buf_room(&out) < 4) {
			st = held_append(&e->body, buf_slice(&out));
			out.len = 0;
		}
	}
	return st == ST_OK ? held_append(&e->body, buf_slice(&out)) : st;
}

/* The path of a recipient or sender, "<a@b>", as we write it. */
static enum status read_path(struct smtp_session *s, struct slice text,
			     unsigned flags, struct buf *rendered)
{
	struct address address;
	char angled[ADDRESS_OCTETS_MAX + 4];
	struct buf path = { angled, 0, sizeof angled, sizeof angled };
	enum status st;

	text = slice_trim(text);
	if (!slice_starts(text, SLICE("<"))) {
		buf_append_char(&path, '<');
		st = buf_append(&path, text);
		if (st != ST_OK || buf_append_char(&path, '>') != ST_OK)
			return ST_SYNTAX;
		text = buf_slice(&path);
	}
	st = address_parse_path(&text, flags | ADDRESS_UTF8, &s->arena, &address);
	if (st == ST_OK)
		st = address_render(&address, rendered);
	arena_clear(&s->arena);
	return st;
}

static enum status edit_recipients(struct smtp_session *s,
				   const struct milter_answer *a)
{
	struct smtp_milters *c = s->milters;
	struct milter_edits *e = &c->edits;
	char text[ADDRESS_OCTETS_MAX];
	struct buf rendered = { text, 0, sizeof text, sizeof text };
	enum status st = read_path(s, a->address, ADDRESS_NO_DOMAIN, &rendered);
	struct milter_rcpt r = { .address = buf_slice(&rendered),
				 .orcpt = SLICE_EMPTY };

	if (st != ST_OK)
		return ST_SYNTAX;
	if (!e->has_rcpts)
		st = buf_append(&e->rcpts, buf_slice(&c->rcpts));
	e->has_rcpts = true;
	if (a->kind == MILTER_DELETE_RCPT)
		milter_rcpts_delete(&e->rcpts, r.address);
	else if (st == ST_OK && !milter_rcpts_has(&e->rcpts, r.address))
		st = milter_rcpts_add(&e->rcpts, &r);
	return st;
}

static enum status edit_sender(struct smtp_session *s,
			       const struct milter_answer *a)
{
	struct milter_edits *e = &s->milters->edits;
	char text[ADDRESS_OCTETS_MAX];
	struct buf sender = { text, 0, sizeof text, sizeof text };

	if (read_path(s, a->address, ADDRESS_NULL, &sender) != ST_OK)
		return ST_SYNTAX;
	e->sender.len = 0;
	e->has_sender = true;
	return buf_append(&e->sender, buf_slice(&sender));
}

static enum status edit(struct smtp_session *s, struct smtp_milter *m,
			const struct milter_answer *a)
{
	struct smtp_milters *c = s->milters;

	switch (a->kind) {
	case MILTER_ADD_FIELD:
	case MILTER_INSERT_FIELD:
	case MILTER_CHANGE_FIELD:
		return edit_header(c, m, a);
	case MILTER_REPLACE_BODY:
		return edit_body(&c->edits, a->octets);
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_PAR:
	case MILTER_DELETE_RCPT:
		return edit_recipients(s, a);
	case MILTER_CHANGE_FROM:
		return edit_sender(s, a);
	case MILTER_QUARANTINE:
		c->edits.is_set_aside = true;
		snprintf(c->edits.reason, sizeof c->edits.reason, "%.*s",
			 SLICE_ARG(slice_head(a->text, MILTER_REASON_MAX)));
		return ST_OK;
	default:
		return ST_OK;
	}
}

static bool is_one_too_many(struct milter_edits *e, enum milter_answer_kind kind)
{
	switch (kind) {
	case MILTER_REPLACE_BODY:
		return false;	/* the spool has a ceiling */
	case MILTER_ADD_RCPT:
	case MILTER_ADD_RCPT_PAR:
	case MILTER_DELETE_RCPT:
		return ++e->made_rcpt > MILTER_EDITS_RCPT_MAX;
	default:
		return ++e->made > MILTER_EDITS_MAX;
	}
}

/* There is no room for what was wanted. */
static void keep_out(struct smtp_milters *c, enum status st)
{
	const struct smtp_reply_row *row = smtp_reply_row(smtp_milters_reply_for(st));

	if (c->verdict.code == 0)
		smtp_passed_keep(&c->verdict, row->code, slice_str(row->enhanced),
				 slice_str(row->text));
}

/* An edit that makes no sense is left out; one there is no room for keeps the
 * message out for now. */
void smtp_milter_edit(struct smtp_session *s, struct smtp_milter *m,
		      const struct milter_answer *a)
{
	struct smtp_milters *c = s->milters;
	enum status st;
	const char letter[2] = { milter_answer_row(a->kind)->letter, '\0' };

	if (m->is_failed)
		return;
	if (is_one_too_many(&c->edits, a->kind)) {
		smtp_milter_fail(s, m, ST_LIMIT);
		return;
	}
	st = edit(s, m, a);
	if (st == ST_OK)
		return;
	log_warning("milter.edit", log_slice("sid", id_slice(&s->sid)),
		    log_str("milter", m->dialogue.settings->title),
		    log_str("answer", letter), log_status(st));
	if (st != ST_SYNTAX)
		keep_out(c, st);
}

static void take_body(struct smtp_milters *c)
{
	struct held spare = c->body;

	c->body = c->edits.body;
	c->edits.body = spare;
	c->has_body = true;
}

static void take_buf(struct buf *to, struct buf *from)
{
	struct buf spare = *to;

	*to = *from;
	*from = spare;
}

/* The milter at hand has accepted: what it wanted is done. */
void smtp_milters_apply(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	struct milter_edits *e = &c->edits;
	enum status st = ST_OK;

	if (e->has_body && !e->ends_with_crlf)
		st = held_append(&e->body, SLICE("\r\n"));
	if (st != ST_OK) {
		keep_out(c, st);
		return;
	}
	if (e->has_header) {
		struct milter_header spare = c->header;

		c->header = e->header;
		e->header = spare;
	}
	if (e->has_body)
		take_body(c);
	if (e->has_rcpts)
		take_buf(&c->rcpts, &e->rcpts);
	if (e->has_sender) {
		s->t.sender.len = 0;
		buf_append(&s->t.sender, buf_slice(&e->sender));
	}
	c->is_changed |= e->has_rcpts || e->has_sender;
	c->is_junk |= e->is_junk;
	if (e->is_set_aside && !smtp_milters_is_exempt(s)) {
		c->is_set_aside = true;
		memcpy(c->reason, e->reason, sizeof c->reason);
	}
}
