/* Rights of accounts on mailboxes (RFC 4314 section 2.1). */
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

/* ---- letters ----------------------------------------------------------------------- */

static const struct {
	const char *in, *out;	/* NULL: ST_SYNTAX */
} words[] = {
	{ "", "" },
	{ "l", "l" },
	{ "aetxkpiwsrl", "lrswipkxteacd" },
	/* the examples of section 2.1.1: David and Byron */
	{ "lrswida", "lrswitead" },
	{ "lrswikda", "lrswikteacd" },
	{ "c", "kxc" },
	{ "ll", "l" },
	{ "L", NULL },
	{ "lz", NULL },
	{ "l r", NULL },
	{ "0", NULL },
};

Test(store_acl, letters)
{
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		struct buf out = BUF_INIT(STORE_RIGHTS_OCTETS);
		uint32_t rights = 0;
		enum status st = store_rights_parse(slice_str(words[i].in), &rights);

		cr_expect_eq(st, words[i].out ? ST_OK : ST_SYNTAX, "%s", words[i].in);
		if (st == ST_OK && words[i].out) {
			cr_expect_eq(store_rights_render(rights, &out), ST_OK);
			cr_expect(slice_eq(buf_slice(&out), slice_str(words[i].out)),
				  "%s: %.*s", words[i].in,
				  SLICE_ARG(buf_slice(&out)));
		}
		buf_free(&out);
	}
	cr_expect_eq(store_rights_parse(slice_of("l\0r", 3), &(uint32_t){ 0 }),
		     ST_SYNTAX);
}

/* ---- rows ---------------------------------------------------------------------------- */

static enum status set(uint64_t by, uint64_t account, enum ipc_store_mode mode,
		       const char *letters)
{
	uint32_t rights;

	cr_assert_eq(store_rights_parse(slice_str(letters), &rights), ST_OK);
	temp_begin(&t);
	return temp_end(&t, store_acl_set(t.write, by, t.inbox, account, mode,
					  rights));
}

static void expect(uint64_t account, const char *letters)
{
	uint32_t wanted, got = 0;

	cr_assert_eq(store_rights_parse(slice_str(letters), &wanted), ST_OK);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_acl_rights(t.read, t.inbox, account, &got), ST_OK);
	store_commit(t.read);
	cr_expect_eq(got, wanted, "%s: %x", letters, got);
}

static enum status note(void *arg, uint64_t account, struct slice name,
			uint32_t rights)
{
	char *text = arg;
	size_t len = strlen(text);

	(void)account;
	snprintf(text + len, 500 - len, "%.*s=%x;", SLICE_ARG(name), rights);
	return ST_OK;
}

static enum status list(uint64_t by, char text[500])
{
	enum status st;

	text[0] = '\0';
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_acl_list(t.read, by, t.inbox, note, text);
	store_commit(t.read);
	return st;
}

Test(store_acl, given_added_taken_away)
{
	char text[500];

	temp_store_open(&t, NULL);
	expect(t.ann, "lrswipkxtea");
	expect(t.bob, "");
	cr_expect_eq(set(t.ann, t.bob, IPC_STORE_REPLACE, "lr"), ST_OK);
	expect(t.bob, "lr");
	cr_expect_eq(set(t.ann, t.bob, IPC_STORE_ADD, "sd"), ST_OK);
	expect(t.bob, "lrste");
	cr_expect_eq(set(t.ann, t.bob, IPC_STORE_REMOVE, "e"), ST_OK);
	expect(t.bob, "lrst");
	cr_expect_eq(list(t.ann, text), ST_OK);
	cr_expect_str_eq(text, "ann@example.test=7ff;bob@example.test=107;", "%s", text);
	/* who reads and writes may not say who else does */
	cr_expect_eq(set(t.bob, t.bob, IPC_STORE_ADD, "a"), ST_DENIED);
	cr_expect_eq(list(t.bob, text), ST_DENIED);
	cr_expect_eq(set(t.ann, t.bob, IPC_STORE_ADD, "a"), ST_OK);
	cr_expect_eq(list(t.bob, text), ST_OK);
	/* nobody takes anything from the owner */
	cr_expect_eq(set(t.bob, t.ann, IPC_STORE_REPLACE, ""), ST_DENIED);
	expect(t.ann, "lrswipkxtea");
	cr_expect_eq(set(t.bob, t.bob, IPC_STORE_REPLACE, ""), ST_OK);
	expect(t.bob, "");
	cr_expect_eq(list(t.ann, text), ST_OK);
	cr_expect_str_eq(text, "ann@example.test=7ff;");
	temp_store_close(&t);
}

Test(store_acl, what_does_not_exist)
{
	uint32_t rights;

	temp_store_open(&t, NULL);
	cr_expect_eq(set(t.ann, 4711, IPC_STORE_REPLACE, "l"), ST_NOT_FOUND);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_acl_rights(t.read, 4711, t.ann, &rights), ST_NOT_FOUND);
	store_commit(t.read);
	/* rights go with the account that had them */
	cr_expect_eq(set(t.ann, t.bob, IPC_STORE_REPLACE, "lr"), ST_OK);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_account_remove(t.write, t.bob)), ST_OK);
	expect(t.bob, "");
	temp_store_close(&t);
}
