/*
 * How much mail one address, and its network, may bring in a minute. A check, so
 * that postmaster is reached in any case.
 */
#include "smtpd/check_rows.h"
#include "smtpd/session_priv.h"

#include "common/clock.h"
#include "common/limits.h"

#include <stdio.h>

bool smtp_rate_is_wanted(const struct smtp_session *s)
{
	const struct limits *l = s->settings->limits;

	return l && !smtp_is_trusted(s) && smtp_client_address(s).len > 0 &&
	       (limits_allowance(l, LIMITS_MESSAGES) ||
		limits_allowance(l, LIMITS_RECIPIENTS));
}

void smtp_rate_ask(struct smtp_session *s, const struct smtp_check *c,
		   enum smtp_stage stage)
{
	bool is_rcpt = stage == SMTP_STAGE_RCPT;
	enum limits_kind kind = is_rcpt ? LIMITS_RECIPIENTS : LIMITS_MESSAGES;
	struct slice client = smtp_client_address(s);
	char address[48], digits[24];
	struct buf most = { digits, 0, sizeof digits, sizeof digits };

	snprintf(address, sizeof address, "%.*s", SLICE_ARG(client));
	if (limits_spend(s->settings->limits, address, kind, clock_ms())) {
		smtp_check_pass(s, c);
		return;
	}
	buf_append_u64(&most, limits_allowance(s->settings->limits, kind));
	smtp_check_say(s, c, is_rcpt ? SMTP_REPLY_RECIPIENT_RATE
				     : SMTP_REPLY_MESSAGE_RATE, buf_slice(&most));
}
