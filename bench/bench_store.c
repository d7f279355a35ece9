/*
 * The store without a socket: deliveries through the writer, scans, changes.
 * bench_store [DIR [MESSAGES]]; DIR is on the disk to be measured.
 */
#include "bench/bench.h"
#include "common/clock.h"
#include "common/id.h"
#include "mailboxd/prepare.h"
#include "mailboxd/writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGE 4096
#define OUTSTANDING 64

static uint64_t inboxes[8];
static uint64_t archive;

/* ---- deliveries ------------------------------------------------------------------ */

struct delivery {
	struct job job;
	struct store_message m;
	struct store_delivery d;
	char octets[MESSAGE];
	struct buf record;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool is_due;
} loop = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .moved = PTHREAD_COND_INITIALIZER };
static struct delivery *idle[OUTSTANDING];
static size_t idle_count;
static struct prepare *parser;

static enum status run(struct job *job, struct tx *write)
{
	struct delivery *d = (struct delivery *)job;

	return store_deliver(write, &d->m, &d->d, 1);
}

static void done(struct job *job, enum status st, const struct error *error)
{
	if (st) {
		fprintf(stderr, "delivery: %s, %s\n", status_name(st),
			error->text);
		exit(1);
	}
	idle[idle_count++] = (struct delivery *)job;
}

static void wake(void *arg)
{
	pthread_mutex_lock(&loop.lock);
	loop.is_due = true;
	pthread_cond_signal(&loop.moved);
	pthread_mutex_unlock(&loop.lock);
}

static void wait_for_wake(void)
{
	pthread_mutex_lock(&loop.lock);
	while (!loop.is_due)
		pthread_cond_wait(&loop.moved, &loop.lock);
	loop.is_due = false;
	pthread_mutex_unlock(&loop.lock);
}

