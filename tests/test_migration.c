/*
 * Stores of every schema there was, in tests/data: they open, what is in them is
 * as it was, a copy of the old file is kept, and neither an error at any call nor
 * a power cut in between leaves anything but the old or the new store.
 */
#include "common/clock.h"
#include "tests/support/fault_vfs.h"
#include "tests/support/store_dump.h"
#include "tests/support/temp_dir.h"
#include "tests/support/verbs.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WALL_MS INT64_C(1790000000000)
#define SCHEMAS 4	/* those that have a file; the newest is the last */
#define DUMP (DUMP_VANISHED | DUMP_IDS | DUMP_JOURNAL)

static struct temp_store t;

TestSuite(migration, .timeout = 600);

/* ---- files ----------------------------------------------------------------------- */

static void copy_path(const char *from, const char *to)
{
	char block[65536];
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	size_t n;

	cr_assert(in && out, "%s to %s", from, to);
	while ((n = fread(block, 1, sizeof block, in)) > 0)
		cr_assert_eq(fwrite(block, 1, n, out), n);
	fclose(in);
	fclose(out);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static char *read_text(const char *path)
{
	struct buf out = BUF_INIT((size_t)16 << 20);
	char block[4096];
	FILE *file = fopen(path, "r");
	size_t n;

	cr_assert(file != NULL, "%s", path);
	while ((n = fread(block, 1, sizeof block, file)) > 0)
		buf_append(&out, slice_of(block, n));
	fclose(file);
	buf_append_char(&out, '\0');
	return out.data;
}

/* user_version in the header of a file; 0 where there is none. */
static int schema_of(const char *path)
{
	unsigned char head[64] = { 0 };
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);

	if (fd >= 0)
		close(fd);
	return n == sizeof head ? head[63] : 0;
}

/* ---- a store of this schema -------------------------------------------------------- */

static struct scene {
	int schema;
	char dir[64], store[96], wal[96], before[96], part[128];
	char *want;		/* the text of tests/data */
} scene;

static void set_scene(int schema)
{
	char path[256];

	snprintf(path, sizeof path, DATA_DIR "/store-%d.txt", schema);
	scene = (struct scene){ .schema = schema, .want = read_text(path) };
	temp_dir_make(scene.dir, sizeof scene.dir);
	snprintf(scene.store, sizeof scene.store, "%s/store.db", scene.dir);
	snprintf(scene.wal, sizeof scene.wal, "%s/store.db-wal", scene.dir);
	snprintf(scene.before, sizeof scene.before, "%s/store.db.before-%d",
		 scene.dir, schema);
	snprintf(scene.part, sizeof scene.part, "%s.part", scene.before);
}

static void fill_scene(void)
{
	char path[256];

	snprintf(path, sizeof path, DATA_DIR "/store-%d.db", scene.schema);
	unlink(scene.wal);
	unlink(scene.before);
	unlink(scene.part);
	copy_path(path, scene.store);
}

static void remove_all(const char *dir)
{
	static const char *const names[] = { "store.db", "store.db-wal",
		"store.db-shm", "store.lock" };
	static const char *const ends[] = { "", ".part", ".part-journal" };
	char path[128];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	for (size_t i = 0; i < SCHEMAS * sizeof ends / sizeof *ends; i++) {
		snprintf(path, sizeof path, "%s/store.db.before-%zu%s", dir,
			 i % SCHEMAS + 1, ends[i / SCHEMAS]);
		unlink(path);
	}
	cr_expect(rmdir(dir) == 0, "%s: %s", dir, strerror(errno));
}

static void clear_scene(void)
{
	remove_all(scene.dir);
	free(scene.want);
}

static enum status note(void *arg, struct slice text)
{
	cr_expect_fail("%s: %.*s", (const char *)arg, SLICE_ARG(text));
	return ST_OK;
}

static char *dump_of(struct store *s, const char *what)
{
	struct buf out = BUF_INIT((size_t)16 << 20);
	struct error err = { 0 };
	struct tx *tx;

	cr_assert_eq(store_connect(s, TX_READ, &tx, &err), ST_OK, "%s", err.text);
	cr_assert_eq(store_begin(tx, JOB_SYNC_NORMAL), ST_OK);
	cr_assert_eq(store_dump(tx, DUMP, &out), ST_OK, "%s",
		     store_error(tx)->text);
	cr_expect_eq(store_check(tx, false, note, (void *)what), ST_OK);
	cr_assert_eq(store_commit(tx), ST_OK);
	store_disconnect(tx);
	buf_append_char(&out, '\0');
	return out.data;
}

