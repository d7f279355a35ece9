/* The message: held, told to one milter after the other, and edited. */
#include "config.h"

#include "smtpd/milters.h"

#include "common/dsn.h"
#include "common/log.h"
#include "smtpd/milter_rcpts.h"
#include "smtpd/routed.h"

#include <stdio.h>

/* ---- it comes -------------------------------------------------------------------- */

enum smtp_reply smtp_milters_reply_for(enum status st)
{
	return st == ST_FULL ? SMTP_REPLY_SPOOL_FULL : SMTP_REPLY_NO_MEMORY;
}

static void hold_body(struct smtp_session *s, struct slice octets)
{
	struct smtp_milters *c = s->milters;
	enum status st = held_append(&c->body, octets);

	if (st == ST_OK)
		return;
	if (st != ST_NO_MEMORY)
		log_warning("milter.spool", log_slice("sid", id_slice(&s->sid)),
			    log_status(st), log_u64("errno",
						    (uint64_t)c->set->spool->sys));
	smtp_transaction_refuse(s, smtp_milters_reply_for(st));
}

/* Octets of the header with its empty line; 0: it has not come. */
static size_t header_end(const struct milter_header *h, size_t looked_at)
{
	struct slice rest = slice_from(buf_slice(&h->fields),
				       h->own_at + h->own_octets);
	size_t before = h->fields.len - rest.len;
	size_t at = looked_at > before + 3 ? looked_at - before - 3 : 0;
	const char *found;

	if (slice_starts(rest, SLICE("\r\n")))
		return before + 2;
	found = memmem(rest.data + at, rest.len - at, "\r\n\r\n", 4);
	return found ? (size_t)(found - h->fields.data) + 4 : 0;
}

enum status smtp_milters_trace(struct smtp_session *s,
			       const struct smtp_trace *trace)
{
	struct milter_header *h = &s->milters->header;
	enum status st;

	h->own_at = h->fields.len;
	st = smtp_trace_received(trace, &h->fields);
	h->own_octets = h->fields.len - h->own_at;
	return st;
}

void smtp_milters_take(struct smtp_session *s, struct slice octets)
{
	struct smtp_milters *c = s->milters;
	struct buf *fields = &c->header.fields;
	size_t before = fields->len, end;
	enum status st;

	if (c->has_body) {
		hold_body(s, octets);
		return;
	}
	st = buf_append(fields, octets);
	if (st != ST_OK) {
		smtp_transaction_refuse(s, st == ST_LIMIT
						? SMTP_REPLY_MILTER_HEADER
						: SMTP_REPLY_NO_MEMORY);
		return;
	}
	end = header_end(&c->header, before);
	if (!end)
		return;
	c->has_body = true;
	octets = slice_from(octets, end - before);
	fields->len = end - 2;
	hold_body(s, octets);
}

void smtp_milters_content(struct smtp_session *s)
{
	s->milters->edits.ends_with_crlf = true;
	smtp_milters_tell(s, MILTER_END);
}

/* ---- it is told -------------------------------------------------------------------- */

static void begin_content(struct smtp_milters *c)
{
	c->step = MILTER_STEP_FIELDS;
	c->walk = (struct header_walk){ 0 };
	c->told = 0;
	smtp_milters_drop_edits(c);
}

static enum status tell_body(struct smtp_milters *c, struct milter_dialogue *d)
{
	char piece[MILTER_DATA_MAX];
	uint64_t left = c->body.octets - c->told;
	size_t octets = left < sizeof piece ? (size_t)left : sizeof piece;
	enum status st = held_read(&c->body, c->told, piece, octets);

	c->told += octets;
	return st == ST_OK ? milter_say_body(d, slice_of(piece, octets)) : st;
}

/* Says the next thing, or goes on to the next step. */
static enum status tell_next(struct smtp_milters *c, struct milter_dialogue *d)
{
	struct header_field f;

