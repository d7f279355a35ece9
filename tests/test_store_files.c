#define _GNU_SOURCE	/* setresuid() */

/*
 * The store's directory is not as it was left, or no longer lets anything be written: clear
 * words, nothing taken over, nothing lost, no leftover.
 */
#include "tests/support/fault_vfs.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(store_files, .timeout = 120);

static struct temp_store t;

/* Modes mean nothing to root. */
static void be_nobody(void)
{
	if (geteuid() == 0) {
		cr_assert_eq(setresgid(65534, 65534, 65534), 0);
		cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	}
}

static void set_mode(const char *name, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", t.dir, name);
	cr_assert_eq(chmod(path, mode), 0, "%s", path);
}

static enum status try_open(struct error *err)
{
	struct store *s;
	enum status st = store_open(&t.options, &s, err);

	cr_expect_eq(st == ST_OK, s != NULL);
	store_close(s);
	return st;
}

static char *content(const char *name, size_t *octets)
{
	char path[128], *all = malloc(8 << 20);
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", t.dir, name);
	file = fopen(path, "r");
	cr_assert(file && all, "%s", path);
	*octets = fread(all, 1, 8 << 20, file);
	fclose(file);
	return all;
}

static unsigned leftovers(void)
{
	DIR *dir = opendir(t.dir);
	struct dirent *e;
	unsigned count = 0;

	cr_assert(dir != NULL);
	while ((e = readdir(dir)))
		count += strncmp(e->d_name, "copy-", 5) == 0;
	closedir(dir);
	return count;
}

/* ---- modes ----------------------------------------------------------------------------- */

static const struct { const char *name; mode_t mode, before; const char *words; } modes[] = {
	{ ".", 0500, 0700, "cannot write" },	/* neither log nor index can be made */
	{ "store.db", 0400, 0600, "store.db" },
	{ "store.db", 0000, 0600, "store.db" },
	{ "store.lock", 0400, 0600, "store.lock" },
};

Test(store_files, not_writable_at_a_start)
{
	be_nobody();
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		struct error err = { 0 };
		enum status st;

		temp_store_open(&t, NULL);
		temp_mail(&t, "one");
		temp_store_suspend(&t);
		set_mode(modes[i].name, modes[i].mode);
		st = try_open(&err);
		cr_expect(st == ST_IO || st == ST_UNAVAILABLE || st == ST_DENIED,
			  "%s %o: %s", modes[i].name, modes[i].mode, status_name(st));
		cr_expect(strlen(err.text) > 10 && strstr(err.text, modes[i].words),
			  "%s %o: %s", modes[i].name, modes[i].mode, err.text);
		set_mode(modes[i].name, modes[i].before);
		temp_store_resume(&t);
		cr_expect_eq(temp_status(&t, t.inbox).messages, 1u);
		temp_mail(&t, "two");
		temp_store_close(&t);
	}
}

/* What is open stays open; what needs a new file is refused, and only that. */
Test(store_files, not_writable_while_it_runs)
{
	struct store_backup b = { .fd = -1 };

	be_nobody();
	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	set_mode(".", 0500);
	temp_mail(&t, "two");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_neq(store_backup_begin(t.read, &b), ST_OK);
	cr_expect_eq(b.fd, -1);
	cr_expect(strlen(store_error(t.read)->text) > 10);
	store_commit(t.read);
	cr_expect(!store_is_damaged(t.store));
	cr_expect(!store_is_broken(t.store));
	temp_mail(&t, "three");
	temp_store_suspend(&t);
	set_mode(".", 0700);
	temp_store_resume(&t);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 3u);
	temp_store_close(&t);
}

/* ---- a full disk in the midst of a copy -------------------------------------------------- */

Test(store_files, a_backup_that_fills_the_disk)
{
	const struct store_options options = { .vfs = FAULT_VFS };
	uint64_t n;

	fault_vfs_install();
	temp_store_open(&t, &options);
	for (int i = 0; i < 20; i++)
		temp_mail(&t, "one");
	for (n = 1; n < 10000; n *= 2) {
		struct store_backup b = { .fd = -1 };
		enum status st;

		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		fault_vfs_fail(FAULT_FULL, n, FAULT_FOR_GOOD);
		st = store_backup_begin(t.read, &b);
		store_commit(t.read);
		fault_vfs_fail(FAULT_NONE, 0, 0);
		store_backup_end(&b);
		cr_expect_eq(leftovers(), 0u, "write %llu", (unsigned long long)n);
		temp_mail(&t, "mail goes on");
		if (st == ST_OK)
			break;
		cr_expect_eq(st, ST_FULL, "write %llu: %s", (unsigned long long)n,
			     status_name(st));
		cr_expect(strstr(store_error(t.read)->text, "full") ||
			  store_error(t.read)->text[0] == '\0');
	}
	cr_expect(n > 4 && n < 10000, "%llu", (unsigned long long)n);
	temp_store_close(&t);
}

/* ---- another's log ---------------------------------------------------------------------- */

Test(store_files, the_log_of_another_store)
{
	struct temp_store mine;
	struct error err = { 0 };
	size_t octets, now;
	char *before, *after, from[128], to[128];

	temp_store_open(&t, NULL);
	temp_mail(&t, "mine");
	temp_store_suspend(&t);
	before = content("store.db", &octets);
	mine = t;
	temp_store_open(&t, NULL);
	temp_mail(&t, "another's");
	temp_store_copy(&t, "store.db-wal", "kept.wal");
	snprintf(from, sizeof from, "%s/kept.wal", t.dir);
	snprintf(to, sizeof to, "%s/store.db-wal", mine.dir);
	cr_assert_eq(rename(from, to), 0);
	temp_store_close(&t);
	t = mine;
	cr_expect_eq(try_open(&err), ST_DENIED, "%s", err.text);
	cr_expect(strstr(err.text, "another store") != NULL, "%s", err.text);
	after = content("store.db", &now);
	cr_expect(now == octets && memcmp(before, after, now) == 0,
		  "nothing of it was taken over");
	cr_assert_eq(unlink(to), 0);
	temp_store_resume(&t);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 1u);
	temp_store_close(&t);
	free(before);
	free(after);
}

/* One's own after a kill is taken, in a directory whose name means something in a URI. */
Test(store_files, ones_own_log)
{
	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	temp_store_kill(&t);
	temp_store_resume(&t);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 1u);
	temp_store_close(&t);
}
