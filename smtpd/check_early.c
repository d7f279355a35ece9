/*
 * Clients that do not wait for their turn: who speaks before the greeting
 * (RFC 5321 section 3.1), and who sends behind a command whose answer has to be
 * waited for (RFC 2920 section 3.1). Either way no mail is taken from them; 521 is
 * not for single clients (RFC 7504 section 3), so it is 554.
 */
#include "smtpd/check_rows.h"
#include "smtpd/session_priv.h"

/* Submission has its logins, and people who wait. */
bool smtp_early_is_wanted(const struct smtp_session *s)
{
	return !smtp_is_trusted(s) && !s->listener->has_auth &&
	       (s->settings->greeting_ms || s->settings->watches_pipelining);
}

void smtp_early_ask(struct smtp_session *s, const struct smtp_check *c,
		    enum smtp_stage stage)
{
	(void)stage;
	if (s->settings->greeting_ms)
		smtp_check_wait(s, c, s->settings->greeting_ms);
	else
		smtp_check_pass(s, c);
}

/* It has waited. */
void smtp_early_expired(struct smtp_session *s, const struct smtp_check *c)
{
	smtp_check_pass(s, c);
}

void smtp_early_heard(struct smtp_session *s, const struct smtp_check *c)
{
	smtp_check_say(s, c, SMTP_REPLY_SPOKE_EARLY, SLICE_EMPTY);
}

void smtp_early_ahead(struct smtp_session *s, const struct smtp_check *c,
		      bool is_last)
{
	if (s->settings->watches_pipelining && (is_last || !s->is_esmtp))
		smtp_check_hold(s, c, SMTP_REPLY_SPOKE_AHEAD);
}