static void fill(struct delivery *d, unsigned number, size_t boxes)
{
	struct id mid = id_make(ID_MESSAGE);
	int n = snprintf(d->octets, sizeof d->octets,
		"Return-Path: <sender%u@example.net>\r\n"
		"Received: from client (client [192.0.2.1]) by mx.example.test\r\n"
		"\twith ESMTP id %s; Tue, 24 Nov 2026 07:08:47 +0000\r\n"
		"From: Sender %u <sender%u@example.net>\r\n"
		"To: Ann Example <ann@example.test>\r\n"
		"Subject: Message number %u of the benchmark\r\n"
		"Date: Tue, 24 Nov 2026 07:08:47 +0000\r\n"
		"Message-ID: <%u.%s@example.net>\r\n"
		"MIME-Version: 1.0\r\n"
		"Content-Type: text/plain; charset=utf-8\r\n\r\n",
		number, mid.text, number, number, number, number, mid.text);

	for (size_t i = (size_t)n; i < MESSAGE - 2; i++)
		d->octets[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' :
			       (char)('a' + (i * 7 + number * 13) % 26);
	memcpy(d->octets + MESSAGE - 2, "\r\n", 2);
	d->record.len = 0;
	prepare_reset(parser);
	must(prepare_feed(parser, slice_of(d->octets, MESSAGE)), "prepare");
	must(prepare_end(parser, &d->record), "prepare");
	d->m = (struct store_message){
		.id = store_message_id(bench.store), .mid = SLICE_EMPTY,
		.sid = SLICE("s0123456789abcdefghij"),
		.prepared = buf_slice(&d->record), .size = MESSAGE,
		.tail = slice_of(d->octets, MESSAGE),
		.internaldate = clock_wall_seconds(),
		.sender = SLICE("sender@example.net"),
		.client = SLICE("192.0.2.1"),
	};
	d->m.mid = slice_of(d->m.mid.data, 0);
	d->d = (struct store_delivery){ .mailbox = inboxes[number % boxes],
					.recipient = SLICE("ann@example.test") };
	d->job = (struct job){ .run = run, .done = done, .octets = MESSAGE };
}

static void deliveries(const char *name, unsigned count, size_t outstanding,
		       size_t boxes)
{
	struct writer_options o = { .wake = wake };
	struct writer_stats stats;
	struct writer *w;
	struct error error;
	static struct delivery all[OUTSTANDING];
	double begin, cpu;
	unsigned sent = 0;

	must(writer_start(bench.store, &o, &w, &error), "writer");
	idle_count = 0;
	for (size_t i = 0; i < outstanding; i++) {
		if (!all[i].record.max)
			all[i].record = (struct buf)BUF_INIT(PREPARE_RECORD_MAX);
		idle[idle_count++] = &all[i];
	}
	begin = now_ms();
	cpu = cpu_ms();
	while (sent < count || idle_count < outstanding) {
		while (idle_count > 0 && sent < count) {
			struct delivery *d = idle[--idle_count];

			fill(d, sent++, boxes);
			must(writer_submit(w, &d->job), "submit");
		}
		wait_for_wake();
		writer_collect(w);
	}
	begin = now_ms() - begin;
	cpu = cpu_ms() - cpu;
	writer_stats(w, &stats);
	writer_stop(w);
	printf("%-44s %8.0f /s  %6.1f us CPU  %5.1f a batch\n", name,
	       count / begin * 1e3, cpu / count * 1e3,
	       (double)count / (double)stats.batches);
}

/* ---- reading ------------------------------------------------------------------------ */

static void report(const char *name, double begin, double cpu)
{
	printf("%-44s %8.2f ms %7.2f ms CPU\n", name, now_ms() - begin,
	       cpu_ms() - cpu);
}

static void scan(struct tx *read, const char *name, uint64_t mailbox,
		 uint32_t items)
{
	for (int turn = 0; turn < 3; turn++) {
		struct store_fetch f = { .mailbox = mailbox, .items = items };
		struct buf out = BUF_INIT(PREPARE_RECORD_MAX);
		double begin = now_ms(), cpu = cpu_ms();
		enum status st;

		do {
			out.len = 0;
			must(store_begin(read, JOB_SYNC_NORMAL), "begin");
			st = store_fetch(read, &f, 65000, &out);
			must(store_commit(read), "commit");
		} while (st == ST_MORE);
		must(st, "fetch");
		buf_free(&out);
		if (turn == 2)
			report(name, begin, cpu);
	}
}

static void open_inbox(struct tx *read, uint64_t account)
{
	struct ranges uids = RANGES_INIT(RANGES_MAX);
	struct store_opened opened;
	double begin = now_ms(), cpu = cpu_ms();

	must(store_begin(read, JOB_SYNC_NORMAL), "begin");
	must(store_mailbox_open(read, account, SLICE("INBOX"), false, &uids,
				&opened), "open");
	must(store_commit(read), "commit");
	report("SELECT", begin, cpu);
	ranges_free(&uids);
}

static void changes(struct tx *read, uint64_t mailbox, uint64_t since)
{
	struct ranges vanished = RANGES_INIT(RANGES_MAX);
	struct store_changes c = { .mailbox = mailbox, .since = since,
				   .vanished = &vanished };
	struct buf rows = BUF_INIT(1 << 20);
	double begin = now_ms(), cpu = cpu_ms();

	must(store_begin(read, JOB_SYNC_NORMAL), "begin");
	must(store_changes(read, &c, 65000, &rows), "changes");
	must(store_commit(read), "commit");
	report("changes: 100 news", begin, cpu);
	ranges_free(&vanished);
	buf_free(&rows);
}

/* ---- writing ------------------------------------------------------------------------- */

static void store_flag(const char *name, uint32_t low, uint32_t high,
		       uint32_t flag, unsigned times)
{
	struct range r = { low, high };
	struct ranges uids = { .items = &r, .count = 1, .cap = 1, .max = 1 };
	struct buf rows = BUF_INIT(16 << 20);
	double begin = now_ms(), cpu = cpu_ms();

	for (unsigned i = 0; i < times; i++) {
		struct store_flag_change c = {
			.mailbox = inboxes[0], .uids = &uids,
			.mode = i % 2 ? IPC_STORE_REMOVE : IPC_STORE_ADD,
			.flags = flag, .keywords = SLICE_EMPTY,
			.unchanged_since = UINT64_MAX, .rows = &rows };

		must(store_begin(bench.tx, JOB_SYNC_NORMAL), "begin");
		must(store_flags(bench.tx, &c), "flags");
		must(store_commit(bench.tx), "commit");
	}
	if (times > 1)
		printf("%-44s %8.2f us %7.2f us CPU\n", name,
		       (now_ms() - begin) * 1e3 / times,
		       (cpu_ms() - cpu) * 1e3 / times);
	else
		report(name, begin, cpu);
	buf_free(&rows);
}

static void copy(uint32_t count, bool is_move, const char *name)
{
	struct range r = { 1, count };
	struct ranges uids = { .items = &r, .count = 1, .cap = 1, .max = 1 };
	struct ranges source = RANGES_INIT(RANGES_MAX);
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = inboxes[0], .to = archive, .uids = &uids,
				.is_move = is_move, .source = &source,
				.target = &target };
	double begin = now_ms(), cpu = cpu_ms();

	must(store_begin(bench.tx, JOB_SYNC_FULL), "begin");
	must(store_copy(bench.tx, &c), "copy");
	must(store_commit(bench.tx), "commit");
	report(name, begin, cpu);
	ranges_free(&source);
	ranges_free(&target);
}

