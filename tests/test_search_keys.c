#include "common/date.h"
#include "common/flags.h"
#include "imapd/search.h"

#include <criterion/criterion.h>

/* UIDs 10 to 19 have the numbers 1 to 10, UIDs 30 and 31 11 and 12; 31 and what
 * follows is \Recent. */
static struct view make_view(void)
{
	struct ranges uids = RANGES_INIT(10);
	struct view v;

	view_init(&v);
	ranges_add(&uids, 10, 19);
	ranges_add(&uids, 30, 31);
	cr_assert_eq(view_append(&v, &uids), ST_OK);
	v.recent_low = 31;
	v.recent_high = 40;
	cr_assert_eq(ranges_add(&v.saved, 12, 13), ST_OK);
	ranges_free(&uids);
	return v;
}

/* "SUBJECT" "(" ... as a text that tables can hold: OP[number](text)(value) */
static void show(struct slice program, struct buf *out)
{
	static const char *const names[] = {
#define NAME(code, NAME, args) [code] = #NAME,
		SEARCH_OPS(NAME)
#undef NAME
	};
	struct search_step s;

	while (search_program_next(&program, &s) == ST_OK) {
		struct ranges set = RANGES_INIT(100);

		if (out->len)
			buf_append_char(out, ' ');
		buf_append_str(out, names[s.op]);
		if (s.number)
			buf_append_fmt(out, "[%llu]", (unsigned long long)s.number);
		if (s.day)
			buf_append_fmt(out, "[%lld]", (long long)s.day);
		if (s.op == SEARCH_OP_UID) {
			cr_assert_eq(ranges_decode(s.text, &set), ST_OK);
			buf_append_char(out, '{');
			numset_render(&set, out);
			buf_append_char(out, '}');
		} else if (s.text.data) {
			buf_append_fmt(out, "(%.*s)", SLICE_ARG(s.text));
		}
		if (s.value.data)
			buf_append_fmt(out, "(%.*s)", SLICE_ARG(s.value));
		ranges_free(&set);
	}
}

