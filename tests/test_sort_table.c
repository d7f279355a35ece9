#include "common/ipc_codec.h"
#include "mailboxd/display_key.h"
#include "mailboxd/sort_table.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define KEY(name) ((char)IPC_SORT_##name)
#define DOWN(name) ((char)(IPC_SORT_##name | IPC_SORT_REVERSE))

static const struct {
	char keys[4];
	size_t count;
	const char *order;
} rows[] = {
	{ { KEY(ARRIVAL) }, 1, "3 1 2 4" },
	{ { DOWN(ARRIVAL) }, 1, "4 1 2 3" },	/* equal ones keep their order */
	{ { KEY(SUBJECT) }, 1, "4 2 3 1" },	/* the empty one comes first */
	{ { KEY(SUBJECT), DOWN(SIZE) }, 2, "4 3 2 1" },
	{ { DOWN(SUBJECT), KEY(SIZE) }, 2, "1 2 3 4" },
	{ { KEY(FROM), KEY(DATE) }, 2, "1 2 3 4" },
	{ { DOWN(DATE) }, 1, "4 3 2 1" },
};

Test(sort_table, table)
{
	const struct sort_row in[] = {
		{ .uid = 1, .values = { [IPC_SORT_ARRIVAL] = 5, [IPC_SORT_SIZE] = 10,
					[IPC_SORT_DATE] = -3 },
		  .texts = { [IPC_SORT_SUBJECT] = SLICE("B") } },
		{ .uid = 2, .values = { [IPC_SORT_ARRIVAL] = 5, [IPC_SORT_SIZE] = 20,
					[IPC_SORT_DATE] = 0 },
		  .texts = { [IPC_SORT_SUBJECT] = SLICE("A") } },
		{ .uid = 3, .values = { [IPC_SORT_ARRIVAL] = 1, [IPC_SORT_SIZE] = 30,
					[IPC_SORT_DATE] = 1 },
		  .texts = { [IPC_SORT_SUBJECT] = SLICE("A") } },
		{ .uid = 4, .values = { [IPC_SORT_ARRIVAL] = 9, [IPC_SORT_SIZE] = 5,
					[IPC_SORT_DATE] = INT64_MAX } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct slice keys = slice_of(rows[i].keys, rows[i].count);
		struct sort_table *t = sort_table_new(keys);
		struct buf out = BUF_INIT(64);
		char text[64] = "";
		size_t n = 0;

		cr_expect(sort_keys_are_valid(keys));
		for (size_t k = 0; k < 4; k++)
			cr_expect_eq(sort_table_add(t, &in[k]), ST_OK);
		cr_expect_eq(sort_table_order(t, &out), ST_OK);
		for (size_t k = 0; k < out.len; k += 4)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%u",
					      k ? " " : "", ipc_get_u32(out.data + k));
		cr_expect_str_eq(text, rows[i].order, "row %zu: %s", i, text);
		buf_free(&out);
		sort_table_free(t);
	}
}

Test(sort_table, keys)
{
	cr_expect_not(sort_keys_are_valid(SLICE("")));
	cr_expect_not(sort_keys_are_valid(SLICE("\x7f")));
	cr_expect_not(sort_keys_are_valid(SLICE("\xff")));
	cr_expect_not(sort_keys_are_valid(SLICE("\x01\x01\x01\x01\x01\x01\x01\x01\x01"
		"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01"
		"\x01\x01\x01\x01\x01\x01\x01")));
}

/* RFC 5957 section 3 */
static const struct {
	const char *envelope, *from, *to;
} displays[] = {
	{ "(\"d\" \"s\" ((\"Ann Lee\" NIL \"ann\" \"a.test\")) NIL NIL "
	  "((NIL NIL \"bob\" \"b.test\")(\"C\" NIL \"c\" \"d\")) NIL NIL NIL NIL)",
	  "ANN LEE", "BOB@B.TEST" },
	{ "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)", "", "" },
	{ "(NIL {5}\r\n( \"x) ((\"=?utf-8?q?=C3=BCx?=\" NIL \"u\" \"h\")) NIL NIL "
	  "((NIL NIL \"group\" NIL)(NIL NIL \"a\" \"b\")(NIL NIL NIL NIL)) NIL NIL NIL "
	  "NIL)", "U\xcc\x88X", "GROUP" },
	{ "(NIL NIL ((\"a \\\"b\\\" \\\\\" NIL \"u\" \"h\")) NIL NIL "
	  "((NIL NIL NIL NIL)) NIL NIL NIL NIL)", "A \"B\" \\", "" },
	{ "(NIL NIL ((\"\" NIL \"u\" \"h\")) ((NIL NIL \"s\" \"h\")) NIL (({2}\r\n\xc3\xa9"
	  " NIL \"u\" \"h\")) NIL NIL NIL NIL)", "U@H", "E\xcc\x81" },
	{ "(NIL {99}\r\nshort", "", "" },
	{ "", "", "" },
	{ "(NIL NIL ((", "", "" },
};

Test(sort_table, display_keys)
{
	for (size_t i = 0; i < sizeof displays / sizeof *displays; i++)
		for (int to = 0; to < 2; to++) {
			struct buf out = BUF_INIT(4096);

			cr_expect_eq(display_key(slice_str(displays[i].envelope),
						 to ? ENVELOPE_TO : ENVELOPE_FROM, &out),
				     ST_OK);
			buf_append_char(&out, '\0');
			cr_expect_str_eq(out.data, to ? displays[i].to :
						     displays[i].from,
					 "%zu: %s", i, out.data);
			buf_free(&out);
		}
}
