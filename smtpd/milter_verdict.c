/* What milters say against a client, a recipient or a message, and what becomes of
 * it. */
#include "smtpd/milters.h"

#include "common/log.h"

#include <stdio.h>

static void keep_row(struct smtp_passed *passed, enum smtp_reply reply)
{
	const struct smtp_reply_row *row = smtp_reply_row(reply);

	smtp_passed_keep(passed, row->code, slice_str(row->enhanced),
			 slice_str(row->text));
}

static void keep_reply(struct smtp_passed *passed, const struct milter_answer *a)
{
	char text[sizeof passed->text];
	size_t n = 0;

	for (size_t i = 0; i < a->text.len && n < sizeof text - 1; i++) {
		/* they double it (libmilter, smfi_setreply) */
		if (a->text.data[i] == '%' && i + 1 < a->text.len &&
		    a->text.data[i + 1] == '%')
			i++;
		text[n++] = a->text.data[i];
	}
	smtp_passed_keep(passed, a->code,
			 slice_str(a->enhanced[0] ? a->enhanced
				   : a->code < 500 ? "4.7.1" : "5.7.1"),
			 slice_of(text, n));
}

bool smtp_milters_is_exempt(const struct smtp_session *s)
{
	const struct smtp_milters *c = s->milters;

	return c->accepted > 0 && c->accepted == c->postmasters;
}

/* Whether what is said of the event at hand is not obeyed. */
static bool is_ignored(const struct smtp_session *s)
{
	const struct smtp_milters *c = s->milters;

	switch (c->event) {
	case MILTER_RCPT:
		return c->is_refused ||
		       smtp_is_postmaster(buf_slice(&c->about));
	case MILTER_UNKNOWN:
		return true;
	case MILTER_CONNECT:
	case MILTER_HELO:
	case MILTER_MAIL:
		return false;
	default:
		return smtp_milters_is_exempt(s);
	}
}

static struct smtp_passed *place_of_verdict(struct smtp_milters *c)
{
	return c->event == MILTER_CONNECT || c->event == MILTER_HELO
		? &c->session_verdict
		: c->event == MILTER_RCPT ? &c->rcpt_verdict : &c->verdict;
}

static void log_answer(const struct smtp_session *s, const struct smtp_milter *m,
		       const char *what, unsigned code)
{
	log_event("milter.answer", log_slice("sid", id_slice(&s->sid)),
		  log_slice("mid", s->milters->event >= MILTER_MAIL &&
			    s->milters->event != MILTER_UNKNOWN
				? id_slice(&s->t.mid) : SLICE_EMPTY),
		  log_str("milter", m->dialogue.settings->title),
		  log_str("answer", what), log_u64("code", code));
}

/* The first refusal counts. */
static void refuse(struct smtp_session *s, struct smtp_milter *m,
		   const struct smtp_passed *verdict)
{
	struct smtp_passed *place = place_of_verdict(s->milters);

	m->refuses = true;
	log_answer(s, m, is_ignored(s) ? "ignored" : "refuse", verdict->code);
	if (is_ignored(s) || place->code)
		return;
	*place = *verdict;
	place->by = m->dialogue.settings->title;
}

void smtp_milter_fail(struct smtp_session *s, struct smtp_milter *m,
		      enum status why)
{
	static const enum smtp_reply replies[] = {
		[MILTER_DEFAULT_TEMPFAIL] = SMTP_REPLY_MILTER_AWAY,
		[MILTER_DEFAULT_REJECT] = SMTP_REPLY_MILTER_REJECTS,
	};
	enum milter_default failing = m->dialogue.settings->failing;
	struct smtp_milters *c = s->milters;

	smtp_milter_close(s, m);
	m->is_failed = true;
	m->dialogue.is_waiting = false;
	m->dialogue.due_ms = 0;
	log_warning("milter.failed", log_slice("sid", id_slice(&s->sid)),
		    log_str("milter", m->dialogue.settings->title), log_status(why));
	if (s->settings->counts)
		s->settings->counts->milters_failed++;
	if (failing == MILTER_DEFAULT_ACCEPT)
		return;
	if (failing == MILTER_DEFAULT_QUARANTINE) {
		c->sets_all_aside = true;
		snprintf(c->reason, sizeof c->reason, "milter %s has failed",
			 m->dialogue.settings->title);
		return;
	}
	/* for all that the session still sends */
	if (c->session_verdict.code == 0) {
		keep_row(&c->session_verdict, replies[failing]);
		c->session_verdict.by = m->dialogue.settings->title;
	}
	if (c->is_telling)
		refuse(s, m, &c->session_verdict);
}

void smtp_milter_answered(void *context, const struct milter_answer *a)
{
	struct smtp_milter *m = context;
	struct smtp_session *s = m->session;
	struct smtp_passed verdict = { 0 };

	if (milter_answer_row(a->kind)->is_edit) {
		smtp_milter_edit(s, m, a);
		return;
	}
	switch (a->kind) {
	case MILTER_REJECT:
		keep_row(&verdict, SMTP_REPLY_MILTER_REJECTS);
		break;
	case MILTER_TEMPFAIL:
		keep_row(&verdict, SMTP_REPLY_MILTER_LATER);
		break;
	case MILTER_SHUTDOWN:
		keep_row(&verdict, SMTP_REPLY_MILTER_SHUTDOWN);
		break;
	case MILTER_REPLY:
		keep_reply(&verdict, a);
		break;
	case MILTER_DISCARD:
		m->refuses = true;
		log_answer(s, m, is_ignored(s) ? "ignored" : "discard", 0);
		s->milters->is_discarded |= !is_ignored(s);
		return;
	case MILTER_CONNECTION_FAILURE:
		smtp_milter_fail(s, m, ST_UNAVAILABLE);
		return;
	default:
		return;
	}
	refuse(s, m, &verdict);
}

const struct smtp_passed *smtp_milters_verdict(const struct smtp_session *s)
{
	const struct smtp_passed *v = &s->milters->verdict;

	/* one that no milter has given is our own */
	return v->code && (!v->by || !smtp_milters_is_exempt(s)) ? v : NULL;
}

/* A milter that says 421 ends the session (libmilter, smfi_setreply). */
const struct smtp_passed *smtp_milters_last_word(const struct smtp_session *s)
{
	const struct smtp_milters *c = s->milters;
	const struct smtp_passed *all[] = { &c->rcpt_verdict, &c->verdict,
					    &c->session_verdict };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i]->code == 421)
			return all[i];
	return NULL;
}

const struct smtp_passed *smtp_milters_refusal(const struct smtp_session *s,
					       struct slice recipient)
{
	const struct smtp_milters *c = s->milters;

	if (smtp_is_postmaster(recipient))
		return NULL;
	return c->session_verdict.code ? &c->session_verdict
	     : c->verdict.code ? &c->verdict : NULL;
}
