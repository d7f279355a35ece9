/*
 * SEARCH, SORT and THREAD in the store alone, beside the gates.
 * bench_search [DIR [MESSAGES]]; DIR is on the disk to be measured. Messages of 4 KiB,
 * of words of a made-up language: 20,000 of them, the nth as frequent as 1/n.
 */
#include "bench/bench.h"
#include "common/clock.h"
#include "common/id.h"
#include "common/search_program.h"
#include "mailboxd/prepare.h"
#include "mailboxd/sort_table.h"
#include "mailboxd/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MESSAGE 4096
#define WORDS 20000
#define BATCH 256
#define TURNS 5

static uint64_t inbox;
static char words[WORDS][16];
static double weights[WORDS];
static uint64_t seed = 20261127;

static unsigned pick(unsigned n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % n;
}

/* ---- mail ----------------------------------------------------------------------- */

static void make_words(void)
{
	static const char *const begins[] = { "b", "br", "c", "ch", "d", "f", "g", "gr",
		"h", "k", "l", "m", "n", "p", "pr", "r", "s", "st", "str", "t", "th",
		"v", "w", "" };
	static const char *const middles[] = { "a", "e", "i", "o", "u", "ea", "ou", "ai" };
	static const char *const ends[] = { "", "n", "r", "s", "t", "l", "nd", "ng", "m" };
	double sum = 0;

	for (size_t i = 0; i < WORDS; i++) {
		unsigned syllables = 1 + (i > 60) + pick(2);
		size_t n = 0;

		while (syllables-- > 0 && n < 8)
			n += (size_t)snprintf(words[i] + n, sizeof words[i] - n, "%s%s%s",
				begins[pick(24)], middles[pick(8)],
				ends[pick(9)]);
		sum += 1.0 / (double)(i + 1);
		weights[i] = sum;
	}
	for (size_t i = 0; i < WORDS; i++)
		weights[i] /= sum;
}

static const char *any_word(void)
{
	double at = pick(1u << 30) / (double)(1u << 30);
	size_t low = 0, high = WORDS - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (weights[middle] < at)
			low = middle + 1;
		else
			high = middle;
	}
	return words[low];
}

/* What is looked for, and in which messages it is put. */
static const struct {
	const char *name, *text, *needle;
	enum search_op op;
	unsigned every, from;	/* in each nth message */
} needles[] = {
	{ "a rare word", "xylophone", "xylophone", SEARCH_OP_BODY, 10000, 17 },
	{ "inside of a word", "electroencephalography", "encephalo", SEARCH_OP_BODY,
	  2000, 5 },
	{ "a phrase", "the quick brown fox jumps", "quick brown fox", SEARCH_OP_BODY,
	  5000, 7 },
	{ "a frequent word", "quarterly", "quarterly", SEARCH_OP_BODY, 20, 3 },
	{ "nothing", NULL, "zyzzyvas", SEARCH_OP_BODY, 0, 0 },
	{ "not ASCII", "Gr=C3=BC=C3=9Fe aus K=C3=B6ln", "gr\xc3\xbc\xc3\x9f" "e AUS",
	  SEARCH_OP_BODY, 4000, 11 },
};
#define NEEDLES (sizeof needles / sizeof *needles)

static size_t put_body(char *at, size_t room, unsigned number)
{
	size_t n = 0, column = 0;

	for (size_t i = 0; i < NEEDLES; i++)
		if (needles[i].every && number % needles[i].every == needles[i].from)
			n += (size_t)snprintf(at + n, room - n, "%s\r\n",
					      needles[i].text);
	while (n + 24 < room) {
		size_t len = (size_t)snprintf(at + n, room - n, "%s ", any_word());

		n += len;
		column += len;
		if (column > 68) {
			at[n - 1] = '\r';
			at[n++] = '\n';
			column = 0;
		}
	}
	while (n < room - 2)
		at[n++] = '.';
	at[n++] = '\r';
	at[n++] = '\n';
	return n;
}

