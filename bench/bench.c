#include "bench/bench.h"

#include "mailboxd/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct bench bench;

static double clock_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

double now_ms(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

double cpu_ms(void)
{
	return clock_of(CLOCK_PROCESS_CPUTIME_ID);
}

void must(enum status st, const char *what)
{
	if (!st)
		return;
	fprintf(stderr, "%s: %s, %s\n", what, status_name(st),
		bench.tx ? store_error(bench.tx)->text : "");
	exit(1);
}

static void make_domain(void)
{
	const struct store_domain d = { .name = SLICE("example.test"),
					.separator = SLICE("+"),
					.catchall = SLICE_EMPTY,
					.postmaster = SLICE_EMPTY };

	must(store_begin(bench.tx, JOB_SYNC_FULL), "begin");
	must(store_domain_add(bench.tx, &d, NULL), "domain");
	must(store_commit(bench.tx), "commit");
}

void bench_open(const char *name, const char *base)
{
	struct store_options options = { .dir = bench.dir };
	struct error error = { 0 };

	snprintf(bench.dir, sizeof bench.dir, "%s/%s-XXXXXX", base ? base : "/var/tmp",
		 name);
	if (!mkdtemp(bench.dir) || prepare_load()) {
		fprintf(stderr, "cannot make %s\n", bench.dir);
		exit(1);
	}
	if (store_open(&options, &bench.store, &error) ||
	    store_connect(bench.store, TX_WRITE, &bench.tx, &error) ||
	    store_connect(bench.store, TX_READ, &bench.read, &error)) {
		fprintf(stderr, "%s\n", error.text);
		exit(1);
	}
	printf("store in %s\n", bench.dir);
	make_domain();
}

void bench_close(void)
{
	store_disconnect(bench.read);
	store_disconnect(bench.tx);
	store_close(bench.store);
	printf("rm -r %s\n", bench.dir);
}

uint64_t bench_account(const char *address, uint64_t *inbox)
{
	struct arena arena = ARENA_INIT(1 << 16);
	struct store_mailbox m;
	struct address a;
	uint64_t id;

	must(address_parse(slice_str(address), 0, &arena, &a), "address");
	must(store_begin(bench.tx, JOB_SYNC_FULL), "begin");
	must(store_account_add(bench.tx, &a, &id), "account");
	must(store_mailbox_find(bench.tx, id, SLICE("INBOX"), &m), "INBOX");
	*inbox = m.id;
	must(store_commit(bench.tx), "commit");
	arena_clear(&arena);
	return id;
}
