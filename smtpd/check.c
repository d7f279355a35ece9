#include "config.h"

#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "common/log.h"

#include <assert.h>
#include <stdlib.h>

/* Verdicts that stand beyond the command they were given at. */
enum standing {
	STANDING_CONNECT,	/* held: the first three are as their stages */
	STANDING_HELO,
	STANDING_MAIL,
	STANDING_TRANSACTION,
	STANDING_SESSION,
	STANDING_COUNT
};

struct held {
	struct smtp_passed reply;	/* code 0: none */
	const struct smtp_check *by;
};

struct slot {
	bool is_wanted;
	uint32_t request;	/* 0: none */
	void *state;
};

struct smtp_gate {
	enum smtp_stage stage;
	const struct smtp_check *out;	/* waited for, or just being asked */
	bool is_asking;			/* from within run() */
	bool is_shut;
	size_t next_row;
	struct held refusal;		/* of the stage at hand */
	enum smtp_scope scope;
	smtp_check_next *next, *refused;
	struct slice recipient;	/* of RCPT; empty: another stage */
	unsigned code;		/* of the refusal that was given last */
	unsigned others;	/* accepted, and not postmaster */
	struct held held[STANDING_COUNT];
	struct slot slots[SMTP_CHECKS_MAX];
};

static const char *const stage_names[SMTP_STAGE_COUNT] = {
	[SMTP_STAGE_CONNECT] = "connect", [SMTP_STAGE_HELO] = "helo",
	[SMTP_STAGE_MAIL] = "mail", [SMTP_STAGE_RCPT] = "rcpt",
	[SMTP_STAGE_DATA] = "data", [SMTP_STAGE_END] = "end",
};

static size_t row_of(const struct smtp_session *s, const struct smtp_check *c)
{
	return (size_t)(c - s->settings->checks->rows);
}

/* ---- life ------------------------------------------------------------------------ */

void smtp_gate_close(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;
	const struct smtp_check_table *table = s->settings->checks;

	if (!g)
		return;
	for (size_t i = 0; i < table->count; i++)
		if (g->slots[i].state && table->rows[i].free)
			table->rows[i].free(g->slots[i].state);
	free(g);
	s->gate = NULL;
}

void smtp_gate_open(struct smtp_session *s)
{
	const struct smtp_check_table *table = s->settings->checks;
	bool wanted[SMTP_CHECKS_MAX] = { false }, is_any = false;

	smtp_gate_close(s);
	if (!table)
		return;
	assert(table->count <= SMTP_CHECKS_MAX);
	for (size_t i = 0; i < table->count; i++) {
		wanted[i] = table->rows[i].is_wanted(s);
		is_any |= wanted[i];
	}
	if (!is_any)
		return;
	s->gate = calloc(1, sizeof *s->gate);
	if (!s->gate) {
		s->trouble = ST_NO_MEMORY;
		return;
	}
	for (size_t i = 0; i < table->count; i++)
		s->gate->slots[i].is_wanted = wanted[i];
}

void smtp_gate_begin(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;

	if (!g)
		return;
	g->others = 0;
	g->recipient = SLICE_EMPTY;
	g->held[STANDING_MAIL].reply.code = 0;
	g->held[STANDING_TRANSACTION].reply.code = 0;
}

void smtp_gate_cancel(struct smtp_session *s)
{
	if (s->gate)
		s->gate->out = NULL;
	if (s->wait == SMTP_WAIT_CHECK)
		s->wait = SMTP_WAIT_NONE;
}

/* ---- postmaster ------------------------------------------------------------------ */

bool smtp_is_postmaster(struct slice recipient)
{
	const char *at = memrchr(recipient.data, '@', recipient.len);

	if (at)
		recipient.len = (size_t)(at - recipient.data);
	return slice_case_eq(recipient, SLICE("postmaster"));
}

void smtp_gate_accepted(struct smtp_session *s, struct slice recipient)
{
	if (s->gate && !smtp_is_postmaster(recipient))
		s->gate->others++;
}

/* The one place that decides whom no check may keep from being reached. */
static bool is_exempt(const struct smtp_gate *g)
{
	switch (g->stage) {
	case SMTP_STAGE_RCPT:
		return smtp_is_postmaster(g->recipient);
	case SMTP_STAGE_DATA:
	case SMTP_STAGE_END:
		return g->others == 0;
	default:
		return false;
	}
}

/* ---- verdicts -------------------------------------------------------------------- */

static bool is_on(const struct smtp_session *s, const struct smtp_check *c)
{
	return s->gate->slots[row_of(s, c)].is_wanted &&
	       (!c->is_on || c->is_on(s));
}

