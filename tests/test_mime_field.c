#include "common/mime_field.h"
#include "common/buf.h"

#include <criterion/criterion.h>

/* "type/subtype; name=value; name=value" as understood */
static const struct { const char *name, *in, *out; } rows[] = {
	{ "plain", "text/plain; charset=utf-8", "text/plain;charset=utf-8" },
	{ "quoted", "text/plain; name=\"a \\\"b\\\" c\"", "text/plain;name=a \"b\" c" },
	{ "spaces", " Text / Plain ;  Charset = utf-8 ; ", "Text/Plain;Charset=utf-8" },
	{ "comments", "(a (b) \\) c) text(x)/(y)plain (z); (q) charset (r) = (s) us-ascii (Plain text)",
	  "text/plain;charset=us-ascii" },
	{ "no subtype", "text", "-" },
	{ "no type", "; charset=x", "-" },
	{ "nothing", "", "-" },
	{ "junk behind", "text/plain charset=x", "text/plain" },
	{ "no semicolon between", "a/b; x=1 y=\"2\" z=3", "a/b;x=1;y=2;z=3" },
	{ "file name with spaces", "a/b; name=my file (1).txt; x=y", "a/b;name=my file;x=y" },
	{ "bare with specials", "a/b; name=foo@bar/[x]; y=z", "a/b;name=foo@bar/[x];y=z" },
	{ "unterminated quote", "a/b; name=\"abc", "a/b;name=abc" },
	{ "quote ends in backslash", "a/b; name=\"abc\\", "a/b;name=abc\\" },
	{ "folded", "a/b;\r\n\tname=\"x\r\n y\";\r\n z=1", "a/b;name=x y;z=1" },
	{ "no value", "a/b; name; =; x=; y=1", "a/b;x=;y=1" },
	{ "stray octets", "a/b;;; /@ x=1", "a/b;x=1" },
	{ "continued", "a/b; name*0=\"one \"; name*1=two; y=1", "a/b;name=one two;y=1" },
	{ "continued, out of order", "a/b; n*2=c; n*0=a; y=1; n*1=b", "a/b;n=abc;y=1" },
	{ "a gap", "a/b; n*0=a; n*2=c", "a/b;n=a;n=c" },
	{ "no first", "a/b; n*1=b; n*2=c", "a/b;n=b;n=c" },
	{ "encoded", "a/b; n*=utf-8'en'%e2%82%ac%20x", "a/b;n*=utf-8'en'%e2%82%ac%20x" },
	{ "encoded and continued", "a/b; n*0*=utf-8''%e2; n*1=\" b'\"; n*2*=%41",
	  "a/b;n*=utf-8''%e2%20b%27%41" },
	{ "encoded later only", "a/b; n*0=a b; n*1*=%41", "a/b;n*=''a%20b%41" },
	{ "both forms", "a/b; n=x; n*=utf-8''y", "a/b;n=x;n*=utf-8''y" },
	{ "no section", "a/b; n*x*=1; n*99999999999=2", "a/b;n*x*=1;n*99999999999=2" },
	{ "deep comment", "a/b ((((((((((((((((((((((((((x", "a/b" },
};

static void render(const char *in, struct buf *out)
{
	struct arena arena = ARENA_INIT(1 << 20);
	struct mime_type type;
	struct mime_param *params;
	size_t count;

	if (!mime_type_parse(slice_str(in), &type)) {
		buf_append_char(out, '-');
		return;
	}
	buf_append(out, type.type);
	buf_append_char(out, '/');
	buf_append(out, type.subtype);
	params = mime_params(type.params, &arena, &count);
	cr_assert_not_null(params);
	for (size_t i = 0; i < count; i++) {
		buf_append_char(out, ';');
		buf_append(out, params[i].name);
		buf_append_char(out, '=');
		buf_append(out, params[i].value);
	}
	arena_clear(&arena);
}

Test(mime_field, table)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = BUF_INIT(4096);

		render(rows[i].in, &out);
		cr_expect(slice_eq(buf_slice(&out), slice_str(rows[i].out)), "%s: %.*s",
			  rows[i].name, SLICE_ARG(buf_slice(&out)));
		buf_free(&out);
	}
}

Test(mime_field, many_parameters_are_bounded)
{
	struct buf in = BUF_INIT(1 << 20);
	struct arena arena = ARENA_INIT(1 << 20);
	size_t count;

	for (int i = 0; i < 10000; i++)
		buf_append_fmt(&in, ";n*%d=x", i);
	cr_assert_not_null(mime_params(buf_slice(&in), &arena, &count));
	cr_expect_eq(count, 1);
	arena_clear(&arena);
	buf_free(&in);
}

Test(mime_field, extended)
{
	struct slice charset, language, text;

	cr_expect(mime_extended_split(SLICE("utf-8'en'a%20b'c"), &charset, &language, &text));
	cr_expect(slice_eq(charset, SLICE("utf-8")));
	cr_expect(slice_eq(language, SLICE("en")));
	cr_expect(slice_eq(text, SLICE("a%20b'c")));
	cr_expect_not(mime_extended_split(SLICE("utf-8'x"), &charset, &language, &text));
	cr_expect(slice_eq(text, SLICE("utf-8'x")));
}
