#include "common/date.h"

#include <time.h>

static const char month_names[12][4] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char weekday_names[7][4] = {
	"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat",
};

#define DAY_SECONDS	INT64_C(86400)
#define ERA_YEARS	400
#define ERA_DAYS	146097		/* of 400 years */
#define EPOCH_DAYS	719468		/* from 0000-03-01 to 1970-01-01 */

static int64_t divide_down(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The calendar: years begin in March, so that the leap day is the last one. */

int64_t date_day_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = divide_down(y, ERA_YEARS);
	int64_t year_of_era = y - era * ERA_YEARS;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 -
	       year_of_era / 100 + day_of_year - EPOCH_DAYS;
}

int64_t date_day_at(int64_t seconds, int32_t zone)
{
	return divide_down(seconds + (int64_t)zone * 60, DAY_SECONDS);
}

void date_civil_of(int64_t seconds, int32_t zone, struct date_civil *civil)
{
	int64_t local = seconds + (int64_t)zone * 60;
	int64_t days = divide_down(local, DAY_SECONDS);
	int64_t second = local - days * DAY_SECONDS;
	int64_t shifted = days + EPOCH_DAYS;
	int64_t era = divide_down(shifted, ERA_DAYS);
	int64_t day_of_era = shifted - era * ERA_DAYS;
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
			       day_of_era / 146096) / 365;
	int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 -
					    year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;

	civil->day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	civil->month = (int)(month < 10 ? month + 3 : month - 9);
	civil->year = year_of_era + era * ERA_YEARS + (civil->month <= 2);
	civil->hour = (int)(second / 3600);
	civil->minute = (int)(second / 60 % 60);
	civil->second = (int)(second % 60);
	civil->weekday = (int)(((days + 4) % 7 + 7) % 7);	/* a Thursday */
}

static int month_days(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && is_leap ? 29 : days[month - 1];
}

/* What all parsers end in: checks the fields and makes a date of them. */
static enum status date_from(const struct date_civil *c, int32_t zone,
			     struct date *date)
{
	int second = c->second == 60 ? 59 : c->second;

	if (c->year < 1 || c->year > 9999 || c->month < 1 || c->month > 12 ||
	    c->day < 1 || c->day > month_days(c->year, c->month) ||
	    c->hour > 23 || c->minute > 59 || second > 59)
		return ST_SYNTAX;
	date->day = date_day_of(c->year, c->month, c->day);
	date->seconds = date->day * DAY_SECONDS + c->hour * 3600 +
			c->minute * 60 + second - (int64_t)zone * 60;
	date->zone = zone;
	return ST_OK;
}

/* Takes a number of min to max digits off s. */
static bool take_digits(struct slice *s, size_t min, size_t max, int *value)
{
	size_t n = 0;

	*value = 0;
	for (; n < max && n < s->len && ascii_is_digit(s->data[n]); n++)
		*value = *value * 10 + (s->data[n] - '0');
	*s = slice_from(*s, n);
	return n >= min && !(s->len && ascii_is_digit(s->data[0]));
}

static bool take_char(struct slice *s, char c)
{
	if (s->len == 0 || s->data[0] != c)
		return false;
	*s = slice_from(*s, 1);
	return true;
}

static bool take_month(struct slice *s, int *month)
{
	for (int i = 0; i < 12; i++)
		if (slice_case_starts(*s, slice_of(month_names[i], 3))) {
			*s = slice_from(*s, 3);
			*month = i + 1;
			return true;
		}
	return false;
}

/* "+0130"; RFC 5322 lets the minutes be 00 to 59. */
static bool take_offset(struct slice *s, int32_t *zone)
{
	bool is_west = s->len && s->data[0] == '-';
	int hhmm;

	if (!take_char(s, '+') && !take_char(s, '-'))
		return false;
	if (!take_digits(s, 4, 4, &hhmm) || hhmm % 100 > 59)
		return false;
	*zone = hhmm / 100 * 60 + hhmm % 100;
	if (is_west)
		*zone = -*zone;
	return true;
}

