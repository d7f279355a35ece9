/*
 * The file in which smtpd keeps messages while milters look at them: made for each
 * process of it, without a name from the beginning, so that nobody else finds it
 * and it goes with the process.
 */
#ifndef POSTROOM_SPOOL_H
#define POSTROOM_SPOOL_H

/* An open descriptor, or -1: then only small messages can be held. */
int spool_make(const char *directory);

#endif
