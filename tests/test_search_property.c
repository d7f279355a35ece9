/*
 * SEARCH with signatures against a brute-force scan: random needles over random mail
 * and tests/data/mail, while messages come, are copied and go, while signatures are
 * made, and while search.db is removed, damaged, or of another life of the store. The
 * scan knows neither signatures nor search_match.c; texts it takes from search_text.c.
 *
 * POSTROOM_NEEDLES=10000 asks for so many (./check --full does), POSTROOM_SEED repeats
 * a run.
 */
#include <config.h>

#include "common/search_program.h"
#include "mailboxd/casemap.h"
#include "mailboxd/search_text.h"
#include "tests/support/parsed.h"
#include "tests/support/random_mail.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MESSAGES_MAX 2000
#define ENTRIES_MAX 6000
#define BOXES 2
#define RECIPIENTS 4

/* One text of a message: where it stands, and "NAME: value", mapped. */
struct text {
	enum search_text_where where;
	struct slice name, all;
	size_t value;
};

struct known {
	struct text *texts;
	size_t count;
	uint64_t id;
};

struct entry {
	uint32_t uid;
	size_t message;
	size_t recipient;	/* 0: none */
};

static struct temp_store t;
static struct store_index *indexer;
static struct random_mail mail;
static struct arena memory = ARENA_INIT(SIZE_MAX / 2);
static struct known messages[MESSAGES_MAX];
static size_t message_count;
static struct known prefixes[RECIPIENTS];
static const char *const recipients[RECIPIENTS] = {
	"", "ann@example.test", "only-in-the-prefix@example.test",
	"ann+d\xc3\xa9tail@example.test",
};
static struct entry boxes[BOXES][ENTRIES_MAX];
static size_t box_count[BOXES];
static uint64_t box_id[BOXES];

static unsigned pick(unsigned n)
{
	return random_mail_pick(&mail, n);
}

/* ---- the scan --------------------------------------------------------------------- */

static bool collect_begin(void *context, enum search_text_where where,
			  struct slice name)
{
	struct known *k = context;
	struct buf all = BUF_INIT(1 << 24);
	struct text *grown;

	if (k->count % 16 == 0) {
		grown = arena_array(&memory, k->count + 16, sizeof *grown);
		if (k->count)
			memcpy(grown, k->texts, k->count * sizeof *grown);
		k->texts = grown;
	}
	if (where != SEARCH_TEXT_BODY && name.len > 0) {
		cr_assert_eq(casemap_append(&all, name), ST_OK);
		buf_append_str(&all, ": ");
	}
	k->texts[k->count++] = (struct text){
		where, arena_copy(&memory, name),
		arena_copy(&memory, buf_slice(&all)), all.len };
	buf_free(&all);
	return true;
}

static enum status collect_text(void *context, struct slice mapped)
{
	struct known *k = context;
	struct text *text = &k->texts[k->count - 1];
	char *joined = arena_alloc(&memory, text->all.len + mapped.len + 1);

	memcpy(joined, text->all.data, text->all.len);
	memcpy(joined + text->all.len, mapped.data, mapped.len);
	text->all = slice_of(joined, text->all.len + mapped.len);
	return ST_OK;
}

static void collect_end(void *context)
{
	(void)context;
}

static void know(struct known *k, struct slice prefix, struct slice octets)
{
	struct search_text_sink sink = { k, collect_begin, collect_text, collect_end };
	struct search_text *s = search_text_new(&sink);
	struct parsed p = { 0 };

	*k = (struct known){ 0 };
	if (octets.len)
		p = parsed_of(octets);
	cr_assert_eq(search_text_begin(s, prefix, p.parts, p.count), ST_OK);
	cr_assert_eq(search_text_feed(s, octets), ST_OK);
	cr_assert_eq(search_text_end(s), ST_OK);
	search_text_free(s);
	mime_free(p.mime);
}

struct question {
	enum search_op op;
	struct slice field, needle;
	struct buf mapped;
};

