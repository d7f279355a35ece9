/*
 * Octets flipped in a page of each table: what the page holds is lost and named,
 * the rest is served, and nothing is answered that was never stored.
 */
#include "common/clock.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MESSAGES 60

static struct temp_store t;

TestSuite(store_damage, .timeout = 120);

static void fill(void)
{
	static char text[6000];

	temp_store_open(&t, NULL);
	memset(text, 'x', sizeof text);
	memcpy(text, "A: b\r\n\r\n", 8);
	for (unsigned i = 0; i < MESSAGES; i++)
		temp_deliver(&t, t.inbox, slice_of(text, sizeof text));
}

static void in_path(char path[128], const char *name)
{
	snprintf(path, 128, "%s/%s", t.dir, name);
}

/* All octets of the page become others. */
static void damage(const char *table, unsigned n)
{
	char path[128];

	temp_store_suspend(&t);
	in_path(path, "store.db");
	cr_assert(fault_damage(path, table, n), "%s has no page %u", table, n);
	temp_store_resume(&t);
}

/* How many of the messages come whole. */
static unsigned served(uint32_t items, uint32_t *unreadable, enum status *st)
{
	struct store_fetch f = { .mailbox = t.inbox, .items = items };
	struct buf out = BUF_INIT((size_t)8 << 20);
	struct fetch_row r;
	struct slice rest;
	unsigned count = 0;

	*unreadable = 0;
	*st = store_begin(t.read, JOB_SYNC_NORMAL);
	if (*st)
		return 0;
	do {
		out.len = 0;
		*st = store_fetch(t.read, &f, 65536, &out);
		rest = buf_slice(&out);
		while (fetch_row_decode(&rest, items, &r) == ST_OK)
			count += !(items & FETCH_ALL_OCTETS) ||
				 r.octets.len == r.octets_total;
	} while (*st == ST_MORE);
	store_commit(t.read);
	*unreadable = f.unreadable;
	buf_free(&out);
	return count;
}

static void clear(void)
{
	static const char *const names[] = { "store.db", "store.db-wal",
					     "store.db-shm", "store.lock" };
	char path[128];

	temp_store_suspend(&t);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		in_path(path, names[i]);
		unlink(path);
	}
	cr_expect_eq(rmdir(t.dir), 0);
}

static enum status deliver_one(void)
{
	struct buf record = BUF_INIT(1 << 20);
	struct store_delivery d = { .mailbox = t.inbox,
				    .recipient = SLICE_EMPTY };
	struct store_message m;
	enum status st;

	temp_message(&t, &m, SLICE("A: b\r\n\r\nnew"), &record);
	st = store_begin(t.write, JOB_SYNC_FULL);
	if (!st) {
		st = store_deliver(t.write, &m, &d, 1);
		if (st)
			store_rollback(t.write);
		else
			st = store_commit(t.write);
	}
	buf_free(&record);
	return st;
}

static const struct {
	const char *table;
	uint32_t items;		/* that need the page */
	uint32_t others;	/* that do not */
	unsigned lost;		/* messages, at most */
} rows[] = {
	{ "body", FETCH_ALL_OCTETS, FETCH_ENVELOPE | FETCH_FLAGS, 2 },
	{ "message", FETCH_ENVELOPE, FETCH_FLAGS | FETCH_SIZE, 20 },
};

Test(store_damage, a_row_of_a_message)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t unreadable;
		unsigned count;
		enum status st;

		fill();
		damage(rows[i].table, 2);
		count = served(rows[i].items, &unreadable, &st);
		cr_expect_eq(st, ST_OK, "%s: %s", rows[i].table, status_name(st));
		cr_expect_gt(unreadable, 0, "%s", rows[i].table);
		cr_expect_leq(unreadable, rows[i].lost, "%s: %u",
			      rows[i].table, unreadable);
		cr_expect_eq(count + unreadable, MESSAGES, "%s: %u and %u",
			     rows[i].table, count, unreadable);
		cr_expect_eq(served(rows[i].others, &unreadable, &st), MESSAGES);
		cr_expect_eq(unreadable, 0);
		cr_expect_eq(deliver_one(), ST_OK, "mail is taken on");
		clear();
	}
}

