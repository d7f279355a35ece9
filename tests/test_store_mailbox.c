#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>

static struct temp_store t;

TestSuite(store_mailbox, .timeout = 60);

enum verb { CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, END };

/* Steps on a new account's mailboxes, with what each answers. */
static const struct step {
	enum verb verb;
	const char *name, *to;
	enum status status;
} steps[] = {
	{ CREATE, "a/b/c", "", ST_OK },
	{ CREATE, "a", "", ST_EXISTS },		/* made as a parent */
	{ CREATE, "a/", "", ST_EXISTS },
	{ CREATE, "inbox", "", ST_EXISTS },
	{ CREATE, "Inbox/x", "", ST_OK },
	{ CREATE, "INBOX/x", "", ST_EXISTS },
	{ CREATE, "", "", ST_SYNTAX },
	{ CREATE, "/", "", ST_SYNTAX },
	{ CREATE, "a//b", "", ST_SYNTAX },
	{ CREATE, "a*", "", ST_SYNTAX },
	{ CREATE, "a\x01", "", ST_SYNTAX },
	{ CREATE, "\xff", "", ST_SYNTAX },
	{ CREATE, "e\xcc\x81", "", ST_OK },
	{ CREATE, "\xc3\xa9", "", ST_EXISTS },	/* NFC */
	{ CREATE, "s", "\\Sent", ST_DENIED },
	{ CREATE, "s", "\\Nonsense", ST_DENIED },
	{ DELETE, "Junk", "", ST_OK },
	{ CREATE, "Spam", "\\Junk", ST_OK },
	{ CREATE, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/"
	  "23/24/25/26/27/28/29/30/31/32", "", ST_OK },
	{ CREATE, "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18/19/20/21/22/"
	  "23/24/25/26/27/28/29/30/31/32/33", "", ST_SYNTAX },
	{ DELETE, "1", "", ST_OK },
	{ DELETE, "1", "", ST_NOT_FOUND },
	{ DELETE, "INBOX", "", ST_DENIED },
	{ DELETE, "inbox", "", ST_DENIED },
	{ DELETE, "nothing", "", ST_NOT_FOUND },
	{ DELETE, "a//", "", ST_NOT_FOUND },
	/* children stay; the name can be renamed by them, and made again */
	{ DELETE, "a", "", ST_OK },
	{ RENAME, "a", "z/y", ST_OK },
	{ CREATE, "z/y/b", "", ST_EXISTS },
	{ CREATE, "a/b", "", ST_OK },
	{ RENAME, "z", "z/q", ST_DENIED },
	{ RENAME, "z", "a", ST_EXISTS },
	{ RENAME, "z", "Trash", ST_EXISTS },
	{ RENAME, "nothing", "x", ST_NOT_FOUND },
	{ RENAME, "z", "", ST_SYNTAX },
	{ RENAME, "z", "zz", ST_OK },
	{ CREATE, "zz/y/b/c", "", ST_EXISTS },
	{ RENAME, "a", "INBOX", ST_EXISTS },
	{ RENAME, "Inbox", "old/mail", ST_OK },
	{ CREATE, "INBOX", "", ST_EXISTS },
	{ CREATE, "INBOX/x", "", ST_EXISTS },
	{ RENAME, "inbox", "INBOX/y", ST_OK },
	/* subscriptions outlive mailboxes */
	{ SUBSCRIBE, "zz", "", ST_OK },
	{ SUBSCRIBE, "zz", "", ST_OK },
	{ SUBSCRIBE, "nothing", "", ST_NOT_FOUND },
	{ DELETE, "zz", "", ST_OK },
	{ UNSUBSCRIBE, "zz", "", ST_OK },
	{ UNSUBSCRIBE, "zz", "", ST_NOT_FOUND },
};

static enum status run_step(const struct step *s)
{
	struct slice name = slice_str(s->name), to = slice_str(s->to);

	switch (s->verb) {
	case CREATE:
		return store_mailbox_create(t.write, t.ann, name, to, NULL);
	case DELETE:
		return store_mailbox_delete(t.write, t.ann, name);
	case RENAME:
		return store_mailbox_rename(t.write, t.ann, name, to);
	default:
		return store_mailbox_subscribe(t.write, t.ann, name,
					       s->verb == SUBSCRIBE);
	}
}

Test(store_mailbox, names)
{
	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		enum status st;

		temp_begin(&t);
		st = temp_end(&t, run_step(&steps[i]));
		cr_expect_eq(st, steps[i].status, "step %zu \"%s\" \"%s\": %s, %s",
			     i, steps[i].name, steps[i].to, status_name(st),
			     store_error(t.write)->text);
	}
	temp_store_close(&t);
}

Test(store_mailbox, long_names)
{
	char name[1200], other[110];

	temp_store_open(&t, NULL);
	memset(name, 'x', sizeof name);
	memset(other, 'y', sizeof other);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 256), SLICE_EMPTY, NULL)), ST_SYNTAX);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 255), SLICE_EMPTY, NULL)), ST_OK);
	for (size_t i = 100; i < sizeof name; i += 200)
		name[i] = '/';
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 1001), SLICE_EMPTY, NULL)), ST_SYNTAX);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 1000), SLICE_EMPTY, NULL)), ST_OK);
	/* the children's names would become too long */
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_rename(t.write, t.ann,
			slice_of(name, 100), slice_of(other, sizeof other))), ST_SYNTAX);
	temp_store_close(&t);
}

