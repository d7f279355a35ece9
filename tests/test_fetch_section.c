#include "imapd/fetch.h"

#include <criterion/criterion.h>

/* What follows BODY, and the label it gets; NULL: refused. */
static const struct { const char *in, *label; } specs[] = {
	{ "[]",				"BODY[]" },
	{ "[header]",			"BODY[HEADER]" },
	{ "[TEXT]<0.10>",		"BODY[TEXT]<0>" },
	{ "[1]",			"BODY[1]" },
	{ "[1.2.3]",			"BODY[1.2.3]" },
	{ "[4.2.mime]",			"BODY[4.2.MIME]" },
	{ "[4.1.HEADER]<7.1>",		"BODY[4.1.HEADER]<7>" },
	{ "[HEADER.FIELDS (From \"to\" {2}\r\nCc)]", "BODY[HEADER.FIELDS (From to Cc)]" },
	{ "[1.HEADER.FIELDS.NOT (X-Y)]", "BODY[1.HEADER.FIELDS.NOT (X-Y)]" },
	{ "[HEADER.FIELDS (\"a b\")]",	"BODY[HEADER.FIELDS (\"a b\")]" },
	{ "[]<0.18446744073709551616>",	NULL },
	{ "[]<0.0>",			NULL },
	{ "[]<0>",			NULL },
	{ "[]<-1.5>",			NULL },
	{ "[0]",			NULL },
	{ "[1.0]",			NULL },
	{ "[1.]",			NULL },
	{ "[.1]",			NULL },
	{ "[1..2]",			NULL },
	{ "[4294967296]",		NULL },
	{ "[MIME]",			NULL },
	{ "[HEADER.FIELDS]",		NULL },
	{ "[HEADER.FIELDS ()]",		NULL },
	{ "[HEADER.FIELDS (a]",		NULL },
	{ "[HEADER (a)]",		NULL },
	{ "[TEXT.1]",			NULL },
	{ "[FOO]",			NULL },
	{ "[1",				NULL },
	{ "[",				NULL },
};

Test(fetch_section, labels)
{
	for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
		struct arena arena = ARENA_INIT(1 << 20);
		struct imap_args a = { .rest = slice_str(specs[i].in), .arena = &arena };
		struct fetch_section s;
		bool good = fetch_section_read(&a, FETCH_FORM_BODY, &s);

		cr_expect_eq(good, specs[i].label != NULL, "%s", specs[i].in);
		if (good && specs[i].label)
			cr_expect(slice_eq(s.label, slice_str(specs[i].label)),
				  "%s: %.*s", specs[i].in, SLICE_ARG(s.label));
		if (good)
			cr_expect_eq(a.rest.len, 0);
		else
			cr_expect_not_null(a.why, "%s", specs[i].in);
		arena_clear(&arena);
	}
}

/* As in RFC 3501 section 6.4.5; header, body and end are easy to tell apart. */
#define TREE(parent, kind, children, at) \
	{ parent, PART_##kind, PART_7BIT, children, at, at + 5, 0, 1, \
	  { "x", 1 }, { "y", 1 }, { "", 0 } }
static struct part tree[] = {
	TREE(PART_NONE, MULTIPART, 4, 0),
	TREE(0, LEAF, 0, 10),		/* 1 */
	TREE(0, LEAF, 0, 20),		/* 2 */
	TREE(0, MESSAGE, 1, 30),	/* 3: a message with two parts */
	TREE(3, MULTIPART, 2, 35),
	TREE(4, LEAF, 0, 45),		/* 3.1 */
	TREE(4, LEAF, 0, 55),		/* 3.2 */
	TREE(0, MULTIPART, 2, 70),	/* 4: no message, two parts */
	TREE(7, LEAF, 0, 80),		/* 4.1 */
	TREE(7, MESSAGE, 1, 90),	/* 4.2: a message of one part */
	TREE(9, LEAF, 0, 95),		/* 4.2.1 */
};
#define COUNT (sizeof tree / sizeof *tree)

static const struct {
	const char *spec;
	bool is_there;
	uint64_t from, to;	/* without the prefix */
} places[] = {
	{ "[1]",		true,	15, 19 },
	{ "[1.MIME]",		true,	10, 15 },
	{ "[2]",		true,	25, 29 },
	{ "[3]",		true,	35, 69 },
	{ "[3.HEADER]",		true,	35, 40 },
	{ "[3.HEADER.FIELDS (a)]", true, 35, 40 },
	{ "[3.TEXT]",		true,	40, 69 },
	{ "[3.MIME]",		true,	30, 35 },
	{ "[3.1]",		true,	50, 54 },
	{ "[3.1.MIME]",		true,	45, 50 },
	{ "[3.2]",		true,	60, 64 },
	{ "[4]",		true,	75, 119 },
	{ "[4.1]",		true,	85, 89 },
	{ "[4.2.HEADER]",	true,	95, 100 },
	{ "[4.2.TEXT]",		true,	100, 119 },
	{ "[4.2.1]",		true,	100, 119 },
	{ "[4.2.1.MIME]",	true,	95, 100 },
	{ "[5]",		false,	0, 0 },
	{ "[1.1]",		false,	0, 0 },
	{ "[1.HEADER]",		false,	0, 0 },
	{ "[4.HEADER]",		false,	0, 0 },
	{ "[3.3]",		false,	0, 0 },
	{ "[4.2.2]",		false,	0, 0 },
	{ "[4.2.1.1]",		false,	0, 0 },
	{ "[4.2.1.TEXT]",	false,	0, 0 },
};