/* ---- the lists ------------------------------------------------------------------------ */

static enum status status_of(uint64_t mailbox, uint32_t *messages)
{
	struct store_mailbox m = { 0 };
	enum status st = store_begin(t.read, JOB_SYNC_NORMAL);

	if (!st)
		st = store_mailbox_get(t.read, mailbox, &m);
	store_commit(t.read);
	*messages = m.messages;
	return st;
}

static void expect_only_read(const char *where)
{
	char text[STORE_DAMAGE_OCTETS];

	cr_expect(store_is_damaged(t.store), "%s", where);
	store_damage(t.store, text);
	cr_expect(strstr(text, where) != NULL, "%s: %s", where, text);
	cr_expect(strstr(text, "malformed") != NULL, "%s", text);
	cr_expect_eq(deliver_one(), ST_UNAVAILABLE);
	cr_expect(!store_is_broken(t.store), "it does not end for that");
}

static enum status count_mailbox(void *arg, const struct store_mailbox *m)
{
	(void)m;
	++*(unsigned *)arg;
	return ST_OK;
}

/* A reader meets it: the request fails, no other does, and nothing is written. */
Test(store_damage, the_list_of_a_mailbox)
{
	unsigned boxes = 0;
	uint32_t unreadable;
	enum status st;

	fill();
	damage("entry", 0);
	cr_expect(!store_is_damaged(t.store));
	served(FETCH_SIZE | FETCH_ENVELOPE, &unreadable, &st);
	cr_expect_eq(st, ST_UNAVAILABLE, "%s", status_name(st));
	expect_only_read("the lists of mailboxes");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_mailbox_list(t.read, t.bob, 0, count_mailbox, &boxes), ST_OK);
	store_commit(t.read);
	cr_expect_geq(boxes, 6u);
	/* it can be opened, and is not repaired by that */
	temp_store_suspend(&t);
	temp_store_resume(&t);
	served(FETCH_SIZE, &unreadable, &st);
	cr_expect_eq(st, ST_UNAVAILABLE);
	expect_only_read("the lists of mailboxes");
	clear();
}

/* The writer meets it. */
Test(store_damage, where_it_is_written)
{
	fill();
	damage("entry", 0);
	cr_expect_eq(deliver_one(), ST_UNAVAILABLE);
	expect_only_read("what is written");
	clear();
}

Test(store_damage, the_table_of_mailboxes)
{
	uint32_t messages;

	fill();
	damage("mailbox", 0);
	cr_expect_eq(status_of(t.inbox, &messages), ST_UNAVAILABLE);
	expect_only_read("the lists of mailboxes");
	clear();
}

/* A start that cannot write its epoch serves what can be read. */
Test(store_damage, what_a_start_writes)
{
	uint32_t unreadable;
	enum status st;
	uint64_t epoch;
	struct store_stats stats;

	fill();
	store_stats(t.store, &stats);
	epoch = stats.epoch;
	damage("unfinished", 0);
	expect_only_read("what is written");
	cr_expect_eq(served(FETCH_ALL_OCTETS, &unreadable, &st), MESSAGES);
	cr_expect_eq(st, ST_OK);
	store_stats(t.store, &stats);
	cr_expect_geq(stats.epoch, epoch);
	clear();
}

/* ---- one message ---------------------------------------------------------------------- */

/* An expunged message whose body is damaged goes nowhere, and keeps nothing else from
 * going. */
