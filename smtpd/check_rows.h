/* The functions that the rows of smtp_checks (checks.c) name. */
#ifndef SMTPD_CHECK_ROWS_H
#define SMTPD_CHECK_ROWS_H

#include "smtpd/check.h"

/* check_early.c */
bool smtp_early_is_wanted(const struct smtp_session *s);
void smtp_early_ask(struct smtp_session *s, const struct smtp_check *c,
		    enum smtp_stage stage);
void smtp_early_expired(struct smtp_session *s, const struct smtp_check *c);
void smtp_early_heard(struct smtp_session *s, const struct smtp_check *c);
void smtp_early_ahead(struct smtp_session *s, const struct smtp_check *c,
		      bool is_last);

#endif
