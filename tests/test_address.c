#include "common/address.h"

#include <criterion/criterion.h>

#define ALL (ADDRESS_NULL | ADDRESS_NO_DOMAIN | ADDRESS_UTF8)

/* path, what it is rendered as, the key; no rendering: ST_SYNTAX */
static const struct { const char *in, *out, *key; } rows[] = {
	{ "<>",				"",			"" },
	{ "<ann@example.org>",		"ann@example.org",	"ann@example.org" },
	{ "<Ann.Smith@Example.ORG>",	"Ann.Smith@Example.ORG", "ann.smith@example.org" },
	{ "<ann@example.org.>",		"ann@example.org",	"ann@example.org" },
	{ "<ann+x=y@example.org>",	"ann+x=y@example.org",	"ann+x=y@example.org" },
	{ "<\"ann\"@example.org>",	"ann@example.org",	"ann@example.org" },
	{ "<\"a b\"@example.org>",	"\"a b\"@example.org",	"a b@example.org" },
	{ "<\"a\\\"\\\\b\"@x.y>",	"\"a\\\"\\\\b\"@x.y",	"a\"\\b@x.y" },
	{ "<\"a\\b\"@x.y>",		"ab@x.y",		"ab@x.y" },
	{ "<\"a>b\"@x.y>",		"\"a>b\"@x.y",		"a>b@x.y" },
	{ "<\"a@b\"@x.y>",		"\"a@b\"@x.y",		"a@b@x.y" },
	{ "<\"\"@x.y>",			"\"\"@x.y",		"@x.y" },
	{ "<\".a\"@x.y>",		"\".a\"@x.y",		".a@x.y" },
	{ "<@a.b,@c.d:ann@x.y>",	"ann@x.y",		"ann@x.y" },
	{ "<Postmaster>",		"Postmaster",		"postmaster" },
	{ "<joe@localhost>",		"joe@localhost",	"joe@localhost" },
	{ "<a_b@c_d.example>",		"a_b@c_d.example",	"a_b@c_d.example" },
	{ "<ann@[192.0.2.1]>",		"ann@[192.0.2.1]",	"ann@[192.0.2.1]" },
	{ "<ann@[ipv6:2001:DB8:0:0::1]>", "ann@[IPv6:2001:db8::1]",
	  "ann@[IPv6:2001:db8::1]" },
	{ "<j\xc3\x9cRGEN@b\xc3\xbc" "cher.example>",
	  "j\xc3\x9cRGEN@b\xc3\xbc" "cher.example",
	  "j\xc3\xbcrgen@xn--bcher-kva.example" },
	{ "<a@B\xc3\x9c" "CHER.example>", "a@B\xc3\x9c" "CHER.example",
	  "a@xn--bcher-kva.example" },
	{ "",				NULL, NULL },
	{ "ann@x.y",			NULL, NULL },
	{ "<ann@x.y",			NULL, NULL },
	{ "<ann>",			NULL, NULL },
	{ "<@x.y>",			NULL, NULL },
	{ "<ann@>",			NULL, NULL },
	{ "<ann@.>",			NULL, NULL },
	{ "<ann@x..y>",			NULL, NULL },
	{ "<ann@x.y..>",		NULL, NULL },
	{ "<ann@-x.y>",			NULL, NULL },
	{ "<ann@x-.y>",			NULL, NULL },
	{ "<ann@x y>",			NULL, NULL },
	{ "<ann@x@y>",			NULL, NULL },
	{ "<a b@x.y>",			NULL, NULL },
	{ "<.a@x.y>",			NULL, NULL },
	{ "<a.@x.y>",			NULL, NULL },
	{ "<a..b@x.y>",			NULL, NULL },
	{ "<a(b)@x.y>",			NULL, NULL },
	{ "<a\"b\"@x.y>",		NULL, NULL },
	{ "<\"a@x.y>",			NULL, NULL },
	{ "<\"a\"b@x.y>",		NULL, NULL },
	{ "<\"a\\\">",			NULL, NULL },
	{ "<a\rb@x.y>",			NULL, NULL },
	{ "<\"a\r\nb\"@x.y>",		NULL, NULL },
	{ "<\"a\x01" "b\"@x.y>",	NULL, NULL },
	{ "<a\x7f@x.y>",		NULL, NULL },
	{ "<a\xc2\x85@x.y>",		NULL, NULL },
	{ "<a\xff@x.y>",		NULL, NULL },
	{ "<a@x\xff.y>",		NULL, NULL },
	{ "<ann@[192.0.2.256]>",	NULL, NULL },
	{ "<ann@[192.0.2.1>",		NULL, NULL },
	{ "<ann@[2001:db8::1]>",	NULL, NULL },
	{ "<ann@[x-tag:1]>",		NULL, NULL },
	{ "<ann@[]>",			NULL, NULL },
	{ "<@a.b ann@x.y>",		NULL, NULL },
	{ "<@a.b:>",			NULL, NULL },
	{ "<a.b:ann@x.y>",		NULL, NULL },
	{ "< ann@x.y>",			NULL, NULL },
};

static void expect(const struct buf *b, const char *text, const char *in)
{
	cr_expect(slice_eq(buf_slice(b), slice_str(text)), "%s: %.*s, not %s", in,
		  SLICE_ARG(buf_slice(b)), text);
}