/* 32 levels, for children of what is renamed as well. */
Test(store_mailbox, deep_names)
{
	char name[80];

	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof name; i++)
		name[i] = i % 2 ? '/' : 'x';
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 65), SLICE_EMPTY, NULL)), ST_SYNTAX);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, 63), SLICE_EMPTY, NULL)), ST_OK);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_rename(t.write, t.ann,
			SLICE("x"), SLICE("y/z"))), ST_SYNTAX);
	temp_begin(&t);
	cr_expect_eq(temp_end(&t, store_mailbox_rename(t.write, t.ann,
			SLICE("x/x"), SLICE("y/z"))), ST_OK);
	temp_store_close(&t);
}

static char listed[1024];

static enum status list_row(void *arg, const struct store_mailbox *m)
{
	static const struct {
		uint32_t bit;
		char letter;
	} letters[] = {
		{ IPC_MAILBOX_SUBSCRIBED, 's' },
		{ IPC_MAILBOX_NONEXISTENT, 'n' },
		{ IPC_MAILBOX_HAS_CHILDREN, 'c' },
		{ IPC_MAILBOX_NOSELECT, 'x' },
	};
	size_t len = strlen(listed);

	len += (size_t)snprintf(listed + len, sizeof listed - len, "%s%.*s:",
				len ? " " : "", SLICE_ARG(m->name));
	for (size_t i = 0; i < 4; i++)
		if (m->attributes & letters[i].bit)
			listed[len++] = letters[i].letter;
	listed[len] = '\0';
	return ST_OK;
}

Test(store_mailbox, list_knows_parents_and_subscriptions)
{
	static const struct step make[] = {
		{ CREATE, "a/b/c", "", ST_OK }, { DELETE, "a", "", ST_OK },
		{ DELETE, "a/b", "", ST_OK }, { CREATE, "a b", "", ST_OK },
		{ SUBSCRIBE, "a b", "", ST_OK }, { CREATE, "w/x", "", ST_OK },
		{ SUBSCRIBE, "w/x", "", ST_OK }, { DELETE, "w/x", "", ST_OK },
		{ SUBSCRIBE, "w", "", ST_OK },
	};

	temp_store_open(&t, NULL);
	for (size_t i = 0; i < sizeof make / sizeof *make; i++) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, run_step(&make[i])), ST_OK);
	}
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_list(t.read, t.ann, 0, list_row, NULL), ST_OK);
	store_commit(t.read);
	cr_expect_str_eq(listed, "INBOX:s Archive:s Drafts:s Junk:s Sent:s "
			 "Trash:s a:ncx a b:s a/b:ncx a/b/c: w:s w/x:sn", "%s",
			 listed);
	temp_store_close(&t);
}

Test(store_mailbox, new_account_has_its_special_mailboxes)
{
	struct store_options options = {
		.special_names = { "Entw\xc3\xbc" "rfe", NULL, "", NULL, NULL },
	};
	struct store_mailbox m;

	temp_store_open(&t, &options);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_mailbox_find(t.read, t.ann,
			SLICE("Entw\xc3\xbc" "rfe"), &m), ST_OK);
	cr_expect(slice_eq(m.special_use, SLICE("\\Drafts")));
	cr_expect_eq(store_mailbox_find(t.read, t.ann, SLICE("Junk"), &m),
		     ST_NOT_FOUND);
	cr_expect_eq(store_mailbox_find(t.read, t.ann, SLICE("Sent"), &m), ST_OK);
	cr_expect(slice_eq(m.special_use, SLICE("\\Sent")));
	store_commit(t.read);
	temp_store_close(&t);
}

Test(store_mailbox, rename_of_inbox_moves_its_messages)
{
	struct store_mailbox inbox, moved;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	temp_mail(&t, "two");
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_rename(t.write, t.ann,
			SLICE("inbox"), SLICE("Old"))), ST_OK);
	inbox = temp_status(&t, t.inbox);
	moved = temp_status(&t, temp_mailbox(&t, "Old"));
	cr_expect_eq(inbox.messages, 0);
	cr_expect_eq(inbox.uidnext, 3);
	cr_expect_eq(moved.messages, 2);
	cr_expect_neq(moved.uidvalidity, inbox.uidvalidity);
	temp_store_close(&t);
}

Test(store_mailbox, a_name_made_again_has_a_higher_uidvalidity)
{
	uint32_t before;

	temp_store_open(&t, NULL);
	before = temp_status(&t, temp_mailbox(&t, "Trash")).uidvalidity;
	temp_begin(&t);
	store_mailbox_delete(t.write, t.ann, SLICE("Trash"));
	cr_assert_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			SLICE("Trash"), SLICE_EMPTY, NULL)), ST_OK);
	cr_expect_gt(temp_status(&t, temp_mailbox(&t, "Trash")).uidvalidity,
		     before);
	temp_store_close(&t);
}

static void open_inbox(bool take, struct store_opened *o)
{
	struct ranges uids = RANGES_INIT(1000);

	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_open(t.write, t.ann,
			SLICE("INBOX"), take, &uids, o)), ST_OK);
	ranges_free(&uids);
}

Test(store_mailbox, recent_is_taken_once)
{
	struct store_opened o;

	temp_store_open(&t, NULL);
	open_inbox(true, &o);
	cr_expect_eq(o.recent_lo, 0);
	temp_mail(&t, "one");
	temp_mail(&t, "two");
	cr_expect_eq(temp_status(&t, t.inbox).recent, 2);
	open_inbox(false, &o);
	cr_expect_eq(o.recent_lo, 1);
	cr_expect_eq(o.recent_hi, 2);
	cr_expect_eq(o.first_unseen, 1);
	cr_expect(store_has_recent(&o));
	open_inbox(true, &o);
	cr_expect_eq(o.recent_hi, 2);
	open_inbox(true, &o);
	cr_expect_eq(o.recent_lo, 0);
	temp_mail(&t, "three");
	open_inbox(true, &o);
	cr_expect_eq(o.recent_lo, 3);
	temp_store_close(&t);
}
