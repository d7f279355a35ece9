/* The check of the file after an unclean end: when, what it finds, how it ends. */
#include "common/clock.h"
#include "mailboxd/surveyor.h"
#include "mailboxd/writer.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES 60

static struct temp_store t;

TestSuite(store_survey, .timeout = 120);

static void fill(const struct store_options *options)
{
	static char text[20000];

	temp_store_open(&t, options);
	memset(text, 'x', sizeof text);
	memcpy(text, "A: b\r\n\r\n", 8);
	for (unsigned i = 0; i < MESSAGES; i++)
		temp_deliver(&t, t.inbox, slice_of(text, sizeof text));
}

static void damage(const char *table, unsigned n)
{
	char path[128];

	snprintf(path, sizeof path, "%s/store.db", t.dir);
	cr_assert(fault_damage(path, table, n), "%s has no page %u", table, n);
}

/* As kill -9 leaves it, with nothing in the log, so that a page can be damaged. */
static void end_unclean(void)
{
	char path[128];

	temp_store_reopen(&t, true);
	temp_store_kill(&t);
	snprintf(path, sizeof path, "%s/store.db", t.dir);
	cr_assert(fault_sql(path, "PRAGMA wal_checkpoint(TRUNCATE)"));
}

static void remove_store(void)
{
	static const char *const names[] = { "store.db", "store.db-wal", "store.db-shm",
					     "store.lock" };
	char path[128];

	temp_store_suspend(&t);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", t.dir, names[i]);
		unlink(path);
	}
	cr_expect_eq(rmdir(t.dir), 0);
}

/* ---- when ------------------------------------------------------------------------- */

struct pace {
	unsigned calls, ends_at;	/* 0: never */
};

static bool pace(void *arg)
{
	struct pace *p = arg;

	return ++p->calls != p->ends_at;
}

static enum status survey(struct pace *p)
{
	struct store_survey *v;
	struct error error;
	enum status st;

	cr_assert_eq(store_survey_open(t.store, &v, &error), ST_OK, "%s", error.text);
	st = store_survey_run(v, pace, p);
	store_survey_close(v);
	return st;
}

static void expect_sound(void)
{
	char text[STORE_DAMAGE_OCTETS];

	store_findings(t.store, text);
	cr_expect_str_empty(text);
	cr_expect(!store_is_damaged(t.store));
}

Test(store_survey, after_an_unclean_end_alone)
{
	struct pace p = { 0 };

	fill(NULL);
	cr_expect(!store_wants_survey(t.store), "it is new");
	temp_store_reopen(&t, true);
	cr_expect(!store_wants_survey(t.store), "a clean end");
	temp_store_reopen(&t, false);
	cr_expect(store_wants_survey(t.store), "an unclean one");
	cr_expect_eq(survey(&p), ST_OK);
	cr_expect_gt(p.calls, 300, "each page of the bodies is read: %u", p.calls);
	cr_expect(!store_wants_survey(t.store));
	expect_sound();
	temp_store_reopen(&t, true);
	cr_expect(!store_wants_survey(t.store));
	temp_store_close(&t);
}

Test(store_survey, never_of_one_that_is_ephemeral)
{
	const struct store_options options = { .ephemeral = true };

	fill(&options);
	temp_store_reopen(&t, false);
	cr_expect(!store_wants_survey(t.store));
	temp_store_close(&t);
}

/* ---- stopped ------------------------------------------------------------------------ */

/* Wherever it is stopped nothing was found, and little is read after that. */
Test(store_survey, a_stop_in_the_middle)
{
	struct store_stats before, after;
	struct pace whole = { 0 };

	fill(NULL);
	end_unclean();
	temp_store_resume(&t);
	cr_assert_eq(survey(&whole), ST_OK);
	for (unsigned at = 1; at < whole.calls; at += 1 + at / 4) {
		struct pace p = { .ends_at = at };

		cr_expect_eq(survey(&p), ST_MORE, "at %u", at);
		cr_expect_eq(p.calls, at, "it was asked once more");
		expect_sound();
	}
	/* the next start does it, though the end was clean and the epoch the same */
	temp_store_reopen(&t, false);
	cr_expect_eq(survey(&(struct pace){ .ends_at = whole.calls / 2 }), ST_MORE);
	store_stats(t.store, &before);
	temp_store_reopen(&t, true);
	store_stats(t.store, &after);
	cr_expect_eq(before.epoch, after.epoch);
	cr_expect(store_wants_survey(t.store));
	cr_expect_eq(survey(&(struct pace){ 0 }), ST_OK);
	temp_store_reopen(&t, true);
	cr_expect(!store_wants_survey(t.store));
	temp_store_close(&t);
}

/* ---- damage --------------------------------------------------------------------------- */

static const struct {
	const char *table;
	bool is_list;
} tables[] = {
	{ "body", false },
	{ "message", false },
	{ "journal", false },
	{ "entry", true },
	{ "mailbox", true },
};

