/*
 * So many at once, and then so many a second: a bucket of tokens. Pure: the caller
 * gives the time.
 */
#ifndef MAILBOXD_RATION_H
#define MAILBOXD_RATION_H

#include <stdbool.h>
#include <stdint.h>

struct ration {
	uint32_t burst, per_second;
	int64_t left_milli;	/* thousandths of a token */
	int64_t at_ms;
};

/* Full at now_ms. */
void ration_init(struct ration *r, uint32_t burst, uint32_t per_second,
		 int64_t now_ms);
/* Whether one is left. */
bool ration_has(struct ration *r, int64_t now_ms);
/* Takes one, where one is left. */
void ration_take(struct ration *r, int64_t now_ms);

#endif