Test(address, paths)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = ARENA_INIT(4096);
		struct buf b = BUF_INIT(ADDRESS_OCTETS_MAX);
		struct slice in;
		struct address a, again;
		enum status st;

		buf_append_str(&b, rows[i].in);
		buf_append_str(&b, " SIZE=1");
		in = buf_slice(&b);
		st = address_parse_path(&in, ALL, &arena, &a);
		cr_expect_eq(st, rows[i].out ? ST_OK : ST_SYNTAX, "%s: %s", rows[i].in,
			     status_name(st));
		if (st == ST_OK) {
			cr_expect(slice_eq(in, SLICE(" SIZE=1")), "%s", rows[i].in);
			b.len = 0;
			cr_expect_eq(address_render(&a, &b), ST_OK);
			expect(&b, rows[i].out, rows[i].in);
			/* what was rendered is taken, and is the same */
			cr_expect_eq(address_parse(buf_slice(&b), ALL, &arena, &again),
				     ST_OK, "%s", rows[i].in);
			b.len = 0;
			cr_expect_eq(address_key(&again, &b), ST_OK);
			expect(&b, rows[i].key, rows[i].in);
		}
		arena_clear(&arena);
		buf_free(&b);
	}
}

Test(address, flags)
{
	static const struct { const char *in; unsigned flags; enum status status; }
	cases[] = {
		{ "",				0,			ST_SYNTAX },
		{ "",				ADDRESS_NULL,		ST_OK },
		{ "postmaster",			0,			ST_SYNTAX },
		{ "POSTMASTER",			ADDRESS_NO_DOMAIN,	ST_OK },
		{ "ann",			ADDRESS_NO_DOMAIN,	ST_SYNTAX },
		{ "\xc3\xbc@x.y",		0,			ST_SYNTAX },
		{ "a@\xc3\xbc.y",		0,			ST_SYNTAX },
		{ "a@\xc3\xbc.y",		ADDRESS_UTF8,		ST_OK },
		{ "a@x.y ",			ADDRESS_UTF8,		ST_SYNTAX },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena arena = ARENA_INIT(4096);
		struct address a;

		cr_expect_eq(address_parse(slice_str(cases[i].in), cases[i].flags,
					   &arena, &a), cases[i].status, "%s",
			     cases[i].in);
		arena_clear(&arena);
	}
}

Test(address, parts)
{
	struct arena arena = ARENA_INIT(4096);
	struct buf b = BUF_INIT(ADDRESS_OCTETS_MAX);
	struct address a;

	address_parse(SLICE("\"x y\"@B\xc3\xbc" "cher.Example."), ALL, &arena, &a);
	cr_expect(slice_eq(a.local, SLICE("x y")));
	cr_expect(slice_eq(a.domain, SLICE("B\xc3\xbc" "cher.Example")));
	cr_expect(slice_eq(a.ascii, SLICE("xn--bcher-kva.example")));
	cr_expect(a.has_utf8 && !a.is_literal && !a.is_null);
	address_render_ascii(&a, &b);
	expect(&b, "\"x y\"@xn--bcher-kva.example", "ascii");
	address_parse(SLICE("x@[127.0.0.1]"), ALL, &arena, &a);
	cr_expect(a.is_literal && !a.has_utf8);
	arena_clear(&arena);
	buf_free(&b);
}

Test(address, limits)
{
	char text[ADDRESS_PATH_MAX + 100];
	struct arena arena = ARENA_INIT(65536);
	struct address a;

	memset(text, 'a', sizeof text);
	memcpy(text + ADDRESS_LOCAL_MAX, "@x.y", 4);
	cr_expect_eq(address_parse(slice_of(text, ADDRESS_LOCAL_MAX + 4), 0, &arena, &a),
		     ST_OK);
	memcpy(text + ADDRESS_LOCAL_MAX, "a@x.y", 5);
	cr_expect_eq(address_parse(slice_of(text, ADDRESS_LOCAL_MAX + 5), 0, &arena, &a),
		     ST_LIMIT);
	memset(text, 'a', sizeof text);
	text[1] = '@';
	cr_expect_eq(address_parse(slice_of(text, 2 + 63), 0, &arena, &a), ST_OK);
	cr_expect_eq(address_parse(slice_of(text, 2 + 64), 0, &arena, &a), ST_SYNTAX);
	for (size_t i = 2 + 50; i < sizeof text; i += 50)
		text[i] = '.';
	cr_expect_eq(address_parse(slice_of(text, 2 + 255), 0, &arena, &a), ST_OK);
	cr_expect_eq(address_parse(slice_of(text, 2 + 258), 0, &arena, &a), ST_LIMIT);
	cr_expect_eq(address_parse(slice_of(text, sizeof text), 0, &arena, &a), ST_LIMIT);
	arena_clear(&arena);
}

Test(address, hosts)
{
	static const struct { const char *text; bool is_host; } cases[] = {
		{ "mail.example.org", true }, { "localhost", true },
		{ "[192.0.2.1]", true }, { "[IPv6:::1]", true },
		{ "my_pc", true }, { "b\xc3\xbc" "cher.example", true },
		{ "", false }, { "a b", false }, { "[x]", false },
		{ "a\r\nb", false }, { "192.0.2.1", true }, { "<x>", false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		cr_expect_eq(address_is_host(slice_str(cases[i].text)),
			     cases[i].is_host, "%s", cases[i].text);
}
