#include "common/dsn.h"

#include <criterion/criterion.h>

Test(dsn, notify)
{
	static const struct {
		const char *value;
		bool is_good;
		unsigned notify;
	} rows[] = {
		{ "NEVER", true, DSN_NEVER },
		{ "success", true, DSN_SUCCESS },
		{ "SUCCESS,FAILURE,DELAY", true,
		  DSN_SUCCESS | DSN_FAILURE | DSN_DELAY },
		{ "DELAY,delay", true, DSN_DELAY },
		{ "NEVER,SUCCESS", false, 0 },
		{ "", false, 0 },
		{ "SUCCESS,", false, 0 },
		{ ",SUCCESS", false, 0 },
		{ "ALWAYS", false, 0 },
		{ "SUCCESS FAILURE", false, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		unsigned notify = 0;

		cr_expect_eq(dsn_notify(slice_str(rows[i].value), &notify),
			     rows[i].is_good, "%s", rows[i].value);
		if (rows[i].is_good)
			cr_expect_eq(notify, rows[i].notify, "%s", rows[i].value);
	}
}

Test(dsn, envid_and_orcpt)
{
	static const struct {
		const char *value, *text;
		bool is_orcpt;
	} rows[] = {
		{ "QQ314159", "QQ314159", false },
		{ "a+20b+2B+3D", "a b+=", false },
		{ "", NULL, false },
		{ "a=b", NULL, false },
		{ "+0A", NULL, false },
		{ "+7F", NULL, false },
		{ "+E4", NULL, false },
		{ "+", NULL, false },
		{ "rfc822;Bob@Example.COM", "rfc822;Bob@Example.COM", true },
		{ "rfc822;a+2Bb@c", "rfc822;a+b@c", true },
		{ "x400;/S=a", NULL, true },
		{ "rfc822;", NULL, true },
		{ ";a@b", NULL, true },
		{ "rfc 822;a@b", NULL, true },
		{ "a@b", NULL, true },
		{ "rfc822;a+0D+0AAction:+20failed", NULL, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct buf out = BUF_INIT(1000);
		struct slice value = slice_str(rows[i].value);
		bool is_good = rows[i].is_orcpt ? dsn_orcpt(value, &out)
						: dsn_envid(value, &out);

		cr_expect_eq(is_good, rows[i].text != NULL, "%s", rows[i].value);
		if (is_good && rows[i].text)
			cr_expect(slice_eq(buf_slice(&out),
					   slice_str(rows[i].text)), "%s",
				  rows[i].value);
		buf_free(&out);
	}
}

Test(dsn, limits)
{
	char text[DSN_ORCPT_MAX + 2];
	struct buf out = BUF_INIT(1000);
	enum dsn_ret ret;

	memset(text, 'a', sizeof text);
	cr_expect(dsn_envid(slice_of(text, DSN_ENVID_MAX), &out));
	cr_expect_not(dsn_envid(slice_of(text, DSN_ENVID_MAX + 1), &out));
	memcpy(text, "rfc822;", 7);
	cr_expect(dsn_orcpt(slice_of(text, DSN_ORCPT_MAX), &out));
	cr_expect_not(dsn_orcpt(slice_of(text, DSN_ORCPT_MAX + 1), &out));
	cr_expect(dsn_ret(SLICE("full"), &ret) && ret == DSN_RET_FULL);
	cr_expect(dsn_ret(SLICE("HDRS"), &ret) && ret == DSN_RET_HDRS);
	cr_expect_not(dsn_ret(SLICE("BODY"), &ret));
	out.len = 0;
	dsn_notify_render(DSN_SUCCESS | DSN_DELAY, &out);
	dsn_orcpt_render(SLICE("rfc822;a+b@c"), &out);
	cr_expect(slice_eq(buf_slice(&out), SLICE("SUCCESS,DELAYrfc822;a+2Bb@c")));
	buf_free(&out);
}

Test(dsn, decoded_in_an_arena)
{
	struct arena arena = ARENA_INIT(4096), full = ARENA_INIT(0);
	struct slice text = SLICE("before");

	cr_expect(dsn_decode(SLICE("a+20b"), dsn_envid, &arena, &text));
	cr_expect(slice_eq(text, SLICE("a b")));
	/* the value may be what it replaces */
	text = SLICE("rfc822;a+2Bb@c");
	cr_expect(dsn_decode(text, dsn_orcpt, &arena, &text));
	cr_expect(slice_eq(text, SLICE("rfc822;a+b@c")));
	cr_expect_not(dsn_decode(SLICE("a b@c"), dsn_orcpt, &arena, &text));
	cr_expect_not(dsn_decode(SLICE("a"), dsn_envid, &full, &text));
	cr_expect(slice_eq(text, SLICE("rfc822;a+b@c")));
	arena_clear(&arena);
}
