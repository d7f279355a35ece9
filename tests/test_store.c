#include "common/clock.h"
#include "common/id.h"
#include "tests/support/temp_store.h"
#include "tests/support/verbs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct temp_store t;

TestSuite(store, .timeout = 60);

Test(store, opens_once)
{
	struct store *second;
	struct error err = { 0 };

	temp_store_open(&t, NULL);
	cr_expect_eq(store_open(&t.options, &second, &err), ST_EXISTS);
	cr_expect(strstr(err.text, "another mailboxd") != NULL, "%s", err.text);
	cr_expect(second == NULL);
	temp_store_close(&t);
}

/* Changes user_version in the header of the file, and gives the old one. */
static int set_schema(int number)
{
	char path[128];
	FILE *file;
	int old;

	snprintf(path, sizeof path, "%s/store.db", t.dir);
	file = fopen(path, "r+");
	cr_assert(file && fseek(file, 63, SEEK_SET) == 0);
	old = getc(file);
	cr_assert(fseek(file, 63, SEEK_SET) == 0);
	cr_assert_eq(putc(number, file), number);
	fclose(file);
	return old;
}

Test(store, refuses_a_newer_schema)
{
	struct store *store;
	struct error err = { 0 };
	int ours;

	temp_store_open(&t, NULL);
	store_disconnect(t.write);
	store_disconnect(t.read);
	store_close(t.store);
	ours = set_schema(99);
	cr_expect_eq(store_open(&t.options, &store, &err), ST_DENIED);
	cr_expect(strstr(err.text, "newer version") != NULL, "%s", err.text);
	set_schema(ours);
	cr_assert_eq(store_open(&t.options, &t.store, &err), ST_OK);
	cr_assert_eq(store_connect(t.store, TX_READ, &t.read, &err), ST_OK);
	t.write = NULL;
	temp_store_close(&t);
}

Test(store, epoch_rises_only_after_an_unclean_end)
{
	struct store_stats before, after;

	temp_store_open(&t, NULL);
	store_stats(t.store, &before);
	temp_store_reopen(&t, true);
	store_stats(t.store, &after);
	cr_expect_eq(after.epoch, before.epoch);
	temp_store_reopen(&t, false);
	store_stats(t.store, &after);
	cr_expect_eq(after.epoch, before.epoch + 1);
	temp_store_close(&t);
}

Test(store, ids_never_come_back)
{
	struct ranges gone = RANGES_INIT(100);
	uint64_t last, modseq;
	bool more = true;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	last = store_message_id(t.store) - 1;
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, t.inbox, NULL, true, &gone,
				   &modseq));
	while (more) {
		temp_begin(&t);
		temp_end(&t, store_prune(t.write, INT32_MAX, &more));
	}
	temp_store_reopen(&t, false);
	cr_expect_gt(store_message_id(t.store), last);
	cr_expect_eq(temp_mail(&t, "two"), 2);
	ranges_free(&gone);
	temp_store_close(&t);
}

Test(store, savepoint_undoes_counters_and_new_mailboxes)
{
	struct ranges gone = RANGES_INIT(100);
	uint64_t modseq, made;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	temp_begin(&t);
	cr_assert_eq(store_savepoint(t.write), ST_OK);
	cr_assert_eq(store_expunge(t.write, t.inbox, NULL, true, &gone,
				   &modseq), ST_OK);
	cr_assert_eq(store_mailbox_create(t.write, t.ann, SLICE("New"),
					  SLICE_EMPTY, &made), ST_OK);
	store_undo(t.write);
	cr_assert_eq(store_savepoint(t.write), ST_OK);
	cr_expect_eq(store_expunge(t.write, made, NULL, true, &gone, &modseq),
		     ST_NOT_FOUND);
	store_undo(t.write);
	temp_end(&t, ST_OK);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 1);
	ranges_free(&gone);
	temp_store_close(&t);
}

Test(store, full_disk_refuses_and_recovers)
{
	struct store_options options = { .max_pages = 200 };
	struct ranges gone = RANGES_INIT(1000);
	struct buf record = BUF_INIT(1 << 20);
	static char text[20000];
	struct store_message m;
	struct store_delivery d;
	uint64_t modseq;
	enum status st = ST_OK;
	unsigned stored = 0;
	bool more = true;

	memset(text, 'x', sizeof text);
	memcpy(text, "A: b\r\n\r\n", 8);
	temp_store_open(&t, &options);
	while (stored < 1000) {
		temp_message(&t, &m, slice_of(text, sizeof text), &record);
		d = (struct store_delivery){ .mailbox = t.inbox,
					     .recipient = SLICE_EMPTY };
		temp_begin(&t);
		st = store_deliver(t.write, &m, &d, 1);
		if (!st)
			st = store_commit(t.write);
		else
			store_rollback(t.write);
		if (st)
			break;
		stored++;
	}
	cr_expect_eq(st, ST_FULL, "%s", status_name(st));
	cr_expect_gt(stored, 10);
	cr_expect(!store_is_broken(t.store));
	cr_expect_eq(temp_status(&t, t.inbox).messages, stored);
	cr_expect_eq(temp_store_check(&t), 0);
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, t.inbox, NULL, true, &gone,
				   &modseq));
	while (more) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_prune(t.write, INT32_MAX,
						      &more)), ST_OK);
	}
	temp_mail(&t, "there is room again");
	ranges_free(&gone);
	buf_free(&record);
	temp_store_close(&t);
}