/* Opens what is in dir and compares. vfs may be NULL. */
static void expect_same(const char *dir, const char *what)
{
	struct store_options options = { .dir = dir };
	struct error err = { 0 };
	struct store *s;
	char *found;
	size_t i = 0;

	cr_assert_eq(store_open(&options, &s, &err), ST_OK, "%s: %s", what,
		     err.text);
	found = dump_of(s, what);
	while (found[i] && found[i] == scene.want[i])
		i++;
	cr_expect(found[i] == scene.want[i], "schema %d, %s: wanted ...%.80s,"
		  " found ...%.80s", scene.schema, what, scene.want + i,
		  found + i);
	free(found);
	store_close(s);
}

static int newest_schema(void)
{
	struct store_stats stats = { 0 };
	struct store_options options = { .dir = scene.dir };
	struct error err = { 0 };
	struct store *s;

	cr_assert_eq(store_open(&options, &s, &err), ST_OK, "%s", err.text);
	store_stats(s, &stats);
	store_close(s);
	return (int)stats.schema;
}

/* ---- the tests ----------------------------------------------------------------------- */

Test(migration, what_was_there_is_there)
{
	for (int n = 1; n < SCHEMAS; n++) {
		set_scene(n);
		fill_scene();
		expect_same(scene.dir, "migrated");
		cr_expect_eq(schema_of(scene.store), newest_schema());
		/* the store as it was opens in its turn */
		cr_expect_eq(schema_of(scene.before), n);
		cr_expect(!is_there(scene.part));
		unlink(scene.wal);
		cr_assert_eq(rename(scene.before, scene.store), 0);
		expect_same(scene.dir, "from the copy");
		clear_scene();
	}
}

Test(migration, copies_go_after_thirty_days)
{
	struct timespec times[2] = { 0 };

	set_scene(2);
	fill_scene();
	expect_same(scene.dir, "migrated");
	expect_same(scene.dir, "once more");
	cr_expect(is_there(scene.before));
	times[0].tv_sec = times[1].tv_sec = time(NULL) - 31 * 24 * 3600;
	cr_assert_eq(utimensat(AT_FDCWD, scene.before, times, 0), 0);
	expect_same(scene.dir, "a month later");
	cr_expect(!is_there(scene.before));
	clear_scene();
}

/* An error at call n of the whole start, for all n: it does not start, or does;
 * the next start finds all. */
static void fail_at_every_call(enum fault_kind kind, unsigned stride)
{
	struct store_options options = { .dir = scene.dir, .vfs = FAULT_VFS };
	struct error err = { 0 };
	struct store *s;
	char what[64];
	enum status st;
	bool met = true;

	for (unsigned n = 1; met; n += stride) {
		snprintf(what, sizeof what, "%s at call %u", fault_name(kind), n);
		fill_scene();
		fault_vfs_fail(kind, n, 1);
		st = store_open(&options, &s, &err);
		met = fault_vfs_failed();
		fault_vfs_fail(FAULT_NONE, 0, 0);
		cr_expect(met || st == ST_OK, "%s: %s", what, err.text);
		store_close(s);
		expect_same(scene.dir, what);
	}
}

Test(migration, errors_at_any_call, .timeout = 3600)
{
	bool is_long = getenv("POSTROOM_EVERY") != NULL;

	fault_vfs_install();
	for (int n = 1; n < SCHEMAS; n++) {
		set_scene(n);
		fail_at_every_call(FAULT_FULL, is_long ? 1 : 23);
		fail_at_every_call(FAULT_WRITE, is_long ? 1 : 29);
		fail_at_every_call(FAULT_READ, is_long ? 1 : 31);
		fail_at_every_call(FAULT_SYNC, is_long ? 1 : 3);
		fail_at_every_call(FAULT_NO_MEMORY, is_long ? 7 : 997);
		clear_scene();
	}
}

/* ---- power cuts ------------------------------------------------------------------------ */

static uint64_t seed;
static unsigned images;

/* At each write and sync: what the disk may have then opens, with all in it. */
static void moment(void *arg, bool is_sync)
{
	const unsigned one_of = *(const unsigned *)arg;
	char dir[sizeof scene.dir];

	(void)is_sync;
	if (fault_pick(&seed, one_of))
		return;
	temp_dir_make(dir, sizeof dir);
	fault_disk_image(scene.dir, dir, &seed);
	fault_disk_moments(NULL, NULL);
	images++;
	expect_same(dir, "after a power cut");
	remove_all(dir);
	fault_disk_moments(moment, arg);
}

