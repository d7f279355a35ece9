/*
 * The power goes at a sync, or in between, under random verbs: whatever the disk
 * kept is a store that opens, is sound, and is as it was after one of the
 * commits since the last synced one, never half of one. UIDs, modseqs and
 * message ids that were told are not given again. Then the store goes on from
 * such a disk, and so on.
 *
 * POSTROOM_ROUNDS=300 is how many disks it goes through, POSTROOM_SEED repeats a
 * run.
 */
#include "tests/support/fault_vfs.h"
#include "tests/support/store_dump.h"
#include "tests/support/temp_dir.h"
#include "tests/support/verbs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 2
#define ROUNDS_A_WORLD 20	/* then a new store: this one has become large */
#define IMAGES 5		/* in one step */
#define STATES 64

static struct temp_store t;
static struct verbs v;
static unsigned long long first_seed;
static unsigned round_number, step, images_checked;

/* Texts of store_dump(): the last synced one and those since. */
static struct {
	char *states[STATES];
	size_t count;
} may_be;

/* What somebody has heard. */
static struct {
	uint32_t uidnext[VERBS_MAILBOXES];
	uint64_t modseq[VERBS_MAILBOXES];
	uint64_t message, epoch;
} told;

static struct {
	char base[64];
	unsigned count;
} images;

#define WHERE "POSTROOM_SEED=%llu, round %u, step %u"
#define WHERE_ARGS first_seed, round_number, step

/* ---- states --------------------------------------------------------------------- */

static char *dump(struct tx *tx)
{
	struct buf out = BUF_INIT((size_t)64 << 20);
	enum status st;

	cr_assert_eq(store_begin(tx, JOB_SYNC_NORMAL), ST_OK);
	st = store_dump(tx, DUMP_JOURNAL | DUMP_IDS, &out);
	cr_assert_eq(st, ST_OK, WHERE ": %s", WHERE_ARGS, store_error(tx)->text);
	cr_assert_eq(store_commit(tx), ST_OK);
	cr_assert_eq(buf_append_char(&out, '\0'), ST_OK);
	return out.data;
}

static void forget_states(void)
{
	while (may_be.count)
		free(may_be.states[--may_be.count]);
}

static bool is_one(const char *state)
{
	for (size_t i = 0; i < may_be.count; i++)
		if (strcmp(may_be.states[i], state) == 0)
			return true;
	return false;
}

static void write_text(const char *name, size_t i, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s-%zu", images.base, name, i);
	file = fopen(path, "w");
	if (!file)
		return;
	fputs(text, file);
	fclose(file);
}

static void show_difference(const char *state)
{
	for (size_t i = 0; i < may_be.count; i++)
		write_text("want", i, may_be.states[i]);
	write_text("found", 0, state);
}

static void note_told(void)
{
	struct store_stats stats;

	for (size_t i = 0; i < VERBS_MAILBOXES; i++) {
		struct store_mailbox m = temp_status(&t, v.mailboxes[i]);

		told.uidnext[i] = m.uidnext;
		told.modseq[i] = m.highestmodseq;
	}
	store_stats(t.store, &stats);
	told.epoch = stats.epoch;
}

/* A commit, and whether all before it is on the disk by now. */
static void note_commit(bool is_synced)
{
	char *now = dump(t.read);

	if (is_synced)
		forget_states();
	cr_assert_lt(may_be.count, STATES);
	may_be.states[may_be.count++] = now;
	note_told();
}

/* ---- images ---------------------------------------------------------------------- */

static void image_path(unsigned i, char path[96])
{
	snprintf(path, 96, "%s/%u", images.base, i);
}

static void moment(void *arg, bool is_sync)
{
	char path[96];

	if (images.count == IMAGES || (!is_sync && verbs_pick(&v, 24)))
		return;
	image_path(images.count++, path);
	cr_assert(mkdir(path, 0700) == 0);
	fault_disk_image(t.dir, path, &v.seed);
}

static void remove_image(const char *path)
{
	static const char *const names[] = { "store.db", "store.db-wal",
		"store.db-shm", "store.db-journal", "store.lock" };
	char file[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(file, sizeof file, "%s/%s", path, names[i]);
		unlink(file);
	}
	cr_assert(rmdir(path) == 0, "%s: %s", path, strerror(errno));
}

static enum status note(void *arg, struct slice text)
{
	cr_expect_fail(WHERE ": %s: %.*s", WHERE_ARGS, (const char *)arg,
		       SLICE_ARG(text));
	return ST_OK;
}