static bool take_clock(struct slice *s, struct date_civil *c)
{
	return take_digits(s, 2, 2, &c->hour) && take_char(s, ':') &&
	       take_digits(s, 2, 2, &c->minute) && take_char(s, ':') &&
	       take_digits(s, 2, 2, &c->second);
}

/* RFC 5322 */

/* Passes over white space, folds and comments, which nest. */
static void skip_cfws(struct slice *s)
{
	unsigned depth = 0;

	for (; s->len; *s = slice_from(*s, 1)) {
		char c = s->data[0];

		if (c == '(')
			depth++;
		else if (depth && c == ')')
			depth--;
		else if (depth && c == '\\' && s->len > 1)
			*s = slice_from(*s, 1);
		else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			return;
	}
}

/* Zones by name (section 4.3). All others, the military letters among them, mean
 * that nothing is known: -0000. */
static const struct { const char *name; int32_t zone; } zones[] = {
	{ "EST", -5 * 60 }, { "EDT", -4 * 60 }, { "CST", -6 * 60 },
	{ "CDT", -5 * 60 }, { "MST", -7 * 60 }, { "MDT", -6 * 60 },
	{ "PST", -8 * 60 }, { "PDT", -7 * 60 },
};

static bool take_zone(struct slice *s, int32_t *zone)
{
	size_t n = 0;

	*zone = 0;
	skip_cfws(s);
	if (s->len == 0)
		return true;
	if (s->data[0] == '+' || s->data[0] == '-')
		return take_offset(s, zone);
	while (n < s->len && ascii_is_alpha(s->data[n]))
		n++;
	if (n == 0)
		return false;
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (slice_case_eq(slice_head(*s, n), slice_str(zones[i].name)))
			*zone = zones[i].zone;
	*s = slice_from(*s, n);
	return true;
}

/* obs-year: two digits are 19xx from 50 on, else 20xx; three count from 1900. */
static bool take_year(struct slice *s, int64_t *year)
{
	size_t before = s->len;
	int value;

	if (!take_digits(s, 2, 4, &value))
		return false;
	*year = value;
	if (before - s->len == 2)
		*year += value < 50 ? 2000 : 1900;
	else if (before - s->len == 3)
		*year += 1900;
	return true;
}

static void skip_weekday(struct slice *s)
{
	size_t n = 0;

	skip_cfws(s);
	while (n < s->len && ascii_is_alpha(s->data[n]))
		n++;
	*s = slice_from(*s, n);
	skip_cfws(s);
	take_char(s, ',');
	skip_cfws(s);
}

static bool take_clock_cfws(struct slice *s, struct date_civil *c)
{
	skip_cfws(s);
	if (!take_digits(s, 1, 2, &c->hour))
		return false;
	skip_cfws(s);
	if (!take_char(s, ':'))
		return false;
	skip_cfws(s);
	if (!take_digits(s, 1, 2, &c->minute))
		return false;
	skip_cfws(s);
	c->second = 0;
	if (!take_char(s, ':'))
		return true;
	skip_cfws(s);
	return take_digits(s, 1, 2, &c->second);
}

enum status date_parse(struct slice text, struct date *date)
{
	struct date_civil c = { 0 };
	int32_t zone;

	skip_weekday(&text);
	if (!take_digits(&text, 1, 2, &c.day))
		return ST_SYNTAX;
	skip_cfws(&text);
	take_char(&text, '-');		/* 24-Nov-2026, as old software wrote */
	if (!take_month(&text, &c.month))
		return ST_SYNTAX;
	skip_cfws(&text);
	take_char(&text, '-');
	if (!take_year(&text, &c.year) || !take_clock_cfws(&text, &c) ||
	    !take_zone(&text, &zone))
		return ST_SYNTAX;
	return date_from(&c, zone, date);
}

/* IMAP */

static bool take_imap_day(struct slice *s, struct date_civil *c)
{
	int year;

	if (!take_char(s, '-') || !take_month(s, &c->month) || !take_char(s, '-') ||
	    !take_digits(s, 4, 4, &year))
		return false;
	c->year = year;
	return true;
}

