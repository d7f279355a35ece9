#include "smtpd/milters.h"

#include "common/clock.h"
#include "common/log.h"
#include "smtpd/milter_rcpts.h"
#include "smtpd/params.h"

#include <stdio.h>
#include <stdlib.h>

static void run(struct smtp_session *s);

/* ---- connections ------------------------------------------------------------------ */

void smtp_milter_flush(struct smtp_session *s, struct smtp_milter *m)
{
	struct slice rest = buf_slice(&m->dialogue.out);
	enum status st = ST_OK;

	while (m->request && rest.len && st == ST_OK) {
		struct ipc_message message = { .type = IPC_TYPE_MILTER_OCTETS };

		message.milter_octets.octets = slice_head(rest, IPC_PIECE_MAX);
		rest = slice_from(rest, message.milter_octets.octets.len);
		st = engine_ask(&s->engine, m->request, &message);
		m->uncredited += message.milter_octets.octets.len;
	}
	m->dialogue.out.len = 0;
	if (m->dialogue.out.cap > MILTER_DATA_MAX / 8)
		buf_free(&m->dialogue.out);
	if (st != ST_OK)
		s->trouble = st;
}

void smtp_milter_close(struct smtp_session *s, struct smtp_milter *m)
{
	struct ipc_message message = { .type = IPC_TYPE_MILTER_CLOSE };

	if (m->request && engine_ask(&s->engine, m->request, &message) != ST_OK)
		s->trouble = ST_LIMIT;
	m->request = 0;
	m->uncredited = 0;
}

static void init_milter(struct smtp_session *s, struct smtp_milter *m,
			const struct milter_settings *settings)
{
	*m = (struct smtp_milter){ .session = s };
	milter_dialogue_init(&m->dialogue, settings);
	m->dialogue.answered = smtp_milter_answered;
	m->dialogue.macro = smtp_milter_macro;
	m->dialogue.context = m;
}

static enum status open_milter(struct smtp_session *s, struct smtp_milter *m)
{
	struct ipc_message message = { .type = IPC_TYPE_MILTER_OPEN };

	m->request = smtp_request_id(s);
	message.milter_open.number = m->dialogue.settings->number;
	if (engine_ask(&s->engine, m->request, &message) != ST_OK)
		return ST_LIMIT;
	return milter_begin(&m->dialogue);
}

/* ---- an event, milter by milter ---------------------------------------------------------- */

static enum status say(struct smtp_session *s, struct smtp_milter *m)
{
	struct smtp_milters *c = s->milters;
	struct milter_dialogue *d = &m->dialogue;
	char text[128], host[64];
	struct buf words = { text, 0, sizeof text, sizeof text };
	struct slice address = smtp_client_address(s);

	switch (c->event) {
	case MILTER_CONNECT:
		snprintf(host, sizeof host, "%s%.*s%s", address.len ? "[" : "localhost",
			 SLICE_ARG(slice_head(address, 48)), address.len ? "]" : "");
		return milter_say_connect(d, slice_str(host), address,
					  s->engine.peer->port);
	case MILTER_HELO:
		return milter_say_text(d, c->event, buf_slice(&s->helo));
	case MILTER_UNKNOWN:
		return milter_say_text(d, c->event, buf_slice(&c->about));
	case MILTER_MAIL:
		if (s->t.size)
			buf_append_fmt(&words, "SIZE=%llu ",
				       (unsigned long long)s->t.size);
		buf_append_str(&words, s->t.is_8bit ? "BODY=8BITMIME " : "");
		buf_append_str(&words, s->t.is_utf8 ? "SMTPUTF8" : "");
		return milter_say_path(d, c->event, buf_slice(&s->t.sender),
				       slice_trim(buf_slice(&words)));
	case MILTER_RCPT:
		return milter_say_path(d, c->event, buf_slice(&c->about), SLICE_EMPTY);
	default:
		return milter_say(d, c->event);
	}
}

static bool wants(const struct smtp_milters *c, const struct smtp_milter *m)
{
	if (c->event == MILTER_RCPT && c->is_refused &&
	    !(m->dialogue.protocol & MILTER_PROTOCOL_RCPT_REJECTED))
		return false;
	return milter_wants(&m->dialogue, c->event);
}

