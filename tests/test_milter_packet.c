/* The packets of the milter protocol: answers as the texts named in the header
 * describe them, and what is none. */
#include "smtpd/milter_packet.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define D(literal) SLICE(literal)
#define NONE SLICE_EMPTY

static const struct {
	const char *name;
	char letter;
	struct slice data;
	enum status status;
	enum milter_answer_kind kind;
	unsigned code;
	const char *enhanced;
	struct slice first, second;	/* name, address or text; value or parameters */
	uint32_t index;
} rows[] = {
	{ "continue", 'c', NONE, ST_OK, MILTER_CONTINUE, 0, "", NONE, NONE, 0 },
	{ "accept", 'a', NONE, ST_OK, MILTER_ACCEPT, 0, "", NONE, NONE, 0 },
	{ "a verdict with a NUL", 'r', D("\0"), ST_OK, MILTER_REJECT, 0, "", NONE,
	  NONE, 0 },
	{ "reply", 'y', D("550 5.7.1 No\0"), ST_OK, MILTER_REPLY, 550, "5.7.1",
	  D("No"), NONE, 0 },
	{ "reply without an enhanced code", 'y', D("451 later\0"), ST_OK,
	  MILTER_REPLY, 451, "", D("later"), NONE, 0 },
	{ "reply that is a code", 'y', D("421\0"), ST_OK, MILTER_REPLY, 421, "",
	  NONE, NONE, 0 },
	{ "reply of two lines", 'y', D("550-5.7.1 one\r\n550 5.7.1 two\0"), ST_OK,
	  MILTER_REPLY, 550, "5.7.1", D("one"), NONE, 0 },
	{ "reply that begins with a number", 'y', D("550 5 apples\0"), ST_OK,
	  MILTER_REPLY, 550, "", D("5 apples"), NONE, 0 },
	{ "reply with a longer number", 'y', D("550 5.7.1234 x\0"), ST_OK,
	  MILTER_REPLY, 550, "", D("5.7.1234 x"), NONE, 0 },
	{ "reply of another class", 'y', D("550 4.7.1 x\0"), ST_SYNTAX, 0, 0, "",
	  NONE, NONE, 0 },
	{ "reply 250", 'y', D("250 fine\0"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "reply 354", 'y', D("354 go\0"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "reply 999", 'y', D("999 x\0"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "reply 569", 'y', D("569 x\0"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "reply without a space", 'y', D("550x\0"), ST_SYNTAX, 0, 0, "", NONE,
	  NONE, 0 },
	{ "reply without its NUL", 'y', D("550 x"), ST_SYNTAX, 0, 0, "", NONE,
	  NONE, 0 },
	{ "reply of two strings", 'y', D("550 x\0y\0"), ST_SYNTAX, 0, 0, "", NONE,
	  NONE, 0 },
	{ "add", 'h', D("X-A\0b\n c\0"), ST_OK, MILTER_ADD_FIELD, 0, "", D("X-A"),
	  D("b\n c"), 0 },
	{ "add without a value", 'h', D("X-A\0"), ST_SYNTAX, 0, 0, "", NONE, NONE,
	  0 },
	{ "add with more", 'h', D("X-A\0b\0c"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "insert", 'i', D("\0\0\1\2X\0y\0"), ST_OK, MILTER_INSERT_FIELD, 0, "",
	  D("X"), D("y"), 258 },
	{ "insert cut short", 'i', D("\0\0\1"), ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "change", 'm', D("\0\0\0\1Subject\0\0"), ST_OK, MILTER_CHANGE_FIELD, 0,
	  "", D("Subject"), NONE, 1 },
	{ "add a recipient", '+', D("<a@example.org>\0"), ST_OK, MILTER_ADD_RCPT, 0,
	  "", D("<a@example.org>"), NONE, 0 },
	{ "add one with parameters", '2', D("<a@b>\0NOTIFY=NEVER\0"), ST_OK,
	  MILTER_ADD_RCPT_PAR, 0, "", D("<a@b>"), D("NOTIFY=NEVER\0"), 0 },
	{ "parameters without a NUL", '2', D("<a@b>\0X"), ST_SYNTAX, 0, 0, "", NONE,
	  NONE, 0 },
	{ "delete a recipient", '-', D("<a@b>\0"), ST_OK, MILTER_DELETE_RCPT, 0, "",
	  D("<a@b>"), NONE, 0 },
	{ "change the sender", 'e', D("<>\0"), ST_OK, MILTER_CHANGE_FROM, 0, "",
	  D("<>"), NONE, 0 },
	{ "quarantine", 'q', D("a virus\0"), ST_OK, MILTER_QUARANTINE, 0, "",
	  D("a virus"), NONE, 0 },
	{ "an empty body", 'b', NONE, ST_OK, MILTER_REPLACE_BODY, 0, "", NONE, NONE,
	  0 },
	{ "no letter of it", 'Z', NONE, ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
	{ "NUL is no letter", '\0', NONE, ST_SYNTAX, 0, 0, "", NONE, NONE, 0 },
};

Test(milter_packet, answers)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct milter_answer a;
		enum status st = milter_answer_parse(rows[i].letter, rows[i].data, &a);
		struct slice first, second;

		cr_expect_eq(st, rows[i].status, "%s: %s", rows[i].name,
			     status_name(st));
		if (st != ST_OK || rows[i].status != ST_OK)
			continue;
		first = a.name.len ? a.name : a.address.len ? a.address : a.text;
		second = a.value.len ? a.value : a.parameters;
		cr_expect_eq(a.kind, rows[i].kind, "%s", rows[i].name);
		cr_expect_eq(a.code, rows[i].code, "%s: %u", rows[i].name, a.code);
		cr_expect_str_eq(a.enhanced, rows[i].enhanced, "%s", rows[i].name);
		cr_expect(slice_eq(first, rows[i].first), "%s", rows[i].name);
		cr_expect(slice_eq(second, rows[i].second), "%s", rows[i].name);
		cr_expect_eq(a.index, rows[i].index, "%s", rows[i].name);
	}
}

/* Each kind has a letter of its own. */
Test(milter_packet, letters)
{
	for (unsigned i = 0; i < MILTER_ANSWER_COUNT; i++)
		for (unsigned k = 0; k < i; k++)
			cr_expect_neq(milter_answer_row(i)->letter,
				      milter_answer_row(k)->letter, "%u %u", i, k);
}

static const struct {
	const char *name;
	struct slice in;
	enum status status;
	size_t used;
} packets[] = {
	{ "nothing", NONE, ST_MORE, 0 },
	{ "a length cut short", D("\0\0\0"), ST_MORE, 0 },
	{ "a length alone", D("\0\0\0\1"), ST_MORE, 0 },
	{ "no data", D("\0\0\0\1c"), ST_OK, 5 },
	{ "with what follows", D("\0\0\0\3abc\0\0"), ST_OK, 7 },
	{ "empty", D("\0\0\0\0c"), ST_SYNTAX, 0 },
	{ "too long", D("\0\2\0\1"), ST_LIMIT, 0 },
	{ "the longest", D("\0\2\0\0"), ST_MORE, 0 },
	{ "far too long", D("\377\377\377\377"), ST_LIMIT, 0 },
};

Test(milter_packet, frames)
{
	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		size_t used = 0;
		char letter;
		struct slice data;
		enum status st = milter_packet_next(packets[i].in, &letter, &data,
						    &used);

		cr_expect_eq(st, packets[i].status, "%s: %s", packets[i].name,
			     status_name(st));
		cr_expect_eq(used, packets[i].used, "%s", packets[i].name);
	}
}

static const struct {
	const char *name;
	struct slice data;
	enum status status;
	const char *rcpt;	/* macros asked for before RCPT */
} options[] = {
	{ "plain", D("\0\0\0\6\0\0\1\377\0\0\0\0"), ST_OK, NULL },
	{ "with macros", D("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\3{rcpt_addr} i\0"), ST_OK,
	  "{rcpt_addr} i" },
	{ "with two lists", D("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\1j\0\0\0\0\3i\0"),
	  ST_OK, "i" },
	{ "the same stage twice", D("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\3j\0\0\0\0\3i\0"),
	  ST_SYNTAX, NULL },
	{ "a stage that is none", D("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\7j\0"), ST_SYNTAX,
	  NULL },
	{ "a list cut short", D("\0\0\0\6\0\0\0\1\0\0\0\0\0\0\0\3j"), ST_SYNTAX, NULL },
	{ "cut short", D("\0\0\0\6\0\0\0\1\0\0\0"), ST_SYNTAX, NULL },
};

Test(milter_packet, options)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct milter_options o;
		enum status st = milter_options_parse(options[i].data, &o);

		cr_expect_eq(st, options[i].status, "%s: %s", options[i].name,
			     status_name(st));
		if (st == ST_OK && options[i].rcpt)
			cr_expect(slice_eq(o.macros[MILTER_STAGE_RCPT],
					   slice_str(options[i].rcpt)),
				  "%s", options[i].name);
		else if (st == ST_OK)
			cr_expect_null(o.macros[MILTER_STAGE_RCPT].data, "%s",
				       options[i].name);
	}
}

/* What each version offers (the figures of the two texts). */
Test(milter_packet, versions)
{
	cr_expect_eq(milter_protocol_offered(2), 0x7f);
	cr_expect_eq(milter_actions_offered(2), 0x3f);
	cr_expect_eq(milter_protocol_offered(3), 0x17f);
	cr_expect_eq(milter_protocol_offered(4), 0x37f);
	cr_expect_eq(milter_protocol_offered(6), 0x1fffff);
	cr_expect_eq(milter_actions_offered(6), 0x1ff);
}
