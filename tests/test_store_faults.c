/*
 * Each verb of the store with an error of the disk, of a lock or of memory at the
 * n-th call of a transaction, for all n until a run meets none: what fails has
 * the right status and is not there, not half of it; what came before it in the
 * batch is; the same verb then succeeds on the same store. Where the COMMIT fails
 * the store is broken for good, and whoever opens it next finds all of the batch
 * or nothing.
 *
 * A usual run leaves out much, at random; POSTROOM_EVERY=1 tries all,
 * POSTROOM_SEED repeats a run.
 */
#include "common/clock.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/store_dump.h"
#include "tests/support/verbs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WALL_MS INT64_C(1800000000000)

static struct temp_store t;
static struct verbs v;
static uint64_t choices;	/* which n are tried */
static unsigned tried, failed, broken;

#define MAY(st) (1u << (st))

static const struct kind {
	enum fault_kind kind;
	uint64_t times;
	unsigned stride;	/* of n in a usual run, at most */
	unsigned statuses;	/* what a verb may answer */
} kinds[] = {
	{ FAULT_FULL, 1, 8, MAY(ST_FULL) },
	{ FAULT_FULL, FAULT_FOR_GOOD, 8, MAY(ST_FULL) },
	{ FAULT_READ, 1, 16, MAY(ST_IO) },
	{ FAULT_READ, FAULT_FOR_GOOD, 16, MAY(ST_IO) },
	{ FAULT_SHORT_READ, 1, 16, MAY(ST_IO) },
	{ FAULT_WRITE, 1, 8, MAY(ST_IO) },
	{ FAULT_WRITE, FAULT_FOR_GOOD, 8, MAY(ST_IO) },
	{ FAULT_SYNC, 1, 1, MAY(ST_IO) },
	{ FAULT_TRUNCATE, 1, 1, MAY(ST_IO) },
	/* one alone is waited for */
	{ FAULT_BUSY, FAULT_FOR_GOOD, 4, MAY(ST_UNAVAILABLE) },
	{ FAULT_NO_MEMORY, 1, 300, MAY(ST_NO_MEMORY) },
	{ FAULT_NO_MEMORY, 2, 300, MAY(ST_NO_MEMORY) },
	{ FAULT_NO_MEMORY, FAULT_FOR_GOOD, 300, MAY(ST_NO_MEMORY) },
};

/* The run that is tried, for messages. */
static struct {
	enum verb verb;
	uint64_t seed;
	const struct kind *kind;
	unsigned n;
} now;

#define WHERE "%s, %s at call %u, %lld times"
#define WHERE_ARGS verb_name(now.verb), fault_name(now.kind->kind), \
	now.n, (long long)now.kind->times

/* ---- states ---------------------------------------------------------------------- */

static char *dump(void)
{
	struct buf out = BUF_INIT((size_t)64 << 20);

	cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK, "%s",
		     store_error(t.read)->text);
	cr_assert_eq(store_dump(t.read, 0, &out), ST_OK, "%s",
		     store_error(t.read)->text);
	cr_assert_eq(store_commit(t.read), ST_OK);
	cr_assert_eq(buf_append_char(&out, '\0'), ST_OK);
	return out.data;
}

/* The first job of each batch; it shows in the text of a state. */
#define MARK "bob@example.test disabled="

static enum status leave_mark(void)
{
	return store_account_set_disabled(t.write, t.bob, true);
}

static void set_mark(char *state, bool on)
{
	char *at = strstr(state, MARK);

	cr_assert(at != NULL);
	at[sizeof MARK - 1] = on ? '1' : '0';
}

static struct {
	char *before, *after;	/* the verb, without the mark */
} texts;

static void expect_state(bool verb, bool mark, const char *what)
{
	char *want = verb ? texts.after : texts.before, *found = dump();
	size_t same = 0;

	set_mark(want, mark);
	while (want[same] && want[same] == found[same])
		same++;
	cr_expect(want[same] == found[same], WHERE ": %s: wanted ...%.100s,"
		  " found ...%.100s", WHERE_ARGS, what, want + same,
		  found + same);
	free(found);
}

/* ---- one batch ----------------------------------------------------------------------- */

struct outcome {
	bool mark, verb;	/* done, as far as anybody was told */
	bool is_broken;
	enum status status;	/* of the commit, or why there was none */
};

static void expect_status(enum status st)
{
	if (st && now.kind)
		cr_expect(now.kind->statuses & MAY(st), WHERE ": %s: %s",
			  WHERE_ARGS, status_name(st),
			  store_error(t.write)->text);
}

/* As the writer runs a job. False: the transaction is lost. */
static bool run_job(bool is_mark, bool *done)
{
	enum status st = store_savepoint(t.write);

	*done = false;
	if (st) {
		expect_status(st);
		return false;
	}
	st = is_mark ? leave_mark() : verb_run(&v, now.verb, t.write);
	expect_status(st);
	if (store_is_lost(t.write))
		return false;
	if (st) {
		store_undo(t.write);
		return !store_is_lost(t.write);
	}
	st = store_release(t.write);
	expect_status(st);
	*done = !st;
	return !st;
}

static struct outcome run_batch(bool with_mark)
{
	struct outcome o = { 0 };

