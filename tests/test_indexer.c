#include "common/clock.h"
#include "common/search_program.h"
#include "mailboxd/indexer.h"
#include "mailboxd/writer.h"
#include "tests/support/temp_store.h"

#include <criterion/criterion.h>
#include <time.h>

static struct temp_store t;

/* Whether so many have a signature before long. */
static bool comes_to(uint64_t signatures)
{
	const struct timespec moment = { .tv_nsec = 10000000 };
	int64_t until = clock_ms() + 30000;
	struct store_stats stats;

	do {
		store_stats(t.store, &stats);
		if (stats.signatures == signatures && stats.unsigned_messages == 0)
			return true;
		nanosleep(&moment, NULL);
	} while (clock_ms() < until);
	return false;
}

Test(indexer, follows, .timeout = 120)
{
	struct error error;
	struct indexer *x;
	struct writer *w;

	temp_store_open(&t, NULL);
	for (int i = 0; i < 10; i++)
		temp_mail(&t, "before");
	store_disconnect(t.write);
	cr_assert_eq(writer_start(t.store, &(struct writer_options){ 0 }, &w, &error),
		     ST_OK);
	cr_assert_eq(indexer_start(t.store, w, &x, &error), ST_OK);
	cr_expect(comes_to(10));
	cr_assert_eq(store_connect(t.store, TX_WRITE, &t.write, &error), ST_OK);
	temp_mail(&t, "after");
	cr_expect(comes_to(11));
	indexer_stop(x);
	writer_stop(w);
	temp_store_close(&t);
}

Test(indexer, ends_at_once, .timeout = 120)
{
	struct error error;
	struct indexer *x;

	temp_store_open(&t, NULL);
	cr_assert_eq(indexer_start(t.store, NULL, &x, &error), ST_OK);
	indexer_stop(x);
	indexer_stop(NULL);
	temp_store_close(&t);
}

static void search_subject(const char *text)
{
	struct search_step step = { .op = SEARCH_OP_HEADER,
				    .text = SLICE("Subject"),
				    .value = slice_str(text) };
	struct buf program = BUF_INIT(1000);
	struct ranges found = RANGES_INIT(1000);
	struct store_search s = { .mailbox = t.inbox, .found = &found };

	cr_assert_eq(search_program_append(&program, &step), ST_OK);
	s.program = buf_slice(&program);
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_search(t.read, &s, 0), ST_OK);
	store_commit(t.read);
	cr_expect_eq(found.count, 0);
	ranges_free(&found);
	buf_free(&program);
}

Test(indexer, hears_of_messages_without_a_signature, .timeout = 120)
{
	struct store_index *x;
	struct error error;

	temp_store_open(&t, NULL);
	temp_mail(&t, "one");
	cr_assert_eq(store_index_open(t.store, &x, &error), ST_OK);
	cr_assert_eq(store_index_step(x, 1000), ST_OK);
	search_subject("nowhere");
	cr_expect(!store_index_is_missed(x));
	temp_mail(&t, "two");
	search_subject("nowhere");
	cr_expect(store_index_is_missed(x));
	cr_assert_eq(store_index_step(x, 1000), ST_OK);
	search_subject("nowhere");
	cr_expect(!store_index_is_missed(x));
	store_index_close(x);
	temp_store_close(&t);
}
