/* Edits of milters to a header whose first field is our own. */
#include "smtpd/milter_header.h"

#include <criterion/criterion.h>

#define OWN "Received: ours\r\n"

enum what { ADD, INSERT, CHANGE };

static const struct {
	const char *name;
	enum what what;
	uint32_t index;
	const char *field, *value;
	bool has_space;
	const char *in, *out;	/* behind and around OWN, which stands at $ */
	enum status status;
} rows[] = {
	{ "add", ADD, 0, "X", "y", false, "$A: b\r\n", "$A: b\r\nX: y\r\n", ST_OK },
	{ "add to nothing", ADD, 0, "X", "y", false, "$", "$X: y\r\n", ST_OK },
	{ "add with its own space", ADD, 0, "X", "\ty", true, "$", "$X:\ty\r\n", ST_OK },
	{ "insert on top", INSERT, 0, "X", "y", false, "$A: b\r\n", "X: y\r\n$A: b\r\n",
	  ST_OK },
	{ "insert at 1: below ours", INSERT, 1, "X", "y", false, "$A: b\r\n",
	  "$X: y\r\nA: b\r\n", ST_OK },
	{ "insert at 2", INSERT, 2, "X", "y", false, "$A: b\r\n c\r\nD: e\r\n",
	  "$A: b\r\n c\r\nX: y\r\nD: e\r\n", ST_OK },
	{ "insert beyond the end", INSERT, 99, "X", "y", false, "$A: b\r\n",
	  "$A: b\r\nX: y\r\n", ST_OK },
	{ "change", CHANGE, 1, "a", "y", false, "$A: b\r\n c\r\nA: d\r\n",
	  "$a: y\r\nA: d\r\n", ST_OK },
	{ "change the second", CHANGE, 2, "A", "y", false, "$A: b\r\nB: c\r\nA: d\r\n",
	  "$A: b\r\nB: c\r\nA: y\r\n", ST_OK },
	{ "change adds", CHANGE, 3, "A", "y", false, "$A: b\r\n", "$A: b\r\nA: y\r\n",
	  ST_OK },
	{ "delete", CHANGE, 1, "A", "", false, "$A: b\r\n c\r\nD: e\r\n", "$D: e\r\n",
	  ST_OK },
	{ "delete what is not there", CHANGE, 2, "A", "", false, "$A: b\r\n",
	  "$A: b\r\n", ST_OK },
	{ "our Received is not theirs", CHANGE, 1, "Received", "", false,
	  "$Received: theirs\r\nA: b\r\n", "$A: b\r\n", ST_OK },
	{ "nor is it counted", CHANGE, 2, "Received", "", false,
	  "$Received: theirs\r\n", "$Received: theirs\r\n", ST_OK },
	{ "folds", ADD, 0, "X", "a\n b\nc\r\n\td", false, "$",
	  "$X: a\r\n b\r\n\tc\r\n\td\r\n", ST_OK },
	{ "no end of the header", ADD, 0, "X", "a\n\n\r\n  \nBcc: x\n", false, "$",
	  "$X: a\r\n\tBcc: x\r\n", ST_OK },
	{ "a lone CR goes", ADD, 0, "X", "a\rb\r\r\nc", false, "$", "$X: ab\r\n\tc\r\n",
	  ST_OK },
	{ "8 bit stays", ADD, 0, "X", "\303\244", false, "$", "$X: \303\244\r\n", ST_OK },
	{ "an empty value", ADD, 0, "X", "", false, "$", "$X: \r\n", ST_OK },
	{ "a name with a space", ADD, 0, "X y", "z", false, "$", "$", ST_SYNTAX },
	{ "a name with a colon", ADD, 0, "X:y", "z", false, "$", "$", ST_SYNTAX },
	{ "no name", ADD, 0, "", "z", false, "$", "$", ST_SYNTAX },
	{ "a name with a line", INSERT, 1, "X\r\nY", "z", false, "$", "$", ST_SYNTAX },
};

static void fill(struct milter_header *h, const char *text)
{
	for (; *text; text++) {
		if (*text != '$') {
			buf_append_char(&h->fields, *text);
			continue;
		}
		h->own_at = h->fields.len;
		h->own_octets = sizeof OWN - 1;
		buf_append_str(&h->fields, OWN);
	}
}

Test(milter_header, edits)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct milter_field f = { slice_str(rows[i].field),
					  slice_str(rows[i].value),
					  rows[i].has_space };
		struct milter_header h, want;
		enum status st;

		milter_header_init(&h);
		milter_header_init(&want);
		fill(&h, rows[i].in);
		fill(&want, rows[i].out);
		st = rows[i].what == ADD ? milter_header_add(&h, &f)
		   : rows[i].what == INSERT
			? milter_header_insert(&h, rows[i].index, &f)
			: milter_header_change(&h, rows[i].index, &f);
		cr_expect_eq(st, rows[i].status, "%s: %s", rows[i].name,
			     status_name(st));
		cr_expect(slice_eq(buf_slice(&h.fields), buf_slice(&want.fields)),
			  "%s: %.*s", rows[i].name, (int)h.fields.len, h.fields.data);
		cr_expect_eq(h.own_at, want.own_at, "%s", rows[i].name);
		milter_header_clear(&h);
		milter_header_clear(&want);
	}
}

Test(milter_header, what_milters_see)
{
	static const char *const names[] = { "X", "Received", "A" };
	struct milter_header h;
	struct header_walk walk = { 0 };
	struct header_field f;
	size_t n = 0;

	milter_header_init(&h);
	fill(&h, "X: y\r\n$Received: theirs\r\nno field\r\nA: b\r\n");
	while (milter_header_next(&h, &walk, &f) == ST_OK) {
		cr_assert_lt(n, sizeof names / sizeof *names);
		cr_expect(slice_eq(f.name, slice_str(names[n])), "%zu", n);
		n++;
	}
	cr_expect_eq(n, sizeof names / sizeof *names);
	milter_header_clear(&h);
}

Test(milter_header, limit)
{
	static char text[100000];
	struct milter_field f = { SLICE("X"), { text, sizeof text }, false };
	struct milter_header h;
	enum status st = ST_OK;
	size_t before = 0;

	memset(text, 'x', sizeof text);
	milter_header_init(&h);
	while (st == ST_OK && h.fields.len < 2 * MILTER_HEADER_MAX) {
		before = h.fields.len;
		st = milter_header_insert(&h, 0, &f);
	}
	cr_expect_eq(st, ST_LIMIT);
	cr_expect_eq(h.fields.len, before);
	milter_header_clear(&h);
}
