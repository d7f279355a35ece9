/*
 * How far something has come, in one line on standard error that is written
 * over; nothing where that is no terminal.
 */
#ifndef POSTROOM_PROGRESS_H
#define POSTROOM_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what;	/* borrowed; in front of the numbers */
	bool is_on, is_octets;
	bool is_shown;		/* a line stands there */
	int64_t began_ms, next_ms;
};

/* octets: the numbers are octets, else things. */
void progress_begin(struct progress *p, const char *what, bool octets);
/* A few times a second. total 0: not known. */
void progress_show(struct progress *p, uint64_t done, uint64_t total);
/* The line is taken away. */
void progress_end(struct progress *p);
/* Milliseconds since it began. */
int64_t progress_ms(const struct progress *p);

#endif
