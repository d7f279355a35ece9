#include "linkd/dns_cache.h"
#include "linkd/dns_list.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- lists (RFC 5782) ---------------------------------------------------------------- */

Test(dns_list, names)
{
	static const struct { const char *address, *zone, *name; } rows[] = {
		/* section 2.1 */
		{ "192.0.2.99", "bad.example.com", "99.2.0.192.bad.example.com" },
		/* section 2.4 */
		{ "2001:db8:1:2:3:4:567:89ab", "ugly.example.com",
		  "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2."
		  "ugly.example.com" },
		{ "::ffff:127.0.0.2", "z.example", "2.0.0.127.z.example" },
		{ "", "z.example", NULL }, { "example.org", "z.example", NULL },
		{ "192.0.2.99.1", "z.example", NULL }, { "[::1]", "z.example", NULL },
	};
	char name[DNS_NAME_OCTETS];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		enum status st = dns_list_name(rows[i].address, rows[i].zone, name);

		cr_expect_eq(st, rows[i].name ? ST_OK : ST_SYNTAX, "%s",
			     rows[i].address);
		if (st == ST_OK)
			cr_expect_str_eq(name, rows[i].name);
	}
	cr_expect_eq(dns_reverse_name("192.0.2.99", name), ST_OK);
	cr_expect_str_eq(name, "99.2.0.192.in-addr.arpa");
	cr_expect_eq(dns_reverse_name("2001:db8::1", name), ST_OK);
	cr_expect_str_eq(name, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0."
			       "1.0.0.2.ip6.arpa");
}

/* The longest zone leaves room for the nibbles of an IPv6 address. */
Test(dns_list, longest_zone)
{
	char zone[DNS_LIST_ZONE_MAX + 2], name[DNS_NAME_OCTETS];
	struct dns_list list;

	for (size_t i = 0; i < sizeof zone - 1; i++)
		zone[i] = i % 50 == 49 ? '.' : 'a';
	zone[DNS_LIST_ZONE_MAX] = '\0';
	cr_expect_eq(dns_list_parse(slice_str(zone), &list, NULL), ST_OK);
	cr_expect_eq(dns_list_name("2001:db8::1", list.zone, name), ST_OK);
	cr_expect_lt(strlen(name), 254u);
	zone[DNS_LIST_ZONE_MAX] = 'a';
	zone[DNS_LIST_ZONE_MAX + 1] = '\0';
	cr_expect_eq(dns_list_parse(slice_str(zone), &list, NULL), ST_SYNTAX);
}

