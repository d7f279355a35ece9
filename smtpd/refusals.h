/*
 * Mail that is refused is told to mailboxd, for the journal: an event that nobody
 * answers (REFUSED, doc/ipc.md). What a client got wrong in the protocol is not
 * told, only what kept mail from being taken.
 */
#ifndef SMTPD_REFUSALS_H
#define SMTPD_REFUSALS_H

#include "common/front.h"

/* REFUSED of one process in a second; the others are only counted. */
#define SMTP_REFUSALS_SECOND 100u

struct smtp_refusals {
	struct front *front;
	int64_t second_ms;	/* when it began */
	unsigned told;		/* in it */
	uint32_t left_out;	/* since they were last told of */
};

/* A REFUSED on its way to mailboxd. */
void smtp_refusals_pass(struct smtp_refusals *r, const struct ipc_message *m);
/* Each second: how many were left out. */
void smtp_refusals_tick(struct smtp_refusals *r);

#endif
