/*
 * The store of a benchmark that needs no socket, and its clocks. There is one a
 * process; what fails says so and ends it.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "mailboxd/store.h"

extern struct bench {
	char dir[256];
	struct store *store;
	struct tx *tx, *read;	/* the writing connection, and one that reads */
} bench;

/* Of the wall and of this process; only differences mean anything. */
double now_ms(void);
double cpu_ms(void);

/* Ends the process where st is a failure. */
void must(enum status st, const char *what);

/* Makes base/NAME-XXXXXX, or one in /var/tmp where base is NULL, and a store in it with
 * the domain example.test. */
void bench_open(const char *name, const char *base);
/* Says where it is, for whoever wants to look at it or to remove it. */
void bench_close(void);
/* Makes the account; *inbox: its INBOX. */
uint64_t bench_account(const char *address, uint64_t *inbox);

#endif