static void change_flags(enum ipc_store_mode mode)
{
	struct ranges uids;
	struct store_flag_change c = { .mailbox = t.inbox, .uids = &uids,
				       .mode = mode, .flags = FLAG_SEEN,
				       .unchanged_since = UINT64_MAX };

	temp_ranges(&uids, "1");
	cr_assert_eq(store_begin(t.write, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_flags(t.write, &c), ST_OK);
	cr_assert_eq(store_commit(t.write), ST_OK);
	cr_expect(store_needs_sync(t.store));
	ranges_free(&uids);
}

/* PRAGMA synchronous = FULL or not: a COMMIT without pages syncs nothing. */
Test(store, an_empty_commit_syncs_nothing)
{
	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	cr_expect(!store_needs_sync(t.store));
	change_flags(IPC_STORE_ADD);
	temp_begin(&t);		/* FULL, and its job is refused */
	temp_end(&t, ST_OK);
	cr_expect(store_needs_sync(t.store));
	cr_assert_eq(store_sync(t.write), ST_OK);
	cr_expect(!store_needs_sync(t.store));
	temp_store_close(&t);
}

Test(store, is_synced_twice_in_a_second)
{
	clock_fake(1000, INT64_C(1800000000000));
	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	for (unsigned i = 0; i < 2; i++) {
		change_flags(i ? IPC_STORE_REMOVE : IPC_STORE_ADD);
		cr_assert_eq(store_sync(t.write), ST_OK);
		cr_expect(!store_needs_sync(t.store));
	}
	temp_store_close(&t);
}

/* Some verbs in a job of their own, which is undone or not. False: the transaction
 * is lost. */
static bool run_job(struct verbs *v, const enum verb *list, size_t n, bool undo)
{
	enum status st = store_savepoint(t.write);

	for (size_t i = 0; i < n && !st; i++) {
		st = verb_run(v, list[i], t.write);
		if (verb_is_refusal(st))
			st = ST_OK;
	}
	cr_assert_eq(st, ST_OK, "%s", store_error(t.write)->text);
	if (undo)
		store_undo(t.write);
	else
		cr_assert_eq(store_release(t.write), ST_OK);
	return !store_is_lost(t.write);
}

static const enum verb large_job[] = {
	VERB_DELIVER, VERB_DELIVER_LARGE, VERB_FLAGS, VERB_DELIVER_LARGE,
	VERB_COPY, VERB_DELIVER_LARGE,
};

static const enum verb small_job[] = { VERB_DELIVER };

static uint32_t messages_of(const struct verbs *v)
{
	uint32_t count = 0;

	for (size_t i = 0; i < VERBS_MAILBOXES; i++)
		count += temp_status(&t, v->mailboxes[i]).messages;
	return count;
}

/*
 * SQLite 3.40 forgets checksums after a savepoint was undone of which pages had
 * been written to the log and written again ahead of the commit: what was
 * committed then was gone after a kill.
 */
Test(store, what_follows_an_undone_large_job_is_durable)
{
	struct store_options options = { .cache_octets = 256 * 1024 };
	struct verbs v;
	uint32_t messages;
	unsigned lost = 0;

	temp_store_open(&t, &options);
	verbs_init(&v, &t, 1);
	for (unsigned round = 0; round < 60; round++) {
		temp_begin(&t);
		if (!run_job(&v, large_job, verbs_pick(&v, 7), true)) {
			lost++;
			store_rollback(t.write);
			temp_begin(&t);
		}
		cr_assert(run_job(&v, small_job, 1, false));
		temp_end(&t, ST_OK);
		messages = messages_of(&v);
		temp_store_reopen(&t, false);
		v.store = t.store;
		cr_expect_eq(messages_of(&v), messages, "round %u", round);
	}
	cr_expect_gt(lost, 0);
	temp_store_close(&t);
}

static unsigned told;
static uint64_t told_mailbox, told_modseq;

static void on_change(void *arg, uint64_t mailbox, uint64_t modseq)
{
	told++;
	told_mailbox = mailbox;
	told_modseq = modseq;
}

Test(store, tells_of_changes_after_commit)
{
	temp_store_open(&t, NULL);
	store_watch(t.store, on_change, NULL);
	temp_mail(&t, "one");
	cr_expect_eq(told, 1);
	cr_expect_eq(told_mailbox, t.inbox);
	cr_expect_eq(told_modseq, temp_status(&t, t.inbox).highestmodseq);
	temp_store_close(&t);
}

Test(store, barred_mid_is_not_delivered_later)
{
	struct buf record = BUF_INIT(1 << 20);
	struct store_delivery d = { .recipient = SLICE_EMPTY };
	struct id mid = id_make(ID_MESSAGE);
	struct store_message m;

	temp_store_open(&t, NULL);
	d.mailbox = t.inbox;
	temp_message(&t, &m, SLICE("A: b\r\n\r\n"), &record);
	m.mid = id_slice(&mid);
	temp_begin(&t);
	cr_expect_eq(store_mid_done(t.write, m.mid), ST_NOT_FOUND);
	cr_expect_eq(store_deliver(t.write, &m, &d, 1), ST_DENIED);
	store_rollback(t.write);
	mid = id_make(ID_MESSAGE);
	m.mid = id_slice(&mid);
	temp_begin(&t);
	cr_expect_eq(store_deliver(t.write, &m, &d, 1), ST_OK);
	cr_expect_eq(store_mid_done(t.write, m.mid), ST_OK);
	temp_end(&t, ST_OK);
	buf_free(&record);
	temp_store_close(&t);
}

Test(store, backup_is_a_store)
{
	struct store_options options = { 0 };
	struct error err = { 0 };
	char from[128], to[128], dir[128];
	struct store *copy;
	struct tx *tx;
	struct store_mailbox m;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_backup(t.read, "copy.db"), ST_OK, "%s",
		     store_error(t.read)->text);
	cr_expect_eq(store_mailbox_get(t.read, t.inbox, &m), ST_OK);
	cr_assert_eq(store_commit(t.read), ST_OK);
	snprintf(from, sizeof from, "%s/copy.db", t.dir);
	snprintf(dir, sizeof dir, "%s/copy", t.dir);
	snprintf(to, sizeof to, "%s/copy/store.db", t.dir);
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(rename(from, to), 0);
	options.dir = dir;
	cr_assert_eq(store_open(&options, &copy, &err), ST_OK, "%s", err.text);
	cr_assert_eq(store_connect(copy, TX_READ, &tx, &err), ST_OK);
	cr_assert_eq(store_begin(tx, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_mailbox_get(tx, t.inbox, &m), ST_OK);
	cr_expect_eq(m.messages, 1);
	store_commit(tx);
	store_disconnect(tx);
	store_close(copy);
	unlink(to);
	snprintf(to, sizeof to, "%s/copy/store.lock", t.dir);
	unlink(to);
	cr_expect_eq(rmdir(dir), 0);
	temp_store_close(&t);
}

static enum status count_row(void *arg, const struct store_journal_row *row)
{
	uint64_t *seen = arg;

	seen[0]++;
	seen[1] = seen[1] ? seen[1] : row->id;
	seen[2] = row->id;
	return ST_OK;
}

/* first and last id, and how many; asserts that none between is missing */
static void journal_span(uint64_t seen[3])
{
	const struct store_journal_query q = { .mid = SLICE_EMPTY, .limit = 100000 };

	memset(seen, 0, 3 * sizeof *seen);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_journal_list(t.read, &q, count_row, seen), ST_OK);
	store_commit(t.read);
	cr_expect_eq(seen[2] - seen[1] + 1, seen[0]);
}

Test(store, journal_keeps_its_size)
{
	const struct store_options o = { .keep_journal_octets = 30000 };
	const struct store_journal_row row = {
		.verb = SLICE("read"), .uids = SLICE("1:7,9"), .mid = SLICE_EMPTY,
		.sid = SLICE("s06h0p5uvn9s6p4dhfjgd"), .detail = SLICE_EMPTY,
	};
	uint64_t before[3], after[3];
	bool more = true;

	temp_store_open(&t, &o);
	temp_begin(&t);
	for (int i = 0; i < 3000; i++)
		cr_assert_eq(store_journal_add(t.write, &row), ST_OK);
	temp_end(&t, ST_OK);
	journal_span(before);
	while (more) {
		temp_begin(&t);
		cr_assert_eq(temp_end(&t, store_prune(t.write, 1700000000, &more)), ST_OK);
	}
	journal_span(after);
	cr_expect_eq(after[2], before[2], "the newest stay");
	cr_expect(after[0] > 100, "%llu rows are left",
		  (unsigned long long)after[0]);
	cr_expect(after[0] * 100 < 2 * 30000, "%llu rows", (unsigned long long)after[0]);
	temp_store_close(&t);
}