enum status date_parse_imap(struct slice text, struct date *date)
{
	struct date_civil c = { 0 };
	size_t digits = take_char(&text, ' ') ? 1 : 2;
	int32_t zone;

	if (!take_digits(&text, digits, digits, &c.day) ||
	    !take_imap_day(&text, &c) || !take_char(&text, ' ') ||
	    !take_clock(&text, &c) || !take_char(&text, ' ') ||
	    !take_offset(&text, &zone) || text.len)
		return ST_SYNTAX;
	return date_from(&c, zone, date);
}

enum status date_parse_imap_day(struct slice text, int64_t *day)
{
	struct date_civil c = { 0 };
	struct date date;

	if (!take_digits(&text, 1, 2, &c.day) || !take_imap_day(&text, &c) ||
	    text.len || date_from(&c, 0, &date) != ST_OK)
		return ST_SYNTAX;
	*day = date.day;
	return ST_OK;
}

static char *put_digits(char *at, int64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return at + digits;
}

static char *put_clock(char *at, const struct date_civil *c)
{
	at = put_digits(at, c->hour, 2);
	*at++ = ':';
	at = put_digits(at, c->minute, 2);
	*at++ = ':';
	return put_digits(at, c->second, 2);
}

static char *put_zone(char *at, int32_t zone)
{
	int32_t minutes = zone < 0 ? -zone : zone;

	*at++ = zone < 0 ? '-' : '+';
	at = put_digits(at, minutes / 60, 2);
	return put_digits(at, minutes % 60, 2);
}

static char *put_year(char *at, int64_t year)
{
	return put_digits(at, year < 0 ? 0 : year > 9999 ? 9999 : year, 4);
}

enum status date_render(int64_t seconds, int32_t zone, struct buf *out)
{
	char text[31], *at = text;	/* "Tue, 24 Nov 2026 07:08:47 +0100" */
	struct date_civil c;

	date_civil_of(seconds, zone, &c);
	memcpy(at, weekday_names[c.weekday], 3);
	memcpy(at + 3, ", ", 2);
	at = put_digits(at + 5, c.day, 2);
	*at++ = ' ';
	memcpy(at, month_names[c.month - 1], 3);
	at[3] = ' ';
	at = put_year(at + 4, c.year);
	*at++ = ' ';
	at = put_clock(at, &c);
	*at++ = ' ';
	put_zone(at, zone);
	return buf_append(out, slice_of(text, sizeof text));
}

void date_render_imap(int64_t seconds, int32_t zone, char at[DATE_IMAP_OCTETS])
{
	struct date_civil c;

	date_civil_of(seconds, zone, &c);
	at = put_digits(at, c.day, 2);
	*at++ = '-';
	memcpy(at, month_names[c.month - 1], 3);
	at[3] = '-';
	at = put_year(at + 4, c.year);
	*at++ = ' ';
	at = put_clock(at, &c);
	*at++ = ' ';
	put_zone(at, zone);
}

void date_render_rfc3339(int64_t wall_ms, char at[DATE_RFC3339_OCTETS])
{
	int64_t seconds = divide_down(wall_ms, 1000);
	struct date_civil c;

	date_civil_of(seconds, 0, &c);
	at = put_year(at, c.year);
	*at++ = '-';
	at = put_digits(at, c.month, 2);
	*at++ = '-';
	at = put_digits(at, c.day, 2);
	*at++ = 'T';
	at = put_clock(at, &c);
	*at++ = '.';
	at = put_digits(at, wall_ms - seconds * 1000, 3);
	*at = 'Z';
}

void date_load_zone(void)
{
	tzset();
}

int32_t date_local_zone(int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm tm;

	/* localtime_r need not load the zone by itself (POSIX); glibc does at the
	 * first call, and date_load_zone() made that call harmless */
	if (!localtime_r(&when, &tm))
		return 0;
	return (int32_t)(tm.tm_gmtoff / 60);
}
