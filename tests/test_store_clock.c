/* The clock goes back and forward: what must ascend does, while running and between
 * starts. */
#include "tests/support/temp_store.h"

#include "common/clock.h"
#include "common/id.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define HOUR	INT64_C(3600000)
#define YEAR	(24 * 365 * HOUR)

static struct temp_store t;

enum how { RUNNING, RESTARTED, KILLED };

static const struct { const char *name; int64_t jump_ms; enum how how; } jumps[] = {
	{ "as it goes", 1000, RUNNING },
	{ "back an hour", -HOUR, RUNNING },
	{ "back an hour, started again", -HOUR, RESTARTED },
	{ "back an hour, killed", -HOUR, KILLED },
	{ "forward ten years", 10 * YEAR, RUNNING },
	{ "back ten years", -10 * YEAR, RUNNING },
	{ "forward ten years, started again", 10 * YEAR, RESTARTED },
	{ "back ten years, killed", -10 * YEAR, KILLED },
	{ "standing still, killed", 0, KILLED },
};

/* What may only grow. */
struct numbers {
	uint64_t modseq, message, mailbox;
	uint32_t uid, uidvalidity;
	struct id mid;
};

static struct numbers take(size_t i)
{
	char name[32];
	int len = snprintf(name, sizeof name, "box %zu", i);
	struct numbers n = { .mid = id_make(ID_MESSAGE) };
	struct store_export e = { .mailbox = t.inbox };
	struct store_exported m = { 0 };

	n.uid = temp_mail(&t, "subject");
	n.modseq = temp_status(&t, t.inbox).highestmodseq;
	temp_begin(&t);
	cr_assert_eq(temp_end(&t, store_mailbox_create(t.write, t.ann,
			slice_of(name, (size_t)len), SLICE_EMPTY, &n.mailbox)), ST_OK);
	n.uidvalidity = temp_status(&t, n.mailbox).uidvalidity;
	e.uid = n.uid - 1;
	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_export_next(t.read, &e, &m), ST_OK);
	store_export_end(t.store, &e);
	store_commit(t.read);
	n.message = m.message;
	return n;
}

Test(store_clock, jumps, .timeout = 60)
{
	struct numbers before, now;
	int64_t wall = INT64_C(1795504127000);

	clock_fake(1000000, wall);
	temp_store_open(&t, NULL);
	before = take(1000);
	for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
		const char *name = jumps[i].name;

		if (jumps[i].how == RESTARTED)
			temp_store_suspend(&t);
		if (jumps[i].how == KILLED)
			temp_store_kill(&t);
		wall += jumps[i].jump_ms;
		clock_fake(1000000 + (int64_t)i * 1000, wall);
		if (jumps[i].how != RUNNING)
			temp_store_resume(&t);
		now = take(i);
		cr_expect_gt(now.uid, before.uid, "%s", name);
		cr_expect_gt(now.modseq, before.modseq, "%s", name);
		cr_expect_gt(now.message, before.message, "%s", name);
		cr_expect_gt(now.mailbox, before.mailbox, "%s", name);
		cr_expect_gt(now.uidvalidity, before.uidvalidity, "%s", name);
		cr_expect(slice_compare(id_slice(&now.mid), id_slice(&before.mid)) > 0,
			  "%s", name);
		before = now;
	}
	clock_real();
	temp_store_close(&t);
}
