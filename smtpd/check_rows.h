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

/* check_greylist.c */
bool smtp_is_guest(const struct smtp_session *s);
bool smtp_greylist_is_wanted(const struct smtp_session *s);
void smtp_greylist_ask(struct smtp_session *s, const struct smtp_check *c,
		       enum smtp_stage stage);
void smtp_greylist_answer(struct smtp_session *s, const struct smtp_check *c,
			  const struct ipc_message *m, bool last);

/* check_rate.c */
bool smtp_rate_is_wanted(const struct smtp_session *s);
void smtp_rate_ask(struct smtp_session *s, const struct smtp_check *c,
		   enum smtp_stage stage);

/* check_dns.c */
bool smtp_dns_is_wanted(const struct smtp_session *s);
void smtp_dns_ask(struct smtp_session *s, const struct smtp_check *c,
		  enum smtp_stage stage);
void smtp_dns_answer(struct smtp_session *s, const struct smtp_check *c,
		     const struct ipc_message *m, bool last);
void smtp_dns_expired(struct smtp_session *s, const struct smtp_check *c);

#endif