Test(store_damage, pruning_passes_by)
{
	struct ranges gone = RANGES_INIT(1000);
	char path[128];
	uint64_t modseq;
	enum status st = ST_OK;
	int failed = 0;
	bool more = true;

	fill();
	damage("body", 2);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_expunge(t.write, t.inbox, NULL, true, &gone,
						&modseq)), ST_OK);
	/* the writer rolls back what it cannot remove, and comes again */
	for (int i = 0; i < 100 && (more || st); i++) {
		temp_begin(&t);
		st = temp_end(&t, store_prune(t.write, INT32_MAX, &more));
		failed += st != ST_OK;
	}
	cr_expect_eq(st, ST_OK);
	cr_expect(failed > 0 && failed <= 8, "%d", failed);
	cr_expect(!store_is_damaged(t.store));
	/* no more than those is left: this fails where there are others */
	temp_store_suspend(&t);
	in_path(path, "store.db");
	cr_expect(fault_sql(path, "SELECT CASE WHEN (SELECT count(*) FROM garbage) > 8"
				  " THEN abs(-9223372036854775807 - 1) END"));
	temp_store_resume(&t);
	cr_expect_eq(deliver_one(), ST_OK);
	ranges_free(&gone);
	clear();
}

static enum status count_order(void *arg, const struct store_order_row *row)
{
	(void)row;
	++*(unsigned *)arg;
	return ST_OK;
}

Test(store_damage, search_and_sort_pass_by)
{
	/* SINCE the first day, AND LARGER 1 */
	static const char program[] = "\x0c\0\0\0\0\0\0\0\0";
	struct ranges found = RANGES_INIT(1000), all = RANGES_INIT(1);
	struct store_search s = { .mailbox = t.inbox, .found = &found };
	struct store_order o = { .uids = &all };
	unsigned ordered = 0;

	fill();
	s.mailbox = o.mailbox = t.inbox;
	s.program = slice_of(program, sizeof program - 1);
	damage("message", 2);
	ranges_add(&all, 1, UINT32_MAX);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_search(t.read, &s, 0), ST_OK);
	cr_expect_eq(store_order(t.read, &o, 0, count_order, &ordered), ST_OK);
	store_commit(t.read);
	cr_expect_eq(ranges_size(&found), ordered);
	cr_expect_lt(ordered, MESSAGES);
	cr_expect_geq(ordered, MESSAGES - 20);
	cr_expect(!store_is_damaged(t.store));
	ranges_free(&found);
	ranges_free(&all);
	clear();
}

/* ---- errors of the disk ------------------------------------------------------------------ */

/* One read fails. */
static void meet_read_error(void)
{
	uint32_t messages;

	/* nothing of it is in the cache of a connection that is new */
	temp_store_reconnect(&t);
	fault_vfs_fail(FAULT_READ, 1, 1);
	cr_expect_eq(status_of(t.inbox, &messages), ST_IO);
	fault_vfs_fail(FAULT_NONE, 0, 0);
}

static const struct {
	int64_t pauses_ms[3];	/* before each */
	bool is_damaged;
} read_errors[] = {
	{ { 0, 0, 0 }, true },
	{ { 0, 29000, 30000 }, true },
	{ { 0, 31000, 30000 }, false },
	{ { 0, 61000, 1000 }, false },
};

Test(store_damage, three_read_errors_in_a_minute)
{
	const struct store_options options = { .vfs = FAULT_VFS };

	fault_vfs_install();
	for (size_t i = 0; i < sizeof read_errors / sizeof *read_errors; i++) {
		uint32_t messages;

		temp_store_open(&t, &options);
		temp_mail(&t, "one");
		clock_fake(1000000, INT64_C(1795504127000));
		for (size_t k = 0; k < 3; k++) {
			clock_fake_advance(read_errors[i].pauses_ms[k]);
			cr_expect(!store_is_damaged(t.store), "row %zu", i);
			meet_read_error();
			cr_expect_eq(status_of(t.inbox, &messages), ST_OK,
				     "the next is answered");
		}
		cr_expect_eq(store_is_damaged(t.store), read_errors[i].is_damaged,
			     "row %zu", i);
		cr_expect_eq(deliver_one(), read_errors[i].is_damaged ?
					    ST_UNAVAILABLE : ST_OK, "row %zu", i);
		clock_real();
		temp_store_close(&t);
	}
}

/* ---- files that are not ours ----------------------------------------------------------- */

static void write_noise(const char *name, size_t octets)
{
	char path[128];
	FILE *file;

	in_path(path, name);
	file = fopen(path, "w");
	cr_assert(file != NULL);
	for (size_t i = 0; i < octets; i++)
		fputc((int)(i * 131 % 251), file);
	fclose(file);
}