static bool text_holds(const struct text *text, const struct question *q)
{
	struct slice in = text->all;

	if (q->op == SEARCH_OP_HEADER) {
		if (text->where != SEARCH_TEXT_HEADER ||
		    !slice_case_eq(text->name, q->field))
			return false;
		in = slice_from(in, text->value);
	} else if (q->op == SEARCH_OP_BODY && text->where == SEARCH_TEXT_HEADER) {
		return false;
	}
	return q->mapped.len == 0 ||
	       memmem(in.data, in.len, q->mapped.data, q->mapped.len);
}

static bool known_holds(const struct known *k, const struct question *q)
{
	for (size_t i = 0; i < k->count; i++)
		if (text_holds(&k->texts[i], q))
			return true;
	return false;
}

static void scan(size_t box, const struct question *q, struct ranges *found)
{
	bool all = q->op != SEARCH_OP_HEADER && q->mapped.len == 0;

	for (size_t i = 0; i < box_count[box]; i++) {
		const struct entry *e = &boxes[box][i];

		if (all || known_holds(&messages[e->message], q) ||
		    known_holds(&prefixes[e->recipient], q))
			ranges_add(found, e->uid, e->uid);
	}
}

/* ---- the store ------------------------------------------------------------------------- */

static void search(size_t box, const struct question *q, struct ranges *found)
{
	struct buf program = BUF_INIT(1 << 16);
	struct search_step step = { .op = q->op, .text = q->needle };
	struct store_search s = { .mailbox = box_id[box], .found = found };
	unsigned slice_ms = pick(3) ? 0 : 1;
	enum status st;

	if (q->op == SEARCH_OP_HEADER) {
		step.text = q->field;
		step.value = q->needle;
	}
	cr_assert_eq(search_program_append(&program, &step), ST_OK);
	s.program = buf_slice(&program);
	do {
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		st = store_search(t.read, &s, slice_ms);
		store_commit(t.read);
	} while (st == ST_MORE);
	cr_assert_eq(st, ST_OK, "%s", store_error(t.read)->text);
	buf_free(&program);
}

static void deliver(struct slice octets)
{
	struct buf record = BUF_INIT(1 << 25);
	struct store_delivery d[BOXES];
	size_t recipient = pick(RECIPIENTS), both = pick(3) == 0;
	struct store_message m;

	if (message_count == MESSAGES_MAX || box_count[0] > ENTRIES_MAX - 2 ||
	    box_count[1] > ENTRIES_MAX - 2)
		return;
	for (size_t i = 0; i <= both; i++)
		d[i] = (struct store_delivery){ .mailbox = box_id[i],
			.recipient = slice_str(recipients[recipient]) };
	temp_message(&t, &m, octets, &record);
	temp_begin(&t);
	temp_end(&t, store_deliver(t.write, &m, d, 1 + both));
	buf_free(&record);
	know(&messages[message_count], SLICE_EMPTY, octets);
	messages[message_count].id = m.id;
	for (size_t i = 0; i <= both; i++)
		boxes[i][box_count[i]++] = (struct entry){ d[i].uid, message_count,
							   recipient };
	message_count++;
}

static void deliver_random(void)
{
	struct buf octets = BUF_INIT(1 << 22);

	random_message(&mail, &octets);
	deliver(buf_slice(&octets));
	buf_free(&octets);
}

static void deliver_files(void)
{
	struct buf octets = BUF_INIT(1 << 24);
	char path[512], line[4096];
	FILE *in;

	for (int i = 1; i <= 200; i++) {
		octets.len = 0;
		snprintf(path, sizeof path, "%s/%03d.eml", MAIL_DIR, i);
		in = fopen(path, "r");
		cr_assert(in != NULL, "%s", path);
		for (size_t n; (n = fread(line, 1, sizeof line, in)) > 0;)
			buf_append(&octets, slice_of(line, n));
		fclose(in);
		deliver(buf_slice(&octets));
	}
	buf_free(&octets);
}

