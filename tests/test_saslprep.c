#include "mailboxd/saslprep.h"

#include <criterion/criterion.h>

static const struct {
	const char *name, *in, *out;	/* NULL: refused */
} rows[] = {
	/* RFC 4013 section 3 */
	{ "soft hyphen", "I\xC2\xADX", "IX" },
	{ "no transformation", "user", "user" },
	{ "case preserved", "USER", "USER" },
	{ "feminine ordinal", "\xC2\xAA", "a" },
	{ "Roman nine", "\xE2\x85\xA8", "IX" },
	{ "control character", "\a", NULL },
	{ "bidirectional check", "\xD8\xA7" "1", NULL },
	/* section 2.1 */
	{ "no-break space", "a\xC2\xA0" "b", "a b" },
	{ "ideographic space", "a\xE3\x80\x80" "b", "a b" },
	{ "zero width joiner", "a\xE2\x80\x8D" "b", "ab" },
	{ "nothing is left", "\xC2\xAD", NULL },
	{ "empty", "", NULL },
	/* section 2.3 */
	{ "DEL", "a\x7F", NULL },
	{ "C1 control", "a\xC2\x85", NULL },
	{ "private use", "\xEE\x80\x80", NULL },
	{ "no character", "\xEF\xBF\xBE", NULL },
	{ "replacement character", "\xEF\xBF\xBD", NULL },
	{ "ideographic description", "\xE2\xBF\xB0", NULL },
	{ "right-to-left mark", "a\xE2\x80\x8F", NULL },
	{ "tag", "\xF3\xA0\x81\x81", NULL },
	{ "surrogate", "\xED\xA0\x80", NULL },
	/* section 2.4: right-to-left at both ends and nothing else between */
	{ "Arabic", "\xD8\xA7\xD8\xA7", "\xD8\xA7\xD8\xA7" },
	{ "Arabic, digit, Arabic", "\xD8\xA7" "1" "\xD8\xA7",
	  "\xD8\xA7" "1" "\xD8\xA7" },
	{ "Arabic and Latin", "\xD8\xA7" "a" "\xD8\xA7", NULL },
	/* NFKC composes */
	{ "a and diaeresis", "a\xCC\x88", "\xC3\xA4" },
	{ "vulgar half", "\xC2\xBD", "1\xE2\x81\x84" "2" },
	/* section 2.5, of a query */
	{ "emoji", "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
	{ "Latin-1", "caf\xE9", NULL },
	{ "overlong", "\xC0\x80", NULL },
};

Test(saslprep, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = BUF_INIT(SASLPREP_MAX * 4);
		enum status st = saslprep(slice_str(rows[i].in), &out);

		cr_expect_eq(st, rows[i].out ? ST_OK : ST_SYNTAX, "%s: %s",
			     rows[i].name, status_name(st));
		if (st == ST_OK && rows[i].out)
			cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)),
				  "%s: %.*s", rows[i].name,
				  SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
	}
}

Test(saslprep, lengths)
{
	struct buf out = BUF_INIT(SASLPREP_MAX * 4);
	char text[SASLPREP_MAX + 1];

	memset(text, 'a', sizeof text);
	cr_expect_eq(saslprep(slice_of(text, SASLPREP_MAX), &out), ST_OK);
	cr_expect_eq(saslprep(slice_of(text, SASLPREP_MAX + 1), &out), ST_LIMIT);
	cr_expect_eq(saslprep(SLICE("\xC3\xA4\0b"), &out), ST_SYNTAX);
	buf_free(&out);
}
