#include "common/flags.h"
#include "imapd/fetch.h"

#include <criterion/criterion.h>

static const struct fetch_row row = {
	.uid = 7, .flags = FLAG_SEEN, .modseq = 99, .size = 1234,
	.internaldate = 837596665, .zone = -420, .savedate = 837596665,
	.emailid = 33, .threadid = 1, .envelope = { "(e)", 3 },
	.bodystructure = { "(bs)", 4 }, .body = { "(b)", 3 },
	.preview = { "hi", 2 },
};

/* arguments; the answer without sections, the sections; NULL: refused */
static const struct { const char *in, *out, *sections; } rows[] = {
	{ "FLAGS", "* 3 FETCH (FLAGS (\\Seen)", "" },
	{ "(flags UID FLAGS)", "* 3 FETCH (FLAGS (\\Seen) UID 7", "" },
	{ "ALL", "* 3 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
		 "RFC822.SIZE 1234 ENVELOPE (e)", "" },
	{ "fast", "* 3 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
		  "RFC822.SIZE 1234", "" },
	{ "FULL", "* 3 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "
		  "RFC822.SIZE 1234 ENVELOPE (e) BODY (b)", "" },
	{ "(BODY BODYSTRUCTURE)", "* 3 FETCH (BODY (b) BODYSTRUCTURE (bs)", "" },
	{ "(MODSEQ EMAILID THREADID)", "* 3 FETCH (MODSEQ (99) EMAILID (M0000000000011) "
				       "THREADID (T0000000000001)", "" },
	{ "SAVEDATE", "* 3 FETCH (SAVEDATE \"17-Jul-1996 09:44:25 +0000\"", "" },
	{ "(PREVIEW (LAZY) UID)", "* 3 FETCH (PREVIEW {2}\r\nhi UID 7", "" },
	{ "PREVIEW", "* 3 FETCH (PREVIEW {2}\r\nhi", "" },
	{ "(PREVIEW (NOW))", NULL, NULL },
	{ "(PREVIEW (LAZY)", NULL, NULL },
	{ "RFC822", "* 3 FETCH (", "RFC822 " },
	{ "RFC822.PEEK", "* 3 FETCH (", "RFC822 " },	/* RFC 1730; Outlook */
	{ "RFC822.TEXT.PEEK", "* 3 FETCH (", "RFC822.TEXT " },
	{ "(RFC822.HEADER RFC822.TEXT RFC822.SIZE)", "* 3 FETCH (RFC822.SIZE 1234",
	  "RFC822.HEADER RFC822.TEXT " },
	{ "(BODY[] BODY.PEEK[] BODY[TEXT]<0.1> BODY[TEXT]<0.1> BODY[TEXT]<0.2>)",
	  "* 3 FETCH (", "BODY[] BODY[TEXT]<0> BODY[TEXT]<0> " },
	{ "(BINARY[1.2] BINARY.PEEK[1.2] BINARY[]<5.7> BINARY.SIZE[3])",
	  "* 3 FETCH (", "BINARY[1.2] BINARY[]<5> BINARY.SIZE[3] " },
	{ "BINARY[HEADER]", NULL, NULL },
	{ "BINARY[1.MIME]", NULL, NULL },
	{ "BINARY.SIZE[1]<0.5>", NULL, NULL },
	{ "BINARY.SIZE", NULL, NULL },
	{ "()", NULL, NULL },
	{ "(ALL)", NULL, NULL },
	{ "ALLE", NULL, NULL },
	{ "FLAGS[]", NULL, NULL },
	{ "RFC822[]", NULL, NULL },
	{ "(FLAGS", NULL, NULL },
	{ "(FLAGS  UID)", NULL, NULL },
	{ "(FLAGS )", NULL, NULL },
	{ "BODY.PEEK", NULL, NULL },
	{ "\"FLAGS\"", NULL, NULL },
	{ "", NULL, NULL },
};

static bool read_plan(const char *text, struct arena *arena, struct fetch_plan *plan)
{
	struct imap_args a = { .rest = slice_str(text), .arena = arena };
	bool good = fetch_plan_read(&a, plan) && args_end(&a);

	if (good)
		fetch_plan_finish(plan);
	return good;
}