/* The log is gone with what was not carried over: a store as it was before. */
Test(store_damage, a_log_that_was_removed)
{
	char path[128];

	fill();
	temp_store_suspend(&t);
	temp_store_resume(&t);
	cr_assert_eq(deliver_one(), ST_OK);
	temp_store_copy(&t, "store.db", "kept.db");
	temp_store_suspend(&t);
	temp_store_copy(&t, "kept.db", "store.db");
	temp_store_forget(&t, "kept.db");
	in_path(path, "store.db-wal");
	unlink(path);
	temp_store_resume(&t);
	cr_expect_eq(temp_store_check(&t), 0);
	cr_expect_eq(deliver_one(), ST_OK);
	temp_store_close(&t);
}

Test(store_damage, noise_in_place_of_the_log_or_its_index)
{
	static const char *const names[] = { "store.db-wal", "store.db-shm" };

	for (size_t i = 0; i < 2; i++) {
		fill();
		temp_store_suspend(&t);
		write_noise(names[i], 100000);
		temp_store_resume(&t);
		cr_expect_eq(temp_status(&t, t.inbox).messages, MESSAGES);
		cr_expect_eq(deliver_one(), ST_OK);
		temp_store_close(&t);
	}
}

Test(store_damage, noise_in_place_of_the_store)
{
	struct error err = { 0 };
	struct store *s;

	fill();
	temp_store_suspend(&t);
	write_noise("store.db", 100000);
	cr_expect_eq(store_open(&t.options, &s, &err), ST_UNAVAILABLE, "%s", err.text);
	cr_expect(s == NULL);
	cr_expect(strstr(err.text, "not a database") != NULL, "%s", err.text);
	t.store = NULL;
	for (size_t i = 0; i < 2; i++) {
		char path[128];

		in_path(path, i ? "store.lock" : "store.db");
		unlink(path);
	}
	cr_expect_eq(rmdir(t.dir), 0);
}

/* ---- the last UID --------------------------------------------------------------------- */

/* The next one is refused; then another mailbox is in its place, with all that belonged to
 * it and a new UIDVALIDITY. */
Test(store_damage, the_last_uid_is_the_last)
{
	struct store_mailbox before, now, find;
	char path[128];
	uint32_t rights;
	bool more;

	fill();
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_acl_set(t.write, t.ann, t.inbox, t.bob,
						IPC_STORE_REPLACE, STORE_RIGHT_LOOKUP)),
		     ST_OK);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_metadata_set(t.write, t.ann, t.inbox,
			SLICE("/shared/comment"), SLICE("kept"))), ST_OK);
	temp_store_suspend(&t);
	in_path(path, "store.db");
	cr_assert(fault_sql(path, "UPDATE mailbox SET uidnext = 4294967294"
				  " WHERE messages > 0"));
	temp_store_resume(&t);
	cr_expect_eq(deliver_one(), ST_OK);
	cr_expect_eq(deliver_one(), ST_LIMIT);
	before = temp_status(&t, t.inbox);
	cr_expect_eq(before.messages, MESSAGES + 1);
	cr_expect_eq(before.uidnext, UINT32_MAX);
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_prune(t.write, 0, &more)), ST_OK, "%s",
		     store_error(t.write)->text);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_mailbox_find(t.read, t.ann, SLICE("INBOX"), &find), ST_OK);
	cr_expect_eq(store_acl_rights(t.read, find.id, t.bob, &rights), ST_OK);
	cr_expect_eq(store_acl_rights(t.read, t.inbox, t.bob, &rights), ST_NOT_FOUND);
	store_commit(t.read);
	cr_expect_neq(find.id, t.inbox);
	t.inbox = find.id;
	now = temp_status(&t, t.inbox);
	cr_expect_gt(now.uidvalidity, before.uidvalidity);
	cr_expect_eq(now.messages, before.messages);
	cr_expect_eq(now.octets, before.octets);
	cr_expect_eq(now.uidnext, MESSAGES + 2);
	cr_expect_eq(deliver_one(), ST_OK);
	temp_store_close(&t);
}
