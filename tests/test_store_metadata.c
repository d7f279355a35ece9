#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static struct temp_store t;

static enum status set(uint64_t account, uint64_t mailbox, const char *entry,
		       struct slice value)
{
	temp_begin(&t);
	return temp_end(&t, store_metadata_set(t.write, account, mailbox,
					       slice_str(entry), value));
}

static enum status note(void *arg, struct slice entry, struct slice value)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 1000 - len, "%.*s=%.*s;", SLICE_ARG(entry),
		 SLICE_ARG(value));
	return ST_OK;
}

static void expect(uint64_t account, uint64_t mailbox, const char *entry,
		   unsigned depth, const char *text)
{
	char got[1000] = "";

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_metadata_get(t.read, account, mailbox,
					slice_str(entry), depth, note, got),
		     ST_OK);
	store_commit(t.read);
	cr_expect_str_eq(got, text, "%s: %s", entry, got);
}

static const struct { const char *entry; enum status status; } names[] = {
	{ "/private/comment",		ST_OK },
	{ "/Shared/COMMENT",		ST_OK },
	{ "/private/vendor/a/b",	ST_OK },
	{ "/private/vendor/a",		ST_SYNTAX },
	{ "/private/vendor",		ST_SYNTAX },
	{ "/private",			ST_SYNTAX },
	{ "/private/",			ST_SYNTAX },
	{ "/private//x",		ST_SYNTAX },
	{ "/private/x/",		ST_SYNTAX },
	{ "/other/x",			ST_SYNTAX },
	{ "private/x",			ST_SYNTAX },
	{ "/private/%",			ST_SYNTAX },
	{ "/private/*",			ST_SYNTAX },
	{ "/private/\x01",		ST_SYNTAX },
	{ "/private/\xc3\xa4",		ST_SYNTAX },
	{ "",				ST_SYNTAX },
};

Test(store_metadata, names)
{
	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cr_expect_eq(set(t.ann, t.inbox, names[i].entry, SLICE("x")),
			     names[i].status, "%s", names[i].entry);
	expect(t.ann, t.inbox, "/shared", UINT_MAX, "/shared/comment=x;");
	temp_store_close(&t);
}

Test(store_metadata, private_is_the_accounts_and_shared_is_everybodys)
{
	temp_store_open(&t, NULL);
	cr_expect_eq(set(t.ann, t.inbox, "/private/comment", SLICE("a")), ST_OK);
	cr_expect_eq(set(t.bob, t.inbox, "/private/comment", SLICE("b")), ST_OK);
	cr_expect_eq(set(t.bob, t.inbox, "/shared/comment", SLICE("s")), ST_OK);
	expect(t.ann, t.inbox, "/private/comment", 0, "/private/comment=a;");
	expect(t.bob, t.inbox, "/private/comment", 0, "/private/comment=b;");
	expect(t.ann, t.inbox, "/shared/comment", 0, "/shared/comment=s;");
	cr_expect_eq(set(t.ann, 0, "/shared/comment", SLICE("x")), ST_DENIED);
	cr_expect_eq(set(t.ann, 0, "/private/x", SLICE("x")), ST_OK);
	expect(t.ann, 0, "/private/x", 0, "/private/x=x;");
	expect(t.bob, 0, "/private/x", 0, "");
	/* it goes with the account */
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_account_remove(t.write, t.bob)), ST_OK);
	expect(t.bob, t.inbox, "/private/comment", 0, "");
	expect(t.ann, t.inbox, "/shared/comment", 0, "/shared/comment=s;");
	temp_store_close(&t);
}

Test(store_metadata, bounds)
{
	static char value[STORE_METADATA_OCTETS + 1];
	char entry[32];

	memset(value, 'v', sizeof value);
	temp_store_open(&t, NULL);
	cr_expect_eq(set(t.ann, t.inbox, "/private/long",
			 slice_of(value, STORE_METADATA_OCTETS)), ST_OK);
	cr_expect_eq(set(t.ann, t.inbox, "/private/longer",
			 slice_of(value, sizeof value)), ST_LIMIT);
	for (unsigned i = 1; i < STORE_METADATA_MAX; i++) {
		snprintf(entry, sizeof entry, "/private/n%u", i);
		cr_expect_eq(set(t.ann, t.inbox, entry, SLICE("x")), ST_OK);
	}
	cr_expect_eq(set(t.ann, t.inbox, "/private/more", SLICE("x")), ST_LIMIT);
	/* another value, another kind, another mailbox; one goes and one comes */
	cr_expect_eq(set(t.ann, t.inbox, "/private/n1", SLICE("y")), ST_OK);
	cr_expect_eq(set(t.ann, t.inbox, "/shared/more", SLICE("x")), ST_OK);
	cr_expect_eq(set(t.ann, 0, "/private/more", SLICE("x")), ST_OK);
	cr_expect_eq(set(t.ann, t.inbox, "/private/n2",
			 (struct slice){ NULL, 0 }), ST_OK);
	cr_expect_eq(set(t.ann, t.inbox, "/private/more", SLICE("x")), ST_OK);
	expect(t.ann, t.inbox, "/private/n2", 0, "");
	temp_store_close(&t);
}

Test(store_metadata, depth)
{
	temp_store_open(&t, NULL);
	set(t.ann, t.inbox, "/private/a", SLICE("1"));
	set(t.ann, t.inbox, "/private/a/b", SLICE("2"));
	set(t.ann, t.inbox, "/private/a/b/c", SLICE("3"));
	set(t.ann, t.inbox, "/private/a-b", SLICE("4"));
	set(t.ann, t.inbox, "/private/a0", SLICE("5"));
	expect(t.ann, t.inbox, "/private/a", 0, "/private/a=1;");
	expect(t.ann, t.inbox, "/private/a", 1, "/private/a=1;/private/a/b=2;");
	expect(t.ann, t.inbox, "/private/A", UINT_MAX,
	       "/private/a=1;/private/a/b=2;/private/a/b/c=3;");
	expect(t.ann, t.inbox, "/private", 1,
	       "/private/a=1;/private/a-b=4;/private/a0=5;");
	temp_store_close(&t);
}