Test(dns_list, answers)
{
	static const struct {
		const char *text;
		unsigned char record[4];
		bool matches;
	} rows[] = {
		{ "bl.example", { 127, 0, 0, 2 }, true },
		{ "bl.example", { 127, 1, 2, 3 }, true },
		{ "bl.example", { 192, 0, 2, 1 }, false },	/* a lost domain */
		{ "bl.example", { 127, 255, 255, 254 }, false },
		{ "bl.example=127.0.0.[2..11]", { 127, 0, 0, 2 }, true },
		{ "bl.example=127.0.0.[2..11]", { 127, 0, 0, 11 }, true },
		{ "bl.example=127.0.0.[2..11]", { 127, 0, 0, 1 }, false },
		{ "bl.example=127.0.0.[2..11]", { 127, 0, 0, 12 }, false },
		{ "bl.example=127.0.0.[2..11]", { 127, 0, 1, 2 }, false },
		{ "bl.example=127.0.[0;2].[1;3;5..7]*2", { 127, 0, 2, 6 }, true },
		{ "bl.example=127.0.[0;2].[1;3;5..7]*2", { 127, 0, 1, 6 }, false },
		{ "bl.example=127.0.[0;2].[1;3;5..7]*2", { 127, 0, 0, 4 }, false },
		{ "bl.example=127.0.0.4", { 127, 0, 0, 4 }, true },
		{ "bl.example=127.255.255.[0..255]", { 127, 255, 255, 254 }, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_list list;

		cr_assert_eq(dns_list_parse(slice_str(rows[i].text), &list, NULL),
			     ST_OK, "%s", rows[i].text);
		cr_expect_str_eq(list.zone, "bl.example");
		cr_expect_eq(dns_list_matches(&list, rows[i].record),
			     rows[i].matches, "%s, row %zu", rows[i].text, i);
	}
}

Test(dns_list, weights)
{
	static const struct { const char *text; int weight; } rows[] = {
		{ "Bl.Example", 1 }, { "bl.example*3", 3 }, { "bl.example*-2", -2 },
		{ "bl.example=127.0.0.2*1000", 1000 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct dns_list list;

		cr_expect_eq(dns_list_parse(slice_str(rows[i].text), &list, NULL),
			     ST_OK);
		cr_expect_eq(list.weight, rows[i].weight, "%s", rows[i].text);
	}
}

Test(dns_list, refused)
{
	static const char *const rows[] = {
		"", ".", "bl..example", ".bl.example", "bl.example.", "1.2.3.4",
		"bl example", "bl.example*", "bl.example*0", "bl.example*1001",
		"bl.example*-", "bl.example*x", "bl.example=", "bl.example=127.0.0",
		"bl.example=127.0.0.256", "bl.example=127.0.0.2.3",
		"bl.example=127.0.0.[2", "bl.example=127.0.0.[]",
		"bl.example=127.0.0.[11..2]", "bl.example=127.0.0.[2..]",
		"bl.example=127.0.0.[2;]", "bl.example=127.0.0.2x",
		"bl.example=127.0.0.[2]x", "bl.example=[127.0.0.2]", "*2", "=127.0.0.2",
	};
	struct dns_list list;
	struct error err;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		cr_expect_eq(dns_list_parse(slice_str(rows[i]), &list, &err), ST_SYNTAX,
			     "%s", rows[i]);
}

/* ---- replies (RFC 1035 section 4) ------------------------------------------------------- */

/* Counts of the header in front of what stands behind it. */
#define REPLY(flags, answers, authorities, rest) \
	"\x12\x34\x81" flags "\0\1\0" answers "\0" authorities "\0\0" rest
#define QUESTION(type) "\1a\2bc\0\0" type "\0\1"
#define A_RECORD "\xc0\x0c\0\1\0\1\0\0\1\0\0\4\x7f\0\0\2"
#define SOA "\xc0\x0e\0\6\0\1\0\0\1\0\0\x16\0\0" "aaaabbbbccccdddd" "\0\0\0\x64"

struct reply_row {
	const char *name, *reply;
	size_t octets;
	enum dns_type type;
	enum status st, is;
	uint32_t ttl;
	unsigned count;
	const char *first;	/* address in numbers, or name */
};

#define ROW(name, reply, ...) { name, reply, sizeof(reply) - 1, __VA_ARGS__ }
static const struct reply_row replies[] = {
	ROW("an address", REPLY("\x80", "\1", "\0", QUESTION("\1") A_RECORD),
	    DNS_TYPE_A, ST_OK, ST_OK, 256, 1, "127.0.0.2"),
	ROW("two", REPLY("\x80", "\2", "\0", QUESTION("\1") A_RECORD
	    "\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\3"),
	    DNS_TYPE_A, ST_OK, ST_OK, 1, 2, "127.0.0.2"),
	ROW("by a CNAME", REPLY("\x80", "\2", "\0", QUESTION("\1")
	    "\xc0\x0c\0\5\0\1\0\0\0\7\0\2\xc0\x0e"
	    "\2bc\0\0\1\0\1\0\0\1\0\0\4\1\2\3\4"),
	    DNS_TYPE_A, ST_OK, ST_OK, 7, 1, "1.2.3.4"),
	ROW("of another name", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\1x\0\0\1\0\1\0\0\1\0\0\4\1\2\3\4"),
	    DNS_TYPE_A, ST_OK, ST_NOT_FOUND, 0, 0, NULL),
	ROW("of another class", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x0c\0\1\0\3\0\0\1\0\0\4\1\2\3\4"),
	    DNS_TYPE_A, ST_OK, ST_NOT_FOUND, 0, 0, NULL),
	ROW("no such name, for as long as the SOA says", REPLY("\x83", "\0", "\1",
	    QUESTION("\1") SOA), DNS_TYPE_A, ST_OK, ST_NOT_FOUND, 100, 0, NULL),
	ROW("SERVFAIL", REPLY("\x82", "\0", "\0", QUESTION("\1")),
	    DNS_TYPE_A, ST_OK, ST_UNAVAILABLE, 0, 0, NULL),
	ROW("REFUSED", REPLY("\x85", "\0", "\0", QUESTION("\1")),
	    DNS_TYPE_A, ST_OK, ST_UNAVAILABLE, 0, 0, NULL),
	ROW("a name", REPLY("\x80", "\1", "\0", QUESTION("\x0c")
	    "\xc0\x0c\0\x0c\0\1\0\0\1\0\0\6\3MX1\xc0\x0e"),
	    DNS_TYPE_PTR, ST_OK, ST_OK, 256, 1, "mx1.bc"),
	ROW("a name that is no host's", REPLY("\x80", "\1", "\0", QUESTION("\x0c")
	    "\xc0\x0c\0\x0c\0\1\0\0\1\0\0\6\3a\r\n\xc0\x0e"),
	    DNS_TYPE_PTR, ST_OK, ST_NOT_FOUND, 0, 0, NULL),
	ROW("a dot in a label", REPLY("\x80", "\1", "\0", QUESTION("\x0c")
	    "\xc0\x0c\0\x0c\0\1\0\0\1\0\0\6\3a.b\xc0\x0e"),
	    DNS_TYPE_PTR, ST_OK, ST_NOT_FOUND, 0, 0, NULL),
	ROW("IPv6", REPLY("\x80", "\1", "\0", QUESTION("\x1c")
	    "\xc0\x0c\0\x1c\0\1\0\0\1\0\0\x10 \1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	    DNS_TYPE_AAAA, ST_OK, ST_OK, 256, 1, "32.1.13.184"),
	ROW("a time that is too large", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x0c\0\1\0\1\x80\0\0\0\0\4\x7f\0\0\2"),
	    DNS_TYPE_A, ST_OK, ST_OK, 0, 1, "127.0.0.2"),
	/* malformed */
	ROW("nothing", "", DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("half a header", "\x12\x34\x81\x80\0\1\0", DNS_TYPE_A, ST_SYNTAX, ST_OK, 0,
	    0, NULL),
	ROW("no question", "\x12\x34\x81\x80\0\0\0\0\0\0\0\0", DNS_TYPE_A, ST_SYNTAX,
	    ST_OK, 0, 0, NULL),
	ROW("a pointer to itself", REPLY("\x80", "\0", "\0", "\xc0\x0c\0\1\0\1"),
	    DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("a pointer forwards", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x20\0\1\0\1\0\0\1\0\0\4\x7f\0\0\2"),
	    DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("two pointers in a ring", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x1a\0\1\0\1\0\0\1\0\0\4\x7f\0\0\2"),
	    DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("an address of three octets", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x0c\0\1\0\1\0\0\1\0\0\3\x7f\0\0"),
	    DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("data beyond the end", REPLY("\x80", "\1", "\0", QUESTION("\1")
	    "\xc0\x0c\0\1\0\1\0\0\1\0\0\x40\x7f\0\0\2"),
	    DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("more announced than there is", REPLY("\x80", "\2", "\0", QUESTION("\1")
	    A_RECORD), DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
	ROW("a label of a kind that is not used", REPLY("\x80", "\0", "\0",
	    "\x41" "a\0\0\1\0\1"), DNS_TYPE_A, ST_SYNTAX, ST_OK, 0, 0, NULL),
};

static void first_of(const struct dns_answer *a, enum dns_type type, char *text,
		     size_t room)
{
	const unsigned char *n = a->records[0].address;

	if (type == DNS_TYPE_PTR)
		snprintf(text, room, "%s", a->records[0].name);
	else
		snprintf(text, room, "%u.%u.%u.%u", n[0], n[1], n[2], n[3]);
}

Test(dns_reply, table)
{
	for (size_t i = 0; i < sizeof replies / sizeof *replies; i++) {
		const struct reply_row *r = &replies[i];
		/* memory of its own, so that reading beyond it is seen */
		char *copy = malloc(r->octets + 1), text[300];
		struct dns_answer a;
		enum status st;

		memcpy(copy, r->reply, r->octets);
		st = dns_reply_read(slice_of(copy, r->octets), r->type, &a);
		cr_expect_eq(st, r->st, "%s: %s", r->name, status_name(st));
		if (st == ST_OK) {
			cr_expect_eq(a.st, r->is, "%s: %s", r->name,
				     status_name(a.st));
			cr_expect_eq(a.ttl, r->ttl, "%s: %u", r->name, a.ttl);
			cr_expect_eq(a.count, r->count, "%s: %u", r->name, a.count);
		}
		if (st == ST_OK && r->first && a.count) {
			first_of(&a, r->type, text, sizeof text);
			cr_expect_str_eq(text, r->first, "%s", r->name);
		}
		free(copy);
	}
}

/* Cut anywhere, it is no reply, or one with nothing in it. */
Test(dns_reply, cut)
{
	static const char reply[] = REPLY("\x80", "\1", "\0", QUESTION("\1") A_RECORD);

	for (size_t n = 0; n < sizeof reply - 1; n++) {
		char *copy = malloc(n + 1);
		struct dns_answer a;

		memcpy(copy, reply, n);
		cr_expect_eq(dns_reply_read(slice_of(copy, n), DNS_TYPE_A, &a),
			     ST_SYNTAX, "%zu", n);
		free(copy);
	}
}

Test(dns_reply, many_records)
{
	struct buf reply = BUF_INIT(65536);
	struct dns_answer a;

	buf_append(&reply, SLICE("\x12\x34\x81\x80\0\1\1\0\0\0\0\0" QUESTION("\1")));
	for (int i = 0; i < 256; i++)
		buf_append(&reply, SLICE(A_RECORD));
	cr_expect_eq(dns_reply_read(buf_slice(&reply), DNS_TYPE_A, &a), ST_OK);
	cr_expect_eq(a.count, DNS_RECORDS_MAX);
	buf_free(&reply);
}

/* ---- what is remembered ------------------------------------------------------------------ */

static struct dns_answer answer_of(enum status st, uint32_t ttl, unsigned char last)
{
	struct dns_answer a = { .st = st, .ttl = ttl, .count = st == ST_OK };

	a.records[0].address[3] = last;
	return a;
}

Test(dns_cache, times)
{
	static const struct {
		enum status st;
		uint32_t ttl;
		int64_t kept_ms;
	} rows[] = {
		{ ST_OK, 60, 60000 },
		{ ST_OK, 0, 10000 }, { ST_OK, 9, 10000 }, { ST_OK, 3600, 3600000 },
		{ ST_OK, 86400, 3600000 },
		{ ST_NOT_FOUND, 300, 300000 }, { ST_NOT_FOUND, 86400, 600000 },
		{ ST_NOT_FOUND, 0, 10000 },
		{ ST_UNAVAILABLE, 86400, 10000 },
	};
	struct dns_cache *c = dns_cache_new();
	struct dns_answer a;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		a = answer_of(rows[i].st, rows[i].ttl, 7);
		dns_cache_keep(c, "a.example", DNS_TYPE_A, 1000, &a);
		a.st = ST_CLOSED;
		cr_expect(dns_cache_find(c, "a.example", DNS_TYPE_A,
					 1000 + rows[i].kept_ms - 1, &a), "%zu", i);
		cr_expect_eq(a.st, rows[i].st, "%zu", i);
		if (a.st == ST_OK)
			cr_expect_eq(a.records[0].address[3], 7);
		cr_expect_not(dns_cache_find(c, "a.example", DNS_TYPE_A,
					     1000 + rows[i].kept_ms, &a), "%zu", i);
	}
	cr_expect_not(dns_cache_find(c, "a.example", DNS_TYPE_AAAA, 1000, &a));
	cr_expect_not(dns_cache_find(c, "b.example", DNS_TYPE_A, 1000, &a));
	dns_cache_free(c);
}

Test(dns_cache, is_bounded)
{
	struct dns_cache *c = dns_cache_new();
	struct dns_answer a = answer_of(ST_OK, 60, 1);
	unsigned kept = 0;
	char name[32];

	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%d.example", i);
		dns_cache_keep(c, name, DNS_TYPE_A, i, &a);
	}
	for (int i = 0; i < 20000; i++) {
		snprintf(name, sizeof name, "%d.example", i);
		kept += dns_cache_find(c, name, DNS_TYPE_A, 20000, &a);
	}
	cr_expect_leq(kept, DNS_CACHE_SETS * DNS_CACHE_WAYS);
	cr_expect_gt(kept, DNS_CACHE_SETS * DNS_CACHE_WAYS / 2);
	/* the one that came last is there */
	cr_expect(dns_cache_find(c, "19999.example", DNS_TYPE_A, 20000, &a));
	dns_cache_free(c);
}