static void make_mail(char *at, unsigned number)
{
	struct id mid = id_make(ID_MESSAGE);
	unsigned thread = number - number % 7;
	int n = snprintf(at, MESSAGE,
		"Return-Path: <sender%u@example.net>\r\n"
		"Received: from client (client [192.0.2.1]) by mx.example.test\r\n"
		"\twith ESMTP id %s; Tue, 24 Nov 2026 07:08:47 +0000\r\n"
		"From: %s %s <sender%u@example.net>\r\n"
		"To: Ann Example <ann@example.test>\r\n"
		"Subject: %s%s %s %s %u\r\n"
		"Date: Tue, 24 Nov 2026 %02u:%02u:%02u +0000\r\n"
		"Message-ID: <%u.bench@example.net>\r\n",
		number % 997, mid.text, any_word(), any_word(), number % 997,
		number == thread ? "" : "Re: ", words[thread % WORDS],
		number % 1000 == 9 ? "platypus" : "about", words[thread % 977], thread,
		pick(24), pick(60), pick(60), number);

	if (number != thread)
		n += snprintf(at + n, MESSAGE - (size_t)n,
			      "References: <%u.bench@example.net> <%u.bench@example.net>\r\n",
			      thread, number - 1);
	n += snprintf(at + n, MESSAGE - (size_t)n, "MIME-Version: 1.0\r\n"
		      "Content-Type: text/plain; charset=utf-8\r\n"
		      "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	put_body(at + n, MESSAGE - (size_t)n, number);
}

static void deliver(unsigned count)
{
	static struct buf record = BUF_INIT(PREPARE_RECORD_MAX);
	struct prepare *parser = prepare_new();
	double begin = now_ms();
	char octets[MESSAGE];

	for (unsigned i = 0; i < count; i++) {
		struct store_delivery d = { .mailbox = inbox,
					    .recipient = SLICE("ann@example.test") };
		struct store_message m = { .id = store_message_id(bench.store),
			.mid = SLICE_EMPTY, .sid = SLICE_EMPTY, .size = MESSAGE,
			.internaldate = 1795000000 + i, .sender = SLICE_EMPTY,
			.client = SLICE_EMPTY };

		if (i % BATCH == 0)
			must(store_begin(bench.tx, JOB_SYNC_FULL), "begin");
		make_mail(octets, i);
		record.len = 0;
		prepare_reset(parser);
		must(prepare_feed(parser, slice_of(octets, MESSAGE)), "prepare");
		must(prepare_end(parser, &record), "prepare");
		m.prepared = buf_slice(&record);
		m.tail = slice_of(octets, MESSAGE);
		must(store_deliver(bench.tx, &m, &d, 1), "deliver");
		if (i % BATCH == BATCH - 1 || i + 1 == count) {
			must(store_commit(bench.tx), "commit");
			must(store_checkpoint(bench.tx), "checkpoint");
		}
	}
	prepare_free(parser);
	printf("%u messages of %d octets in %.1f s\n", count, MESSAGE,
	       (now_ms() - begin) / 1e3);
}

static double megabytes(const char *name)
{
	char path[300];
	struct stat s;

	snprintf(path, sizeof path, "%s/%s", bench.dir, name);
	return stat(path, &s) == 0 ? (double)s.st_size / 1e6 : 0;
}

static void make_signatures(unsigned count)
{
	double begin = now_ms(), cpu = cpu_ms();
	struct store_index *index;
	struct error error;
	enum status st;

	must(store_index_open(bench.store, &index, &error), "index");
	do
		st = store_index_step(index, 5);
	while (st == ST_MORE);
	must(st, "index");
	store_index_close(index);
	printf("signatures: %.0f us, %.0f us CPU a message; store.db %.1f MB, search.db"
	       " %.1f MB\n", (now_ms() - begin) * 1e3 / count,
	       (cpu_ms() - cpu) * 1e3 / count,
	       megabytes("store.db"), megabytes("search.db"));
	printf("on disk, for 10,000 messages: %.1f MB (gate: about 65 MB)\n",
	       (megabytes("store.db") + megabytes("search.db")) * 1e4 / count);
}

/* ---- questions ---------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof *values, compare_doubles);
	return values[n / 2];
}

static void search(enum search_op op, const char *field, const char *needle,
		   uint32_t high, struct ranges *found)
{
	char octets[256], set[8 + 8];
	struct buf program = { .data = octets, .cap = 256, .max = 256 };
	struct buf encoded = { .data = set, .cap = 16, .max = 16 };
	struct range r = { 1, high };
	struct ranges uids = { .items = &r, .count = 1, .cap = 1, .max = 1 };
	struct search_step step = { .op = op, .text = slice_str(field ? field : needle),
				    .value = slice_str(needle) };
	struct store_search s = { .mailbox = inbox, .found = found };
	enum status st;

	if (op != SEARCH_OP_ALL)
		must(search_program_append(&program, &step), "program");
	must(ranges_encode(&uids, &encoded), "set");
	step = (struct search_step){ .op = SEARCH_OP_UID, .text = buf_slice(&encoded) };
	must(search_program_append(&program, &step), "program");
	step = (struct search_step){ .op = SEARCH_OP_AND, .number = 2 };
	if (op != SEARCH_OP_ALL)
		must(search_program_append(&program, &step), "program");
	s.program = buf_slice(&program);
	do {
		must(store_begin(bench.read, JOB_SYNC_NORMAL), "begin");
		st = store_search(bench.read, &s, 20);
		must(store_commit(bench.read), "commit");
	} while (st == ST_MORE);
	must(st, "search");
}

/* The median of some warm turns. */
static double time_search(const char *name, enum search_op op, const char *field,
			  const char *needle, uint32_t high, unsigned turns)
{
	double times[TURNS], cpu = 0;
	uint64_t hits = 0;

	for (unsigned i = 0; i < turns; i++) {
		struct ranges found = RANGES_INIT(RANGES_MAX);

		times[i] = now_ms();
		cpu = cpu_ms();
		search(op, field, needle, high, &found);
		times[i] = now_ms() - times[i];
		cpu = cpu_ms() - cpu;
		hits = ranges_size(&found);
		ranges_free(&found);
	}
	printf("  %-34s %8llu hits %9.2f ms %9.2f ms CPU\n", name,
	       (unsigned long long)hits, median(times, turns), cpu);
	return median(times, turns);
}

static double all_needles(unsigned count, unsigned turns)
{
	double times[NEEDLES];

	for (size_t i = 0; i < NEEDLES; i++)
		times[i] = time_search(needles[i].name, needles[i].op, NULL,
				       needles[i].needle, count, turns);
	return median(times, NEEDLES);
}

/* ---- SORT and THREAD ------------------------------------------------------------------- */

static enum status add_sorted(void *arg, const struct store_order_row *row)
{
	const struct sort_row r = {
		.uid = row->uid, .values = { [IPC_SORT_DATE] = row->sent },
		.texts = { [IPC_SORT_SUBJECT] = row->subject,
			   [IPC_SORT_DISPLAYFROM] = row->display_from },
	};

	return sort_table_add(arg, &r);
}

static enum status add_threaded(void *arg, const struct store_order_row *row)
{
	const struct thread_message m = {
		.uid = row->uid, .sent = row->sent, .is_reply = row->is_reply,
		.subject = row->subject, .message_id = row->message_id,
		.refs = row->refs,
	};

	return threads_add(arg, &m);
}

static void time_order(const char *name, unsigned count, enum store_order_what what,
		       struct slice keys, bool by_references)
{
	double begin = now_ms(), cpu = cpu_ms();
	struct ranges found = RANGES_INIT(RANGES_MAX);
	struct store_order o = { .mailbox = inbox, .uids = &found, .what = what };
	struct sort_table *table = keys.len ? sort_table_new(keys) : NULL;
	struct threads *threads = threads_new();
	struct buf out = BUF_INIT(64 << 20);
	enum status st;

	search(SEARCH_OP_ALL, NULL, "", count, &found);
	do {
		must(store_begin(bench.read, JOB_SYNC_NORMAL), "begin");
		st = store_order(bench.read, &o, 20, table ? add_sorted : add_threaded,
				 table ? (void *)table : (void *)threads);
		must(store_commit(bench.read), "commit");
	} while (st == ST_MORE);
	must(st, "order");
	must(table ? sort_table_order(table, &out) :
	     by_references ? threads_by_references(threads, &out) :
			     threads_by_subject(threads, &out), name);
	printf("  %-34s %8zu octets %7.2f ms %9.2f ms CPU\n", name, out.len,
	       now_ms() - begin,
	       cpu_ms() - cpu);
	ranges_free(&found);
	sort_table_free(table);
	threads_free(threads);
	buf_free(&out);
}

static void orders(unsigned count)
{
	static const char by_date[] = { IPC_SORT_DATE };
	static const char by_subject[] = { IPC_SORT_SUBJECT,
					   (char)(IPC_SORT_DATE | IPC_SORT_REVERSE) };
	static const char by_display[] = { IPC_SORT_DISPLAYFROM };

	for (int turn = 0; turn < 2; turn++) {
		printf("%u messages, %s\n", count, turn ? "warm" : "first");
		time_order("SORT (DATE)", count, STORE_ORDER_SORT,
			   slice_of(by_date, 1), false);
		time_order("SORT (SUBJECT REVERSE DATE)", count, STORE_ORDER_SORT,
			   slice_of(by_subject, 2), false);
		time_order("SORT (DISPLAYFROM)", count, STORE_ORDER_DISPLAY,
			   slice_of(by_display, 1), false);
		time_order("THREAD ORDEREDSUBJECT", count, STORE_ORDER_THREAD,
			   SLICE_EMPTY, false);
		time_order("THREAD REFERENCES", count, STORE_ORDER_THREAD,
			   SLICE_EMPTY, true);
	}
}

/* ---- all of it ---------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 100000;
	uint32_t small = count < 10000 ? count : 10000;
	double scan;

	bench_open("bench-search", argc > 1 ? argv[1] : NULL);
	make_words();
	bench_account("ann@example.test", &inbox);
	deliver(count);
	printf("BODY, %u messages, no signatures\n", count);
	scan = all_needles(count, 1);
	make_signatures(count);
	printf("BODY, %u messages\n", count);
	printf("  median over the needles: %.2f ms (gate: 130 ms for 100,000; without"
	       " signatures %.0f ms)\n", all_needles(count, TURNS), scan);
	printf("%u messages\n", small);
	time_search("BODY, a rare word (gate: 15.6 ms)", SEARCH_OP_BODY, NULL, "xylophone",
		    small, TURNS);
	time_search("SUBJECT, a rare word (gate: 4.2 ms)", SEARCH_OP_HEADER, "Subject",
		    "platypus", small, TURNS);
	time_search("TEXT, a rare word", SEARCH_OP_TEXT, NULL, "xylophone", small, TURNS);
	orders(count);
	bench_close();
	return 0;
}
