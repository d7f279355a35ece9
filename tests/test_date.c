#include "common/date.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static const struct {
	const char *text;
	int64_t seconds;
	int32_t zone;
	enum status status;
} dates[] = {
	/* RFC 5322 appendix A */
	{ "Fri, 21 Nov 1997 09:55:06 -0600",	880127706, -360, ST_OK },
	{ "Tue, 1 Jul 2003 10:52:37 +0200",	1057049557, 120, ST_OK },
	{ "Thu, 13 Feb 1969 23:32:54 -0330",	-27723426, -210, ST_OK },
	{ "21 Nov 97 09:55:06 GMT",		880106106, 0, ST_OK },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360, ST_OK },
	{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      23:32\r\n"
	  "               -0330 (Newfoundland Time)", -27723480, -210, ST_OK },
	/* others that are met */
	{ " 24 Nov 2026 07:08 +0000",		1795504080, 0, ST_OK },
	{ "Tue,24 nov 2026 7:8:9 pst",		1795532889, -480, ST_OK },
	{ "Tue 24-Nov-2026 07:08:09 +0100",	1795500489, 60, ST_OK },
	{ "24 Nov 2026 07:08:09",		1795504089, 0, ST_OK },
	{ "24 Nov 2026 07:08:09 Z",		1795504089, 0, ST_OK },
	{ "24 Nov 2026 07:08:09 XYZ",		1795504089, 0, ST_OK },
	{ "24 Nov 2026 07:08:60 +0000",		1795504139, 0, ST_OK },
	{ "1 Jan 49 00:00 +0000",		2493072000, 0, ST_OK },
	{ "1 Jan 50 00:00 +0000",		-631152000, 0, ST_OK },
	{ "1 Jan 104 00:00 +0000",		1072915200, 0, ST_OK },
	{ "29 Feb 2024 00:00 +0000",		1709164800, 0, ST_OK },
	{ "(a(b\\)c)) 1 Jan 1970 00:00 -0000",	0, 0, ST_OK },
	{ "29 Feb 2023 00:00 +0000",		0, 0, ST_SYNTAX },
	{ "31 Apr 2023 00:00 +0000",		0, 0, ST_SYNTAX },
	{ "24 Nov 2026 24:00 +0000",		0, 0, ST_SYNTAX },
	{ "24 Nov 2026 07:60 +0000",		0, 0, ST_SYNTAX },
	{ "24 Nov 2026",			0, 0, ST_SYNTAX },
	{ "24 Nov 2026 07:08 +00",		0, 0, ST_SYNTAX },
	{ "24 Nov 2026 07:08 +0060",		0, 0, ST_SYNTAX },
	{ "24 Nev 2026 07:08 +0000",		0, 0, ST_SYNTAX },
	{ "24 Nov 20266 07:08 +0000",		0, 0, ST_SYNTAX },
	{ "",					0, 0, ST_SYNTAX },
	{ "(((((",				0, 0, ST_SYNTAX },
	{ "yesterday",				0, 0, ST_SYNTAX },
};

Test(date, rfc5322)
{
	for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
		struct date d = { 0 };
		enum status st = date_parse(slice_str(dates[i].text), &d);

		cr_expect_eq(st, dates[i].status, "%s: %s", dates[i].text,
			     status_name(st));
		cr_expect_eq(d.seconds, dates[i].seconds, "%s: %lld", dates[i].text,
			     (long long)d.seconds);
		cr_expect_eq(d.zone, dates[i].zone, "%s: zone %d", dates[i].text, d.zone);
	}
}

Test(date, cut_anywhere)
{
	const char *text = "Fri, 21 Nov 1997 09(comment): 55 : 06 -0600 (x)";

	for (size_t n = 0; n < strlen(text); n++) {
		char *copy = malloc(n ? n : 1);	/* its end is watched by ASan */
		struct date d;

		memcpy(copy, text, n);
		date_parse(slice_of(copy, n), &d);
		date_parse_imap(slice_of(copy, n), &d);
		free(copy);
	}
}

Test(date, the_day_is_the_one_written)
{
	struct date d;

	cr_expect_eq(date_parse(SLICE("1 Jan 2026 00:30:00 +1400"), &d), ST_OK);
	cr_expect_eq(d.day, date_day_of(2026, 1, 1));
	cr_expect_eq(date_day_at(d.seconds, 0), date_day_of(2025, 12, 31));
	cr_expect_eq(date_day_at(d.seconds, d.zone), d.day);
	cr_expect_eq(date_parse(SLICE("31 Dec 2025 23:30:00 -1200"), &d), ST_OK);
	cr_expect_eq(d.day, date_day_of(2025, 12, 31));
	cr_expect_eq(date_day_at(d.seconds, 0), date_day_of(2026, 1, 1));
}