	switch (c->step) {
	case MILTER_STEP_FIELDS:
		if (milter_wants(d, MILTER_HEADER) &&
		    milter_header_next(&c->header, &c->walk, &f) == ST_OK)
			return milter_say_field(d, f.name, f.body);
		break;
	case MILTER_STEP_END_OF_HEADER:
		c->step++;
		return milter_wants(d, MILTER_END_OF_HEADER)
			? milter_say(d, MILTER_END_OF_HEADER) : ST_OK;
	case MILTER_STEP_BODY:
		if (milter_wants(d, MILTER_BODY) && c->told < c->body.octets)
			return tell_body(c, d);
		break;
	case MILTER_STEP_END:
		c->step++;
		return milter_wants(d, MILTER_END) ? milter_say(d, MILTER_END) : ST_OK;
	case MILTER_STEP_OVER:
		return ST_OK;
	}
	c->step++;
	return ST_OK;
}

bool smtp_milter_content_step(struct smtp_session *s, struct smtp_milter *m)
{
	struct smtp_milters *c = s->milters;
	struct milter_dialogue *d = &m->dialogue;
	enum status st = ST_OK;

	if (!m->is_said) {
		begin_content(c);
		m->refuses = false;
	}
	m->is_said = true;
	/* what it has accepted or refused is not told any more */
	while (st == ST_OK && !d->is_waiting && c->step != MILTER_STEP_OVER &&
	       !d->is_over && !d->is_message_over) {
		if (m->uncredited + d->out.len > MILTER_UNCREDITED) {
			smtp_milter_flush(s, m);
			return true;
		}
		st = tell_next(c, d);
	}
	smtp_milter_flush(s, m);
	if (st != ST_OK)
		smtp_milter_fail(s, m, st);
	else if (d->is_waiting)
		return true;
	else if (!smtp_milters_verdict(s) && !m->refuses)
		smtp_milters_apply(s);
	smtp_milters_drop_edits(c);
	return false;
}

/* ---- all have seen it ------------------------------------------------------------------- */

static enum status add_line(struct milter_header *h, const char *name,
			    struct slice value)
{
	struct milter_field f = { slice_str(name), value, false };

	return milter_header_insert(h, 0, &f);
}

/* It goes to the administrator, who sees why, and whose it was. */
static enum status set_aside(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	struct slice rest = buf_slice(&c->rcpts);
	struct buf names = BUF_INIT(MILTER_HEADER_MAX / 2);
	struct milter_rcpt r, to = { .address = slice_str(c->set->quarantine),
				     .orcpt = SLICE_EMPTY, .notify = DSN_NEVER };
	enum status st = ST_OK;

	for (; milter_rcpts_first(rest, &r); rest = slice_from(rest, r.octets))
		if (buf_append_str(&names, names.len ? ",\n " : "") != ST_OK ||
		    buf_append(&names, r.address) != ST_OK)
			break;
	st = add_line(&c->header, "X-Quarantine-To", buf_slice(&names));
	buf_free(&names);
	if (st == ST_OK)
		st = add_line(&c->header, "X-Quarantine-From", buf_slice(&s->t.sender));
	if (st == ST_OK)
		st = add_line(&c->header, "X-Quarantine", slice_str(c->reason));
	c->rcpts.len = 0;
	if (st == ST_OK)
		st = milter_rcpts_add(&c->rcpts, &to);
	smtp_routed_to(s, to.address);
	c->is_changed = true;
	c->is_junk = false;
	log_event("milter.quarantine", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", id_slice(&s->t.mid)),
		  log_str("reason", c->reason), log_str("to", c->set->quarantine));
	return st;
}

void smtp_milters_content_told(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	/* a milter that has failed before the message speaks for it too */
	const struct smtp_passed *verdict;

	if (!c->verdict.code)
		c->verdict = c->session_verdict;
	verdict = smtp_milters_verdict(s);
	if (verdict) {
		smtp_transaction_end_refused(s, verdict);
		return;
	}
	if (c->is_discarded || c->rcpts.len == 0) {
		smtp_transaction_end_discarded(s);
		return;
	}
	if (c->sets_all_aside && !smtp_milters_is_exempt(s))
		c->is_set_aside = true;
	if (c->is_set_aside && set_aside(s) != ST_OK) {
		smtp_transaction_end_refused(s, NULL);
		return;
	}
	smtp_release(s);
}