static void fill_ends(void)
{
	static const uint64_t ends[] = { 120, 19, 29, 69, 69, 54, 64, 119, 89, 119, 119 };

	for (size_t i = 0; i < COUNT; i++)
		tree[i].end = ends[i];
}

static bool find(const char *spec, const struct part *parts, size_t count,
		 const struct fetch_row *row, struct fetch_range *range)
{
	struct arena arena = ARENA_INIT(1 << 16);
	struct imap_args a = { .rest = slice_str(spec), .arena = &arena };
	struct fetch_section s;
	bool found;

	cr_assert(fetch_section_read(&a, FETCH_FORM_BODY, &s), "%s", spec);
	found = fetch_section_find(&s, parts, count, row, range);
	fetch_section_cut(&s, range);
	arena_clear(&arena);
	return found;
}

Test(fetch_section, places)
{
	const struct fetch_row row = { .size = 127, .prefix = 7 };

	fill_ends();
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		struct fetch_range r = { 0 };

		cr_expect_eq(find(places[i].spec, tree, COUNT, &row, &r),
			     places[i].is_there, "%s", places[i].spec);
		if (!places[i].is_there)
			continue;
		cr_expect_eq(r.offset, places[i].from + 7, "%s: %d", places[i].spec,
			     (int)r.offset);
		cr_expect_eq(r.offset + r.octets, places[i].to + 7, "%s: %d",
			     places[i].spec, (int)(r.offset + r.octets));
	}
}

/* Of the message itself the prefix is part of the header. */
static const struct { const char *spec; bool is_there; uint64_t from, to; } wholes[] = {
	{ "[]",			true,	0, 107 },
	{ "[HEADER]",		true,	0, 27 },
	{ "[TEXT]",		true,	27, 107 },
	{ "[1]",		true,	27, 107 },
	{ "[1.MIME]",		true,	0, 27 },
	{ "[2]",		false,	0, 0 },
	{ "[1.1]",		false,	0, 0 },
	{ "[1.HEADER]",		false,	0, 0 },
	{ "[]<0.10>",		true,	0, 10 },
	{ "[]<100.10>",		true,	100, 107 },
	{ "[]<107.10>",		true,	107, 107 },
	{ "[]<9223372036854775807.9223372036854775807>", true, 107, 107 },
	{ "[TEXT]<10.10>",	true,	37, 47 },
};

Test(fetch_section, message_of_one_part)
{
	const struct fetch_row row = { .size = 107, .prefix = 7 };
	const struct part part = { .parent = PART_NONE, .body = 20, .end = 100 };

	for (size_t i = 0; i < sizeof wholes / sizeof *wholes; i++) {
		struct fetch_range r = { 0 };

		cr_expect_eq(find(wholes[i].spec, &part, 1, &row, &r),
			     wholes[i].is_there, "%s", wholes[i].spec);
		if (!wholes[i].is_there)
			continue;
		cr_expect_eq(r.offset, wholes[i].from, "%s", wholes[i].spec);
		cr_expect_eq(r.offset + r.octets, wholes[i].to, "%s", wholes[i].spec);
	}
}

static const struct { const char *spec, *out; } filters[] = {
	{ "[HEADER.FIELDS (b)]",	"B: 2\r\n 3\r\n\r\n" },
	{ "[HEADER.FIELDS (C A)]",	"A: 1\r\nc: 4\r\nA: 5\r\n\r\n" },
	{ "[HEADER.FIELDS (D)]",	"\r\n" },
	{ "[HEADER.FIELDS.NOT (A)]",	"B: 2\r\n 3\r\nc: 4\r\n\r\n" },
	{ "[HEADER.FIELDS.NOT (D)]",	"A: 1\r\nB: 2\r\n 3\r\nc: 4\r\nA: 5\r\n\r\n" },
};

Test(fetch_section, fields)
{
	const struct slice header =
		SLICE("A: 1\r\nB: 2\r\n 3\r\nc: 4\r\nA: 5\r\n\r\nD: 6\r\n");

	for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
		struct arena arena = ARENA_INIT(1 << 16);
		struct imap_args a = { .rest = slice_str(filters[i].spec),
				       .arena = &arena };
		struct buf out = BUF_INIT(200);
		struct fetch_section s;

		cr_assert(fetch_section_read(&a, FETCH_FORM_BODY, &s));
		cr_expect_eq(fetch_section_filter(&s, header, &out), ST_OK);
		cr_expect(slice_eq(buf_slice(&out), slice_str(filters[i].out)),
			  "%s: %.*s", filters[i].spec, SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
		arena_clear(&arena);
	}
}