/* True: its answer is waited for. */
static bool step(struct smtp_session *s, struct smtp_milter *m)
{
	struct smtp_milters *c = s->milters;
	enum status st = ST_OK;

	if (m->is_failed)
		return false;
	if (!m->request)
		st = open_milter(s, m);
	else if (m->dialogue.is_waiting)
		return true;
	else if (c->event == MILTER_END)
		return smtp_milter_content_step(s, m);
	else if (m->is_said || !wants(c, m))
		return false;
	else
		st = say(s, m);
	m->is_said = m->dialogue.is_ready;
	if (st != ST_OK) {
		smtp_milter_fail(s, m, st);
		return false;
	}
	smtp_milter_flush(s, m);
	return m->dialogue.is_waiting;
}

/* Nobody behind this one is told: of a recipient or message that is refused. */
static bool stops(const struct smtp_session *s)
{
	const struct smtp_milters *c = s->milters;

	if (c->event < MILTER_RCPT || c->event == MILTER_UNKNOWN)
		return false;
	return c->is_discarded ||
	       (c->event == MILTER_RCPT ? c->rcpt_verdict.code != 0
					: smtp_milters_verdict(s) != NULL);
}

static void rcpt_told(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	struct smtp_passed answer = c->rcpt_verdict.code ? c->rcpt_verdict
							 : c->rcpt_passed;

	if (answer.code / 100 == 2)
		c->postmasters += smtp_is_postmaster(buf_slice(&c->about));
	c->accepted += answer.code / 100 == 2;
	if (answer.code / 100 != 2 && !c->is_refused) {
		/* mailboxd has it, and shall not */
		c->rcpts.len = c->rcpt_at;
		c->is_changed = true;
	}
	c->rcpt_verdict.code = 0;
	if (s->t.rcpt_due)
		smtp_transaction_answer_rcpt(s, &answer);
}

static void told(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;
	const struct smtp_passed *last = smtp_milters_last_word(s);

	c->is_telling = false;
	if (s->wait == SMTP_WAIT_MILTER)
		s->wait = SMTP_WAIT_NONE;
	if (last)
		smtp_end_passed(s, last);
	else if (c->event == MILTER_RCPT)
		rcpt_told(s);
	else if (c->event == MILTER_DATA)
		smtp_data_told(s, smtp_milters_verdict(s));
	else if (c->event == MILTER_END)
		smtp_milters_content_told(s);
}

static void run(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	while (c->at < c->count && !stops(s)) {
		struct smtp_milter *m = &c->list[c->at];
		const struct milter_settings *set = m->dialogue.settings;

		if (!step(s, m)) {
			c->at++;
			continue;
		}
		s->wait = SMTP_WAIT_MILTER;
		s->wait_until = m->dialogue.due_ms ? m->dialogue.due_ms
						   : clock_ms() + set->content_ms;
		return;
	}
	told(s);
}

static void tell(struct smtp_session *s, enum milter_event event)
{
	struct smtp_milters *c = s->milters;

	c->event = event;
	c->at = 0;
	c->is_telling = true;
	c->step = MILTER_STEP_FIELDS;
	for (unsigned i = 0; i < c->count; i++)
		c->list[i].is_said = false;
	run(s);
}

void smtp_milters_tell(struct smtp_session *s, enum milter_event event)
{
	if (s->milters && s->state != SMTP_STATE_CLOSED)
		tell(s, event);
}

void smtp_milters_unknown(struct smtp_session *s, struct slice line)
{
	if (!s->milters || s->state == SMTP_STATE_CLOSED)
		return;
	s->milters->about.len = 0;
	buf_append(&s->milters->about, slice_head(line, ADDRESS_OCTETS_MAX));
	tell(s, MILTER_UNKNOWN);
}

/* ---- recipients ------------------------------------------------------------------------------ */

void smtp_milters_rcpt(struct smtp_session *s, struct slice recipient,
		       const struct smtp_params *params)
{
	struct smtp_milters *c = s->milters;
	struct milter_rcpt r = { .address = recipient, .notify = params->notify,
				 .orcpt = params->orcpt.data ? params->orcpt
							     : SLICE_EMPTY };

	c->about.len = 0;
	buf_append(&c->about, recipient);
	c->rcpt_at = c->rcpts.len;
	if (milter_rcpts_add(&c->rcpts, &r) != ST_OK)
		s->trouble = ST_NO_MEMORY;
	s->wait = SMTP_WAIT_RCPT;
}

void smtp_milters_rcpt_answered(struct smtp_session *s,
				const struct smtp_passed *passed)
{
	struct smtp_milters *c = s->milters;

	c->rcpt_passed = *passed;
	c->is_refused = passed->code / 100 != 2;
	/* named before, and accepted then, it stays */
	if (c->is_refused)
		c->rcpts.len = c->rcpt_at;
	tell(s, MILTER_RCPT);
}

