/*
 * Octets flipped in a page of each table: what the page holds is lost and named,
 * the rest is served, and nothing is answered that was never stored.
 */
#include "tests/support/fault_vfs.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MESSAGES 60
#define PAGE 4096

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
	unsigned char page[PAGE];
	unsigned number;
	char path[128];
	int fd;

	temp_store_suspend(&t);
	in_path(path, "store.db");
	number = fault_page_of(path, table, n);
	cr_assert(number > 1, "%s has no page %u", table, n);
	fd = open(path, O_RDWR);
	cr_assert_eq(pread(fd, page, PAGE, (off_t)(number - 1) * PAGE), PAGE);
	for (size_t i = 0; i < PAGE; i++)
		page[i] ^= 0x5a;
	cr_assert_eq(pwrite(fd, page, PAGE, (off_t)(number - 1) * PAGE), PAGE);
	close(fd);
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

/* Where the list of entries is damaged nothing is answered as if it were whole. */
Test(store_damage, the_list_of_a_mailbox)
{
	struct store_mailbox m = { 0 };
	uint32_t unreadable;
	enum status st;
	unsigned count;

	fill();
	damage("entry", 0);
	count = served(FETCH_SIZE | FETCH_ENVELOPE, &unreadable, &st);
	cr_expect(st == ST_UNAVAILABLE || count + unreadable == MESSAGES,
		  "%s: %u", status_name(st), count);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	st = store_mailbox_get(t.read, t.inbox, &m);
	cr_expect(st == ST_UNAVAILABLE || (!st && m.messages == MESSAGES),
		  "%s: %u", status_name(st), m.messages);
	store_commit(t.read);
	st = deliver_one();
	cr_expect(st == ST_OK || st == ST_UNAVAILABLE, "%s", status_name(st));
	clear();
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
	cr_expect_eq(store_open(&t.options, &s, &err), ST_DENIED, "%s", err.text);
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

Test(store_damage, the_last_uid_is_the_last)
{
	char path[128];

	fill();
	temp_store_suspend(&t);
	in_path(path, "store.db");
	cr_assert(fault_sql(path, "UPDATE mailbox SET uidnext = 4294967294"
				  " WHERE messages > 0"));
	temp_store_resume(&t);
	cr_expect_eq(deliver_one(), ST_OK);
	cr_expect_eq(deliver_one(), ST_LIMIT);
	cr_expect_eq(temp_status(&t, t.inbox).messages, MESSAGES + 1);
	cr_expect_eq(temp_status(&t, t.inbox).uidnext, UINT32_MAX);
	temp_store_close(&t);
}