Test(date, every_day_there_and_back)
{
	int64_t day = date_day_of(1, 1, 1), end = date_day_of(9999, 12, 31);
	int weekday = 1;	/* 0001-01-01 was a Monday */

	cr_expect_eq(date_day_of(1970, 1, 1), 0);
	for (; day <= end; day++, weekday = (weekday + 1) % 7) {
		struct date_civil c;

		date_civil_of(day * 86400 + 86399, 0, &c);
		cr_assert_eq(date_day_of(c.year, c.month, c.day), day);
		cr_assert_eq(c.weekday, weekday);
		cr_assert(c.hour == 23 && c.minute == 59 && c.second == 59);
	}
}

static const struct {
	const char *text;
	int64_t seconds;
	int32_t zone;
	enum status status;
} imap_dates[] = {
	{ "17-Jul-1996 02:44:25 -0700",	837596665, -420, ST_OK },
	{ " 7-Jul-1996 02:44:25 -0700",	836732665, -420, ST_OK },
	{ "07-jul-1996 02:44:25 +1400",	836657065, 840, ST_OK },
	{ "7-Jul-1996 02:44:25 -0700",	0, 0, ST_SYNTAX },
	{ "17-Jul-96 02:44:25 -0700",	0, 0, ST_SYNTAX },
	{ "17-Jul-1996 02:44 -0700",	0, 0, ST_SYNTAX },
	{ "17-Jul-1996 02:44:25",	0, 0, ST_SYNTAX },
	{ "17-Jul-1996 02:44:25 GMT",	0, 0, ST_SYNTAX },
	{ "17-Jul-1996 02:44:25 -0700 ", 0, 0, ST_SYNTAX },
	{ "32-Jul-1996 02:44:25 -0700",	0, 0, ST_SYNTAX },
	{ "  -Jul-1996 02:44:25 -0700",	0, 0, ST_SYNTAX },
};

Test(date, imap)
{
	for (size_t i = 0; i < sizeof imap_dates / sizeof *imap_dates; i++) {
		struct date d = { 0 };
		enum status st = date_parse_imap(slice_str(imap_dates[i].text), &d);

		cr_expect_eq(st, imap_dates[i].status, "%s", imap_dates[i].text);
		cr_expect_eq(d.seconds, imap_dates[i].seconds, "%s: %lld",
			     imap_dates[i].text, (long long)d.seconds);
		cr_expect_eq(d.zone, imap_dates[i].zone);
	}
}

static const struct { const char *text; int year, month, day; } days[] = {
	{ "1-Feb-1994", 1994, 2, 1 }, { "01-FEB-1994", 1994, 2, 1 },
	{ "29-Feb-2000", 2000, 2, 29 },
	{ "29-Feb-1900", 0, 0, 0 }, { " 1-Feb-1994", 0, 0, 0 },
	{ "1-Feb-94", 0, 0, 0 }, { "1-Feb-1994 ", 0, 0, 0 }, { "", 0, 0, 0 },
	{ "001-Feb-1994", 0, 0, 0 }, { "0-Feb-1994", 0, 0, 0 },
};

Test(date, imap_day)
{
	for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
		int64_t day = 0;
		enum status st = date_parse_imap_day(slice_str(days[i].text), &day);

		cr_expect_eq(st, days[i].year ? ST_OK : ST_SYNTAX, "%s", days[i].text);
		if (st == ST_OK)
			cr_expect_eq(day, date_day_of(days[i].year, days[i].month,
						      days[i].day));
	}
}

Test(date, rendered)
{
	struct buf b = BUF_INIT(64);
	char imap[DATE_IMAP_OCTETS], rfc3339[DATE_RFC3339_OCTETS];

	cr_expect_eq(date_render(1795500489, 60, &b), ST_OK);
	cr_expect(slice_eq(buf_slice(&b), SLICE("Tue, 24 Nov 2026 07:08:09 +0100")));
	b.len = 0;
	date_render(-27723426, -210, &b);
	cr_expect(slice_eq(buf_slice(&b), SLICE("Thu, 13 Feb 1969 23:32:54 -0330")));
	date_render_imap(836732665, -420, imap);
	cr_expect(slice_eq(slice_of(imap, sizeof imap),
			   SLICE("07-Jul-1996 02:44:25 -0700")));
	date_render_rfc3339(1795504089007, rfc3339);
	cr_expect(slice_eq(slice_of(rfc3339, sizeof rfc3339),
			   SLICE("2026-11-24T07:08:09.007Z")));
	date_render_rfc3339(-1, rfc3339);
	cr_expect(slice_eq(slice_of(rfc3339, sizeof rfc3339),
			   SLICE("1969-12-31T23:59:59.999Z")));
	buf_free(&b);
}

Test(date, local_zone)
{
	setenv("TZ", "TST-05:30", 1);
	date_load_zone();
	cr_expect_eq(date_local_zone(1795504089), 330);
	setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	date_load_zone();
	cr_expect_eq(date_local_zone(1795504089), -300);
	cr_expect_eq(date_local_zone(1784000000), -240);
}