static bool is_held_stage(enum smtp_stage stage)
{
	return stage <= SMTP_STAGE_MAIL;
}

static void note(struct smtp_session *s, const struct held *h)
{
	const struct smtp_gate *g = s->gate;

	if (s->settings->counts)
		s->settings->counts->checks[row_of(s, h->by)]++;
	log_event("smtp.check", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", g->stage >= SMTP_STAGE_MAIL &&
				   s->t.mid.text[0] ? id_slice(&s->t.mid)
						    : SLICE_EMPTY),
		  log_str("check", h->by->name),
		  log_str("stage", stage_names[g->stage]),
		  log_slice("client", smtp_client_address(s)),
		  log_slice("from", buf_slice(&s->t.sender)),
		  log_slice("rcpt", g->recipient),
		  log_u64("code", h->reply.code),
		  log_str("reason", h->reply.text));
}

/* The verdict is not given now, but to the recipients. True: so it is. */
static bool hold(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;

	if (!is_held_stage(g->stage) || g->refusal.by->is_at_once ||
	    g->scope == SMTP_SCOPE_END)
		return false;
	if (g->held[g->stage].reply.code == 0)
		g->held[g->stage] = g->refusal;
	g->refusal.reply.code = 0;
	return true;
}

static void refuse(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;
	struct held refusal = g->refusal;
	enum smtp_stage stage = g->stage;

	g->refusal.reply.code = 0;
	g->code = refusal.reply.code;
	if (g->scope == SMTP_SCOPE_TRANSACTION)
		g->held[STANDING_TRANSACTION] = refusal;
	if (g->scope == SMTP_SCOPE_SESSION)
		g->held[STANDING_SESSION] = refusal;
	if (stage == SMTP_STAGE_CONNECT)
		g->is_shut = true;
	if (stage >= SMTP_STAGE_DATA)
		smtp_transaction_fail(s, &refusal.reply);
	else
		smtp_reply_passed(s, &refusal.reply);
	if (g->refused)
		g->refused(s);
	if (g->scope == SMTP_SCOPE_END)
		smtp_shut(s);
}

/* ---- asking ---------------------------------------------------------------------- */

/* Something that was said before stands against this stage. */
static const struct held *standing(const struct smtp_session *s)
{
	const struct smtp_gate *g = s->gate;
	size_t first = STANDING_COUNT;

	if (g->stage == SMTP_STAGE_MAIL)
		first = STANDING_SESSION;
	else if (g->stage == SMTP_STAGE_RCPT)
		first = 0;
	for (size_t i = first; i < STANDING_COUNT; i++)
		if (g->held[i].reply.code && is_on(s, g->held[i].by) &&
		    (g->stage == SMTP_STAGE_RCPT || g->held[i].by->is_at_once))
			return &g->held[i];
	return NULL;
}

static const struct smtp_check *next_check(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;
	const struct smtp_check_table *table = s->settings->checks;

	while (g->next_row < table->count) {
		const struct smtp_check *c = &table->rows[g->next_row++];

		if (c->stages & 1u << g->stage && is_on(s, c))
			return c;
	}
	return NULL;
}

/* One check after the other, until one has to be waited for, or refuses. */
static void run(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;
	const struct smtp_check *c;

	while ((c = next_check(s))) {
		g->out = c;
		smtp_wait(s, SMTP_WAIT_CHECK, s->settings->check_ms);
		g->is_asking = true;
		c->ask(s, c, g->stage);
		g->is_asking = false;
		if (g->out)
			return;
		if (g->refusal.reply.code && !hold(s)) {
			refuse(s);
			return;
		}
	}
	g->next(s);
}

/* The check that was out has ended: the others, or what comes behind them. */
static void go_on(struct smtp_session *s)
{
	struct smtp_gate *g = s->gate;

	g->out = NULL;
	s->wait = SMTP_WAIT_NONE;
	if (g->is_asking)
		return;
	if (g->refusal.reply.code && !hold(s))
		refuse(s);
	else
		run(s);
}

void smtp_gate_ask(struct smtp_session *s, enum smtp_stage stage,
		   struct slice recipient, smtp_check_next *next,
		   smtp_check_next *refused)
{
	struct smtp_gate *g = s->gate;
	const struct held *h;

	g->stage = stage;
	g->next = next;
	g->refused = refused;
	g->next_row = 0;
	g->recipient = recipient;
	g->refusal.reply.code = 0;
	if (is_held_stage(stage))
		g->held[stage].reply.code = 0;
	if (is_exempt(g)) {
		next(s);
	} else if ((h = standing(s))) {
		g->code = h->reply.code;
		smtp_reply_passed(s, &h->reply);
		if (refused)
			refused(s);
	} else {
		run(s);
	}
}

