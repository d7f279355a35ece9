/*
 * Dates of mail: RFC 5322 section 3.3 with the obsolete forms of 4.3, and
 * IMAP's date-time and date (RFC 3501 section 9). Calendar arithmetic is our
 * own; only date_local_zone() knows the system's time zone.
 *
 * A day is a number of days since 1970-01-01 in the proleptic Gregorian
 * calendar. A zone is minutes east of UTC.
 */
#ifndef COMMON_DATE_H
#define COMMON_DATE_H

#include "common/buf.h"

#include <stdint.h>

struct date {
	int64_t seconds;	/* Unix time */
	int32_t zone;
	int64_t day;		/* the calendar day as written, in that zone */
};

struct date_civil {
	int64_t year;		/* 1 to 9999 here */
	int month, day;		/* from 1 */
	int hour, minute, second;
	int weekday;		/* 0: Sunday */
};

int64_t date_day_of(int64_t year, int month, int day);
/* Day in that zone of a Unix time. */
int64_t date_day_at(int64_t seconds, int32_t zone);
void date_civil_of(int64_t seconds, int32_t zone, struct date_civil *civil);

/*
 * A Date: field's body: comments, folding, no weekday, two and three digit
 * years, named zones, no seconds, and no zone at all (taken as UTC) are
 * accepted; a leap second counts as :59. ST_SYNTAX.
 */
enum status date_parse(struct slice text, struct date *date);
/* "Tue, 24 Nov 2026 07:08:47 +0100"; ST_LIMIT, ST_NO_MEMORY. */
enum status date_render(int64_t seconds, int32_t zone, struct buf *out);

/* "24-Nov-2026 07:08:47 +0100", the day with a space or zero in front; without
 * the quotes. ST_SYNTAX. */
enum status date_parse_imap(struct slice text, struct date *date);
#define DATE_IMAP_OCTETS 26
/* The same, the day with a zero, years outside 0..9999 cut to that. */
void date_render_imap(int64_t seconds, int32_t zone, char at[DATE_IMAP_OCTETS]);
/* "1-Feb-1994" or "01-Feb-1994", without quotes. ST_SYNTAX. */
enum status date_parse_imap_day(struct slice text, int64_t *day);

/* "2026-11-24T07:08:47.123Z" (RFC 3339). */
#define DATE_RFC3339_OCTETS 24
void date_render_rfc3339(int64_t wall_ms, char at[DATE_RFC3339_OCTETS]);

/*
 * Loads the system's time zone once, before a daemon gives up its right to open
 * files; without it date_local_zone() does so at its first call.
 */
void date_load_zone(void);
/* The local zone at that time. */
int32_t date_local_zone(int64_t seconds);

#endif