static void copy_some(void)
{
	size_t i, n = box_count[0];
	struct ranges uids = RANGES_INIT(10), from = RANGES_INIT(10), to = RANGES_INIT(10);
	struct store_copy c = { .from = box_id[0], .to = box_id[1], .uids = &uids,
				.source = &from, .target = &to };

	if (n == 0 || box_count[1] == ENTRIES_MAX)
		return;
	i = pick((unsigned)n);
	ranges_add(&uids, boxes[0][i].uid, boxes[0][i].uid);
	temp_begin(&t);
	temp_end(&t, store_copy(t.write, &c));
	boxes[1][box_count[1]] = boxes[0][i];
	boxes[1][box_count[1]++].uid = to.items[0].low;
	ranges_free(&uids);
	ranges_free(&from);
	ranges_free(&to);
}

static void expunge_some(void)
{
	size_t box = pick(BOXES), n = box_count[box], i;
	struct ranges uids = RANGES_INIT(10), gone = RANGES_INIT(10);
	uint64_t modseq;
	bool more;

	if (n == 0)
		return;
	i = pick((unsigned)n);
	ranges_add(&uids, boxes[box][i].uid, boxes[box][i].uid);
	temp_begin(&t);
	temp_end(&t, store_expunge(t.write, box_id[box], &uids, true, &gone, &modseq));
	temp_begin(&t);
	temp_end(&t, store_prune(t.write, INT64_C(1) << 40, &more));
	memmove(&boxes[box][i], &boxes[box][i + 1], (n - i - 1) * sizeof **boxes);
	box_count[box]--;
	ranges_free(&uids);
	ranges_free(&gone);
}

/* ---- search.db ----------------------------------------------------------------------------- */

static void index_open(void)
{
	struct error err = { 0 };

	cr_assert_eq(store_index_open(t.store, &indexer, &err), ST_OK, "%s", err.text);
}

static void index_step(unsigned slice_ms)
{
	enum status st = store_index_step(indexer, slice_ms);

	cr_assert(st == ST_OK || st == ST_MORE || st == ST_UNAVAILABLE ||
		  st == ST_IO || st == ST_DENIED, "%s: %s", status_name(st),
		  store_index_error(indexer)->text);
}

static void index_all(void)
{
	for (int i = 0; i < 1000 && store_index_step(indexer, 50); i++)
		;
}

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", t.dir, name);
}

static void remove_file(void)
{
	static const char *const names[] = { "search.db", "search.db-wal",
					     "search.db-shm" };
	char path[128];

	for (size_t i = 0; i < 1 + pick(3); i++) {
		path_of(path, sizeof path, names[i]);
		unlink(path);
	}
}

/* Octets change on the disk; with the file closed, for nobody else writes it. */
static void damage_file(void)
{
	char path[128], octets[16];
	off_t size;
	int fd;

	path_of(path, sizeof path, "search.db");
	fd = open(path, O_RDWR);
	if (fd < 0)
		return;
	size = lseek(fd, 0, SEEK_END);
	for (unsigned i = 0; i < 1 + pick(20) && size > 100; i++) {
		for (size_t n = 0; n < sizeof octets; n++)
			octets[n] = (char)pick(256);
		cr_assert_gt(pwrite(fd, octets, 1 + pick(sizeof octets),
				    (off_t)pick((unsigned)size)), 0);
	}
	close(fd);
}

static void reopen(bool clean)
{
	unsigned harm = pick(4);

	store_index_close(indexer);
	if (harm == 0)
		remove_file();
	temp_store_reopen(&t, clean);
	if (harm == 1)
		damage_file();
	index_open();
}

/* ---- questions ------------------------------------------------------------------------------- */

static struct slice any_field(void)
{
	static const char *const names[] = { "Subject", "From", "to", "CC",
		"Delivered-To", "X-Other", "Message-ID", "Content-Type", "DATE",
		"x-nothing", "Received", "Sender" };

	return slice_str(names[pick(sizeof names / sizeof *names)]);
}

/* A piece of a text that is there, in mapped form; its name and value, or more. */
static void needle_of_mail(struct buf *out)
{
	const struct known *k = &messages[pick((unsigned)message_count)];
	const struct text *text;
	size_t at, n;

	if (k->count == 0)
		return;
	text = &k->texts[pick((unsigned)k->count)];
	if (text->all.len == 0)
		return;
	at = pick((unsigned)text->all.len);
	n = pick(8) == 0 ? 1 + pick(60) : pick(3) == 0 ? 1 + pick(3) : 3 + pick(10);
	while (at > 0 && (text->all.data[at] & 0xc0) == 0x80)
		at--;
	while (at + n < text->all.len && (text->all.data[at + n] & 0xc0) == 0x80)
		n++;
	buf_append(out, slice_head(slice_from(text->all, at), n));
}