/* ---- answers and time ------------------------------------------------------------ */

bool smtp_gate_answer(struct smtp_session *s, uint32_t id,
		      const struct ipc_message *m, bool last)
{
	const struct smtp_check_table *table = s->settings->checks;

	for (size_t i = 0; i < table->count; i++) {
		struct slot *slot = &s->gate->slots[i];

		if (slot->request != id)
			continue;
		if (last)
			slot->request = 0;
		table->rows[i].answer(s, &table->rows[i], m, last);
		return true;
	}
	return false;
}

void smtp_gate_expired(struct smtp_session *s)
{
	const struct smtp_check *c = s->gate->out;

	if (c->expired) {
		c->expired(s, c);
		return;
	}
	log_warning("smtp.check_late", log_slice("sid", id_slice(&s->sid)),
		    log_str("check", c->name),
		    log_str("stage", stage_names[s->gate->stage]));
	/* what it asked for may still come, and is then not for this command */
	s->gate->slots[row_of(s, c)].request = 0;
	if (c->tempfails)
		smtp_check_say(s, c, SMTP_REPLY_CHECK_LATE, SLICE_EMPTY);
	else
		smtp_check_pass(s, c);
}

bool smtp_gate_hears(const struct smtp_session *s)
{
	return s->gate && s->gate->out && s->gate->out->heard;
}

void smtp_gate_heard(struct smtp_session *s)
{
	s->gate->out->heard(s, s->gate->out);
}

void smtp_gate_ahead(struct smtp_session *s, bool is_last)
{
	const struct smtp_check_table *table = s->settings->checks;

	for (size_t i = 0; i < table->count; i++)
		if (table->rows[i].ahead && is_on(s, &table->rows[i]))
			table->rows[i].ahead(s, &table->rows[i], is_last);
}

bool smtp_gate_is_shut(const struct smtp_session *s)
{
	return s->gate && s->gate->is_shut;
}

struct slice smtp_gate_recipient(const struct smtp_session *s)
{
	return s->gate->recipient;
}

unsigned smtp_gate_code(const struct smtp_session *s)
{
	return s->gate->code;
}

/* ---- what checks call ------------------------------------------------------------ */

bool smtp_check_is_out(const struct smtp_session *s, const struct smtp_check *c)
{
	return s->gate && s->gate->out == c;
}

void smtp_check_pass(struct smtp_session *s, const struct smtp_check *c)
{
	if (smtp_check_is_out(s, c))
		go_on(s);
}

static void keep(struct smtp_session *s, const struct smtp_check *c,
		 const struct smtp_verdict *v, struct held *h)
{
	smtp_passed_keep(&h->reply, v->code, v->enhanced, v->text);
	h->reply.by = c->name;
	h->by = c;
	note(s, h);
}

void smtp_check_refuse(struct smtp_session *s, const struct smtp_check *c,
		       const struct smtp_verdict *v)
{
	if (!smtp_check_is_out(s, c))
		return;
	if (v->code >= 400 && v->code < 600) {
		s->gate->scope = v->scope;
		keep(s, c, v, &s->gate->refusal);
	}
	go_on(s);
}

void smtp_check_say(struct smtp_session *s, const struct smtp_check *c,
		    enum smtp_reply reply, struct slice argument)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);
	char text[512];
	struct buf said = { text, 0, sizeof text, sizeof text };
	struct smtp_verdict v = { .code = row->code,
				  .enhanced = slice_str(row->enhanced) };

	smtp_reply_text(&said, reply, argument);
	v.text = buf_slice(&said);
	smtp_check_refuse(s, c, &v);
}

void smtp_check_hold(struct smtp_session *s, const struct smtp_check *c,
		     enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);
	struct held *h = &s->gate->held[STANDING_SESSION];
	const struct smtp_verdict v = { .code = row->code,
					.enhanced = slice_str(row->enhanced),
					.text = slice_str(row->text) };

	if (h->reply.code == 0)
		keep(s, c, &v, h);
}

void smtp_check_wait(struct smtp_session *s, const struct smtp_check *c,
		     int64_t ms)
{
	if (smtp_check_is_out(s, c))
		smtp_wait(s, SMTP_WAIT_CHECK, ms);
}

void smtp_check_request(struct smtp_session *s, const struct smtp_check *c,
			const struct ipc_message *m)
{
	struct slot *slot = &s->gate->slots[row_of(s, c)];

	slot->request = smtp_request_id(s);
	if (engine_ask(&s->engine, slot->request, m) != ST_OK)
		s->trouble = ST_NO_MEMORY;
}

void **smtp_check_state(struct smtp_session *s, const struct smtp_check *c)
{
	return &s->gate->slots[row_of(s, c)].state;
}
