/*
 * Checks for dialogues (smtpd/check.h): "first" and "second", whose questions and
 * answers the dialogue sees. A question is MAY_SEND with login="NAME STAGE" and the
 * recipient of RCPT as address; DONE passes; ERROR refuses with text, detail being
 * "CODE ENHANCED [transaction|session|end]". Settings: "first" and "second" are the
 * stages, "rcpt,data"; with "first_is" come words of: once (the verdict is given at
 * once), tempfails, hears (refuses who speaks), slow (waits 90 s), guests (not asked
 * after a login). Not for trusted clients.
 */
#ifndef TESTS_SCRIPTED_CHECK_H
#define TESTS_SCRIPTED_CHECK_H

#include "smtpd/check.h"
#include "tests/dialogue.h"

struct scripted_checks {
	struct smtp_check rows[2];
	struct smtp_check_table table;
};

/* Fills table with those that d has settings for; NULL where there are none. */
const struct smtp_check_table *scripted_checks_set(struct scripted_checks *c,
						   const struct dialogue *d);

#endif