/* Against what was told; s has just been opened, tx reads. */
static void compare_with_told(struct store *s, struct tx *tx)
{
	struct store_stats stats;
	struct store_mailbox m;

	store_stats(s, &stats);
	cr_expect_gt(stats.epoch, told.epoch, WHERE, WHERE_ARGS);
	cr_expect_gt(store_message_id(s), told.message, WHERE, WHERE_ARGS);
	cr_assert_eq(store_begin(tx, JOB_SYNC_NORMAL), ST_OK);
	for (size_t i = 0; i < VERBS_MAILBOXES; i++) {
		cr_assert_eq(store_mailbox_get(tx, v.mailboxes[i], &m), ST_OK);
		cr_expect_geq(m.uidnext, told.uidnext[i], WHERE, WHERE_ARGS);
		cr_expect_geq(m.highestmodseq, told.modseq[i], WHERE, WHERE_ARGS);
	}
	cr_assert_eq(store_commit(tx), ST_OK);
}

/* Before the first commit anything that opens will do. */
static void check_image(const char *path)
{
	struct store_options options = { .dir = path, .ephemeral = true };
	struct error err = { 0 };
	struct store *s;
	struct tx *tx;
	char *state;

	cr_assert_eq(store_open(&options, &s, &err), ST_OK, WHERE ": %s: %s",
		     WHERE_ARGS, path, err.text);
	cr_assert_eq(store_connect(s, TX_READ, &tx, &err), ST_OK, WHERE ": %s",
		     WHERE_ARGS, err.text);
	cr_assert_eq(store_begin(tx, JOB_SYNC_NORMAL), ST_OK);
	cr_expect_eq(store_check(tx, false, note, (void *)path), ST_OK, WHERE,
		     WHERE_ARGS);
	cr_assert_eq(store_commit(tx), ST_OK);
	if (may_be.count) {
		state = dump(tx);
		if (!is_one(state))
			show_difference(state);
		cr_assert(is_one(state), WHERE ": %s: between two states: compare "
			  "found-0 with want-N in %s", WHERE_ARGS, path,
			  images.base);
		free(state);
		compare_with_told(s, tx);
	}
	store_disconnect(tx);
	store_close(s);
	images_checked++;
}

static void check_images(void)
{
	char path[96];

	cr_assert(fault_disk_is_true(), WHERE, WHERE_ARGS);
	for (unsigned i = 0; i < images.count; i++) {
		image_path(i, path);
		check_image(path);
		remove_image(path);
	}
	images.count = 0;
}

/* ---- steps -------------------------------------------------------------------------- */

/* The verbs of one batch, as the writer runs them; the last id of a message that
 * was kept. */
static uint64_t run_batch(void)
{
	enum verb verbs[4];
	size_t n = 1 + verbs_pick(&v, 4);
	enum job_sync sync = JOB_SYNC_NORMAL;
	uint64_t message = told.message;
	enum status st;

	for (size_t i = 0; i < n; i++) {
		verbs[i] = verbs_pick(&v, VERB_COUNT);
		if (verb_sync(verbs[i]) == JOB_SYNC_FULL)
			sync = JOB_SYNC_FULL;
	}
	cr_assert_eq(store_begin(t.write, sync), ST_OK);
	for (size_t i = 0; i < n; i++) {
		cr_assert_eq(store_savepoint(t.write), ST_OK);
		v.message_id = message;
		st = verb_run(&v, verbs[i], t.write);
		cr_assert(!st || verb_is_refusal(st), WHERE ": %s: %s",
			  WHERE_ARGS, verb_name(verbs[i]),
			  store_error(t.write)->text);
		if (st || verbs_pick(&v, 8) == 0) {
			store_undo(t.write);
			if (store_is_lost(t.write))
				break;
			continue;
		}
		cr_assert_eq(store_release(t.write), ST_OK);
		message = v.message_id;
	}
	return message;
}

static bool same_as_before(void)
{
	return strcmp(may_be.states[may_be.count - 1],
		      may_be.states[may_be.count - 2]) == 0;
}

/* Images taken on the way have the state before or after it. */
static void step_batch(void)
{
	uint64_t message = run_batch();
	char *after;

	if (store_is_lost(t.write) || verbs_pick(&v, 10) == 0) {
		store_rollback(t.write);
		check_images();
		return;
	}
	cr_assert_eq(store_commit(t.write), ST_OK, WHERE ": %s", WHERE_ARGS,
		     store_error(t.write)->text);
	after = dump(t.read);
	cr_assert_lt(may_be.count, STATES);
	may_be.states[may_be.count++] = after;
	if (!store_needs_sync(t.store) && !same_as_before())
		cr_assert(fault_disk_is_synced(), WHERE, WHERE_ARGS);
	check_images();
	free(may_be.states[--may_be.count]);
	told.message = message;
	/* the store's own word: what it does not owe a sync has had one */
	note_commit(!store_needs_sync(t.store));
}

