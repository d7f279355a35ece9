#include "smtpd/check_rows.h"

#include <stdlib.h>

#define AT(name) SMTP_STAGE_BIT(name)

/* In the order in which they are asked: the cheap ones first. */
static const struct smtp_check rows[] = {
	{
		.name = "early", .stages = AT(CONNECT),
		.is_wanted = smtp_early_is_wanted, .ask = smtp_early_ask,
		.heard = smtp_early_heard, .ahead = smtp_early_ahead,
		.expired = smtp_early_expired,
	},
	{
		.name = "rate", .stages = AT(MAIL) | AT(RCPT),
		.is_wanted = smtp_rate_is_wanted, .is_on = smtp_is_guest,
		.ask = smtp_rate_ask,
	},
	{
		.name = "dns", .stages = AT(CONNECT) | AT(RCPT),
		.is_wanted = smtp_dns_is_wanted, .is_on = smtp_is_guest,
		.ask = smtp_dns_ask, .answer = smtp_dns_answer,
		.expired = smtp_dns_expired, .free = free,
	},
	{
		.name = "greylist", .stages = AT(RCPT) | AT(DATA),
		.is_wanted = smtp_greylist_is_wanted, .is_on = smtp_is_guest,
		.ask = smtp_greylist_ask, .answer = smtp_greylist_answer,
	},
};

const struct smtp_check_table smtp_checks = { rows, sizeof rows / sizeof *rows };