static void random_case(struct buf *needle)
{
	for (size_t i = 0; i < needle->len; i++)
		if (pick(2))
			needle->data[i] = ascii_lower(needle->data[i]);
}

/* One octet of ASCII becomes another. */
static void mutate(struct buf *needle)
{
	size_t at = pick((unsigned)needle->len + 1);

	if (at < needle->len && !(needle->data[at] & 0x80))
		needle->data[at] = (char)('a' + pick(26));
}

static void ask(struct question *q, struct buf *needle)
{
	static const enum search_op ops[] = { SEARCH_OP_BODY, SEARCH_OP_BODY,
					      SEARCH_OP_TEXT, SEARCH_OP_HEADER };

	needle->len = 0;
	switch (pick(8)) {
	case 0: case 1: case 2: case 3:
		needle_of_mail(needle);
		break;
	case 4:
		random_words(&mail, needle, 1 + pick(3));
		break;
	case 5:
		buf_append_str(needle, pick(2) ? "only-in-the-prefix" : "ann@");
		break;
	case 6:
		random_words(&mail, needle, 1);
		needle->len = needle->len < 3 ? needle->len : 3;
		if (needle->len && needle->data[needle->len - 1] & 0x80)
			needle->len = 1, needle->data[0] = 'x';
		break;
	default:
		needle_of_mail(needle);
		buf_append_str(needle, pick(2) ? "\r\n" : " ");
	}
	for (size_t i = 0; i < needle->len; i++)	/* no NUL in a program */
		if (needle->data[i] == '\0')
			needle->data[i] = ' ';
	random_case(needle);
	if (pick(5) == 0)
		mutate(needle);
	q->op = ops[pick(4)];
	q->field = q->op == SEARCH_OP_HEADER ? any_field() : SLICE_EMPTY;
	q->needle = buf_slice(needle);
	q->mapped.len = 0;
	cr_assert_eq(casemap_append(&q->mapped, q->needle), ST_OK);
}

/* True: something was found. */
static bool compare(const struct question *q)
{
	struct ranges want = RANGES_INIT(RANGES_MAX), got = RANGES_INIT(RANGES_MAX);
	size_t box = pick(BOXES);
	bool some;

	scan(box, q, &want);
	search(box, q, &got);
	some = want.count > 0;
	cr_assert(want.count == got.count && (!some ||
		  memcmp(want.items, got.items, want.count * sizeof *want.items) == 0),
		  "POSTROOM_SEED=%llu: op %d field '%.*s' needle '%.*s': wanted %s,"
		  " got %s", (unsigned long long)mail.seed_told, q->op,
		  SLICE_ARG(q->field), SLICE_ARG(q->needle), temp_ranges_text(&want),
		  temp_ranges_text(&got));
	ranges_free(&want);
	ranges_free(&got);
	return some;
}

static void change_something(void)
{
	switch (pick(40)) {
	case 0: case 1: case 2: case 3: case 4: case 5:
		deliver_random();
		break;
	case 6: case 7:
		copy_some();
		break;
	case 8: case 9:
		expunge_some();
		break;
	case 10: case 11: case 12:
		index_step(pick(3));
		break;
	case 13:
		index_all();
		break;
	case 14:
		if (pick(4) == 0)
			remove_file();
		break;
	case 15:
		if (pick(4) == 0)
			damage_file();
		break;
	case 16:
		if (pick(6) == 0)
			reopen(pick(2));
		break;
	default:
		break;
	}
}

static void begin_all(void)
{
	char prefix[128];

	temp_store_open(&t, NULL);
	random_mail_begin(&mail);
	box_id[0] = t.inbox;
	box_id[1] = temp_mailbox(&t, "Archive");
	for (size_t i = 1; i < RECIPIENTS; i++) {
		snprintf(prefix, sizeof prefix, "Delivered-To: %s\r\n", recipients[i]);
		know(&prefixes[i], slice_str(prefix), SLICE_EMPTY);
	}
	index_open();
}

