#include "tests/support/random_store.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

unsigned random_pick(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % n;
}

static unsigned pick(struct random_store *r, unsigned n)
{
	return random_pick(&r->seed, n);
}

void random_store_init(struct random_store *r, struct temp_store *t)
{
	static const char *const names[RANDOM_MAILBOXES] = {
		"INBOX", "Archive", "Trash",
	};
	const char *seed = getenv("POSTROOM_SEED");

	*r = (struct random_store){ .t = t };
	r->seed = seed ? strtoull(seed, NULL, 10) :
			 (uint64_t)getpid() * 2654435761u;
	cr_log_info("POSTROOM_SEED=%llu", (unsigned long long)r->seed);
	for (size_t i = 0; i < RANDOM_MAILBOXES; i++) {
		r->mailboxes[i] = temp_mailbox(t, names[i]);
		r->uidnext[i] = 1;
	}
}

static void random_ranges(struct random_store *r, struct ranges *uids,
			  uint32_t uidnext)
{
	uint32_t low = 1 + pick(r, uidnext), n = pick(r, 8);

	*uids = (struct ranges)RANGES_INIT(RANGES_MAX);
	ranges_add(uids, low, low + n);
	if (pick(r, 3) == 0)
		ranges_add(uids, low + n + 3, low + n + 3 + pick(r, 20));
}

static enum status random_flags(struct random_store *r, uint64_t mailbox,
				const struct ranges *uids)
{
	static const char *const words[] = { "", "a", "b c", "$x a" };
	struct store_flag_change c = { .mailbox = mailbox, .uids = uids,
				       .mode = pick(r, 3), .flags = pick(r, 32),
				       .unchanged_since = UINT64_MAX };

	c.keywords = slice_str(words[pick(r, 4)]);
	return store_flags(r->t->write, &c);
}

static enum status random_copy(struct random_store *r, uint64_t from,
			       uint64_t to, const struct ranges *uids)
{
	struct ranges source = RANGES_INIT(RANGES_MAX);
	struct ranges target = RANGES_INIT(RANGES_MAX);
	struct store_copy c = { .from = from, .to = to, .uids = uids,
				.is_move = pick(r, 2), .source = &source,
				.target = &target };
	enum status st = store_copy(r->t->write, &c);

	if (!st)
		cr_expect_eq(ranges_size(&source), ranges_size(&target));
	ranges_free(&source);
	ranges_free(&target);
	return st;
}

static enum status random_deliver(struct random_store *r, struct buf *record)
{
	struct store_delivery d[RANDOM_MAILBOXES];
	struct store_message m;
	size_t n = 1 + pick(r, RANDOM_MAILBOXES);

	for (size_t i = 0; i < n; i++)
		d[i] = (struct store_delivery){
			.mailbox = r->mailboxes[pick(r, RANDOM_MAILBOXES)],
			.recipient = pick(r, 2) ? SLICE("ann@example.test") :
						  SLICE("x@example.test") };
	temp_message(r->t, &m, SLICE("A: b\r\n\r\nText.\r\n"), record);
	return store_deliver(r->t->write, &m, d, n);
}

static enum status random_verb(struct random_store *r)
{
	struct buf record = BUF_INIT(1 << 20);
	size_t i = pick(r, RANDOM_MAILBOXES);
	uint64_t mailbox = r->mailboxes[i], modseq;
	struct ranges uids, gone = RANGES_INIT(RANGES_MAX);
	enum status st;
	bool more;

	random_ranges(r, &uids, r->uidnext[i]);
	switch (pick(r, 9)) {
	case 0: case 1: case 2:
		st = random_deliver(r, &record);
		break;
	case 3: case 4:
		st = random_flags(r, mailbox, &uids);
		break;
	case 5: case 6:
		st = random_copy(r, mailbox,
				 r->mailboxes[pick(r, RANDOM_MAILBOXES)], &uids);
		break;
	case 7:
		st = store_expunge(r->t->write, mailbox, &uids, pick(r, 2),
				   &gone, &modseq);
		break;
	default:
		st = store_prune(r->t->write, INT64_C(1) << 40, &more);
	}
	buf_free(&record);
	ranges_free(&uids);
	ranges_free(&gone);
	return st;
}

/* False: the transaction is over. */
static bool random_job(struct random_store *r)
{
	struct tx *tx = r->t->write;
	enum status st;

	cr_assert_eq(store_savepoint(tx), ST_OK);
	st = random_verb(r);
	cr_expect(st == ST_OK || (r->may_fill && st == ST_FULL), "%s",
		  store_error(tx)->text);
	if (store_is_lost(tx)) {
		store_rollback(tx);
		return false;
	}
	if (st || pick(r, 4) == 0)
		store_undo(tx);
	else
		cr_assert_eq(store_release(tx), ST_OK);
	return true;
}

void random_transaction(struct random_store *r)
{
	unsigned jobs = 1 + pick(r, 4);
	enum status st;

	temp_begin(r->t);
	for (unsigned i = 0; i < jobs; i++)
		if (!random_job(r))
			return;
	if (pick(r, 6) == 0) {
		store_rollback(r->t->write);
		return;
	}
	st = store_commit(r->t->write);
	cr_assert(st == ST_OK || (r->may_fill && st == ST_FULL), "%s",
		  store_error(r->t->write)->text);
}