Test(fetch_items, table)
{
	const struct fetch_values values = { .row = &row, .flags = SLICE("(\\Seen)") };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = ARENA_INIT(1 << 20);
		struct fetch_plan plan;
		struct buf out = BUF_INIT(4096);
		bool good = read_plan(rows[i].in, &arena, &plan);

		cr_expect_eq(good, rows[i].out != NULL, "%s", rows[i].in);
		if (good && rows[i].out) {
			cr_expect_eq(fetch_plan_put(&plan, 3, &values, &out), ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s: %.*s", rows[i].in, SLICE_ARG(buf_slice(&out)));
			out.len = 0;
			for (size_t k = 0; k < plan.section_count; k++) {
				buf_append(&out, plan.sections[k].label);
				buf_append_char(&out, ' ');
			}
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].sections)),
				  "%s: %.*s", rows[i].in, SLICE_ARG(buf_slice(&out)));
		}
		buf_free(&out);
		arena_clear(&arena);
	}
}

#define NONE FETCH_NO_STREAM
/* How the octets come: with the row, or by a READ. */
static const struct {
	const char *in;
	uint32_t columns;
	size_t stream;
	bool sets_seen;
} plans[] = {
	{ "BODY[]", FETCH_ALL_OCTETS | FETCH_FLAGS, 0, true },
	{ "BODY.PEEK[]", FETCH_ALL_OCTETS, 0, false },
	{ "RFC822.TEXT", FETCH_TEXT_OCTETS | FETCH_FLAGS, 0, true },
	{ "RFC822.HEADER", FETCH_HEADER_OCTETS, NONE, false },
	{ "RFC822.PEEK", FETCH_ALL_OCTETS, 0, false },
	{ "BODY.PEEK[HEADER.FIELDS (A)]", FETCH_HEADER_OCTETS, NONE, false },
	{ "BODY.PEEK[]<0.5>", FETCH_SIZE, NONE, false },
	{ "BODY.PEEK[1]", FETCH_SIZE | FETCH_PARTS | FETCH_PREFIX, NONE, false },
	{ "BINARY.PEEK[]", FETCH_ALL_OCTETS, 0, false },
	{ "BINARY.SIZE[]", FETCH_SIZE, NONE, false },
	{ "BINARY[1]", FETCH_SIZE | FETCH_PARTS | FETCH_PREFIX | FETCH_FLAGS, NONE,
	  true },
	{ "(BODY.PEEK[1] BODY.PEEK[])",
	  FETCH_SIZE | FETCH_PARTS | FETCH_PREFIX, NONE, false },
	{ "(BODY.PEEK[HEADER] BODY.PEEK[])", FETCH_SIZE | FETCH_HEADER_OCTETS, NONE,
	  false },
	{ "(BODY.PEEK[TEXT] RFC822)",
	  FETCH_SIZE | FETCH_PARTS | FETCH_PREFIX | FETCH_FLAGS, NONE, true },
};

Test(fetch_items, octets)
{
	for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
		struct arena arena = ARENA_INIT(1 << 20);
		struct fetch_plan plan;

		cr_assert(read_plan(plans[i].in, &arena, &plan));
		cr_expect_eq(plan.columns, plans[i].columns, "%s: %#x", plans[i].in,
			     plan.columns);
		cr_expect_eq(plan.stream, plans[i].stream, "%s", plans[i].in);
		cr_expect_eq(plan.sets_seen, plans[i].sets_seen, "%s", plans[i].in);
		arena_clear(&arena);
	}
}

Test(fetch_items, limits)
{
	struct buf text = BUF_INIT(1 << 16);
	struct arena arena = ARENA_INIT(1 << 20);
	struct fetch_plan plan;
	struct imap_args a = { .arena = &arena };

	for (unsigned i = 0; i <= FETCH_SECTIONS_MAX; i++)
		buf_append_fmt(&text, "%sBODY[%u]", i ? " " : "(", i + 1);
	buf_append_char(&text, ')');
	a.rest = buf_slice(&text);
	cr_expect(!fetch_plan_read(&a, &plan));
	cr_expect(slice_starts(slice_str(a.why), SLICE("[LIMIT]")));
	buf_free(&text);
	arena_clear(&arena);
}
