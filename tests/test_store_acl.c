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

/* ---- handles ------------------------------------------------------------------------ */

static struct store_access access_of_bob(void)
{
	struct store_access a;
	struct store_mailbox m;

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_access_find(t.read, t.bob, SLICE("ann@example.test"),
				       SLICE("INBOX"), STORE_RIGHT_READ, &m, &a),
		     ST_OK);
	store_commit(t.read);
	return a;
}

/* A job behind the one that takes a right, in the same transaction, has it no more; and
 * has it again where that one is undone. */
Test(store_acl, taken_in_a_batch)
{
	struct store_access a, b;

	temp_store_open(&t, NULL);
	cr_assert_eq(set(t.ann, t.bob, IPC_STORE_REPLACE, "lrw"), ST_OK);
	a = b = access_of_bob();
	cr_assert_eq(store_begin(t.write, JOB_SYNC_FULL), ST_OK);
	for (int undone = 1; undone >= 0; undone--) {
		cr_assert_eq(store_savepoint(t.write), ST_OK);
		cr_expect_eq(store_access_check(t.write, &a, STORE_RIGHT_WRITE), ST_OK);
		cr_assert_eq(store_acl_set(t.write, t.ann, t.inbox, t.bob,
					   IPC_STORE_REMOVE, STORE_RIGHT_WRITE), ST_OK);
		if (undone)
			store_undo(t.write);
		else
			cr_assert_eq(store_release(t.write), ST_OK);
	}
	cr_assert_eq(store_savepoint(t.write), ST_OK);
	cr_expect_eq(store_access_check(t.write, &a, STORE_RIGHT_WRITE), ST_DENIED);
	cr_expect_eq(store_access_check(t.write, &a, STORE_RIGHT_READ), ST_OK);
	cr_assert_eq(store_release(t.write), ST_OK);
	store_rollback(t.write);
	/* nothing of it was committed */
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_access_check(t.read, &b, STORE_RIGHT_WRITE), ST_OK);
	store_commit(t.read);
	temp_store_close(&t);
}

/* A reader whose snapshot is older than the commit must not keep what it finds there. */
Test(store_acl, an_old_snapshot_is_not_remembered)
{
	struct store_access a;
	struct store_mailbox m;

	temp_store_open(&t, NULL);
	cr_assert_eq(set(t.ann, t.bob, IPC_STORE_REPLACE, "lrw"), ST_OK);
	a = access_of_bob();
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_get(t.read, t.inbox, &m), ST_OK);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_acl_set(t.write, t.ann, t.inbox, t.bob,
						IPC_STORE_REPLACE, STORE_RIGHT_LOOKUP)),
		     ST_OK);
	/* what it may see was before the commit, and so is the answer */
	cr_expect_eq(store_access_check(t.read, &a, STORE_RIGHT_READ), ST_OK);
	store_commit(t.read);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_access_check(t.read, &a, STORE_RIGHT_READ), ST_DENIED);
	store_commit(t.read);
	temp_store_close(&t);
}

/* What an account had read, and its rights, go with it; its mailbox takes both along. */
Test(store_acl, what_was_read_goes_with_the_account)
{
	struct ranges one = RANGES_INIT(1);
	struct store_access a;
	struct store_mailbox m = { 0 };
	struct store_flag_change c = { .uids = &one, .mode = IPC_STORE_ADD,
				       .flags = FLAG_SEEN,
				       .unchanged_since = UINT64_MAX, .as = &a };

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	cr_assert_eq(set(t.ann, t.bob, IPC_STORE_REPLACE, "lrs"), ST_OK);
	a = access_of_bob();
	temp_ranges(&one, "1");
	c.mailbox = t.inbox;
	c.keywords = SLICE_EMPTY;
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_flags(t.write, &c)), ST_OK);
	cr_expect_eq(temp_status(&t, t.inbox).unseen, 1u);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_seen_status(t.read, &a, &m), ST_OK);
	store_commit(t.read);
	cr_expect_eq(m.unseen, 0u);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_account_remove(t.write, t.bob)), ST_OK);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_access_check(t.read, &a, STORE_RIGHT_READ), ST_NOT_FOUND);
	cr_expect_eq(store_seen_status(t.read, &a, &m), ST_OK);
	store_commit(t.read);
	cr_expect_eq(m.unseen, 1u);
	ranges_free(&one);
	temp_store_close(&t);
}