Test(migration, power_cut_at_any_write, .timeout = 3600)
{
	unsigned one_of = getenv("POSTROOM_EVERY") ? 1 : 16;
	struct store_options options = { .dir = scene.dir, .vfs = FAULT_VFS };
	struct error err = { 0 };
	struct store *s;

	seed = (uint64_t)getpid() * 2654435761u;
	cr_log_info("seed %llu", (unsigned long long)seed);
	fault_vfs_install();
	for (int n = 1; n < SCHEMAS; n++) {
		set_scene(n);
		fill_scene();
		fault_disk_begin();
		fault_disk_moments(moment, &one_of);
		cr_assert_eq(store_open(&options, &s, &err), ST_OK, "%s",
			     err.text);
		fault_disk_moments(NULL, NULL);
		store_close(s);
		clear_scene();
	}
	cr_expect_gt(images, 5);
}

/* ---- how the files are made: tests/data/make_stores ---------------------------------------- */

static void set_directory(struct verbs *v)
{
	const struct store_credential phone = { .account = t.ann,
		.label = SLICE("phone"), .scopes = STORE_SCOPE_IMAP,
		.verifier = SLICE("a verifier") };
	const struct store_certificate laptop = { .account = t.ann,
		.key = SLICE("the digest of the client's key.."),
		.subject = SLICE("CN=laptop"), .scopes = STORE_SCOPE_ALL };
	struct address alias, ann;

	temp_begin(&t);
	alias = temp_address(t.write, "postmaster@example.test");
	ann = temp_address(t.write, "ann@example.test");
	cr_assert_eq(store_alias_add(t.write, &alias, &ann), ST_OK);
	cr_assert_eq(store_account_set_quota(t.write, t.ann, 100 << 20, 1000),
		     ST_OK);
	cr_assert_eq(store_account_set_disabled(t.write, t.bob, true), ST_OK);
	cr_assert_eq(store_credential_put(t.write, &phone, NULL), ST_OK);
	cr_assert_eq(store_certificate_add(t.write, &laptop), ST_OK);
	temp_end(&t, ST_OK);
	(void)v;
}

static void make_newest(const char *path)
{
	struct verbs v;
	enum status st;

	clock_fake(1000, WALL_MS);
	temp_store_open(&t, NULL);
	verbs_init(&v, &t, 5);
	set_directory(&v);
	for (unsigned i = 0; i < 120; i++) {
		enum verb verb = i % 3 == 0 ? VERB_DELIVER :
					      verbs_pick(&v, VERB_COUNT);

		/* large enough as it is, and removed mail is to stay */
		if (verb == VERB_DELIVER_LARGE || verb == VERB_PRUNE)
			continue;
		clock_fake_advance(1000);
		temp_begin(&t);
		st = verb_run(&v, verb, t.write);
		cr_assert(!st || verb_is_refusal(st));
		temp_end(&t, st);
	}
	temp_store_suspend(&t);
	scene = (struct scene){ 0 };
	snprintf(scene.store, sizeof scene.store, "%s/store.db", t.dir);
	copy_path(scene.store, path);
	temp_store_resume(&t);
	temp_store_close(&t);
}

/* base.db: base.txt is made. */
static void make_text(const char *base)
{
	struct store_options options = { .dir = scene.dir };
	struct error err = { 0 };
	char path[256];
	struct store *s;
	FILE *file;
	char *text;

	temp_dir_make(scene.dir, sizeof scene.dir);
	snprintf(scene.store, sizeof scene.store, "%s/store.db", scene.dir);
	snprintf(path, sizeof path, "%s.db", base);
	copy_path(path, scene.store);
	cr_assert_eq(store_open(&options, &s, &err), ST_OK, "%s", err.text);
	text = dump_of(s, "text");
	snprintf(path, sizeof path, "%s.txt", base);
	file = fopen(path, "w");
	cr_assert(file && fputs(text, file) >= 0);
	fclose(file);
	free(text);
	store_close(s);
	remove_all(scene.dir);
}

Test(migration, fixture)
{
	const char *newest = getenv("POSTROOM_MAKE_STORE");
	const char *base = getenv("POSTROOM_DUMP_STORE");

	if (newest)
		make_newest(newest);
	if (base)
		make_text(base);
}