static void step_sync(void)
{
	cr_assert_eq(store_sync(t.write), ST_OK);
	cr_assert(!store_needs_sync(t.store), WHERE, WHERE_ARGS);
	check_images();
	note_commit(true);
}

/* With a reader in the way, or without one. */
static void step_checkpoint(void)
{
	bool reads = verbs_pick(&v, 2);

	if (reads) {
		cr_assert_eq(store_begin(t.read, JOB_SYNC_NORMAL), ST_OK);
		store_mailbox_get(t.read, t.inbox, &(struct store_mailbox){ 0 });
	}
	if (!reads && verbs_pick(&v, 3) == 0)
		cr_assert_eq(store_make_room(t.write), ST_OK);
	else
		cr_assert_eq(store_checkpoint(t.write), ST_OK);
	if (reads)
		cr_assert_eq(store_commit(t.read), ST_OK);
	check_images();
}

static void one_step(void)
{
	unsigned what = verbs_pick(&v, 16);

	step++;
	if (what < 12)
		step_batch();
	else if (what < 13)
		step_sync();
	else
		step_checkpoint();
	/* the states that a cut may leave are as many as commits since a sync */
	if (may_be.count > STATES / 2)
		step_sync();
}

/* ---- rounds ---------------------------------------------------------------------------- */

static void move_files(const char *from, const char *to)
{
	static const char *const names[] = { "store.db", "store.db-wal",
					     "store.db-journal" };
	char a[128], b[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(a, sizeof a, "%s/%s", from, names[i]);
		snprintf(b, sizeof b, "%s/%s", to, names[i]);
		unlink(b);
		rename(a, b);
	}
}

/* The power goes and comes back: another disk in the same place. */
static void cut_and_go_on(void)
{
	char path[96], *state;

	image_path(IMAGES, path);
	cr_assert(mkdir(path, 0700) == 0);
	fault_disk_image(t.dir, path, &v.seed);
	fault_disk_moments(NULL, NULL);
	temp_store_suspend(&t);
	move_files(path, t.dir);
	remove_image(path);
	fault_disk_begin();
	step = 0;
	fault_disk_moments(moment, NULL);
	temp_store_resume(&t);
	v.store = t.store;
	check_images();
	compare_with_told(t.store, t.read);
	state = dump(t.read);
	cr_assert(is_one(state), WHERE ": the disk it goes on with", WHERE_ARGS);
	free(state);
	/* what it is now was synced by the first commit of the open */
	note_commit(true);
}

static void one_round(void)
{
	unsigned steps = 5 + verbs_pick(&v, 20);

	for (unsigned i = 0; i < steps; i++)
		one_step();
	cut_and_go_on();
}

static void open_world(void)
{
	struct store_options options = { .vfs = FAULT_VFS,
					 .cache_octets = 256 * 1024,
					 .wal_pages = 8 + verbs_pick(&v, 64) };

	fault_disk_begin();
	step = 0;
	memset(&told, 0, sizeof told);
	fault_disk_moments(moment, NULL);
	temp_store_open(&t, &options);
	check_images();
	verbs_init(&v, &t, v.seed);
	note_commit(true);
}

static void close_world(void)
{
	fault_disk_moments(NULL, NULL);
	forget_states();
	temp_store_close(&t);
}

Test(power_cut, images, .timeout = 3600)
{
	unsigned rounds = getenv("POSTROOM_ROUNDS") ?
		(unsigned)strtoul(getenv("POSTROOM_ROUNDS"), NULL, 10) : ROUNDS;

	first_seed = getenv("POSTROOM_SEED") ?
		strtoull(getenv("POSTROOM_SEED"), NULL, 10) :
		(uint64_t)getpid() * 2654435761u;
	cr_log_info("POSTROOM_SEED=%llu", first_seed);
	v.seed = first_seed;
	fault_vfs_install();
	temp_dir_make(images.base, sizeof images.base);
	for (round_number = 0; round_number < rounds; round_number++) {
		if (round_number % ROUNDS_A_WORLD == 0) {
			if (round_number)
				close_world();
			open_world();
		}
		one_round();
	}
	close_world();
	cr_expect(rmdir(images.base) == 0);
	cr_log_info("%u power cuts, %u images", rounds, images_checked);
}