static void end_all(void)
{
	store_index_close(indexer);
	arena_clear(&memory);
	temp_store_close(&t);
}

static void copy_file(const char *from, const char *to)
{
	char path[128], block[65536];
	FILE *in, *out;
	size_t n;

	path_of(path, sizeof path, from);
	in = fopen(path, "r");
	path_of(path, sizeof path, to);
	out = fopen(path, "w");
	cr_assert(in && out);
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		fwrite(block, 1, n, out);
	fclose(in);
	fclose(out);
}

static void expect_found(const char *needle, size_t entries)
{
	struct question q = { SEARCH_OP_TEXT, SLICE_EMPTY, slice_str(needle),
			      BUF_INIT(100) };
	struct ranges got = RANGES_INIT(100);

	search(0, &q, &got);
	cr_expect_eq(ranges_size(&got), entries, "%s", needle);
	ranges_free(&got);
}

static uint64_t burn_ids(uint64_t until)
{
	uint64_t id = 0;

	while (id + 1 < until)
		id = store_message_id(t.store);
	return id;
}

static void open_again(void)
{
	store_disconnect(t.write);
	store_disconnect(t.read);
	store_close(t.store);
	copy_file("old.db", "store.db");
	copy_file("old.wal", "store.db-wal");
	t.options.dir = t.dir;
	cr_assert_eq(store_open(&t.options, &t.store, NULL), ST_OK);
	cr_assert_eq(store_connect(t.store, TX_WRITE, &t.write, NULL), ST_OK);
	cr_assert_eq(store_connect(t.store, TX_READ, &t.read, NULL), ST_OK);
}

/* An older copy of the store is put back: numbers of messages are given again, and
 * search.db knows others by them. With reopens the store was opened once more on both
 * sides before the two meet. */
static void put_back(bool reopens)
{
	char path[128];

	begin_all();
	temp_deliver(&t, t.inbox, SLICE("Subject: zero\r\n\r\nnothing\r\n"));
	index_all();
	copy_file("store.db", "old.db");
	copy_file("store.db-wal", "old.wal");
	if (reopens) {
		store_index_close(indexer);
		temp_store_reopen(&t, true);
		index_open();
	}
	burn_ids(300000);
	temp_deliver(&t, t.inbox, SLICE("Subject: one\r\n\r\nantelope\r\n"));
	index_all();
	expect_found("antelope", 1);
	store_index_close(indexer);
	open_again();
	burn_ids(300000);
	temp_deliver(&t, t.inbox, SLICE("Subject: two\r\n\r\nrhinoceros\r\n"));
	if (reopens)
		temp_store_reopen(&t, true);
	index_open();
	index_step(0);
	expect_found("rhinoceros", 1);
	index_all();
	expect_found("rhinoceros", 1);
	expect_found("antelope", 0);
	path_of(path, sizeof path, "old.db");
	unlink(path);
	path_of(path, sizeof path, "old.wal");
	unlink(path);
	end_all();
}

Test(search_property, an_older_copy_of_the_store)
{
	put_back(false);
	put_back(true);
}

Test(search_property, equals_a_scan, .timeout = 3600)
{
	const char *wanted = getenv("POSTROOM_NEEDLES");
	unsigned needles = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 400;
	unsigned found = 0;
	struct buf needle = BUF_INIT(1 << 16);
	struct question q = { .mapped = BUF_INIT(1 << 20) };

	begin_all();
	deliver_files();
	for (int i = 0; i < 100; i++)
		deliver_random();
	for (unsigned i = 0; i < needles; i++) {
		change_something();
		ask(&q, &needle);
		found += compare(&q);
	}
	cr_log_info("POSTROOM_SEED=%llu: %u needles, %u of them found",
		    (unsigned long long)mail.seed_told, needles, found);
	cr_expect_gt(found, needles / 8);
	cr_expect_lt(found, needles);
	buf_free(&needle);
	buf_free(&q.mapped);
	end_all();
}
