/*
 * The thread that looks through the store after an unclean end (store_care.h:
 * store_survey_run()), once. It is the last in line: it begins three seconds after the
 * start, has the lowest priority, is at work half of the time at most, and a tenth of it
 * while the writer is at work.
 */
#ifndef MAILBOXD_SURVEYOR_H
#define MAILBOXD_SURVEYOR_H

#include "mailboxd/store.h"

struct writer;
struct surveyor;

/* Starts the thread where store_wants_survey(); else *surveyor is NULL, with ST_OK.
 * writer is borrowed; NULL: it always rests. Before system calls are filtered, for it
 * lowers its priority. ST_IO, ST_NO_MEMORY, and what store_survey_open() says. */
enum status surveyor_start(struct store *store, struct writer *writer,
			   struct surveyor **surveyor, struct error *error);
/* Ends the thread within a few milliseconds, wherever it is, and frees; before the
 * writer's. NULL is fine. */
void surveyor_stop(struct surveyor *surveyor);

#endif