Test(store_survey, what_is_damaged)
{
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		const char *table = tables[i].table;
		char text[STORE_DAMAGE_OCTETS];

		fill(NULL);
		end_unclean();
		damage(table, 0);
		temp_store_resume(&t);
		cr_expect(store_wants_survey(t.store));
		cr_expect(!store_is_damaged(t.store));
		cr_expect_eq(survey(&(struct pace){ 0 }), ST_OK, "%s", table);
		store_findings(t.store, text);
		cr_expect_eq(strncmp(text, table, strlen(table)), 0, "%s: %s", table,
			     text);
		cr_expect(text[strlen(table)] == ':' && !strchr(text, '\n'), "%s", text);
		cr_expect_eq(store_is_damaged(t.store), tables[i].is_list, "%s", table);
		store_damage(t.store, text);
		cr_expect_eq(strstr(text, "the lists of mailboxes") != NULL,
			     tables[i].is_list, "%s: %s", table, text);
		cr_expect_eq(store_begin(t.write, JOB_SYNC_FULL),
			     tables[i].is_list ? ST_UNAVAILABLE : ST_OK);
		store_rollback(t.write);
		remove_store();
	}
}

/* None hides the other. */
Test(store_survey, several_tables)
{
	char text[STORE_DAMAGE_OCTETS];

	fill(NULL);
	end_unclean();
	damage("body", 1);
	damage("journal", 0);
	temp_store_resume(&t);
	cr_expect_eq(survey(&(struct pace){ 0 }), ST_OK);
	store_findings(t.store, text);
	cr_expect(strncmp(text, "journal: ", 9) == 0 && strstr(text, "; body"), "%s",
		  text);
	cr_expect(!store_wants_survey(t.store));
	remove_store();
}

/* A read error is none of the store: it is tried again by the next start. */
Test(store_survey, a_disk_that_fails)
{
	const struct store_options options = { .vfs = FAULT_VFS };

	fault_vfs_install();
	fill(&options);
	end_unclean();
	temp_store_resume(&t);
	for (unsigned n = 1; n < 300; n += 7) {
		struct store_survey *v;
		struct error error;

		cr_assert_eq(store_survey_open(t.store, &v, &error), ST_OK);
		fault_vfs_fail(FAULT_READ, n, 1);
		cr_expect_eq(store_survey_run(v, pace, &(struct pace){ 0 }), ST_IO,
			     "read %u", n);
		cr_expect(fault_vfs_failed());
		fault_vfs_fail(FAULT_NONE, 0, 0);
		store_survey_close(v);
		expect_sound();
		cr_expect(store_wants_survey(t.store));
	}
	temp_store_close(&t);
}

/* ---- beside others ----------------------------------------------------------------------- */

static bool deliver_now_and_then(void *arg)
{
	struct pace *p = arg;

	if (++p->calls % 100 == 0)
		temp_mail(&t, "meanwhile");
	return true;
}

/* Mail is taken and checkpoints are made while it reads. */
Test(store_survey, mail_comes_meanwhile)
{
	const struct store_options options = { .wal_pages = 8 };
	struct store_survey *running;
	struct pace p = { 0 };
	struct error error;

	fill(&options);
	temp_store_reopen(&t, false);
	cr_assert_eq(store_survey_open(t.store, &running, &error), ST_OK);
	cr_expect_eq(store_survey_run(running, deliver_now_and_then, &p), ST_OK);
	store_survey_close(running);
	expect_sound();
	cr_expect_eq(temp_status(&t, t.inbox).messages, MESSAGES + p.calls / 100);
	temp_store_close(&t);
}

/* ---- the thread ------------------------------------------------------------------------------ */

Test(store_survey, on_a_thread)
{
	const struct timespec moment = { .tv_nsec = 5000000 };
	int64_t until = clock_ms() + 30000;
	struct surveyor *s;
	struct writer *w;
	struct error error;

	fill(NULL);
	cr_assert_eq(surveyor_start(t.store, NULL, &s, &error), ST_OK);
	cr_expect(s == NULL, "nothing is to do");
	surveyor_stop(s);
	temp_store_reopen(&t, false);
	cr_assert_eq(writer_start(t.store, &(struct writer_options){ 0 }, &w, &error),
		     ST_OK);
	cr_assert_eq(surveyor_start(t.store, w, &s, &error), ST_OK);
	cr_assert(s != NULL);
	while (store_wants_survey(t.store) && clock_ms() < until)
		nanosleep(&moment, NULL);
	cr_expect(!store_wants_survey(t.store));
	surveyor_stop(s);
	writer_stop(w);
	/* at once, wherever it is */
	for (int i = 0; i < 10; i++) {
		temp_store_reopen(&t, false);
		cr_assert_eq(surveyor_start(t.store, NULL, &s, &error), ST_OK);
		surveyor_stop(s);
		expect_sound();
	}
	temp_store_close(&t);
}