static void expunge(uint32_t count)
{
	struct range r = { 1, count };
	struct ranges uids = { .items = &r, .count = 1, .cap = 1, .max = 1 };
	struct ranges gone = RANGES_INIT(RANGES_MAX);
	double begin = now_ms(), cpu = cpu_ms();
	uint64_t modseq;
	bool more = true;

	must(store_begin(bench.tx, JOB_SYNC_FULL), "begin");
	must(store_expunge(bench.tx, archive, &uids, true, &gone, &modseq), "expunge");
	must(store_commit(bench.tx), "commit");
	report("EXPUNGE 10,000", begin, cpu);
	begin = now_ms();
	cpu = cpu_ms();
	while (more) {
		must(store_begin(bench.tx, JOB_SYNC_NORMAL), "begin");
		must(store_prune(bench.tx, clock_wall_seconds() + 10, &more), "prune");
		must(store_commit(bench.tx), "commit");
	}
	report("pruning them", begin, cpu);
	ranges_free(&gone);
}

/* ---- all of it -------------------------------------------------------------------------- */

static uint64_t make_accounts(void)
{
	struct store_mailbox m;
	uint64_t first = 0, id;
	char name[32];

	for (size_t i = 0; i < 8; i++) {
		snprintf(name, sizeof name, "user%zu@example.test", i);
		id = bench_account(name, &inboxes[i]);
		first = first ? first : id;
	}
	must(store_begin(bench.read, JOB_SYNC_NORMAL), "begin");
	must(store_mailbox_find(bench.read, first, SLICE("Archive"), &m), "Archive");
	archive = m.id;
	must(store_commit(bench.read), "commit");
	return first;
}

int main(int argc, char **argv)
{
	unsigned messages = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) :
				       100000;
	struct store_mailbox before;
	uint64_t account;

	bench_open("bench-store", argc > 1 ? argv[1] : NULL);
	parser = prepare_new();
	account = make_accounts();
	deliveries("deliver 4 KiB, one at a time", 5000, 1, 8);
	deliveries("deliver 4 KiB, 64 waiting, 8 mailboxes", 20000, 64, 8);
	deliveries("deliver 4 KiB, 64 waiting, one mailbox", messages, 64, 1);
	open_inbox(bench.read, account);
	scan(bench.read, "scan: UID FLAGS MODSEQ", inboxes[0],
	     FETCH_FLAGS | FETCH_MODSEQ);
	scan(bench.read, "scan: UID FLAGS SIZE INTERNALDATE", inboxes[0],
	     FETCH_FLAGS | FETCH_SIZE | FETCH_INTERNALDATE);
	scan(bench.read, "scan: and ENVELOPE BODYSTRUCTURE", inboxes[0],
	     FETCH_FLAGS | FETCH_SIZE | FETCH_INTERNALDATE | FETCH_ENVELOPE |
	     FETCH_BODYSTRUCTURE);
	scan(bench.read, "all bodies", inboxes[0], FETCH_ALL_OCTETS);
	must(store_begin(bench.read, JOB_SYNC_NORMAL), "begin");
	must(store_mailbox_get(bench.read, inboxes[0], &before), "status");
	must(store_commit(bench.read), "commit");
	deliveries("deliver 100 more", 100, 64, 1);
	changes(bench.read, inboxes[0], before.highestmodseq);
	store_flag("STORE of all", 1, UINT32_MAX - 1, FLAG_SEEN, 1);
	store_flag("STORE of one", 77, 77, FLAG_FLAGGED, 2000);
	copy(10000, false, "COPY 10,000");
	expunge(10000);
	copy(10000, true, "MOVE 10,000");
	bench_close();
	return 0;
}