static const struct { const char *in; const char *program; enum status status; } rows[] = {
	{ "ALL", "ALL", ST_OK },
	{ "unseen", "FLAG[1] NOT", ST_OK },
	{ "SEEN DELETED", "FLAG[1] FLAG[8] AND[2]", ST_OK },
	{ "NOT SEEN", "FLAG[1] NOT", ST_OK },
	{ "NOT NOT SEEN", "FLAG[1] NOT NOT", ST_OK },
	{ "OR SEEN DRAFT", "FLAG[1] FLAG[16] OR[2]", ST_OK },
	{ "OR NOT SEEN (ANSWERED FLAGGED) ALL",
	  "FLAG[1] NOT FLAG[2] FLAG[4] AND[2] OR[2] ALL AND[2]", ST_OK },
	{ "OR OR ALL SEEN OR ALL SEEN",
	  "ALL FLAG[1] OR[2] ALL FLAG[1] OR[2] OR[2]", ST_OK },
	{ "((((SEEN))))", "FLAG[1]", ST_OK },
	{ "(SEEN (ALL DRAFT) NOT (ALL ALL))",
	  "FLAG[1] ALL FLAG[16] AND[2] ALL ALL AND[2] NOT AND[3]", ST_OK },
	{ "BCC x CC y FROM z TO w", "HEADER(bcc)(x) HEADER(cc)(y) HEADER(from)(z) "
				    "HEADER(to)(w) AND[4]", ST_OK },
	{ "SUBJECT \"a \\\"b\\\"\"", "HEADER(subject)(a \"b\")", ST_OK },
	{ "SUBJECT {4}\r\na\r\nb", "HEADER(subject)(a\r\nb)", ST_OK },
	{ "HEADER Message-ID \"\"", "HEADER(Message-ID)()", ST_OK },
	{ "BODY a TEXT b", "BODY(a) TEXT(b) AND[2]", ST_OK },
	{ "KEYWORD $Junk UNKEYWORD x", "KEYWORD($Junk) KEYWORD(x) NOT AND[2]", ST_OK },
	{ "LARGER 10 SMALLER 4294967296", "LARGER[10] SMALLER[4294967296] AND[2]",
	  ST_OK },
	{ "BEFORE 2-Jan-1970 ON \"03-jan-1970\" SINCE 4-Jan-1970",
	  "BEFORE[1] ON[2] SINCE[3] AND[3]", ST_OK },
	{ "SENTBEFORE 2-Jan-1970 SENTON 3-Jan-1970 SENTSINCE 31-Dec-1969",
	  "SENTBEFORE[1] SENTON[2] SENTSINCE[-1] AND[3]", ST_OK },
	{ "RECENT", "UID{31:40}", ST_OK },
	{ "OLD", "UID{31:40} NOT", ST_OK },
	{ "NEW", "UID{31:40} FLAG[1] NOT AND[2]", ST_OK },
	{ "1:3", "UID{10:12}", ST_OK },
	{ "*", "UID{31}", ST_OK },
	{ "9:*", "UID{18:31}", ST_OK },
	{ "12:500", "UID{31}", ST_OK },
	{ "13:500", "NONE", ST_OK },
	{ "UID 12:14,31", "UID{12:14,31}", ST_OK },
	{ "UID 100:*", "UID{31}", ST_OK },
	{ "UID 100", "NONE", ST_OK },
	{ "NOT 1,2 SEEN", "UID{10:11} NOT FLAG[1] AND[2]", ST_OK },
	{ "OLDER 60 YOUNGER 5", "OLDER[60] YOUNGER[5] AND[2]", ST_OK },
	{ "MODSEQ 620162338", "MODSEQ[620162338]", ST_OK },
	{ "MODSEQ \"/flags/\\\\draft\" all 6", "MODSEQ[6]", ST_OK },
	{ "EMAILID M0000000000011", "EMAILID[33]", ST_OK },
	{ "THREADID T0000000000011", "THREADID[33]", ST_OK },
	{ "THREADID M0000000000011", "NONE", ST_OK },
	{ "SAVEDATESUPPORTED", "ALL", ST_OK },
	{ "$", "UID{12:13}", ST_OK },
	{ "UID $ SEEN", "UID{12:13} FLAG[1] AND[2]", ST_OK },
	{ "RETURN (SAVE) $", "UID{12:13}", ST_OK },
	{ "$,1", "", ST_SYNTAX },
	{ "EMAILID xyz", "NONE", ST_OK },
	{ "CHARSET utf-8 SUBJECT {2}\r\n\xc3\xa4", "HEADER(subject)(\xc3\xa4)", ST_OK },
	{ "CHARSET US-ASCII ALL", "ALL", ST_OK },
	{ "RETURN () ALL", "ALL", ST_OK },
	{ "RETURN (MIN MAX COUNT) CHARSET UTF-8 ALL", "ALL", ST_OK },
	{ "CHARSET KOI8-R ALL", "", ST_NOT_FOUND },
	{ "", "", ST_SYNTAX },
	{ "()", "", ST_SYNTAX },
	{ "(ALL", "", ST_SYNTAX },
	{ "ALL)", "", ST_SYNTAX },
	{ "(ALL))", "", ST_SYNTAX },
	{ "( ALL)", "", ST_SYNTAX },
	{ "(ALL )", "", ST_SYNTAX },
	{ "ALL ", "", ST_SYNTAX },
	{ "ALL  ALL", "", ST_SYNTAX },
	{ "ALLALL", "", ST_SYNTAX },
	{ "NOT", "", ST_SYNTAX },
	{ "NOT ", "", ST_SYNTAX },
	{ "OR ALL", "", ST_SYNTAX },
	{ "(OR ALL) ALL", "", ST_SYNTAX },
	{ "(NOT) ALL", "", ST_SYNTAX },
	{ "OR", "", ST_SYNTAX },
	{ "SUBJECT", "", ST_SYNTAX },
	{ "SUBJECT ", "", ST_SYNTAX },
	{ "HEADER x", "", ST_SYNTAX },
	{ "LARGER x", "", ST_SYNTAX },
	{ "LARGER 18446744073709551616", "", ST_SYNTAX },
	{ "ON 30-Feb-2000", "", ST_SYNTAX },
	{ "KEYWORD \"x\"", "", ST_SYNTAX },
	{ "0", "", ST_SYNTAX },
	{ "1:4294967296", "", ST_SYNTAX },
	{ "UID x", "", ST_SYNTAX },
	{ "OLDER 0", "", ST_SYNTAX },
	{ "SUBJECT {1}\r\n\xff", "", ST_SYNTAX },
	{ "FOO", "", ST_SYNTAX },
	{ "RETURN (FOO) ALL", "", ST_SYNTAX },
	{ "RETURN (MIN) ", "", ST_SYNTAX },
	{ "CHARSET UTF-8", "", ST_SYNTAX },
	{ "ALL CHARSET UTF-8", "", ST_SYNTAX },
};

