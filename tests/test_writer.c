#include "mailboxd/readers.h"
#include "mailboxd/writer.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct temp_store t;

TestSuite(writer, .timeout = 120);

/* Delivers one message; answers are counted when they are collected. */
struct delivery_job {
	struct job job;
	struct buf record;
	struct store_message m;
	struct store_delivery d;
	enum status forced;	/* what run answers instead */
};

static unsigned answered, refused;

static enum status run_delivery(struct job *job, struct tx *tx)
{
	struct delivery_job *j = (struct delivery_job *)job;
	enum status st = store_deliver(tx, &j->m, &j->d, 1);

	return st ? st : j->forced;
}

static void delivered(struct job *job, enum status st, const struct error *err)
{
	struct delivery_job *j = (struct delivery_job *)job;

	answered++;
	refused += st != ST_OK;
	buf_free(&j->record);
	free(j);
}

static struct job *make_delivery(struct slice octets, enum status forced)
{
	struct delivery_job *j = calloc(1, sizeof *j);

	j->record = (struct buf)BUF_INIT(1 << 20);
	temp_message(&t, &j->m, octets, &j->record);
	j->d = (struct store_delivery){ .mailbox = t.inbox,
					.recipient = SLICE_EMPTY };
	j->forced = forced;
	j->job = (struct job){ .run = run_delivery, .done = delivered,
			       .octets = octets.len };
	return &j->job;
}

static struct writer *start(const struct writer_options *o)
{
	struct writer *w;
	struct error err = { 0 };

	cr_assert_eq(writer_start(t.store, o, &w, &err), ST_OK, "%s", err.text);
	return w;
}

Test(writer, a_bad_job_fails_alone)
{
	struct writer *w;

	temp_store_open(&t, NULL);
	w = start(&(struct writer_options){ 0 });
	for (int i = 0; i < 100; i++)
		cr_assert_eq(writer_submit(w, make_delivery(SLICE("A: b\r\n\r\n"),
				i % 10 ? ST_OK : ST_LIMIT)), ST_OK);
	writer_stop(w);
	cr_expect_eq(answered, 100);
	cr_expect_eq(refused, 10);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 90);
	/* what was undone gave its UIDs back: nobody saw them */
	cr_expect_eq(temp_status(&t, t.inbox).uidnext, 91);
	temp_store_close(&t);
}

Test(writer, queue_is_bounded)
{
	struct writer *w;
	struct job *job;
	enum status st = ST_OK;
	unsigned sent = 0;

	temp_store_open(&t, NULL);
	w = start(&(struct writer_options){ .queue_octets = 100 });
	temp_begin(&t);		/* the writer waits for this transaction */
	while (sent < 1000) {
		job = make_delivery(SLICE("A: b\r\n\r\n01234567890"), ST_OK);
		st = writer_submit(w, job);
		if (st)
			break;
		sent++;
	}
	cr_expect_eq(st, ST_LIMIT);
	cr_expect(writer_is_pressed(w));
	temp_end(&t, ST_OK);
	delivered(job, ST_LIMIT, NULL);
	writer_stop(w);
	cr_expect_eq(answered, sent + 1);
	temp_store_close(&t);
}

Test(writer, full_disk_refuses_what_does_not_fit)
{
	struct store_options options = { .max_pages = 200 };
	static char large[200000];
	struct writer *w;

	memset(large, 'x', sizeof large);
	memcpy(large, "A: b\r\n\r\n", 8);
	temp_store_open(&t, &options);
	w = start(&(struct writer_options){ 0 });
	temp_begin(&t);		/* so that they come as one batch */
	for (int i = 0; i < 20; i++)
		writer_submit(w, make_delivery(i % 2 ?
			slice_of(large, sizeof large) : SLICE("A: b\r\n\r\n"),
			ST_OK));
	temp_end(&t, ST_OK);
	writer_stop(w);
	cr_expect_eq(answered, 20);
	cr_expect_geq(refused, 5);
	cr_expect_leq(refused, 10);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 20 - refused);
	temp_store_close(&t);
}

struct flag_job {
	struct job job;
	struct ranges uids;
};

