#include "common/clock.h"
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