Test(search_keys, table)
{
	struct view view = make_view();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena arena = ARENA_INIT(1 << 16);
		struct imap_args a = { .rest = slice_str(rows[i].in), .arena = &arena };
		struct search_request request = SEARCH_REQUEST_INIT;
		struct buf text = BUF_INIT(1 << 16);
		enum status st = search_request_read(&a, &view, &request);

		cr_expect_eq(st, rows[i].status, "%s: %s", rows[i].in, status_name(st));
		if (st == ST_OK) {
			cr_expect_eq(search_program_check(buf_slice(&request.program)),
				     ST_OK, "%s", rows[i].in);
			show(buf_slice(&request.program), &text);
			cr_expect(slice_eq(buf_slice(&text), slice_str(rows[i].program)),
				  "%s: %.*s", rows[i].in, SLICE_ARG(buf_slice(&text)));
		}
		if (st == ST_SYNTAX)
			cr_expect_not_null(a.why, "%s", rows[i].in);
		buf_free(&text);
		buf_free(&request.program);
		arena_clear(&arena);
	}
	view_clear(&view);
}

static enum status read_repeated(const char *head, const char *each, size_t n,
				 const char *tail)
{
	struct view view = make_view();
	struct arena arena = ARENA_INIT(1 << 16);
	struct buf text = BUF_INIT(1 << 20);
	struct search_request request = SEARCH_REQUEST_INIT;
	struct imap_args a = { .arena = &arena };
	enum status st;

	buf_append_str(&text, head);
	for (size_t i = 0; i < n; i++)
		buf_append_str(&text, each);
	buf_append_str(&text, tail);
	a.rest = buf_slice(&text);
	st = search_request_read(&a, &view, &request);
	if (st == ST_OK)
		st = search_program_check(buf_slice(&request.program));
	buf_free(&text);
	buf_free(&request.program);
	arena_clear(&arena);
	view_clear(&view);
	return st;
}

Test(search_keys, limits)
{
	cr_expect_eq(read_repeated("", "NOT ", SEARCH_DEPTH_MAX, "ALL"), ST_OK);
	cr_expect_eq(read_repeated("", "NOT ", SEARCH_DEPTH_MAX + 1, "ALL"), ST_LIMIT);
	cr_expect_eq(read_repeated("", "(", 100000, "ALL"), ST_LIMIT);
	cr_expect_eq(read_repeated("", "OR ALL ", 100000, "ALL"), ST_LIMIT);
	cr_expect_eq(read_repeated("ALL", " ALL", SEARCH_OPS_MAX - 2, ""), ST_OK);
	cr_expect_eq(read_repeated("ALL", " ALL", SEARCH_OPS_MAX - 1, ""), ST_LIMIT);
	cr_expect_eq(read_repeated("SUBJECT ", "a", SEARCH_PROGRAM_MAX, ""), ST_LIMIT);
}

Test(search_keys, an_empty_mailbox)
{
	struct view view;
	struct arena arena = ARENA_INIT(1 << 16);
	struct imap_args a = { .rest = SLICE("1:* RECENT"), .arena = &arena };
	struct search_request request = SEARCH_REQUEST_INIT;
	struct buf text = BUF_INIT(1000);

	view_init(&view);
	cr_expect_eq(search_request_read(&a, &view, &request), ST_OK);
	show(buf_slice(&request.program), &text);
	cr_expect(slice_eq(buf_slice(&text), SLICE("NONE NONE AND[2]")), "%.*s",
		  SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
	buf_free(&request.program);
	view_clear(&view);
	arena_clear(&arena);
}