static enum status run_flags(struct job *job, struct tx *tx)
{
	struct flag_job *j = (struct flag_job *)job;
	struct store_flag_change c = { .mailbox = t.inbox, .uids = &j->uids,
				       .mode = IPC_STORE_ADD,
				       .flags = FLAG_SEEN,
				       .keywords = SLICE_EMPTY,
				       .unchanged_since = UINT64_MAX };

	return store_flags(tx, &c);
}

static void flags_done(struct job *job, enum status st, const struct error *err)
{
	answered += st == ST_OK;
}

Test(writer, flags_are_done_at_once_and_synced_soon)
{
	struct flag_job j = { .job = { .run = run_flags, .done = flags_done,
				       .sync = JOB_SYNC_NORMAL } };
	struct writer *w;
	bool taken = false;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	w = start(&(struct writer_options){ 0 });
	temp_ranges(&j.uids, "1");
	for (int i = 0; i < 1000 && !taken; i++)
		taken = writer_try_now(w, &j.job);
	cr_expect(taken);
	cr_expect_eq(answered, 1);
	cr_expect_eq(temp_status(&t, t.inbox).unseen, 0);
	cr_expect(store_needs_sync(t.store));
	writer_stop(w);
	cr_expect(!store_needs_sync(t.store));
	ranges_free(&j.uids);
	temp_store_close(&t);
}

struct read_job {
	struct job job;
	uint32_t messages;
};

static enum status run_read(struct job *job, struct tx *tx)
{
	struct store_mailbox m;
	enum status st = store_mailbox_get(tx, t.inbox, &m);

	((struct read_job *)job)->messages = m.messages;
	return st;
}

static void read_done(struct job *job, enum status st, const struct error *err)
{
	cr_expect_eq(st, ST_OK);
	answered++;
}

Test(writer, readers_see_what_is_committed)
{
	struct read_job jobs[100] = { 0 };
	struct readers *r;
	struct error err = { 0 };

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	cr_assert_eq(readers_start(t.store,
				   &(struct readers_options){ .threads = 3 },
				   &r, &err), ST_OK);
	for (int i = 0; i < 100; i++) {
		jobs[i].job = (struct job){ .run = run_read, .done = read_done };
		cr_assert_eq(readers_submit(r, &jobs[i].job), ST_OK);
	}
	readers_stop(r);
	cr_expect_eq(answered, 100);
	for (int i = 0; i < 100; i++)
		cr_expect_eq(jobs[i].messages, 1);
	temp_store_close(&t);
}

/* Readers come and go while the log is carried over: none waits for ever, none
 * sees half a batch. */
struct stress {
	struct writer *writer;
	atomic_bool stop;
};

static void *read_on(void *arg)
{
	struct stress *s = arg;
	struct error err;
	struct tx *tx;
	struct store_mailbox m;
	size_t bad = 0;

	if (store_connect(t.store, TX_READ, &tx, &err))
		return (void *)1;
	while (!atomic_load(&s->stop)) {
		if (store_begin(tx, JOB_SYNC_NORMAL) ||
		    store_mailbox_get(tx, t.inbox, &m) || store_commit(tx))
			bad++;
		bad += m.messages + 1 != m.uidnext;
	}
	store_disconnect(tx);
	return (void *)bad;
}

Test(writer, checkpoints_beside_readers)
{
	struct stress s = { 0 };
	static char text[60000];
	pthread_t threads[2];
	void *bad;

	memset(text, 'x', sizeof text);
	memcpy(text, "A: b\r\n\r\n", 8);
	temp_store_open(&t, NULL);
	s.writer = start(&(struct writer_options){ .queue_octets = 1 << 30,
						   .batch_jobs = 16 });
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, read_on, &s);
	for (int i = 0; i < 600; i++)
		writer_submit(s.writer, make_delivery(slice_of(text,
						sizeof text), ST_OK));
	writer_stop(s.writer);
	atomic_store(&s.stop, true);
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &bad);
		cr_expect_eq((size_t)bad, 0);
	}
	cr_expect_eq(refused, 0);
	cr_expect_eq(temp_status(&t, t.inbox).messages, 600);
	temp_store_close(&t);
}