/* ---- answers of the backend -------------------------------------------------------------------- */

static struct smtp_milter *find_request(struct smtp_milters *c, uint32_t id)
{
	for (unsigned i = 0; id && i < c->count; i++)
		if (c->list[i].request == id)
			return &c->list[i];
	return NULL;
}

bool smtp_milters_answer(struct smtp_session *s, uint32_t id,
			 const struct ipc_message *m, bool last)
{
	struct smtp_milters *c = s->milters;
	struct smtp_milter *one = find_request(c, id);
	enum status st = ST_OK;

	if (!one)
		return false;
	if (m->type == IPC_TYPE_CREDIT)
		one->uncredited -= m->credit.octets < one->uncredited
			? m->credit.octets : one->uncredited;
	else if (m->type == IPC_TYPE_MILTER_OCTETS)
		st = milter_dialogue_feed(&one->dialogue, m->milter_octets.octets);
	else
		st = ST_CLOSED;
	if ((st != ST_OK || last) && !one->is_failed) {
		if (last)
			one->request = 0;
		smtp_milter_fail(s, one, st == ST_OK ? ST_CLOSED : st);
	}
	if (c->is_telling && c->at < c->count && one == &c->list[c->at])
		run(s);
	return true;
}

void smtp_milters_expired(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	if (c->at < c->count)
		smtp_milter_fail(s, &c->list[c->at], ST_LIMIT);
	run(s);
}

/* ---- life --------------------------------------------------------------------------------------- */

void smtp_milters_clear(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	for (unsigned i = 0; i < c->count; i++) {
		struct smtp_milter *m = &c->list[i];

		/* one that owes an answer would not be understood any more: so ends
		 * only a session */
		if (m->dialogue.is_waiting && m->request) {
			smtp_milter_close(s, m);
			m->is_failed = true;
		}
		if (milter_say_abort(&m->dialogue) != ST_OK)
			s->trouble = ST_NO_MEMORY;
		smtp_milter_flush(s, m);
	}
	smtp_milters_drop_edits(c);
	milter_header_clear(&c->header);
	held_clear(&c->body);
	buf_free(&c->rcpts);
	c->verdict.code = c->rcpt_verdict.code = 0;
	c->is_discarded = c->is_set_aside = c->is_junk = c->is_changed = false;
	c->has_body = c->is_releasing = c->is_opened = c->is_telling = false;
	c->accepted = c->postmasters = 0;
	if (s->wait == SMTP_WAIT_MILTER || s->wait == SMTP_WAIT_RELEASE)
		s->wait = SMTP_WAIT_NONE;
}

void smtp_milters_begin(struct smtp_session *s)
{
	const struct smtp_milter_set *set = s->listener->milters;
	struct smtp_milters *c;

	if (!set || set->count == 0)
		return;
	c = calloc(1, sizeof *c + set->count * sizeof *c->list);
	if (!c) {
		s->trouble = ST_NO_MEMORY;
		return;
	}
	s->milters = c;
	c->set = set;
	c->count = set->count;
	c->rcpts.max = MILTER_RCPTS_MAX;
	c->about.max = ADDRESS_OCTETS_MAX;
	milter_header_init(&c->header);
	held_init(&c->body, set->spool);
	milter_header_init(&c->edits.header);
	held_init(&c->edits.body, set->spool);
	c->edits.rcpts.max = MILTER_RCPTS_MAX;
	c->edits.sender.max = ADDRESS_OCTETS_MAX;
	for (unsigned i = 0; i < set->count; i++)
		init_milter(s, &c->list[i], &set->rows[i]);
	tell(s, MILTER_CONNECT);
}

void smtp_milters_restart(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	if (!c)
		return;
	for (unsigned i = 0; i < c->count; i++) {
		smtp_milter_close(s, &c->list[i]);
		milter_dialogue_clear(&c->list[i].dialogue);
		init_milter(s, &c->list[i], &c->set->rows[i]);
	}
	c->session_verdict.code = 0;
	c->sets_all_aside = false;
	tell(s, MILTER_CONNECT);
}

void smtp_milters_free(struct smtp_session *s)
{
	struct smtp_milters *c = s->milters;

	if (!c)
		return;
	for (unsigned i = 0; i < c->count; i++)
		milter_dialogue_clear(&c->list[i].dialogue);
	smtp_milters_drop_edits(c);
	milter_header_clear(&c->header);
	held_clear(&c->body);
	buf_free(&c->rcpts);
	buf_free(&c->about);
	free(c);
	s->milters = NULL;
}