	v.seed = now.seed;
	v.store = t.store;
	o.status = store_begin(t.write, verb_sync(now.verb));
	if (o.status)
		return o;
	if ((with_mark && !run_job(true, &o.mark)) || !run_job(false, &o.verb)) {
		o.status = store_error(t.write)->status;
		store_rollback(t.write);
	} else {
		o.status = store_commit(t.write);
	}
	o.is_broken = store_is_broken(t.store);
	if (o.status)
		o.mark = o.verb = false;
	return o;
}

/* ---- one try --------------------------------------------------------------------------- */

/* The store as it was made, in new connections without anything cached. */
static void restore(void)
{
	temp_store_suspend(&t);
	temp_store_copy(&t, "made.db", "store.db");
	temp_store_resume(&t);
}

static void reopen_broken(struct outcome *o)
{
	char *found;

	broken++;
	cr_expect_eq(o->status, ST_UNAVAILABLE, WHERE ": %s", WHERE_ARGS,
		     status_name(o->status));
	cr_expect_eq(store_begin(t.write, JOB_SYNC_FULL), ST_UNAVAILABLE);
	temp_store_suspend(&t);
	temp_store_resume(&t);
	found = dump();
	set_mark(texts.after, true);
	o->mark = o->verb = strcmp(found, texts.after) == 0;
	free(found);
}

/* False: it met no fault. */
static bool try(void)
{
	struct outcome o;
	bool met;

	restore();
	fault_vfs_fail(now.kind->kind, now.n, now.kind->times);
	o = run_batch(true);
	met = fault_vfs_failed();
	fault_vfs_fail(FAULT_NONE, 0, 0);
	tried++;
	failed += o.status != ST_OK || !o.verb;
	cr_expect(met || (!o.status && o.verb && o.mark), WHERE, WHERE_ARGS);
	if (o.is_broken)
		reopen_broken(&o);
	expect_state(o.verb, o.mark, "after it");
	if (o.status && !o.is_broken) {
		/* nor may a kill bring back what was refused */
		temp_store_reopen(&t, false);
		expect_state(o.verb, o.mark, "after a kill");
	}
	if (!o.verb) {
		bool mark = o.mark;

		o = run_batch(!mark);
		cr_expect(!o.status && o.verb, WHERE ": not again: %s",
			  WHERE_ARGS, store_error(t.write)->text);
		expect_state(true, true, "again");
	}
	cr_expect_eq(temp_store_check(&t), 0, WHERE, WHERE_ARGS);
	return met;
}

static void try_all(void)
{
	bool is_long = getenv("POSTROOM_EVERY") != NULL;
	unsigned stride = is_long ? 1 : now.kind->stride;

	if (!is_long && fault_pick(&choices, 5))
		return;
	now.n = 1 + fault_pick(&choices, stride);
	while (try())
		now.n += 1 + fault_pick(&choices, stride);
}

/* ---- the store that is tried ---------------------------------------------------------------- */

static void make_store(void)
{
	/* flags before expunges, so that there is something of everything */
	static const enum verb verbs[] = {
		VERB_ACCOUNT_ADD, VERB_CREATE, VERB_CREATE, VERB_CREATE,
		VERB_DELIVER, VERB_DELIVER, VERB_DELIVER, VERB_APPEND,
		VERB_DELIVER, VERB_DELIVER, VERB_FLAGS, VERB_FLAGS, VERB_COPY,
		VERB_APPEND, VERB_MOVE, VERB_EXPUNGE, VERB_DELIVER_LARGE,
		VERB_EXPUNGE, VERB_DELIVER, VERB_SUBSCRIBE, VERB_READ,
	};
	struct store_options options = { .vfs = FAULT_VFS,
					 .cache_octets = 256 * 1024 };

	temp_store_open(&t, &options);
	verbs_init(&v, &t, 11);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		temp_begin(&t);
		temp_end(&t, verb_run(&v, verbs[i], t.write));
	}
	temp_store_suspend(&t);
	temp_store_copy(&t, "store.db", "made.db");
	temp_store_resume(&t);
}

/* Finds arguments with which the verb does something. */
static void find_seed(enum verb verb)
{
	struct outcome o;
	bool is_seen;

	now.verb = verb;
	now.kind = NULL;
	for (now.seed = 1; now.seed < 200; now.seed++) {
		restore();
		texts.before = dump();
		o = run_batch(false);
		texts.after = dump();
		is_seen = strcmp(texts.before, texts.after) != 0 ||
			  verb == VERB_PRUNE || verb == VERB_READ;
		if (!o.status && o.verb && is_seen)
			return;
		free(texts.before);
		free(texts.after);
	}
	cr_assert(false, "%s: nothing to do", verb_name(verb));
}

Test(store_faults, every_verb, .timeout = 3600)
{
	unsigned long long seed = getenv("POSTROOM_SEED") ?
		strtoull(getenv("POSTROOM_SEED"), NULL, 10) :
		(uint64_t)getpid() * 2654435761u;

	cr_log_info("POSTROOM_SEED=%llu", seed);
	choices = seed;
	fault_vfs_install();
	clock_fake(1000, WALL_MS);
	make_store();
	for (enum verb verb = 0; verb < VERB_COUNT; verb++) {
		find_seed(verb);
		for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
			now.kind = &kinds[i];
			try_all();
		}
		free(texts.before);
		free(texts.after);
	}
	cr_log_info("%u runs, %u failed, %u broke the store", tried, failed,
		    broken);
	temp_store_forget(&t, "made.db");
	temp_store_close(&t);
}
